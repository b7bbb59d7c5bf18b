"""Writing what was packed, and telling the person what it is and what is left to do."""

from dataclasses import dataclass
from pathlib import Path

from ml_server.packing.assembly import Packed
from ml_server.packing.form import begun, completed, write_form
from ml_server.packing.refusal import PackingError

_SHOWN = 12


@dataclass(frozen=True)
class Saved:
    """What was packed, where it was written, and the form that asks for the rest."""

    packed: Packed
    directory: Path
    form: Path

    def __str__(self) -> str:
        """Return it in lines for a person."""
        left = self.packed.open_fields
        lines = [*(f"- {note}" for note in self.packed.notes), "", f"Written: {self.directory / 'model.json'}"]
        if not left:
            return "\n".join([*lines, f"Nothing is left open. Next: neuronova-model verify {self.directory}"])
        lines += [f"{len(left)} fields only a person can fill:", *(f"  {field}" for field in left[:_SHOWN])]
        lines += [f"  and {len(left) - _SHOWN} more"] if len(left) > _SHOWN else []
        return "\n".join([*lines, f"Fill in {self.form}, and give the same command again."])

    def __repr__(self) -> str:
        """Return the same, as a notebook shows it."""
        return str(self)


def begin_form(refusal: PackingError, form: Path) -> bool:
    """Write the beginning of a form where a refusal asks to say something in it and there is none; tell whether it did."""
    if form.exists() or not refusal.inputs or not any("in the form" in finding.remedy for finding in refusal.findings):
        return False
    form.parent.mkdir(parents=True, exist_ok=True)
    form.write_text(begun(refusal.inputs), encoding="utf-8")
    return True


def save(packed: Packed, out: Path, form: Path) -> Saved:
    """Write card and model to `<out>/<name>/<version>/`, and the form if something is open that it does not ask yet."""
    directory = packed.write(out)
    if packed.open_fields:
        form.parent.mkdir(parents=True, exist_ok=True)
        text = completed(form.read_text("utf-8"), packed.card, packed.headers) if form.exists() else None
        form.write_text(text or write_form(packed.card, packed.headers), encoding="utf-8")
    return Saved(packed, directory, form)
