"""A model, loaded and tried in a process of its own, with limits of memory and time.

What a model asks for cannot be told from its size: a file of 303 bytes can ask for 2.3 GB, and one that loops never answers.
The process (`trying`) gets the bytes that are to be served, not a path, so that what was tried is what is served.
"""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from ml_server.errors import BrokenModelError, MlServerError
from ml_server.repository import Entry
from ml_server.verification.findings import Finding, refusals
from ml_server.verification.trying import MEGABYTE, Mode, Reply, Said, Task

_SAID = msgspec.json.Decoder(Said)

# Whom the server works as where it was installed: a command of root's parses no stranger's file as root.
_SERVER_USER = "neuronova-ml"
# What a command waits for: the site's client gives a reload 300 s.
_VERIFY_S = 240.0


class NotTriedError(MlServerError):
    """The process did not get as far as the model: nothing is known of that."""

    code = "not_tried"


@dataclass(frozen=True)
class Limits:
    """What a model may take while it is loaded and tested: megabytes beside four times its file's size, and seconds in all."""

    memory_mb: int
    seconds: float


def verify(entry: Entry, limits: Limits) -> list[Finding]:
    """Return everything that is wrong with a model, too much memory or time included.

    Raises:
        NotTriedError: that could not be found out.
    """
    found = _findings(_run(entry, replace(limits, seconds=_VERIFY_S), "verify"))
    # A server gives it less time to be loaded than it has here for everything.
    late = None if refusals(found) else load(entry, limits)
    return [*found, late] if late else found


def load(entry: Entry, limits: Limits) -> Finding | None:
    """Load and self-test a model as serving does, and return why that failed; None where it did not.

    Raises:
        NotTriedError: that could not be found out.
    """
    return next(iter(_findings(_run(entry, limits, "load"))), None)


def answers(entry: Entry, features: Sequence[Any], limits: Limits) -> list[Reply]:
    """Return a model's answers to the features of requests.

    Raises:
        BrokenModelError: it cannot be loaded, or took too much memory or time.
        NotTriedError: that could not be found out.
    """
    said = _run(entry, replace(limits, seconds=_VERIFY_S), "answer", features)
    problems = _findings(said)
    if problems:
        raise BrokenModelError(f"{entry.name} {entry.version}: {problems[0].text}")
    return [each.reply for each in said if each.reply is not None]


def _findings(said: Sequence[Said]) -> list[Finding]:
    return [each.finding for each in said if each.finding is not None]


def _run(entry: Entry, limits: Limits, mode: Mode, features: Sequence[Any] = ()) -> list[Said]:
    """Have the process do its work; return what it said, and last why it did not come to an end, if so.

    Raises:
        NotTriedError: it did not get as far as the model.
    """
    files = [entry.content, *entry.parts.values()]
    memory_bytes = limits.memory_mb * MEGABYTE + 4 * sum(map(len, files))
    task = Task(
        mode=mode,
        name=entry.name,
        version=entry.version,
        digest=entry.digest,
        error=entry.error,
        details=entry.details,
        card=entry.card,
        features=list(features),
        sizes={name: len(content) for name, content in entry.parts.items()},
        memory_bytes=memory_bytes,
        seconds=limits.seconds,
    )
    with subprocess.Popen(
        [sys.executable, "-m", "ml_server.verification.trying"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        **_identity(),
    ) as process:
        try:
            out, _ = process.communicate(b"".join((msgspec.json.encode(task), b"\n", *files)), timeout=limits.seconds)
            is_late = False
        except subprocess.TimeoutExpired:
            process.kill()
            out, _ = process.communicate()
            is_late = True
    said = list(_said(out))
    if not said:
        raise NotTriedError("the process in which the model was to be tried could not be started in time")
    if not any(each.is_done for each in said):
        stage = next(each.stage for each in reversed(said) if each.stage)
        said.append(Said(finding=_too_slow(stage, limits) if is_late else _died(stage, limits)))
    return said


def _environment() -> dict[str, str]:
    """Return what the process needs of the environment: no key, no setting."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ", "LD_LIBRARY_PATH") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(Path(__file__).parents[2]),
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


def _said(out: bytes) -> Iterator[Said]:
    for line in out.splitlines():
        try:
            yield _SAID.decode(line)
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
