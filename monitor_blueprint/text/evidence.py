"""What the journal proves, in sentences of our own: what systemd and the kernel say of the units that are watched.

Who wrote an entry its trusted fields say. What stands in it is put together anew, from numbers and from words of lists of
ours: systemd repeats a unit's description and what a service calls its state, and the kernel the name that a process has
given itself.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from monitor_blueprint.domain.text import NOTHING, Public, fill, joined, moment, word
from monitor_blueprint.domain.vocabulary import EXCEPTIONS, EXIT_CODES, PROGRAMS, RESULTS
from monitor_blueprint.text import ko

_EXCEPTION = re.compile(r"\b[A-Z][A-Za-z]+\b")
# The last of each: the process's name, which stands before, may look like them.
_KILLED = re.compile(r".*Killed process (?P<pid>\d{1,10}) \((?P<name>.*)\)(?:,? .*?anon-rss:(?P<kb>\d{1,15})kB)?", re.DOTALL)
_OF_UNIT = re.compile(r".*oom-kill:.*?task_memcg=(?P<path>[^,]*),task=.*,pid=(?P<pid>\d+),uid=\d+$", re.DOTALL)
# systemd's own sentences, as `journalctl` shows them, by their MESSAGE_ID (`journalctl --dump-catalog`); and some that have
# no number.
_SENTENCES = {
    "98e322203f7a4ed290d09fe03c09fe15": "Main process exited, code={code}, status={status}",
    "d9b373ed55a64feb8242e02dbe79a49c": "Failed with result '{result}'.",
    "be02cf6855d2428ba40df7e9d022f03d": "Failed to start ({result}).",
    "5eb03494b6584870a536b337290809b3": "Scheduled restart job, restart counter is at {restarts}.",
    "fe6faa94e7774663a0da52717891d8ef": "A process of this unit has been killed by the OOM killer.",
    "7d4958e842da4a758f6c1cdc7b36dcc5": "Starting.",
    "39f53479d3a045ac8e11786248231fbf": "Started.",
    "de5b426a63be47a7b6ac3eaac82e2f6f": "Stopping.",
    "9d1aaa27d60140bd96365438aad20286": "Stopped.",
    "7ad2d189f7e94e70a38c781354912448": "Deactivated successfully.",
}
_WORDS = (
    "Start request repeated too quickly.",
    "Watchdog timeout!",
    "start operation timed out. Terminating.",
    "stop-sigterm timed out. Killing.",
    "State 'stop-sigterm' timed out. Killing.",
    "State 'final-sigterm' timed out. Killing.",
    "State 'stop-watchdog' timed out. Killing.",
    "A process of this unit has been killed by the OOM killer.",
    "Stopping timed out. Terminating.",
    "Processes still around after SIGKILL. Ignoring.",
    "Processes still around after final SIGKILL. Entering failed mode.",
)
# systemd.exec(5), "Process Exit Codes": those that are met when a service cannot be started.
_EXIT_NAMES = {
    1: "FAILURE",
    2: "INVALIDARGUMENT",
    4: "NOPERMISSION",
    5: "NOTINSTALLED",
    6: "NOTCONFIGURED",
    200: "CHDIR",
    203: "EXEC",
    216: "GROUP",
    217: "USER",
    218: "CAPABILITIES",
    226: "NAMESPACE",
    238: "STATE_DIRECTORY",
    240: "LOGS_DIRECTORY",
    243: "CREDENTIALS",
}


def of_systemd(at: datetime, fields: Mapping[str, str], units: Collection[str]) -> Public | None:
    """Return what an entry that systemd itself has written says of one of the units, by their full names."""
    unit = word(fields.get("UNIT", ""), units)
    said = _sentence(fields) if unit is not None else None
    return None if unit is None or said is None else fill(ko.SYSTEMD_LINE, at=_time(at), unit=unit, said=said)


def of_kernel(entries: Sequence[tuple[datetime, str]], units: Collection[str]) -> list[Public]:
    """Return what the kernel's own entries (moment and message) say of processes that it killed for want of memory."""
    lines = []
    of_process: dict[str, Public | None] = {}
    for at, message in entries:
        if found := _OF_UNIT.fullmatch(message):
            of_process[found["pid"]] = word(found["path"].rpartition("/")[2], units)
        if killed := _KILLED.match(message):
            who = [
                *([name] if (name := word(killed["name"], PROGRAMS)) is not None else []),
                fill("PID {pid}", pid=int(killed["pid"])),
                *([unit] if (unit := of_process.get(killed["pid"])) is not None else []),
                *([fill("{mb} MB", mb=int(killed["kb"]) // 1024)] if killed["kb"] else []),
            ]
            lines.append(fill(ko.KERNEL_LINE, at=_time(at), who=joined(", ", who)))
    return lines


def exceptions(messages: Collection[str]) -> Public:
    """Return which exceptions the messages name, of those that are known to be some; nothing where there is none."""
    names = dict.fromkeys(name for message in messages for name in _EXCEPTION.findall(message))
    known = [known for name in names if (known := word(name, EXCEPTIONS)) is not None]
    return fill(ko.EXCEPTIONS, names=joined(", ", known)) if known else NOTHING


def _sentence(fields: Mapping[str, str]) -> Public | None:
    template = _SENTENCES.get(fields.get("MESSAGE_ID", ""))
    if template is None:
        # These have no number of their own.
        _, _, rest = fields.get("MESSAGE", "").partition(": ")
        return word(rest, _WORDS)
    code = word(fields.get("EXIT_CODE", ""), EXIT_CODES)
    return fill(
        template,
        code=code or _OTHER,
        status=_exit_status(code, fields.get("EXIT_STATUS", "")),
        result=word(fields.get("UNIT_RESULT", "") or fields.get("JOB_RESULT", ""), RESULTS) or _OTHER,
        restarts=_number(fields.get("N_RESTARTS", "")),
    )


def _exit_status(code: Public | None, text: str) -> Public:
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        return _OTHER
    number = int(text)
    if code == "exited":
        name = _EXIT_NAMES.get(number, "")
    else:
        name = next((each.name.removeprefix("SIG") for each in signal.Signals if each == number), "")
    return fill("{number}/{name}", number=number, name=fill(name)) if name else fill("{number}", number=number)


def _number(text: str) -> Public:
    return fill("{number}", number=int(text)) if text.isascii() and text.isdigit() and len(text) <= 6 else _OTHER


def _time(at: datetime) -> Public:
    return moment(at.astimezone(), "%m-%d %H:%M:%S")


_OTHER = fill("?")
