"""Takes back what a run has changed that failed, or was killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial

from deploy.installer import changes, commands, history, places, say, services
from deploy.installer.failure import Failure
from deploy.installer.journal import Entry, Journal, remove_unfinished
from deploy.installer.units import units

GUARD = "neuronova-setup-guard"


def take_back(run: Journal) -> bool:
    """Make everything what it was before the run; tell whether all of it could be. It may be called again."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    is_whole = True
    touched = [entry for entry in run.entries.values() if entry.key.startswith("unit:")]
    for entry in touched:
        # Before its file is gone, or somebody else's again.
        if not (entry.facts["is_ours"] and entry.facts["was_active"]):
            is_whole &= _tried(f"stop {_name(entry)}", partial(_stop, entry))
    for entry in list(run.paths()):
        is_whole &= _tried(f"put back {entry.key}", partial(_put_back, run, entry))
    is_whole &= _tried("put back the monitor's history", partial(_put_history_back, run))
    is_whole &= _tried("systemctl daemon-reload", services.reload_units)
    for entry in touched:
        if entry.facts["was_active"]:
            is_whole &= _tried(f"start {_name(entry)}", partial(_start, entry))
    for entry in run.entries.values():
        if entry.key.startswith("user:"):
            is_whole &= _tried(f"remove {entry.key}", partial(changes.remove_user, _name(entry)))
    if is_whole:
        _close(run)
    return is_whole


def _close(run: Journal) -> None:
    """Remove the journal; after a first installation that failed, the other one as well."""
    is_first = bool(run.facts.get("is_first"))
    run.end()
    if is_first:
        _forget(Journal(places.BEFORE))


def tidy() -> None:
    """Remove what a run has left that was killed before its journal was there: it had changed nothing yet."""
    remove_unfinished(places.BEFORE)
    if places.BEFORE.is_dir() and not places.RUN.is_dir():
        remove_unfinished(places.RUN)
        before = Journal(places.BEFORE)
        if before.facts.get("is_unfinished"):
            _forget(before)


def _forget(before: Journal) -> None:
    """Remove the journal of what was there before, where a first installation has come to nothing."""
    is_state_ours = str(places.STATE) in before.entries and before.entries[str(places.STATE)].was.kind == "absent"
    before.end()
    if is_state_ours:
        # It was not there: what the monitor has begun to keep in it is of this run.
        changes.remove_tree(places.STATE)


def _put_back(run: Journal, entry: Entry) -> None:
    note = run.restore(entry, is_exact=True)
    if note:
        say.problem(f"    {note}")


def _put_history_back(run: Journal) -> None:
    for entry in run.entries.values():
        if entry.key.startswith(history.KEY):
            history.put_back(entry)


def _name(entry: Entry) -> str:
    return entry.key.partition(":")[2]


def _stop(entry: Entry) -> None:
    if units([_name(entry)])[_name(entry)].is_there:
        commands.run(["systemctl", "stop", _name(entry)], f"systemctl status {_name(entry)}")
        commands.try_to_run(["systemctl", "reset-failed", _name(entry)])


def _start(entry: Entry) -> None:
    if entry.facts["is_ours"] and _name(entry) != places.DEADMAN_TIMER:
        services.run_release(_name(entry), places.CURRENT.resolve())
    else:
        commands.run(["systemctl", "start", _name(entry)], f"journalctl -u {_name(entry)} -n 50")


def _tried(what: str, work: Callable[[], None]) -> bool:
    """Do one thing; one that fails keeps none of the others from being done."""
    try:
        work()
    except (Failure, OSError) as error:
        say.problem(f"    Could not {what}: {error}")
        return False
    return True


def start_guard(interpreter: str) -> None:
    """Start a process outside of this session that takes everything back if this one is killed: it waits for the lock."""
    stop_guard()
    # Of a name of its own: systemd may for a while take a unit that has just gone for one that is broken.
    commands.run(
        ["systemd-run", "--quiet", "--collect", f"--unit={GUARD}-{os.getpid()}", f"--property=WorkingDirectory={places.TREE}",
         "--setenv=PYTHONDONTWRITEBYTECODE=1", interpreter, "-m", "deploy.installer", "--recover"],
        "systemctl status dbus; journalctl -n 20",
    )  # fmt: skip


def stop_guard() -> None:
    """Stop it: everything is done, or has been taken back."""
    commands.try_to_run(["systemctl", "stop", f"{GUARD}-*.service"])
    commands.try_to_run(["systemctl", "reset-failed", f"{GUARD}-*.service"])
