"""What the journal proves, in sentences of our own: what systemd and the kernel say of the units that are watched.

Who wrote an entry its trusted fields say. What stands in it is put together anew, from numbers and from words of lists of
ours: systemd repeats a unit's description and what a service calls its state, and the kernel the name that a process has
given itself.
"""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from monitor_blueprint.domain.language import retold
from monitor_blueprint.domain.text import NOTHING, Public, configured, fill, joined, moment, word
from monitor_blueprint.domain.tracebacks import Raised
from monitor_blueprint.domain.unit_runs import MAIN, Ending
from monitor_blueprint.domain.vocabulary import EXCEPTIONS, EXIT_CODES, PROCESSES, PROGRAMS, RESULTS, UNIT_COMMANDS
from monitor_blueprint.text import ko_evidence as ko
from monitor_blueprint.text.endings import exit_status

# Go and Rust say "panic: " and "panicked at".
_EXCEPTION = re.compile(r"\b[A-Z][A-Za-z0-9]+\b|^panic(?=: )|\bpanicked(?= at )")
# The last of each: the process's name, which stands before, may look like them.
_KILLED = re.compile(r".*Killed process (?P<pid>\d{1,10}) \((?P<name>.*)\)(?:,? .*?anon-rss:(?P<kb>\d{1,15})kB)?", re.DOTALL)
_OF_UNIT = re.compile(r".*oom-kill:.*?task_memcg=(?P<path>[^,]*),task=.*,pid=(?P<pid>\d+),uid=\d+$", re.DOTALL)
# What a file of a program's code is called.
_CODE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}\.py")
_EXITED = "98e322203f7a4ed290d09fe03c09fe15"
# systemd's own sentences, as `journalctl` shows them, by their MESSAGE_ID (`journalctl --dump-catalog`); and some that have
# no number.
_SENTENCES = {
    _EXITED: "{process} exited, code={code}, status={status}",
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
    "Failed to load environment files: No such file or directory",
    "Failed to load environment files: Permission denied",
)
_SYSTEMDS = re.compile(r"\bsystemd(?:\[\d+\])?$")
_ERROR = re.compile(r"\b(?:emerg|alert|crit|critical|fatal|panic|error)\b", re.IGNORECASE)
_HARMLESS = re.compile(r"\b(?:DEBUG|INFO|NOTICE|debug|info|notice)\b")
# What gunicorn and Nginx say last, of what they have said before.
_FOLLOWS = re.compile(
    r"Worker \(pid:\s?\d+\) (?:exited|was sent)|Shutting down: Master|Reason: Worker failed|still could not bind"
)
# In these pieces nothing stands but what is put together here.
_OURS = ("unit", "answers")
# Below the first line of this are lines of a log.
_COUNTED = "nginx_5xx"
# Who sends it is not said; that somebody does is why a service stands still that nothing else is wrong with.
_SENT = re.compile(
    r"Sent signal SIG(?P<signal>[A-Z0-9]{1,9}) to (?P<process>main|control) process \d{1,10} \(.*\) on client request\."
)


def last_words(lines: Sequence[str], *, has_ended: bool) -> str:
    """Return which line of the journal, as it is kept, says most of why a unit fails; "" where none does.

    It is the newest that names an exception; of a unit that has ended in an error else the newest of its own program that
    calls itself an error, and else the newest that does not call itself harmless.
    """
    # Before the message stand its moment and who has written it.
    told = [(line, *line.partition(": ")[::2]) for line in lines]
    own = [(line, said) for line, who, said in told if not _SYSTEMDS.search(who) and not _FOLLOWS.search(said)]
    ranked = (
        [line for line, _, said in told if names_exception(said)],
        [line for line, said in own if has_ended and _ERROR.search(said)],
        [line for line, said in own if has_ended and said.strip() and not _HARMLESS.search(said)],
    )
    return next((found[-1] for found in ranked if found), "")


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


def largest(share: float, pid: int, program: str, unit: str, units: Collection[str]) -> Public:
    """Return which process uses most of something, its share in percent: by names that everybody may know, and its number."""
    names = [name for name in (word(program, PROGRAMS), word(unit, units)) if name is not None]
    who = joined(", ", [*names, fill("PID {pid}", pid=pid)])
    return fill(ko.LARGEST, who=who, share=fill("{share:.1f}", share=share))


def raised(found: Sequence[Raised], is_there: Callable[[str], bool]) -> list[tuple[datetime, Public, str]]:
    """Return which exceptions of tracebacks there are: when each came last, what everybody may know of it, and all of it.

    Everybody may know a class that is known to be one, and the name of a file of code that is really there.
    """
    last = {(each.name, each.place): each for each in found}
    counts = Counter((each.name, each.place) for each in found)
    lines = []
    for key, each in last.items():
        said, place = word(each.class_name, EXCEPTIONS), each.place
        at, count = _time(each.at), counts[key]
        name = fill(ko.OWN_EXCEPTION) if said is None else said
        public = fill(ko.EXCEPTIONS, at=at, name=name, count=count)
        whole = ko.EXCEPTIONS.format(at=at, name=each.name, count=count)
        if place is not None:
            file = place.path.rpartition("/")[2]
            if _CODE.fullmatch(file) and is_there(place.path):
                public = fill(ko.RAISED_AT, line=public, place=fill("{file}:{number}", file=configured(file), number=place.line))
            whole = ko.RAISED_AT.format(line=whole, place=f"{place.path}:{place.line} {place.function}".rstrip())
        lines.append((each.at, public, whole))
    return sorted(lines, key=lambda line: line[0])


