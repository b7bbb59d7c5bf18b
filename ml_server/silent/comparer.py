"""The process of a silent trial: `python -m ml_server.silent.comparer`, started by `companion`.

Its main thread meets the workers, and keeps the counts; another one has the second version answer what they hand on, with what
the processor has left over. Rows are in memory only, and only so many: the rest stays with the workers, who skip it.
"""

import contextlib
import logging
import os
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ml_server import companion, priority, silent_trial, telemetry
from ml_server.errors import BrokenModelError, MlServerError
from ml_server.pinned import Pinned, load_pinned
from ml_server.silent import ledger, wire
from ml_server.silent.report import kept_of
from ml_server.silent.ring import Ring
from ml_server.silent.second import Second
from ml_server.silent.work import Work
from ml_server.silent_trial import Trial
from ml_server.storage.database import Database, StorageError
from ml_server.storage.silent import Count, Silent

MODULE = "ml_server.silent.comparer"
LOCK = "silent.lock"
# How often it keeps what was counted, in seconds.
_KEEP_S = 0.5
# How often it looks whether workers have noticed the end of a trial.
_LOOK_S = 0.02
# How long it waits for workers to close, once a trial is over.
_LAST_S = 5.0
# After so many looks at everybody who speaks, whoever has spoken before is known.
_ROUNDS = 3
_logger = logging.getLogger("ml_server")


class Task(msgspec.Struct, frozen=True):
    """What it is told on standard input; `timeout_s` is what one run of the model may take."""

    state_dir: str
    model_dir: str
    timeout_s: float


_TASK = msgspec.json.Decoder(Task)


class Comparer:
    """The trial of one version."""

    def __init__(self, directory: Path, trial: Trial, silent: Silent, service: Pinned, is_over: Callable[[], bool]) -> None:
        """`is_over` tells whether the trial has ended."""
        self._directory = directory
        self._trial = trial
        self._silent = silent
        self._is_over = is_over
        self._work = Work(Second(service))
        self._selector = selectors.DefaultSelector()
        self._listening = wire.listen(directory)
        self._selector.register(self._listening, selectors.EVENT_READ, self._accept)
        self._tokens: dict[socket.socket, str] = {}
        self._rounds = 0
        self._dead: dict[str, int] = {}

    def run(self, is_stopped: Callable[[], bool]) -> int:
        """Compare until the trial is over, or the server ends; what was compared is kept in any case.

        Return the code to exit with: 1 where nothing is compared any more, and the process is to be started anew.
        """
        self._work.start()
        next_s, end = 0.0, float("inf")
        while not is_stopped() and self._work.is_alive:
            self._look(max(0.0, next_s - time.monotonic()))
            now = time.monotonic()
            if now < next_s:
                continue
            next_s = now + _KEEP_S
            self._keep()
            if self._is_over():
                end = min(end, now + _LAST_S)
                is_done = not (self._tokens or self._work.waiting or ledger.tokens(self._directory, self._trial.id))
                if now >= end or is_done:
                    self._silent.end(self._trial.id, time.time())
                    return 0
        self._work.end()
        self._keep()
        return 0 if self._work.is_alive else 1

    def _look(self, wait_s: float) -> None:
        """Meet workers, and part from those that have ended."""
        ready: Any = self._selector.select(wait_s)
        for key, _ in ready:
            (key.data or self._read)(key.fileobj)
        self._rounds += 1

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                connection, _ = listening.accept()
                connection.setblocking(False)
                self._selector.register(connection, selectors.EVENT_READ)

    def _read(self, connection: socket.socket) -> None:
        """Meet a worker: it says one thing only. Whatever it puts into its ring before it ends is compared."""
        try:
            met = None if connection in self._tokens else wire.meet(connection)
        except BlockingIOError:
            return
        if met is None or not self._meet(connection, *met):
            self._tokens.pop(connection, None)
            self._selector.unregister(connection)
            connection.close()

    def _meet(self, connection: socket.socket, hello: wire.Hello, ring: Ring) -> bool:
        found = ledger.read(self._directory, self._trial.id, hello.token) if hello.trial == self._trial.id else None
        if found is None:
            return False
        _, about, _ = found
        self._silent.meet(self._trial.id, hello.token, hello.sent)
        self._work.meet(hello.token, about, ring)
        self._tokens[connection] = hello.token
        return True

    def _keep(self) -> None:
        """Keep what was counted since the last time, and add up the ledgers of workers that are gone."""
        counts, accounted = self._work.take()
        if counts or accounted:
            with self._work.resting():
                self._silent.add(self._trial.id, counts, accounted)
        busy = {*self._tokens.values(), *self._work.waiting}
        self._work.part_from_all_but(busy)
        for token in ledger.tokens(self._directory, self._trial.id) - busy:
            found = ledger.read(self._directory, self._trial.id, token)
            if found is None or found[2]:
                continue
            # What it said before it died may wait still, and who it is with it.
            if self._rounds >= self._dead.setdefault(token, self._rounds) + _ROUNDS:
                _add_up(self._silent, self._directory, self._trial.id, token)


def _add_up(silent: Silent, directory: Path, trial: str, token: str) -> None:
    """Have the database know what a ledger has whose worker is gone, and delete it."""
    found = ledger.read(directory, trial, token)
    if found is None:
        return
    counted, about, _ = found
    active = f"{about.version} {about.digest}"
    counts = {Count(active, "skipped", reason): getattr(counted, reason) for reason in ledger.SKIPPED}
    silent.close(trial, token, active, counted.sent, {Count(active, "seen", ""): counted.seen, **counts})
    ledger.path_of(directory, trial, token).unlink(missing_ok=True)


def _end(silent: Silent, directory: Path, trial: str) -> None:
    """End a trial that no process is for any more, once the workers have noticed."""
    end = time.monotonic() + _LAST_S
    while (left := ledger.tokens(directory, trial)) and time.monotonic() < end:
        for token in left:
            found = ledger.read(directory, trial, token)
            if found is not None and not found[2]:
                _add_up(silent, directory, trial, token)
        time.sleep(_LOOK_S)
    silent.end(trial, time.time())


def _run(task: Task, is_stopped: Callable[[], bool]) -> int:
    state_dir, model_dir = Path(task.state_dir), Path(task.model_dir)
    trial = silent_trial.read_trial(model_dir)
    silent = Silent(Database(state_dir, _logger.error))
    for open_trial in silent.open_trials():
        if trial is None or open_trial != trial.id:
            _end(silent, state_dir, open_trial)
    if trial is None:
        return 0
    silent.know(kept_of(trial))
    silent.begin(trial.id)
    ledger.clear(state_dir, {kept.id for kept in silent.trials()})
    try:
        service = load_pinned(model_dir, trial.name, trial.version, trial.digest, task.timeout_s)
    except MlServerError as error:
        silent.fail(trial.id, error.message)
        _logger.error("silent trial of %s %s: %s", trial.name, trial.version, error.message)
        return 1

    def is_over() -> bool:
        try:
            return silent_trial.read_trial(model_dir) != trial
        except BrokenModelError:
            return False

    return Comparer(state_dir, trial, silent, service, is_over).run(is_stopped)


def main() -> int:
    """Try the version that is on trial in the directory that standard input says."""
    task = _TASK.decode(sys.stdin.buffer.read())
    telemetry.configure_logging()
    priority.go_first()
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    try:
        return _run(task, lambda: over.is_set() or not companion.is_server_alive(Path(task.state_dir)))
    except (StorageError, OSError) as error:
        _logger.error("silent trial: %s", error)
        return 1


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # the thread beside may be in the middle of a run that nobody waits for
