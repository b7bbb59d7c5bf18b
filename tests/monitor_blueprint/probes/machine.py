"""A machine whose file systems a test may mount: a process in a mount namespace of its own, which looks for the test.

What is mounted in it is really mounted, is seen by nobody else, and is gone with the process.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec

from monitor_blueprint import probes
from monitor_blueprint.adapters.systemd import UnitState
from monitor_blueprint.config import Check
from monitor_blueprint.domain.models import EMPTY, CheckPolicy, ProbeError, Reading
from monitor_blueprint.engine.runner import Runner
from monitor_blueprint.storage.encoding import decode_readings, encode_readings
from tests.monitor_blueprint.probes.looking import NOW, looking


class Look(NamedTuple):
    """What was seen, and how long it took; without readings the probe could not look, for this `reason`."""

    readings: tuple[Reading, ...]
    checkpoint: Mapping[str, Any]
    reason: str = ""
    threads: int = 0

    @property
    def aspects(self) -> dict[str, str]:
        return {reading.aspect: reading.status.name for reading in self.readings}


class Machine:
    """Mounts and looks in its own namespace."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def run(self, *argv: str) -> None:
        """Run a command, which must succeed."""
        self._ask({"run": argv})

    def look(self, kind: str, path: str, checkpoint: Mapping[str, Any] = EMPTY, after_s: float = 0.0) -> Look:
        """Let the probe look, so long after the first moment."""
        wanted = {"kind": kind, "path": path, "checkpoint": dict(checkpoint), "after_s": after_s}
        return _as_look(self._ask(wanted))

    def look_by_runner(self, kind: str, path: str, deadline_s: float) -> Look:
        """Let one and the same runner look."""
        return _as_look(self._ask({"kind": kind, "path": path, "deadline_s": deadline_s}))

    def mount_silent(self, path: str) -> None:
        """Mount a file system whose server never answers."""
        self._ask({"silent": path})

    def release_silent(self) -> None:
        """End the server that never answered, and wait until nobody waits for it any more."""
        self._ask({"release": True})

    def _ask(self, wanted: Mapping[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(wanted), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["seen"]


def _as_look(seen: dict[str, Any]) -> Look:
    readings = decode_readings(json.dumps(seen.pop("readings")))
    return Look(readings, **seen)


@contextmanager
def booted() -> Iterator[Machine | None]:
    """Start the process; None where this system lets nobody mount anything."""
    # Who is not root may be so in a user namespace of one's own, where the system allows that.
    apart = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    argv = [*apart, sys.executable, "-m", "tests.monitor_blueprint.probes.machine"]
    try:
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    except FileNotFoundError:
        yield None
        return
    with process:
        assert process.stdout is not None
        try:
            yield Machine(process) if process.stdout.readline() else None
        finally:
            process.kill()


class _Inside:
    """The other end."""

    def __init__(self) -> None:
        self._runner = Runner()
        self._silent = -1

    def answer(self, wanted: Mapping[str, Any]) -> Any:
        if "run" in wanted:
            subprocess.run(wanted["run"], check=True, stdout=subprocess.DEVNULL)
        elif "silent" in wanted:
            self._mount_silent(wanted["silent"])
        elif "release" in wanted:
            os.close(self._silent)
            with self._runner._returned:
                assert self._runner._returned.wait_for(lambda: not self._runner._out, timeout=60)
        elif "deadline_s" in wanted:
            return _as_json(self._look_by_runner(**wanted))
        else:
            return _as_json(self._look(**wanted))
        return None

    def _look(self, kind: str, path: str, checkpoint: Mapping[str, Any], after_s: float) -> Look:
        module = probes.load(kind)
        try:
            seen = module.probe(module.Options(path=path), looking(NOW.timestamp() + after_s, checkpoint=checkpoint))
        except ProbeError as error:
            return Look((), checkpoint, str(error))
        return Look(seen.readings, dict(seen.checkpoint))

    def _look_by_runner(self, kind: str, path: str, deadline_s: float) -> Look:
        check = Check(kind, probes.load(kind).Options(path=path), CheckPolicy("Disk"))
        (result,) = self._runner.run([check], now=NOW, units=UnitState, checkpoints={}, environ={}, deadline_s=deadline_s)
        return Look(result.readings, {}, threads=threading.active_count())

    def _mount_silent(self, path: str) -> None:
        self._silent = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self._silent},rootmode=40000,user_id=0,group_id=0"
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"silent", os.fsencode(path), b"fuse", 0, options.encode()):
            raise OSError(ctypes.get_errno(), "cannot mount")


def _as_json(look: Look) -> dict[str, Any]:
    return look._asdict() | {"readings": json.loads(encode_readings(look.readings))}


def _serve() -> None:
    inside = _Inside()
    _say("ready")
    for line in sys.stdin:
        try:
            answer = {"seen": inside.answer(json.loads(line))}
        except Exception as error:  # noqa: BLE001 - the test shows it
            answer = {"error": repr(error)}
        _say(msgspec.json.encode(answer, enc_hook=dict).decode())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve()
