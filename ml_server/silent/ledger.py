"""What one worker has counted, in a file that it has in its memory: a worker that is killed leaves what it has counted there.

Its neighbours read it while it counts. A lock on the file tells whether its worker lives.
"""

import fcntl
import mmap
import os
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import msgspec

from ml_server.card import Card

SKIPPED = ("busy", "away", "large")
_FIELDS = ("seen", *SKIPPED)
_HEAD_BYTES = 64
_NAME = "silent-{}-{}.ledger"


class Counted(NamedTuple):
    """Rows of the version that is served: all that were answered, and of these what was not handed on, by the reason."""

    seen: int
    busy: int
    away: int
    large: int

    @property
    def sent(self) -> int:
        """Return how many were handed on, or were about to be."""
        return self.seen - self.busy - self.away - self.large


class About(msgspec.Struct, frozen=True):
    """What a ledger is about: the version that is served. `card` is as its answers are to be read."""

    version: str
    digest: str
    card: Card


_ABOUT = msgspec.json.Decoder(About)


class Ledger:
    """The counts of one worker in one trial; whoever counts has to see to it that nobody else does at the same time."""

    def __init__(self, directory: Path, trial: str, about: About) -> None:
        """Begin a new one.

        Raises:
            OSError: the file cannot be made.
        """
        self.token = secrets.token_hex(8)
        self._path = path_of(directory, trial, self.token)
        part = self._path.with_suffix(".part")
        self._handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.write(self._handle, bytes(_HEAD_BYTES) + msgspec.json.encode(about))
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        part.rename(self._path)
        self._memory = mmap.mmap(self._handle, _HEAD_BYTES)
        self._cells = memoryview(self._memory).cast("Q")

    def see(self, rows: int) -> None:
        """Count rows that are answered; it is done before they are handed on, so that none is without being seen."""
        self._cells[0] += rows

    def skip(self, reason: str, rows: int) -> None:
        """Count rows that are not handed on."""
        self._cells[_FIELDS.index(reason)] += rows

    @property
    def counted(self) -> Counted:
        """Return what has been counted so far."""
        return Counted(*self._cells[: len(_FIELDS)])

    def close(self) -> None:
        """End it: it stays for whoever adds it up."""
        fcntl.flock(self._handle, fcntl.LOCK_UN)  # by itself: the memory keeps the file open
        os.close(self._handle)


def path_of(directory: Path, trial: str, token: str) -> Path:
    """Return where a ledger is."""
    return directory / _NAME.format(trial, token)


def tokens(directory: Path, trial: str) -> set[str]:
    """Return which ledgers there are of a trial."""
    begin, end = _NAME.format(trial, "*").split("*")
    return {path.name[len(begin) : -len(end)] for path in directory.glob(f"{begin}*{end}")}


def clear(directory: Path, trials: Collection[str]) -> None:
    """Delete the ledgers of all trials but these."""
    for path in directory.glob(_NAME.format("*", "*")):
        if path.name.split("-")[1] not in trials:
            path.unlink(missing_ok=True)


def read(directory: Path, trial: str, token: str) -> tuple[Counted, About, bool] | None:
    """Return what a ledger has, what it is about, and whether its worker lives; None where it is gone."""
    try:
        handle = os.open(path_of(directory, trial, token), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        is_alive = _is_locked(handle)  # first: what a dead one has counted does not change any more
        content = os.pread(handle, os.fstat(handle).st_size, 0)
    finally:
        os.close(handle)
    cells = memoryview(content[:_HEAD_BYTES]).cast("Q")
    return Counted(*cells[: len(_FIELDS)]), _ABOUT.decode(content[_HEAD_BYTES:]), is_alive


def _is_locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
