"""What a worker has of long jobs: it keeps what is sent, and sees to it that the process runs which answers it."""

import logging
import time
from collections.abc import Iterator

import msgspec
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from ml_server.companion import Companion
from ml_server.config import Settings
from ml_server.errors import OverloadedError, StateUnavailableError, UnknownTaskError
from ml_server.jobs.runner import LOCK, MODULE, Task
from ml_server.storage.database import Database, StorageError
from ml_server.storage.jobs import MOST_BYTES, MOST_WAITING, Full, Job, Jobs

_logger = logging.getLogger("ml_server")
_FULL = (
    f"{MOST_WAITING} long jobs are waiting, or {MOST_BYTES // 2**20} MB of them are kept: try again, or DELETE what you have read"
)


class Desk(Collector):
    """The long jobs of a server that has a directory for them."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._jobs = Jobs(database)
        task = Task(str(database.path.parent), str(settings.model_dir))
        lock = database.path.parent / LOCK
        self._companion = Companion(lock, MODULE, msgspec.json.encode(task), self._has_work)

    def start(self) -> None:
        """Have what an earlier server left undone done, and what has expired deleted."""
        self._companion.wake()

    def add(self, job: Job, body: bytes) -> None:
        """Keep a job, and have it answered.

        Raises:
            OverloadedError: no more can be kept now.
            StateUnavailableError: the database cannot be used.
        """
        try:
            self._jobs.sweep(job.created)
            self._jobs.add(job, body)
        except Full:
            raise OverloadedError(_FULL) from None
        except StorageError as error:
            raise _unusable(error) from error
        self._companion.wake()

    def find(self, job_id: str) -> tuple[Job, bytes | None, int]:
        """Return a job, its answer where there is one, and how many come before it.

        Raises:
            UnknownTaskError: there is none of that id.
            StateUnavailableError: the database cannot be used.
        """
        now = time.time()
        try:
            self._jobs.sweep(now)
            found = self._jobs.find(job_id, now)
            if found is None:
                raise UnknownTaskError("no task of that id is known: it was deleted, or expired days ago")
            job, answer = found
            return job, answer, self._jobs.ahead(job) if job.state == "queued" else 0
        except StorageError as error:
            raise _unusable(error) from error

    def forget(self, job_id: str) -> None:
        """Delete a job, whatever has come of it.

        Raises:
            UnknownTaskError, StateUnavailableError: as `find`.
        """
        try:
            is_gone = self._jobs.forget(job_id)
        except StorageError as error:
            raise _unusable(error) from error
        if not is_gone:
            raise UnknownTaskError("no task of that id is known: it was deleted, or expired days ago")

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics, as the database has them: of all workers, whenever they were started."""
        try:
            counts, waiting = self._jobs.counts(), dict(self._jobs.waiting())
        except StorageError:
            return
        jobs = CounterMetricFamily("neuronova_ml_jobs", "Long jobs by what came of them", labels=["model", "version", "state"])
        rows = CounterMetricFamily("neuronova_ml_job_rows", "Their items", labels=["model", "version", "state"])
        for model, version, state, job_count, row_count in counts:
            jobs.add_metric([model, version, state], job_count)
            rows.add_metric([model, version, state], row_count)
        now = GaugeMetricFamily("neuronova_ml_jobs_waiting", "Long jobs that have no answer yet", labels=["state"])
        for state in ("queued", "running"):
            now.add_metric([state], waiting.get(state, 0))
        yield from (jobs, rows, now)

    def _has_work(self) -> bool:
        try:
            self._jobs.sweep(time.time())
            return self._jobs.has_work()
        except StorageError as error:
            _logger.error("long jobs: %s", error)
            return False


def _unusable(error: StorageError) -> StateUnavailableError:
    return StateUnavailableError(f"{error}: tell the operator")
