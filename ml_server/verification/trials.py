"""What came of loading each model in a process of its own, known to all workers: none loads what has not passed there.

But for what is known already: a start takes half as long without.
"""

import fcntl
import hashlib
from pathlib import Path

import msgspec

from ml_server.repository import Entry
from ml_server.verification import apart
from ml_server.verification.apart import Limits, NotTriedError

_VERDICT, _LOCK = ".verdict", ".lock"


class Trials:
    """Tries a model once, whichever worker asks first; what it found stays in a directory that they share.

    It depends on the model's bytes alone, so that a reload tries only what is new, or what failed.
    """

    def __init__(self, directory: Path, limits: Limits) -> None:
        self._directory = directory
        self._limits = limits

    def problem(self, entry: Entry) -> str | None:
        """Return why a model must not be loaded, or None where it may."""
        if entry.card is None or entry.error or entry.is_known:
            return entry.error
        verdict = self._path(entry)
        found = _read(verdict)
        if found is None:
            with verdict.with_suffix(_LOCK).open("wb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                found = _read(verdict)
                if found is None:
                    found = self._try(entry, verdict)
        return found or None

    def _try(self, entry: Entry, verdict: Path) -> str:
        try:
            finding = apart.load(entry, self._limits)
        except NotTriedError:
            return ""  # a machine that cannot start the process is no reason to serve nothing
        found = "" if finding is None else f"{finding.found}; {finding.remedy}"
        self._write(verdict, found)
        return found

    def passed(self, entry: Entry) -> None:
        """Take note that a model was tried elsewhere, and passed."""
        self._write(self._path(entry), "")

    def forget_failures(self) -> None:
        """Have what failed tried again: it may have been the machine."""
        for verdict in self._directory.glob(f"*{_VERDICT}"):
            if _read(verdict):
                verdict.unlink(missing_ok=True)

    def _path(self, entry: Entry) -> Path:
        name = hashlib.sha256(f"{entry.name} {entry.version} {entry.digest}".encode()).hexdigest()
        return self._directory / f"{name}{_VERDICT}"

    def _write(self, verdict: Path, found: str) -> None:
        part = verdict.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(found))
        part.replace(verdict)


def _read(verdict: Path) -> str | None:
    try:
        return msgspec.json.decode(verdict.read_bytes(), type=str)
    except FileNotFoundError:
        return None
