"""Commands about the installed versions: `add`, `list`, `show`, `activate`, `rollback`, `remove`, `status`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import click
import msgspec

from ml_server import audit
from ml_server.card import Card
from ml_server.cli import judged
from ml_server.cli.checking import tell
from ml_server.cli.places import ModelName, VersionNumber, check_directory, settings, store
from ml_server.cli.served import served
from ml_server.reporting import figure
from ml_server.repository import Entry
from ml_server.store import RefusedModelError, Store, StoreError
from ml_server.verification.findings import Finding

_Done = tuple[Entry, list[Finding]]
_SHORT = 12
_EVEN = 0.5
_LINES = 10
_UNIT = "gunicorn_flask"
_UNIT_FOLDERS = (Path("/etc/systemd/system"), Path("/usr/local/lib/systemd/system"), Path("/usr/lib/systemd/system"))


@click.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
def add(directory: Path) -> None:
    """Verify what is in DIRECTORY (a model.json and its file) and copy it to the installed models.

    What is served goes on being served until another version is activated; the first version of a name is due at once.
    """
    check_directory(directory)
    known = store(is_changed=True)
    entry, findings = _told_if_refused(lambda: known.add(directory))
    tell(findings)
    click.echo(f"added {_named(entry)}")
    due = known.due(entry.name)
    if due is not None and due.version == entry.version:
        click.echo(f"It is due ({_why(known, entry.name)}). {_next()}")
        return
    still = f": {due.version} is" if due is not None else ""
    click.echo(f"It is not due yet{still}. To have it serve: neuronova-model activate {entry.name} {entry.version}")


@click.command("list")
def list_versions() -> None:
    """List the installed versions, oldest first, with `*` before the ones that are due."""
    known = store()
    for entry in known.entries():
        due = known.due(entry.name)
        mark = "*" if due is not None and due.version == entry.version else " "
        click.echo(f"{mark} {_named(entry)}{f'  {entry.error}' if entry.error else ''}")


@click.command()
@click.argument("name", type=ModelName())
@click.argument("version", required=False, type=VersionNumber())
def show(name: str, version: str | None) -> None:
    """Show the card of NAME: of its VERSION, or of the one that is due."""
    known = store()
    entry = known.entry(name, version or "")
    click.echo(_named(entry))
    if entry.error:
        click.echo(f"cannot be served: {entry.error}")
    if entry.card is not None:
        for line in _good(entry.card):
            click.echo(line)
        click.echo(msgspec.json.format(msgspec.json.encode(entry.card), indent=2).decode())


def _good(card: Card) -> Iterator[str]:
    """Yield how good the answers are, in short: the card has it all."""
    if card.research_only:
        yield "for research only"
    for each in card.patterns:
        count = len(each.missing) if each.at_most is None else each.at_most
        told = f"up to {count} of {len(each.missing)} inputs missing" if each.missing else "nothing missing"
        figures = [f"{name} {figure(score)}" for name, score in each.scores.items()]
        figures += [f"sensitivity {figure(at.sensitivity)} at {at.at:g}" for at in each.thresholds if at.at == _EVEN]
        yield f"{told}{f' ({each.submodel})' if each.submodel else ''}: {', '.join(figures)}"
    for group in card.subgroups:
        yield f"{group.name} {group.value} ({group.rows}): {', '.join(f'{name} {figure(s)}' for name, s in group.scores.items())}"
    near = card.applicability
    if near is not None:
        yield f"distance over {len(near.inputs)} inputs: unusual beyond {near.unusual:.3g}, refused beyond {near.refused:.3g}"


@click.command()
@click.argument("name", type=ModelName())
@click.argument("version", type=VersionNumber())
def activate(name: str, version: str) -> None:
    """Verify VERSION of NAME and make it the one that is due."""
    known = store(is_changed=True)
    entry, findings = _told_if_refused(lambda: known.activate(name, version))
    tell(findings)
    click.echo(f"activated {_named(entry)}\n{_next()}")


@click.command()
@click.argument("name", type=ModelName())
def rollback(name: str) -> None:
    """Make the version of NAME due again that was due before."""
    known = store(is_changed=True)
    entry, findings = _told_if_refused(lambda: known.rollback(name))
    tell(findings)
    click.echo(f"rolled back to {_named(entry)}\n{_next()}")


@click.command()
@click.argument("name", type=ModelName())
@click.argument("version", type=VersionNumber())
def remove(name: str, version: str) -> None:
    """Remove VERSION of NAME, which must not be the one that is due."""
    entry = store(is_changed=True).remove(name, version)
    click.echo(f"removed {_named(entry)}")


@click.command()
def status() -> None:
    """Say which version of each model is due and why, how good it was of late, and who changed what last."""
    known = store()
    click.echo(f"models: {known.model_dir}")
    names = list(dict.fromkeys(entry.name for entry in known.entries()))
    for name in names:
        _tell_status(known, name)
    default = settings().model
    if default not in names:
        click.echo(
            f"{default}, the default: NOT INSTALLED; add it, or set ML_MODEL to one that is ({', '.join(names) or 'none'})"
        )
    _tell_served(known)
    for line in judged.lines(settings()):
        click.echo(line)
    log = known.model_dir / audit.FILE
    if log.is_file():
        click.echo("last changes:")
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LINES:]:
            click.echo(f"  {line}")


def _tell_status(known: Store, name: str) -> None:
    settled = settings()
    history = known.history(name)
    due = known.due(name)
    why = _why(known, name)
    default = ", the default" if settled.model == name else ""
    if due is None:
        remedy = "add it, or take ML_MODEL_VERSION out of the settings"
        click.echo(f"{name}{default}: {settled.model_version} is due, and NOT INSTALLED ({why}): {remedy}")
    else:
        click.echo(f"{_named(due)}{default}: due ({why}){f'; CANNOT BE SERVED: {due.error}' if due.error else ''}")
    for place, pin in enumerate(history[1:]):
        back = "" if place else f"  (to go back to it: neuronova-model rollback {name})"
        click.echo(f"    before: {pin.version} {pin.digest[:_SHORT]}{back}")


def _why(known: Store, name: str) -> str:
    """Return why the version that is due is."""
    settled = settings()
    if settled.model == name and settled.model_version is not None:
        return "ML_MODEL_VERSION pins it"
    return "activated" if known.history(name) else "the newest; none is activated"


def _tell_served(known: Store) -> None:
    """Say what the running server serves as the default, and what keeps it from what is due."""
    settled = settings()
    found = served(settled)
    if isinstance(found, str):
        click.echo(f"the server: {found}")
        return
    now = next((each for each in found if each.is_default), None)
    due = known.due(settled.model)
    click.echo(f"the server serves {f'{now.name} {now.version} {now.digest[:_SHORT]}' if now else 'no default model'}")
    for each in found:
        is_told = due is not None and bool(due.error) and (each.name, each.version) == (due.name, due.version)
        if (each.error or each.warning) and not is_told:
            click.echo(f"    {each.name} {each.version}: {each.error or each.warning}")
    if due is not None and now is not None and (now.version, now.digest) != (due.version, due.digest):
        _tell_due(known, due, now.version)


def _tell_due(known: Store, due: Entry, served_version: str) -> None:
    """Say how what is due comes to be served; of what cannot be served, what to do instead."""
    named = f"{due.version} {due.digest[:_SHORT]}"
    if not due.error:
        click.echo(f"    due is {named}. {_next()}")
        return
    click.echo(f"    due is {named}, which cannot be served (see above): until that is mended, a reload is refused.")
    others = [entry for entry in known.entries() if (entry.name, entry.version) == (due.name, served_version)]
    if settings().model_version is not None:
        click.echo("    To go on with another version: set ML_MODEL_VERSION, then reload the server.")
    elif others and not others[0].error:
        click.echo(f"    To go on with {served_version}: sudo neuronova-model activate {due.name} {served_version}")
    click.echo("    To replace it: sudo neuronova-model add DIRECTORY, under a new version number, and activate that.")


def _next() -> str:
    """Return how a server takes a change over: by its unit, where one is installed here."""
    if any((folder / f"{_UNIT}.service").exists() for folder in _UNIT_FOLDERS):
        return f"The server takes it over with: sudo systemctl reload {_UNIT} (or POST /api/reload_model)"
    return "A server takes it over when it is started, or with: POST /api/reload_model"


def _told_if_refused(work: Callable[[], _Done]) -> _Done:
    try:
        return work()
    except RefusedModelError as error:
        tell(error.findings)
        raise StoreError(f"{error.what} is refused: nothing was changed") from error


def _named(entry: Entry) -> str:
    return f"{entry.name} {entry.version} {entry.digest[:_SHORT] or '-'}"


COMMANDS = (add, list_versions, show, activate, rollback, remove, status)
