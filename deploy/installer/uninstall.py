"""Removal: everything is what it was before the first installation; settings, history and logs go only with a purge."""

from __future__ import annotations

import contextlib
import os
import pwd
from pathlib import Path

from deploy.installer import changes, commands, places, say, services
from deploy.installer.journal import Journal, begin
from deploy.installer.units import units

_VERSION_1_DATA = tuple(
    places.SETTINGS / name for name in ("monitor.toml", "monitor.env", "ml_server.env", "nginx_admin_token.conf")
)
_COMMANDS = (*places.COMMANDS, *places.ML_COMMANDS)
_DATA = f"{places.SETTINGS} {places.STATE} {places.LOGS} {places.MODELS} {places.ML_STATE}"
_LEFT_SETTINGS = ("*.new", "neuronova-health-check.old")


def uninstall(*, is_purge: bool) -> None:
    """Remove the programs; `is_purge`: and what they have kept."""
    before = Journal(places.BEFORE)
    if not before.is_there:
        before = begin(places.BEFORE)
    _know_what_is_ours(before)
    say.title("Stop the services")
    ours = [name for name, unit in units(places.OURS).items() if unit.is_ours or _is_our_timer(name)]
    services.stop(reversed(ours))
    say.title(f"Remove the programs: {places.HOME}, the units, the commands {' '.join(_COMMANDS)}, {places.LOGROTATE}")
    notes = _restore(before, is_purge=is_purge)
    services.reload_units()
    _start_foreign(before)
    if is_purge:
        say.title(f"Remove settings, history, models, logs and users: {_DATA}")
        notes += _remove_data(before)
    else:
        say.plain(f"Kept: {_DATA} (--uninstall --purge removes them)")
    for note in notes:
        say.problem(f"    {note}")


def _is_our_timer(name: str) -> bool:
    path = places.UNITS / name
    return name == places.DEADMAN_TIMER and path.is_file() and places.is_ours(path.read_bytes())


def _know_what_is_ours(before: Journal) -> None:
    """Take in what a version that kept no journal has left: before it there was nothing."""
    paths = [
        *(places.UNITS / name for name in places.OURS),
        *(places.BIN / name for name in _COMMANDS),
        *(places.COMPLETIONS / name for name in places.COMMANDS),
        places.LOGROTATE,
    ]
    for path in paths:
        if str(path) not in before.entries and path.is_file() and places.is_ours(path.read_bytes()):
            before.remember(path, is_new=True)
    for path in _VERSION_1_DATA:
        if str(path) not in before.entries and path.is_file():
            before.remember(path, scope="data", is_new=True)
    if changes.has_user(places.MONITOR_USER) and str(places.LOGS) not in before.entries and _is_made_by_us(before, places.LOGS):
        before.remember(places.LOGS, scope="data", is_new=True)
        for name in places.LOG_FILES:
            before.remember(places.LOGS / name, scope="data", how="log", is_new=True)
    if places.CURRENT.is_symlink() and places.CURRENT.resolve().parent == places.RELEASES:
        for path in (places.HOME, places.CURRENT, places.HOME / "switching-from", places.HOME / "current.new"):
            before.remember(path, is_new=True)
        for path in (places.RELEASES, places.SHIPPED):
            before.remember(path, how="tree", is_new=True)


def _restore(before: Journal, *, is_purge: bool) -> list[str]:
    notes = []
    # The directory itself comes last, whichever was written down first.
    for entry in sorted(before.paths(), key=lambda each: each.path == places.HOME):
        if entry.scope == "data":
            if entry.how == "log" and not is_purge:
                before.restore(entry, is_exact=False)
            continue
        note = before.restore(entry, is_exact=True)
        if note:
            notes.append(note)
        else:
            before.forget(entry)
    return notes


def _start_foreign(before: Journal) -> None:
    """Start what had to give way to ours."""
    for entry in [each for each in before.entries.values() if each.key.startswith("unit:")]:
        name = entry.key.partition(":")[2]
        if entry.facts["was_active"]:
            say.line(f"{name}: started again, as it was before")
            commands.run(["systemctl", "start", name], f"journalctl -u {name} -n 50")
        before.forget(entry)


def _remove_data(before: Journal) -> list[str]:
    for unit in places.OURS:
        # What `systemctl edit` has made for a unit that is no more.
        if not units([unit])[unit].is_there:
            changes.remove_tree(places.UNITS / f"{unit}.d")
    _remove_rotated_logs()
    for pattern in _LEFT_SETTINGS:
        for path in places.SETTINGS.glob(pattern):
            path.unlink()
    is_state_ours = _is_made_by_us(before, places.STATE)
    users = [entry.key.partition(":")[2] for entry in before.entries.values() if entry.key.startswith("user:")]
    users += [name for name in (places.MONITOR_USER, places.ML_USER) if changes.is_our_user(name) and name not in users]
    data = [entry for entry in before.paths() if entry.scope == "data" and entry.path != places.STATE]
    notes = [note for note in (before.restore(entry, is_exact=True) for entry in data) if note]
    notes += _nginx_notes()
    # The monitor's own directory goes with all in it, the journal included, and last.
    if is_state_ours:
        changes.remove_tree(places.STATE)
    elif not notes:
        before.end()
    for name in users:
        changes.remove_user(name)
    for path in (places.SETTINGS, places.LOGS, places.LOCK.parent):
        with contextlib.suppress(OSError):
            if _is_made_by_us(before, path):
                path.rmdir()
    return notes


def _is_made_by_us(before: Journal, path: Path) -> bool:
    """Tell whether a directory was not there before us; of a version without a journal: it belongs to our user, or is empty."""
    entry = before.entries.get(str(path))
    if entry is not None:
        return entry.was.kind == "absent"
    return path.is_dir() and (path.stat().st_uid == _uid(places.MONITOR_USER) or not any(path.iterdir()))


def _remove_rotated_logs() -> None:
    """Remove what logrotate has made of our logs; what others have written has another owner."""
    ours = _uid(places.MONITOR_USER)
    for name in places.LOG_FILES:
        for path in places.LOGS.glob(f"{name}.*"):
            if path.lstat().st_uid == ours:
                path.unlink()


def _uid(user: str) -> int:
    return pwd.getpwnam(user).pw_uid if changes.has_user(user) else -1


def _nginx_notes() -> list[str]:
    """Nginx goes on with what it has read, but would not start again."""
    token = str(places.SETTINGS / "nginx_admin_token.conf").encode()
    found = []
    for above, _folders, names in os.walk("/etc/nginx"):
        for name in names:
            path = Path(above) / name
            with contextlib.suppress(OSError):
                if token in path.read_bytes():
                    found.append(f"{path} includes {token.decode()}, which is gone: take that out, or Nginx will not start again")
    return found


def preview(*, is_purge: bool) -> None:
    """Show what an uninstallation would put back."""
    for entry in Journal(places.BEFORE).entries.values():
        if is_purge or entry.scope == "program":
            say.line(f"{entry.key}: {'removed' if entry.was.kind == 'absent' else 'as before'}")
