"""What was written to a log file since the last look, through rotation and truncation."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from monitor_blueprint.adapters.shortage import raise_if_short
from monitor_blueprint.domain.models import ProbeError
from monitor_blueprint.domain.text import configured, fill
from monitor_blueprint.faults import reason_of

MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Tail:
    """New lines, and the position to go on from.

    Attributes:
        lines: whole lines, oldest first.
        position: which file and how far; give it back the next time.
        is_cut: there was more than `max_bytes`; only the newest was read.
    """

    lines: list[str]
    position: Mapping[str, Any]
    is_cut: bool = False


def read_new(path: Path, position: Mapping[str, Any] | None, max_bytes: int = MAX_BYTES) -> Tail:
    """Return what is new in the file since `position`; without one, begin at the end.

    A file that was renamed by the rotation is read to its end first; one that became shorter (`copytruncate`) is read
    from its start. Raises ProbeError when it cannot be read.
    """
    try:
        with path.open("rb") as file:
            identity, size = _identity(file)
            if position is None:
                return Tail([], {"file": identity, "offset": size})
            old: list[str] = []
            offset = int(position["offset"])
            if position["file"] != identity:
                old, offset = _rest_of_rotated(path, position, max_bytes), 0
            elif size < offset:
                offset = 0
            lines, offset, is_cut = _lines(file, offset, size, max_bytes)
            return Tail(old + lines, {"file": identity, "offset": offset}, is_cut)
    except OSError as error:
        raise_if_short(error)
        raise ProbeError(fill("{path}: {reason}", path=configured(path), reason=reason_of(error))) from error


def read_end(path: Path, max_bytes: int) -> list[str]:
    """Return the last whole lines of the file; raises OSError."""
    with path.open("rb") as file:
        _, size = _identity(file)
        return _lines(file, 0, size, max_bytes)[0]


def _rest_of_rotated(path: Path, position: Mapping[str, Any], max_bytes: int) -> list[str]:
    # "access.log.1", or "access.log-20251206" with `dateext`: found by its inode, not by its name.
    for rotated in sorted(path.parent.glob(f"{path.name}[.-]*")):
        try:
            with rotated.open("rb") as file:
                identity, size = _identity(file)
                if identity == position["file"] and size >= position["offset"]:
                    return _lines(file, int(position["offset"]), size, max_bytes)[0]
        except OSError as error:
            raise_if_short(error)
            # Removed or compressed in this moment.
            continue
    return []


def _identity(file: BinaryIO) -> tuple[str, int]:
    found = os.fstat(file.fileno())
    return f"{found.st_dev}:{found.st_ino}", found.st_size


def _lines(file: BinaryIO, offset: int, size: int, max_bytes: int) -> tuple[list[str], int, bool]:
    begin = max(offset, size - max_bytes)
    is_cut = begin > offset
    # One byte earlier, to see whether a line begins here.
    file.seek(begin - 1 if is_cut else begin)
    data = file.read(size - file.tell())
    if is_cut:
        data = data[data.find(b"\n") + 1 :] if b"\n" in data else b""
    # A line without its end is still being written; it is read the next time.
    whole, newline, rest = data.rpartition(b"\n")
    lines = whole.decode("utf-8", "replace").split("\n") if newline else []
    return lines, size - len(rest if newline else data), is_cut
