"""Which processes: by their unit and command line; and what the threads of a unit are doing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from monitor_blueprint.adapters.systemd import full_name
from monitor_blueprint.domain.sanitize import MASK, clean, redact
from monitor_blueprint.text import ko_evidence as ko

_PROC = Path("/proc")
_COMMAND_CHARS = 160
_PROCESSES = 8
_UNIT = re.compile(r"([^/]+\.(?:service|scope|slice))(?=/|$)")
_SENSITIVE = re.compile(r"(?i)pass|pwd|secret|token|api[-_]?key|credential|auth")
_OPTION = re.compile(r"--?[\w-]+")
# -pSECRET, as MySQL's clients have it; a number is a port.
_SHORT_SECRET = re.compile(r"-[pP](?=.*[^\d]).+")
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")
# What is longer is not looked at.
_WORD_CHARS = 300


def described(process: psutil.Process) -> str:
    """Return the unit that a process belongs to, and its command line without secrets."""
    try:
        words = process.cmdline()
    except (OSError, psutil.Error):
        words = []
    command = command_line(words) or process.info.get("name") or "?"
    unit = unit_of(process.pid)
    return f"{unit}  {command}" if unit else command


def command_line(words: Sequence[str]) -> str:
    """Return a command line in short, with everything masked that looks like a secret or a person."""
    shown: list[str] = []
    is_secret = False
    for word in words[:_WORD_CHARS]:
        short = word[:_WORD_CHARS]
        shown.append(MASK if is_secret else _masked(short))
        is_secret = not is_secret and bool(_OPTION.fullmatch(short)) and bool(_SENSITIVE.search(short))
    return clean(redact(" ".join(shown)), _COMMAND_CHARS)


def _masked(word: str) -> str:
    """Return the word up to a name that speaks of a secret; what comes after that may have spaces in it."""
    if _SHORT_SECRET.fullmatch(word):
        return f"{word[:2]}{MASK}"
    for mark in ("=", ":"):
        before, found, _ = word.partition(mark)
        if found and _SENSITIVE.search(before):
            return f"{before}{mark}{MASK}"
    return _CREDENTIALS.sub(f"{MASK}@", word)


def unit_of(pid: int) -> str:
    """Return the systemd unit that the process belongs to; "" where that cannot be seen."""
    try:
        text = (_PROC / str(pid) / "cgroup").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    for line in text.splitlines():
        found = _UNIT.findall(line.rpartition(":")[2])
        if found:
            # The innermost one that is no slice, if there is any.
            return next((name for name in reversed(found) if not name.endswith(".slice")), str(found[-1]))
    return ""


def threads(unit: str) -> str:
    """Return what the threads of the unit's processes are doing: how many are in which state, and what they wait for."""
    name = full_name(unit)
    processes = [pid for pid in psutil.pids() if unit_of(pid) == name]
    lines = [_process_line(pid) for pid in processes[:_PROCESSES]]
    if len(processes) > _PROCESSES:
        lines.append(ko.MORE_PROCESSES.format(count=len(processes) - _PROCESSES))
    return "\n".join(line for line in lines if line)


def _process_line(pid: int) -> str:
    states = Counter(_states(pid))
    if not states:
        return ""
    shown = ", ".join(f"{state} {count}" for state, count in states.most_common(6))
    try:
        command = command_line(psutil.Process(pid).cmdline())
    except (OSError, psutil.Error):
        command = "?"
    return f"{pid:>7}  {command}  -  {shown}"


def _states(pid: int) -> Iterator[str]:
    """Return the state of each thread as in `ps`: "S (sleeping)"; with the kernel's function where that can be seen."""
    try:
        tasks = list((_PROC / str(pid) / "task").iterdir())
    except OSError:
        return
    for place in tasks:
        try:
            status = (place / "status").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        state = next((line.partition(":")[2].strip() for line in status.splitlines() if line.startswith("State:")), "?")
        yield f"{state}{_waits_for(place)}"


def _waits_for(place: Path) -> str:
    try:
        function = clean((place / "wchan").read_text(encoding="utf-8", errors="replace"), 60)
    except OSError:
        return ""
    # Not everybody may see it: then it is 0.
    return f" in {function}" if function not in ("", "0") else ""
