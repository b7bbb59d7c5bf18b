"""The monitor's history: a newer release may bring it into a form that the one before cannot read.

So it is copied before such a release is started, and the copy is put back where the run is taken back. What touches it runs
as the monitor's user, whose directory it is in.
"""

from __future__ import annotations

from pathlib import Path

from deploy.installer import commands, places
from deploy.installer.changes import Changes
from deploy.installer.journal import Entry
from deploy.installer.plan import Plan

KEY = "history:"
_COPY = ".before-upgrade"
_VERSION = "PRAGMA user_version"
_NEEDS = "from monitor_blueprint.storage.sqlite import SCHEMAS; print(len(SCHEMAS))"
_READ = f"import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('{_VERSION}').fetchone()[0])"
_BACK_UP = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]))"
_PUT_BACK = (
    "import os, sys; path = sys.argv[1]\n"
    "for end in ('-wal', '-shm'):\n"
    "    if os.path.lexists(path + end): os.unlink(path + end)\n"
    "os.replace(sys.argv[2], path)"
)
_REMEDY = "The lines above say why; df -h shows whether there is room for a copy of the history."


def keep(changes: Changes, release: Path, plan: Plan) -> None:
    """Copy the history if the release has another form for it; without one there is nothing to keep."""
    path = Path(plan.state_dir) / "monitor.db"
    if not path.is_file():
        return
    version = _read(path)
    if version != _as_user(release / "venv/bin/python", _NEEDS, cwd=release / "code"):
        _as_user("python3", _BACK_UP, str(path), str(path) + _COPY)
        changes.run.note(f"{KEY}{path}", scope="data", version=version)


def put_back(entry: Entry) -> None:
    """Put the copy back if the newer release has begun to write; it stays what it is otherwise."""
    path = Path(entry.key.removeprefix(KEY))
    copy = path.with_name(path.name + _COPY)
    if copy.exists() and _read(path) != entry.facts["version"]:
        commands.run(["systemctl", "stop", places.MONITOR_UNIT], f"systemctl status {places.MONITOR_UNIT}")
        _as_user("python3", _PUT_BACK, str(path), str(copy))
    copy.unlink(missing_ok=True)


def forget(plan: Plan) -> None:
    """Remove the copy: the newer release runs."""
    (Path(plan.state_dir) / f"monitor.db{_COPY}").unlink(missing_ok=True)


def _read(path: Path) -> str:
    return _as_user("python3", _READ, str(path))


def _as_user(python: str | Path, code: str, *arguments: str, cwd: Path = Path("/")) -> str:
    argv: list[str | Path] = [
        "runuser",
        "-u",
        places.MONITOR_USER,
        "--",
        "env",
        "-C",
        cwd,
        "PYTHONDONTWRITEBYTECODE=1",
        python,
        "-c",
        code,
    ]
    return commands.run([*argv, *arguments], _REMEDY).strip()
