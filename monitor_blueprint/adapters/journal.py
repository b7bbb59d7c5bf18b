"""systemd's journal as `journalctl -o json` prints it: what journald itself says of who wrote a line, and what they wrote.

Fields whose name begins with "_" journald has found out by itself; whatever else is in an entry any program may write.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monitor_blueprint.adapters import command
from monitor_blueprint.domain.models import ProbeError
from monitor_blueprint.domain.text import fill, private

# Of what is printed only these are wanted; journalctl adds the moment by itself.
_FIELDS = (
    *("MESSAGE", "MESSAGE_ID", "SYSLOG_IDENTIFIER", "UNIT", "UNIT_RESULT", "JOB_RESULT", "EXIT_CODE", "EXIT_STATUS"),
    *("N_RESTARTS", "COMMAND", "INVOCATION_ID", "_PID", "_TRANSPORT", "_HOSTNAME", "_SYSTEMD_UNIT", "_SYSTEMD_INVOCATION_ID"),
)
# What systemd says of a unit, by the number of the sentence (`journalctl --dump-catalog`): a process of it has ended; it will be
# restarted, and what begins then goes on with what was.
EXITED = "98e322203f7a4ed290d09fe03c09fe15"
WILL_RESTART = "5eb03494b6584870a536b337290809b3"
_MAX_BYTES = 4 * 1024 * 1024
# What journalctl says where it may not be read; that there is none it does not say.
_NOT_ALLOWED = ("not seeing messages", "insufficient permissions")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: when it was written, its fields as text, and its place in the journal."""

    at: datetime
    fields: Mapping[str, str]
    cursor: str = ""

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

    @property
    def invocation(self) -> str:
        """Return which run of the unit it belongs to; systemd says of which run it speaks, journald in which a program is."""
        return self.fields.get("INVOCATION_ID" if self.is_systemds else "_SYSTEMD_INVOCATION_ID", "")


def has_files(directory: str = "") -> bool:
    """Tell whether there is any journal: in the directory, or of this machine."""
    places = [directory] if directory else ["/run/log/journal", "/var/log/journal"]
    return any(next(Path(place).rglob("*.journal"), None) for place in places)


def read(matches: Sequence[str], deadline: float, *, directory: str = "") -> list[Entry]:
    """Return the entries that fit journalctl's options, oldest first, and of very many the newest; raises ProbeError.

    There is an error, too, where there is no journal, or none that may be read: nothing found is not nothing there.
    """
    # The newest first: what is too much is left out at the end. `--all`: else a field of more than 4 kB is left out.
    argv = ["journalctl", "-o", "json", "--no-pager", "--all", "--reverse", f"--output-fields={','.join(_FIELDS)}", *matches]
    if directory:
        argv.append(f"--directory={directory}")
    output = command.run(argv, deadline, max_bytes=_MAX_BYTES)
    if any(words in output.errors for words in _NOT_ALLOWED):
        raise ProbeError(fill("the journal may not be read"), private(output.errors))
    if (output.code and not output.is_cut) or (not output.text and not has_files(directory)):
        raise ProbeError(fill("there is no journal"), private(output.errors))
    # Not `splitlines`: what is written may have others of its line ends in it.
    entries = [entry for entry in map(_entry, output.text.split("\n")) if entry is not None]
    return entries[::-1]


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
    return Entry(at, {name: text_of(fields[name]) for name in _FIELDS if name in fields}, str(fields.get("__CURSOR", "")))