def exceptions(messages: Sequence[tuple[datetime, str]], but: Collection[str] = ()) -> list[tuple[datetime, Public]]:
    """Return which exceptions the messages name, of those that are known to be some: when each came last, and how often.

    Those named in `but` are left out: more is known of them.
    """
    last: dict[Public, datetime] = {}
    counts: Counter[Public] = Counter()
    for at, message in messages:
        for name in dict.fromkeys(_EXCEPTION.findall(message)):
            if name not in but and (known := word(name, EXCEPTIONS)) is not None:
                last[known] = at
                counts[known] += 1
    lines = [(at, fill(ko.EXCEPTIONS, at=_time(at), name=name, count=counts[name])) for name, at in last.items()]
    return sorted(lines, key=lambda each: each[0])


def names_exception(message: str) -> bool:
    """Tell whether a message names an exception that is known to be one."""
    return any(name in EXCEPTIONS for name in _EXCEPTION.findall(message))


def statuses(counts: Sequence[tuple[int, int]], first: datetime, last: datetime) -> Public:
    """Return how often Nginx answered with which status, and in which time."""
    each = [fill(ko.STATUS, status=status, count=count) for status, count in counts]
    return fill(ko.STATUSES, counts=joined(" · ", each), first=_time(first), last=_time(last))


def nothing_since(begin: datetime) -> Public:
    """Return that nothing was written about the time of a failure."""
    return fill(ko.NO_RECORDS, begin=_time(begin))


def ending_of(at: datetime, fields: Mapping[str, str]) -> Ending | None:
    """Return how a process of a unit ended, as an entry of systemd's own says it; None where it says something else."""
    code, status = fields.get("EXIT_CODE", ""), fields.get("EXIT_STATUS", "")
    if fields.get("MESSAGE_ID") != _EXITED or code not in EXIT_CODES:
        return None
    number = int(status) if _is_number(status, 3) else _SIGNALS.get(status)
    return None if number is None else Ending(at, word(fields.get("COMMAND", ""), UNIT_COMMANDS) or MAIN, code, number)


def restarts_of(fields: Mapping[str, str]) -> int:
    """Return how often systemd has restarted a unit, as an entry of its own says it; 0 where it does not."""
    text = fields.get("N_RESTARTS", "")
    return int(text) if _is_number(text, 6) else 0


def retold_piece(key: str, text: str) -> str:
    """Return a piece of evidence, of this key, in the language that is spoken: what others have written stays as it is."""
    kind = key.partition(" ")[0]
    first, newline, rest = text.partition("\n")
    return retold(first, is_ours=kind in _OURS or kind == _COUNTED) + newline + retold(rest, is_ours=kind in _OURS)


def _sentence(fields: Mapping[str, str]) -> Public | None:
    template = _SENTENCES.get(fields.get("MESSAGE_ID", ""))
    if template is None:
        # These have no number of their own.
        _, _, rest = fields.get("MESSAGE", "").partition(": ")
        sent = _SENT.fullmatch(rest)
        if sent is None or (name := word(sent["signal"], _SIGNALS)) is None:
            return word(rest, _WORDS)
        return fill(_SENT_SAID[sent["process"]], signal=name)
    code = word(fields.get("EXIT_CODE", ""), EXIT_CODES)
    return fill(
        template,
        process=_process(fields),
        code=code or _OTHER,
        status=_exit_status(code, fields.get("EXIT_STATUS", "")),
        result=word(fields.get("UNIT_RESULT", "") or fields.get("JOB_RESULT", ""), RESULTS) or _OTHER,
        restarts=_number(fields.get("N_RESTARTS", "")),
    )


def _process(fields: Mapping[str, str]) -> Public:
    """Return whether it was the main process, or one that systemd runs beside it, and which."""
    said = fields.get("MESSAGE", "").partition(": ")[2].partition(" exited")[0]
    process, command = word(said, PROCESSES), word(fields.get("COMMAND", ""), UNIT_COMMANDS)
    if process is None:
        process = fill("Main process" if command in (None, MAIN) else "Control process")
    return process if command in (None, MAIN) else fill("{process} ({command})", process=process, command=command)


def _exit_status(code: Public | None, text: str) -> Public:
    if _is_number(text, 3):
        return exit_status(code or NOTHING, int(text))
    return exit_status(code or NOTHING, _SIGNALS[text]) if text in _SIGNALS else _OTHER


def _number(text: str) -> Public:
    return fill("{number}", number=int(text)) if _is_number(text, 6) else _OTHER


def _is_number(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= most


def _time(at: datetime) -> Public:
    return moment(at.astimezone(), "%m-%d %H:%M:%S %Z")


_OTHER = fill("?")
_SENT_SAID = {
    "main": "Sent signal SIG{signal} to main process on client request.",
    "control": "Sent signal SIG{signal} to control process on client request.",
}
_SIGNALS = {each.name.removeprefix("SIG"): int(each) for each in signal.Signals}
