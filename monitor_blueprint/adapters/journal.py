"""systemd's journal as `journalctl -o json` prints it: what journald itself says of who wrote a line, and what they wrote.

Fields whose name begins with "_" journald has found out by itself; whatever else is in an entry any program may write.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from monitor_blueprint.adapters import command

# Of what is printed only these are wanted; journalctl adds the moment by itself.
_FIELDS = (
    *("MESSAGE", "MESSAGE_ID", "SYSLOG_IDENTIFIER", "UNIT", "UNIT_RESULT", "JOB_RESULT", "EXIT_CODE", "EXIT_STATUS"),
    *("N_RESTARTS", "_PID", "_TRANSPORT", "_HOSTNAME", "_SYSTEMD_UNIT"),
)
_MAX_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: when it was written, and its fields as text."""

    at: datetime
    fields: Mapping[str, str]

    @property
    def message(self) -> str:
        """Return what was written."""
        return self.fields.get("MESSAGE", "")

    @property
    def is_systemds(self) -> bool:
        """Tell whether systemd itself wrote it: process 1."""
        return self.fields.get("_PID") == "1" and self.fields.get("_TRANSPORT") != "kernel"

    @property
    def is_kernels(self) -> bool:
        """Tell whether it came out of the kernel's buffer."""
        return self.fields.get("_TRANSPORT") == "kernel"


def read(matches: Sequence[str], deadline: float) -> list[Entry]:
    """Return the entries that fit journalctl's options, oldest first; raises ProbeError."""
    argv = ["journalctl", "-o", "json", "--no-pager", "-q", f"--output-fields={','.join(_FIELDS)}", *matches]
    # Not `splitlines`: what is written may have others of its line ends in it.
    lines = command.run(argv, deadline, max_bytes=_MAX_BYTES).text.split("\n")
    return [entry for entry in map(_entry, lines) if entry is not None]


def text_of(value: object) -> str:
    """Return the value of a field: bytes that are no UTF-8 come as numbers, what is too long as null, several in a list."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return ""
    if all(isinstance(part, int) for part in value):
        return bytes(part for part in value if 0 <= part < 256).decode("utf-8", "replace")
    return " ".join(map(text_of, value))


def _entry(line: str) -> Entry | None:
    """Return the entry; None for a line that was cut off."""
    try:
        fields: dict[str, Any] = json.loads(line)
        at = datetime.fromtimestamp(int(fields["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        return None
    return Entry(at, {name: text_of(fields[name]) for name in _FIELDS if name in fields})
