"""What a worker does in a silent trial: it counts each prediction, and hands on what was asked, without waiting for anything."""

import logging
import os
import socket
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ml_server import silent_trial
from ml_server.companion import Companion
from ml_server.config import Settings
from ml_server.decoding import JSON
from ml_server.errors import BrokenModelError, ModelUnavailableError, UnknownModelError
from ml_server.inference import InferenceService
from ml_server.model import Answer, Model
from ml_server.observing import Observed
from ml_server.silent import ring, wire
from ml_server.silent.comparer import LOCK, MODULE, Task
from ml_server.silent.ledger import About, Ledger
from ml_server.silent.report import kept_of
from ml_server.silent.ring import Ring
from ml_server.silent_trial import Trial
from ml_server.storage.database import Database, StorageError
from ml_server.storage.silent import Silent

_logger = logging.getLogger("ml_server")
# How often it looks whether a trial has begun or ended, in seconds.
_LOOK_S = 0.5


class Line:
    """The line from one worker to the process of one trial, for the predictions of one version."""

    def __init__(self, directory: Path, trial: Trial, model: Model) -> None:
        """Begin to count.

        Raises:
            OSError: there is no place for the counts.
        """
        self.trial = trial
        self.model = model
        self._directory = directory
        self._counting = threading.Lock()
        self._ledger = Ledger(directory, trial.id, About(model.card.version, model.digest, model.card))
        self._connection: socket.socket | None = None
        self._ring: Ring | None = None
        self._is_closed = False

    def hand_on(self, observed: Observed, elapsed_s: float) -> None:
        """Count the answers of a request, and hand them on with what was asked; what cannot be handed on at once is not."""
        answered = [
            (place, result.numbers)
            for place, result in zip(observed.places, observed.results, strict=True)
            if isinstance(result, Answer)
        ]
        if not answered:
            return
        to = self._ring
        record = None if to is None else _record(observed, answered, elapsed_s)
        with self._counting:
            if self._is_closed:
                return
            self._ledger.see(len(answered))
            reason = self._put(to, record)
            if reason:
                self._ledger.skip(reason, len(answered))

    def look(self) -> None:
        """Begin to talk to the process, where it listens and this one does not talk to it yet.

        Raises:
            OSError: there is no memory for what is to be handed on.
        """
        if self._connection is not None and not wire.is_open(self._connection):
            with self._counting:
                self._hang_up()
        connection = wire.connect(self._directory) if self._connection is None else None
        if connection is None:
            return
        try:
            made, handle = ring.make()
        except OSError:
            connection.close()
            raise
        with self._counting:
            try:
                wire.greet(connection, wire.Hello(self.trial.id, self._ledger.token, self._ledger.counted.sent), handle)
            except OSError:
                connection.close()
            else:
                self._connection, self._ring = connection, made
            finally:
                os.close(handle)

    def close(self) -> None:
        """Count and hand on nothing more."""
        with self._counting:
            self._is_closed = True
            self._hang_up()
            self._ledger.close()

    def _put(self, to: Ring | None, record: bytes | None) -> str:
        """Hand a record on, or return why not."""
        if to is None or to is not self._ring or not to.is_read:
            return "away"
        if record is None:
            return "large"
        return "" if to.put(record) else "busy"

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = self._ring = None


def _record(observed: Observed, answered: Sequence[tuple[int, list[float]]], elapsed_s: float) -> bytes | None:
    """Return what is handed on of a request; None where it is too much."""
    body, content_type = observed.asked or (_retold(observed), JSON)
    if len(body) >= ring.MOST_BYTES:
        return None
    places, numbers = zip(*answered, strict=True)
    record = wire.encode(wire.Asked(int(elapsed_s * 1e6), content_type, body, list(places), list(numbers)))
    return record if len(record) < ring.MOST_BYTES else None


def _retold(observed: Observed) -> bytes:
    """Return a request for the rows that were asked for in another way than `/predict` is: what was missing is filled in it."""
    names = [wanted.name for wanted in observed.model.card.inputs]
    features = dict(zip(observed.places, (dict(zip(names, row.values, strict=True)) for row in observed.rows), strict=True))
    items = [{"features": features.get(place)} for place in range(max(observed.places) + 1)]
    return msgspec.json.encode({"items": items}, enc_hook=lambda value: value.tolist())


class Feed:
    """The observer of a worker: it has a line for as long as a version is on trial."""

    def __init__(self, settings: Settings, database: Database, service: InferenceService) -> None:
        self._model_dir = settings.model_dir
        self._silent = Silent(database)
        self._directory = state_dir = database.path.parent
        self._service = service
        self._trial: Trial | None = None
        self._line: Line | None = None
        self._opening = threading.Lock()
        self._problem = ""
        task = Task(str(state_dir), str(settings.model_dir), settings.timeout_s)
        self._companion = Companion(state_dir / LOCK, MODULE, msgspec.json.encode(task), self._is_wanted)

    def start(self) -> None:
        """Look out for trials, now and from now on, in a thread: after any fork, and before the first request."""
        self._look()
        self._companion.wake()
        threading.Thread(target=self._run, name="silent", daemon=True).start()

    def observe(self, request_id: str, observed: Observed, elapsed_s: float) -> None:
        """Hand a prediction on, if it is one of the version that another one is compared with."""
        del request_id
        trial = self._trial
        if trial is None or observed.model.card.name != trial.name:
            return
        line = self._line or self._open(trial)
        if line is not None and observed.model is line.model:
            line.hand_on(observed, elapsed_s)

    def _run(self) -> None:
        pause = threading.Event()
        while not pause.wait(_LOOK_S):
            self._look()

    def _look(self) -> None:
        trial = self._read()
        line = self._line
        if line is not None and (trial is None or line.trial.id != trial.id or line.model is not self._served(trial)):
            self._line = None
            line.close()
        if trial != self._trial:
            self._keep(trial)
        self._trial = trial
        if trial is not None:
            line = self._open(trial)
            if line is not None:
                self._have_look(line)

    def _have_look(self, line: Line) -> None:
        try:
            line.look()
        except OSError as error:
            self._complain(f"there is no memory for what is to be handed on ({error.strerror})")

    def _keep(self, trial: Trial | None) -> None:
        """Have it known that a trial has begun, or that one is to be ended."""
        try:
            if trial is not None:
                self._silent.know(kept_of(trial))
        except StorageError as error:
            self._complain(str(error))
        self._companion.wake()

    def _is_wanted(self) -> bool:
        """Tell whether the process is: for a trial, or to end one."""
        try:
            return self._read() is not None or bool(self._silent.open_trials())
        except StorageError as error:
            self._complain(str(error))
            return False

    def _open(self, trial: Trial) -> Line | None:
        """Return the line, which is made where there is something to compare with."""
        with self._opening:
            model = self._served(trial) if self._line is None else None
            if model is not None:
                try:
                    self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
                    self._line = Line(self._directory, trial, model)
                except OSError as error:
                    self._complain(f"{self._directory} cannot be written ({error.strerror})")
            return self._line

    def _served(self, trial: Trial) -> Model | None:
        """Return the version that is served of the model on trial, if it is another one."""
        try:
            model = self._service.model(trial.name)
        except (UnknownModelError, ModelUnavailableError):
            return None
        return model if model.card.version != trial.version else None

    def _read(self) -> Trial | None:
        try:
            return silent_trial.read_trial(self._model_dir)
        except BrokenModelError as error:
            self._complain(error.message)
            return None

    def _complain(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            _logger.error("silent trial: %s", problem)
