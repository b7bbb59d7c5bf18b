"""A form that was filled in for another version of the model: what of it still holds."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ml_server.packing.refusal import PackingError
from ml_server.suggestions import did_you_mean
from ml_server.verification.findings import Finding, listed

Tables = Mapping[str, Mapping[str, Any]]


class Kept(NamedTuple):
    """What the form says of the inputs (or targets) that the model has, and what was left out of it, in sentences."""

    tables: dict[str, dict[str, Any]]
    notes: tuple[str, ...]


def keep(tables: Tables, known: Sequence[str], *, part: str, form: str) -> Kept:
    """Return the tables of the form for what the model has.

    A name that differs in case and underscores alone is the same one. Tables in which nothing was written are passed over.

    Raises:
        PackingError: a name that the model does not have is so near to one of which the form says nothing that it must be
            that one, misspelt.
    """
    kept = {name: dict(table) for name, table in tables.items() if name in known}
    notes, findings = [], []
    for name, table in tables.items():
        if name in known or not any(_is_filled(value) for value in table.values()):
            continue
        silent = [other for other in known if other not in kept]
        same = [other for other in silent if _letters(other) == _letters(name)]
        hint = did_you_mean(name, silent, at_most=1, cutoff=0.75)
        if same:
            kept[same[0]] = dict(table)
            notes.append(f"{form} describes {part}.{name}: taken for {same[0]}")
        elif hint:
            found, wanted = "the model has none of that name", f"one of {listed(known, 10)}"
            findings.append(Finding(f"{form}: {part}.{name}", found, wanted, f"correct it, or remove its table{hint}"))
        else:
            notes.append(f"{form} still describes {part}.{name}, which the model does not have: left out")
    if findings:
        raise PackingError(findings)
    return Kept(kept, tuple(notes))


def _is_filled(value: object) -> bool:
    return value not in ("", [], {})


def _letters(name: str) -> str:
    return name.lower().replace("_", "")
