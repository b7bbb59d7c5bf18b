"""A model, loaded and tried in a process of its own, with limits of memory and time.

What a model asks for cannot be told from its size: a file of 303 bytes can ask for 2.3 GB, and one that loops never answers.
The process gets the bytes that are to be served, not a path, so that what was tried is what is served.
"""

import ctypes
import os
import pwd
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from ml_server.card import Card
from ml_server.errors import BrokenModelError, Detail
from ml_server.findings import Finding
from ml_server.repository import Entry

# Whom the server works as where it was installed: a command of root's parses no stranger's file as root.
_SERVER_USER = "neuronova-ml"
_PR_SET_PDEATHSIG = 1
_MEGABYTE = 1024 * 1024
_ALL, _LOAD = "all", "load"


@dataclass(frozen=True)
class Limits:
    """What a model may take while it is tried: memory in megabytes beside four times its file's size, and seconds in all."""

    memory_mb: int
    seconds: float


class _Head(msgspec.Struct, frozen=True):
    name: str
    version: str
    digest: str
    error: str | None
    details: tuple[Detail, ...]
    card: Card | None
    mode: str
    memory_bytes: int
    seconds: float


class _Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the process: what it does next, or what it has found, or that it is done."""

    stage: str = ""
    finding: Finding | None = None
    is_done: bool = False


def verify(entry: Entry, limits: Limits) -> list[Finding]:
    """Return everything that is wrong with a model, too much memory or time included."""
    return _findings(entry, limits, _ALL)


def load(entry: Entry, limits: Limits) -> Finding | None:
    """Load and self-test a model as serving does, and return why that failed; None where it did not."""
    return next(iter(_findings(entry, limits, _LOAD)), None)


def _findings(entry: Entry, limits: Limits, mode: str) -> list[Finding]:
    memory_bytes = limits.memory_mb * _MEGABYTE + 4 * len(entry.content)
    head = _Head(
        entry.name, entry.version, entry.digest, entry.error, entry.details, entry.card, mode, memory_bytes, limits.seconds
    )
    with subprocess.Popen(  # noqa: S603 - this module itself
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        **_identity(),
    ) as process:
        try:
            out, _ = process.communicate(msgspec.json.encode(head) + b"\n" + entry.content, timeout=limits.seconds)
            is_late = False
        except subprocess.TimeoutExpired:
            process.kill()
            out, _ = process.communicate()
            is_late = True
    said = list(_said(out))
    findings = [each.finding for each in said if each.finding is not None]
    if not any(each.is_done for each in said):
        stage = next((each.stage for each in reversed(said) if each.stage), "starting")
        findings.append(_too_slow(stage, limits) if is_late else _died(stage, limits))
    return findings


def _environment() -> dict[str, str]:
    """Return what the process needs of the environment: no key, no setting."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ", "LD_LIBRARY_PATH") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def _identity() -> dict[str, Any]:
    """Return whom the process is to be: root has somebody else do it, where there is the server's user."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam(_SERVER_USER)
    except KeyError:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}


def _said(out: bytes) -> Iterator[_Said]:
    for line in out.splitlines():
        try:
            yield msgspec.json.decode(line, type=_Said)
        except msgspec.DecodeError:
            return  # the line at which the process ended


def _too_slow(stage: str, limits: Limits) -> Finding:
    return Finding(
        "model",
        f"{stage}, it was not done within {limits.seconds:g} s",
        f"at most {limits.seconds:g} s",
        "a smaller model, or fewer golden samples; ML_LOAD_TIMEOUT_S allows more time",
    )


def _died(stage: str, limits: Limits) -> Finding:
    return Finding(
        "model",
        f"{stage}, it ended the process: it crashes onnxruntime, or asks for more than {limits.memory_mb} MB",
        "a model that can be loaded within the limits",
        "export it anew, or smaller; ML_LOAD_MEMORY_MB allows more memory",
    )


def _too_large(memory_bytes: int) -> Finding:
    return Finding(
        "model",
        f"it asks for more than {memory_bytes // _MEGABYTE} MB of memory",
        f"at most {memory_bytes // _MEGABYTE} MB",
        "export it smaller; ML_LOAD_MEMORY_MB allows more, where the server's MemoryMax has room for it in every worker",
    )


def main() -> int:
    """Do what the head on standard input says with the model that follows, and tell line by line what is found."""
    _end_with_parent()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for a library that prints
    head = msgspec.json.decode(sys.stdin.buffer.readline(), type=_Head)
    content = sys.stdin.buffer.read()
    entry = Entry(head.name, head.version, head.card, head.error, head.digest, content, details=head.details)
    _say(out, _Said(stage="while the runtime was loaded"))
    work = _work(head)
    _limit(head)
    try:
        for finding, is_about_memory in work(entry, lambda stage: _say(out, _Said(stage=stage))):
            _say(out, _Said(finding=_too_large(head.memory_bytes) if is_about_memory else finding))
    except MemoryError:
        _say(out, _Said(finding=_too_large(head.memory_bytes)))
    _say(out, _Said(is_done=True))
    return 0


_Work = Callable[[Entry, Callable[[str], None]], Iterator[tuple[Finding, bool]]]


def _work(head: _Head) -> _Work:
    """Return what is to be done, with everything imported: what that takes is not the model's.

    It yields findings, and whether each is about too little memory.
    """
    # Nor is it what the server's master, which never loads a model, should have in its memory.
    from ml_server import model, verification  # noqa: PLC0415

    def self_test(entry: Entry, tell: Callable[[str], None]) -> Iterator[Finding]:
        tell("while it was loaded and tested")
        try:
            model.load_model(entry)
        except BrokenModelError as error:
            yield verification.broken("model", verification.words_of(error))
        except Exception as error:  # noqa: BLE001 - a runtime raises whatever it likes
            yield verification.broken("model", f"{type(error).__name__} while it was tested: {error}")

    if head.card is not None and head.card.runtime == "onnx":
        import ml_server.runtimes.onnx  # noqa: F401, PLC0415

    find = self_test if head.mode == _LOAD else verification.findings
    return lambda entry, tell: ((finding, verification.is_about_memory(finding)) for finding in find(entry, tell))


def _end_with_parent() -> None:
    """Be killed when whoever asked is gone: nobody waits for the answer."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit(head: _Head) -> None:
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(head.seconds) + 1, int(head.seconds) + 2))
    resource.setrlimit(resource.RLIMIT_AS, (used + head.memory_bytes, used + head.memory_bytes))


def _say(out: BinaryIO, said: _Said) -> None:
    out.write(msgspec.json.encode(said) + b"\n")
    out.flush()


if __name__ == "__main__":
    sys.exit(main())
