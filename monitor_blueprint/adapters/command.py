"""One external command with a deadline and a limit on what it may print."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from monitor_blueprint.adapters.shortage import raise_if_short
from monitor_blueprint.domain.models import ProbeError
from monitor_blueprint.domain.text import configured, fill
from monitor_blueprint.faults import reason_of

# A child needs none of our secrets, and messages to be parsed have to be English.
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}
_MAX_ERROR_BYTES = 8 * 1024


@dataclass(frozen=True, slots=True)
class Output:
    """What a command printed.

    Attributes:
        text: standard output, undecodable bytes replaced.
        errors: standard error.
        code: exit status; meaningless when `is_cut`.
        is_cut: it printed more than was wanted, and was ended.
    """

    text: str
    errors: str
    code: int
    is_cut: bool = False


def find(name: str) -> str:
    """Return the path of a program; raises ProbeError when it is not installed."""
    path = shutil.which(name, path=_ENVIRONMENT["PATH"])
    if path is None:
        raise ProbeError(fill("{name} is not installed", name=configured(name)))
    return path


def is_installed(name: str) -> bool:
    """Tell whether the program is there."""
    return shutil.which(name, path=_ENVIRONMENT["PATH"]) is not None


def run(argv: Sequence[str], deadline: float, *, stdin: bytes = b"", max_bytes: int = 1024 * 1024) -> Output:
    """Run a program until it ends, `max_bytes` were printed, or `deadline` (monotonic clock) has come.

    `stdin` must be small enough for a pipe (64 KiB).

    Raises:
        ProbeError: it is not installed, could not be started, or did not end in time.
    """
    program = find(argv[0])
    try:
        process = subprocess.Popen(  # noqa: S603 - a fixed program, no shell; options come from the configuration
            [program, *argv[1:]],
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_ENVIRONMENT,
            start_new_session=True,
        )
    except OSError as error:
        raise_if_short(error)
        told = fill("{name} could not be started: {reason}", name=configured(argv[0]), reason=reason_of(error))
        raise ProbeError(told) from error
    with process:
        try:
            _feed(process, stdin)
            return _read(process, argv[0], _Limit(deadline, deadline - time.monotonic()), max_bytes)
        finally:
            _end(process)


def _feed(process: subprocess.Popen[bytes], stdin: bytes) -> None:
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(stdin)


class _Limit(NamedTuple):
    """Until when a program may run (monotonic clock), and how long that is altogether."""

    deadline: float
    whole_s: float

    def error(self, name: str) -> ProbeError:
        return ProbeError(fill("{name} did not end in time ({whole:.0f} s)", name=configured(name), whole=self.whole_s))


def _read(process: subprocess.Popen[bytes], name: str, limit: _Limit, max_bytes: int) -> Output:
    received = {"out": bytearray(), "err": bytearray()}
    with selectors.DefaultSelector() as selector:
        for stream, key in ((process.stdout, "out"), (process.stderr, "err")):
            assert stream is not None  # noqa: S101 - both were asked for as pipes
            selector.register(stream, selectors.EVENT_READ, key)
        while selector.get_map():
            left_s = limit.deadline - time.monotonic()
            if left_s <= 0:
                raise limit.error(name)
            for ready, _ in selector.select(left_s):
                chunk = os.read(ready.fd, 64 * 1024)
                if not chunk:
                    selector.unregister(ready.fileobj)
                elif ready.data == "out" or len(received["err"]) < _MAX_ERROR_BYTES:
                    received[ready.data] += chunk
            if len(received["out"]) > max_bytes:
                return _output(received, 0, is_cut=True, max_bytes=max_bytes)
    try:
        code = process.wait(max(0.0, limit.deadline - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        raise limit.error(name) from error
    return _output(received, code, is_cut=False, max_bytes=max_bytes)


def _output(received: dict[str, bytearray], code: int, *, is_cut: bool, max_bytes: int) -> Output:
    text = bytes(received["out"][:max_bytes]).decode("utf-8", "replace")
    return Output(text, bytes(received["err"]).decode("utf-8", "replace"), code, is_cut)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        # Its own session: what it started goes with it.
        os.killpg(process.pid, signal.SIGKILL)
