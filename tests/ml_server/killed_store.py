"""Kill every change of the store at every step that touches a file, and look at what is left.

A program of its own, with one thread, because it forks: `python -m tests.ml_server.killed_store DIRECTORY`. Prints how many
steps there were for each change.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ml_server.store import Store
from ml_server.verification.verify import verify
from tests.ml_server.small_models import NAME, install, write

# What Python tells of before it does it; all that changes a directory or a file is among them.
_CHANGES = ("open", "os.rename", "os.mkdir", "os.chmod", "os.remove", "os.rmdir", "os.truncate", "shutil.rmtree", "fcntl.flock")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def run_and_kill(work: Callable[[], Any], directory: Path, at: int) -> bool:
    """Do the work in a process that is killed before its step `at`; tell whether it was."""
    pid = os.fork()
    if pid == 0:
        left = at

        def count(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal left
            if event not in _CHANGES or (event == "open" and not (arguments[2] or 0) & _WRITING):
                return
            if event != "fcntl.flock" and not str(arguments[0]).startswith((str(directory), ".")):
                return
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        work()
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    return False


def prepare(directory: Path) -> Store:
    """Three versions, of which the second is due and the first was before."""
    shutil.rmtree(directory, ignore_errors=True)
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        install(directory, version=version)
    store = Store(directory, verify)
    store.activate(NAME, "1.0.0")
    store.activate(NAME, "1.1.0")
    return store


def prepare_fresh(directory: Path) -> Store:
    """One version, which is due although nothing was activated."""
    shutil.rmtree(directory, ignore_errors=True)
    install(directory)
    return Store(directory, verify)


def look(directory: Path, allowed: set[str]) -> None:
    """See that what is due is one of these, and may be served, and that a change can be made."""
    store = Store(directory, verify)
    due = store.due(NAME)
    assert due is not None
    assert due.error is None, due.error
    assert due.version in allowed, due.version
    assert all(entry.error is None for entry in store.entries()), [(entry.version, entry.error) for entry in store.entries()]
    store.activate(NAME, "1.0.0")
    assert not list(directory.glob(".*-*"))


def main(directory: Path) -> None:
    models = directory / "models"
    source = write(directory / "source", version="2.0.0")
    changes: dict[str, tuple[Callable[[Store], Any], set[str]]] = {
        "add": (lambda store: store.add(source), {"1.1.0"}),
        "first-add": (lambda store: store.add(source), {"1.0.0"}),
        "activate": (lambda store: store.activate(NAME, "1.2.0"), {"1.1.0", "1.2.0"}),
        "rollback": (lambda store: store.rollback(NAME), {"1.0.0", "1.1.0"}),
        "remove": (lambda store: store.remove(NAME, "1.0.0"), {"1.1.0"}),
    }
    for name, (change, allowed) in changes.items():
        step = 0
        while True:
            store = prepare_fresh(models) if name == "first-add" else prepare(models)
            was_killed = run_and_kill(lambda store=store, change=change: change(store), models, step)  # type: ignore[misc]
            if name == "remove":
                install(models) if not (models / NAME / "1.0.0").exists() else None
            look(models, allowed)
            if not was_killed:
                break
            step += 1
        sys.stdout.write(f"{name} {step}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
