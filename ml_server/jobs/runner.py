"""The process that answers long jobs, one after the other: `python -m ml_server.jobs.runner`, started by `companion`.

It is in nobody's way: the model runs in a thread that gets what the processor has left over, and rests where others want that
too; another one keeps what came of it, so that a lock of the database is never held by the one that has to wait.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

import msgspec

from ml_server import endpoint, priority, telemetry
from ml_server.companion import is_server_alive
from ml_server.drift.counting import Counter
from ml_server.errors import MlServerError
from ml_server.feedback.keeping import Keeper
from ml_server.jobs.answering import PIECE_S, Answering, Piece
from ml_server.observing import Observed
from ml_server.pinned import Pinned, load_pinned
from ml_server.storage.database import Database, StorageError
from ml_server.storage.drift import DriftStore
from ml_server.storage.feedback import FeedbackStore
from ml_server.storage.jobs import KEPT_S, MOST_ATTEMPTS, Job, Jobs
from serving.messages import Reply

MODULE = "ml_server.jobs.runner"
LOCK = "jobs.lock"
# How often it looks for a job, and whether the one that it works on is still wanted, in seconds.
_LOOK_S = 0.2
# How long it waits for the next one: it has the last model in memory still.
_IDLE_S = 30.0
# What it takes of a processor at most while it is in somebody's way; but not any more once half of its time is over.
_SHARE = 0.1
_LATE = "it was not done before it expired: send it in smaller parts"
_KILLED = "the server's process ended each time that it worked on this job: it takes too much memory, or crashes the model"
_logger = logging.getLogger("ml_server")
_T = TypeVar("_T")


class Task(msgspec.Struct, frozen=True):
    """What it is told on standard input."""

    state_dir: str
    model_dir: str


_TASK = msgspec.json.Decoder(Task)


class _PutDown(Exception):  # noqa: N818 - the server ends
    pass


class _Forgotten(Exception):  # noqa: N818 - nobody wants the answer any more
    pass


class Runner:
    """Works on the jobs of one database."""

    def __init__(self, database: Database, task: Task, is_over: Callable[[], bool]) -> None:
        """`is_over` tells whether the server ends."""
        self._jobs = Jobs(database)
        self._keeper, self._counter = Keeper(FeedbackStore(database)), Counter(DriftStore(database))
        self._model_dir = Path(task.model_dir)
        self._is_over = is_over
        self._parent = os.getppid()
        self._beside = ThreadPoolExecutor(1, "jobs", initializer=_step_back)
        self._loaded: tuple[tuple[str, str, str], Pinned] | None = None

    def run(self) -> None:
        """Work until there has been nothing to do for a while, or the server ends.

        It ends after a job, too, where who started it is gone: who starts it next has the settings and the code of now.
        """
        idle_since = time.monotonic()
        while not self._is_over():
            job = self._jobs.claim(time.time())
            if job is not None:
                self._work(job)
                self._jobs.sweep(time.time())
                idle_since = time.monotonic()
            if os.getppid() != self._parent or time.monotonic() - idle_since > _IDLE_S:
                return
            if job is None:
                time.sleep(_LOOK_S)

    def _work(self, job: Job) -> None:
        begun = time.perf_counter()
        answering = None
        try:
            answering = self._begin(job)
            reply = self._answer(job, answering)
        except _PutDown:
            self._jobs.release(job)
            raise
        except MlServerError as error:
            reply = endpoint.refusal_of(error, job.request_id)
        except (_Forgotten, StorageError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
            reply = endpoint.crashed(error, job.request_id)
        answered = answering if answering and reply.status == HTTPStatus.OK else None
        also = partial(self._look_on, job, answered.observed if answered else None)
        self._jobs.finish(job, reply.status, reply.body, time.time(), also)
        telemetry.record_predict(
            request_id=job.request_id,
            model=job.model,
            version=job.version,
            digest=job.digest,
            status=reply.status,
            rows=job.rows,
            answered=answered.answered if answered else 0,
            elapsed_s=time.perf_counter() - begun,
            is_probe=False,
        )
        self._keeper.tidy()

    def _begin(self, job: Job) -> Answering:
        if job.attempts >= MOST_ATTEMPTS:
            raise JobFailedError(_KILLED)
        body = self._jobs.body(job)
        if body is None:
            raise _Forgotten
        service = self._wait(job, lambda: self._service(job))
        return Answering(job, body, service, self._jobs.pieces(job))

    def _answer(self, job: Job, answering: Answering) -> Reply:
        pieces = answering.pieces()
        rest_s = 0.0

        def next_piece() -> Piece | None:
            nonlocal rest_s
            time.sleep(rest_s)
            part = priority.Slice()
            piece = next(pieces, None)
            rest_s = part.rest_s(_SHARE) if job.expires - time.time() > KEPT_S / 2 else 0.0
            return piece

        while (piece := self._wait(job, next_piece)) is not None:
            also = partial(self._look_on, job, piece.observed)
            if not self._jobs.keep_piece(job, piece.number, piece.entries, piece.rows_done, also):
                raise _Forgotten
            if time.time() > job.expires:
                raise JobFailedError(_LATE)
        return endpoint.reply(200, self._wait(job, lambda: answering.answer), job.request_id)

    def _look_on(self, job: Job, observed: Observed | None) -> None:
        """Keep the answers for feedback, and count of whom they are: in one step with them, so each once."""
        if observed is None:
            return
        try:
            self._keeper.keep(job.request_id, observed)
            self._counter.count(observed)
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 - the answer is right all the same; the text may have values of it
            _logger.error("request_id=%s looking on failed: %s", job.request_id, type(error).__name__)

    def _service(self, job: Job) -> Pinned:
        key = (job.model, job.version, job.digest)
        if self._loaded is None or self._loaded[0] != key:
            self._loaded = None
            self._loaded = (key, load_pinned(self._model_dir, *key, PIECE_S))
        return self._loaded[1]

    def _wait(self, job: Job, work: Callable[[], _T]) -> _T:
        """Return what the work beside returns, or raise what it raises; unless nobody waits for it any more."""
        future = self._beside.submit(work)
        while not wait([future], _LOOK_S).done:
            if self._is_over():
                raise _PutDown
            if not self._jobs.is_wanted(job):
                raise _Forgotten
        return future.result()


class JobFailedError(MlServerError):
    """A long job has no answer, and will have none."""

    code = "job_failed"


def _step_back() -> None:
    if not priority.step_back():
        _logger.warning("long jobs run as if they were predictions: the unit forbids sched_setscheduler(2)")


def main() -> int:
    """Work on the jobs of the directory that standard input says."""
    task = _TASK.decode(sys.stdin.buffer.read())
    telemetry.configure_logging()
    priority.go_first()
    state_dir = Path(task.state_dir)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    try:
        Runner(Database(state_dir, _logger.error), task, lambda: over.is_set() or not is_server_alive(state_dir)).run()
    except (_PutDown, _Forgotten):
        pass
    except StorageError as error:
        _logger.error("long jobs: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # the thread beside may be in the middle of a run that nobody waits for
