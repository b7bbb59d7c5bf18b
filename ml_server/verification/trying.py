"""The process in which a model is tried: `python -m ml_server.verification.trying`, started by `apart`.

The first line on standard input says what is to be done, the rest are the bytes of the model's files; each line on standard
output tells something, so that what was found is known even if the model ends the process.
"""

import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec

from ml_server.card import Card
from ml_server.errors import Detail, MlServerError, ModelUnavailableError
from ml_server.model import load_model
from ml_server.repository import Entry
from ml_server.runtimes import prepare
from ml_server.verification import asking, verify
from ml_server.verification.findings import Finding

MEGABYTE = 1024 * 1024
Mode = Literal["verify", "load", "answer"]
_LOOK_S = 0.25


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done with which model, and what it may take; `features` are those of requests to be answered.

    `sizes` are the bytes of each submodel's file, in the order in which they follow the model's.
    """

    mode: Mode
    name: str
    version: str
    digest: str
    error: str | None
    details: tuple[Detail, ...]
    card: Card | None
    features: list[Any]
    sizes: dict[str, int]
    memory_bytes: int
    seconds: float


_TASK = msgspec.json.Decoder(Task)


class Reply(msgspec.Struct, frozen=True):
    """A model's answer to one request: its numbers, or why there are none."""

    numbers: list[float] | None
    problem: str = ""


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the process: what it does next, a finding, an answer, or that it is done."""

    stage: str = ""
    finding: Finding | None = None
    reply: Reply | None = None
    is_done: bool = False


def main() -> int:
    """Do what standard input says, and tell line by line what comes of it."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for a library that prints
    task = _TASK.decode(sys.stdin.buffer.readline())
    content, parts = _files(sys.stdin.buffer.read(), task.sizes)
    entry = Entry(task.name, task.version, task.card, task.error, task.digest, content, details=task.details, parts=parts)
    # What it takes to have a runtime is not the model's.
    if task.card is not None:
        prepare(task.card)
    _limit(task)
    try:
        for said in _WORK[task.mode](task, entry):
            _say(out, _told(said, task))
    except MemoryError:
        _say(out, Said(finding=_too_large(task)))
    _say(out, Said(is_done=True))
    return 0


def _files(content: bytes, sizes: Mapping[str, int]) -> tuple[bytes, dict[str, bytes]]:
    """Return the bytes of the model and of its submodels."""
    start = len(content) - sum(sizes.values())
    model, parts = content[:start], {}
    for name, size in sizes.items():
        parts[name] = content[start : start + size]
        start += size
    return model, parts


def _verify(_task: Task, entry: Entry) -> Iterator[Said]:
    yield Said(stage="while it was read")
    for found in verify.findings(entry):
        yield Said(stage=found) if isinstance(found, str) else Said(finding=found)


def _load(_task: Task, entry: Entry) -> Iterator[Said]:
    yield Said(stage="while it was loaded and tested")
    try:
        load_model(entry)
    except ModelUnavailableError:
        return  # it is behind another server, and no worse for that being away
    except MlServerError as error:
        yield Said(finding=verify.broken("model", verify.words_of(error)))
    except Exception as error:  # noqa: BLE001 - a runtime raises whatever it likes
        cause = error.__cause__ or error
        yield Said(finding=verify.broken("model", f"{type(cause).__name__} while it was tested: {cause}"))


def _answer(task: Task, entry: Entry) -> Iterator[Said]:
    yield Said(stage="while it was asked")
    try:
        for numbers, problem in asking.replies(entry, task.features):
            yield Said(reply=Reply(numbers, problem))
    except MlServerError as error:
        yield Said(finding=verify.broken("model", verify.words_of(error)))


_WORK: dict[str, Callable[[Task, Entry], Iterator[Said]]] = {"verify": _verify, "load": _load, "answer": _answer}


def _told(said: Said, task: Task) -> Said:
    is_about_memory = said.finding is not None and verify.is_about_memory(said.finding)
    return Said(finding=_too_large(task)) if is_about_memory else said


def _too_large(task: Task) -> Finding:
    limit_mb = task.memory_bytes // MEGABYTE
    return Finding(
        "model",
        f"it asks for more than {limit_mb} MB of memory",
        f"at most {limit_mb} MB",
        "export it smaller; ML_LOAD_MEMORY_MB allows more, where the server's MemoryMax has room for it in every worker",
    )


def _end_with(parent: int) -> None:
    """End when whoever asked is gone: nobody waits for the answer."""
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os._exit(1)


def _limit(task: Task) -> None:
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(task.seconds) + 1, int(task.seconds) + 2))
    resource.setrlimit(resource.RLIMIT_AS, (used + task.memory_bytes, used + task.memory_bytes))


def _say(out: BinaryIO, said: Said) -> None:
    out.write(msgspec.json.encode(said) + b"\n")
    out.flush()


if __name__ == "__main__":
    sys.exit(main())
