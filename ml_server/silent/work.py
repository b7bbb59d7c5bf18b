"""The thread that compares: it has what the processor has left over, so nobody may ever wait for a lock that it holds."""

import logging
import threading
from collections import Counter, deque
from queue import SimpleQueue

from ml_server import priority
from ml_server.silent.comparing import step_of
from ml_server.silent.ledger import About
from ml_server.silent.second import Compared, Second
from ml_server.silent.wire import Asked
from ml_server.storage.silent import Count

_MOST_BYTES = 32 * 1024 * 1024
_MOST_PACKETS = 4096
_logger = logging.getLogger("ml_server")


class Work:
    """What is to be compared, and what came of it so far."""

    def __init__(self, second: Second) -> None:
        self._second = second
        self._abouts: dict[str, About] = {}
        self._queue: SimpleQueue[tuple[str, Asked]] = SimpleQueue()
        self._bytes_in = self._bytes_out = 0
        self._waiting: Counter[str] = Counter()
        self._done: deque[tuple[str, int, Compared]] = deque()

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name="second", daemon=True).start()

    @property
    def is_full(self) -> bool:
        """Tell whether there is enough to do."""
        return self._queue.qsize() >= _MOST_PACKETS or self._bytes_in - self._bytes_out >= _MOST_BYTES

    @property
    def waiting(self) -> set[str]:
        """Return whose packets have not been taken."""
        return {token for token, packets in self._waiting.items() if packets}

    def meet(self, token: str, about: About) -> None:
        """Take note of what a worker's ledger is about."""
        self._abouts[token] = about

    def add(self, token: str, asked: Asked) -> None:
        """Have a request compared."""
        self._waiting[token] += 1
        self._bytes_in += len(asked.body)
        self._queue.put((token, asked))

    def take(self) -> tuple[Counter[Count], Counter[str]]:
        """Return what was counted since the last time, and how many rows of which ledgers that is.

        It is added up here, in the thread that keeps it, out of what the other one has done: so no lock is needed.
        """
        counts: Counter[Count] = Counter()
        accounted: Counter[str] = Counter()
        while self._done:
            token, elapsed_us, compared = self._done.popleft()
            about = self._abouts[token]
            active = f"{about.version} {about.digest}"
            self._waiting[token] -= 1
            accounted[token] += len(compared.rows)
            _count(counts, active, compared)
            counts[Count(active, "active_time", str(step_of(elapsed_us)))] += 1
            counts[Count(active, "second_time", str(step_of(compared.busy_us)))] += 1
        return counts, accounted

    def _run(self) -> None:
        if not priority.step_back():
            _logger.warning("a silent trial runs as if it were predictions: the unit forbids sched_setscheduler(2)")
        while True:
            token, asked = self._queue.get()
            try:
                compared = self._second.compare(asked, self._abouts[token])
            except Exception as error:  # noqa: BLE001 - it is counted; the text may have values of the request
                _logger.error("silent trial: %s", type(error).__name__)
                compared = Compared(["crashed"] * len(asked.places), 0.0)
            self._bytes_out += len(asked.body)
            self._done.append((token, asked.elapsed_us, compared))


def _count(counts: Counter[Count], active: str, compared: Compared) -> None:
    for row in compared.rows:
        if isinstance(row, str):
            counts[Count(active, "failed", row)] += 1
            continue
        counts[Count(active, "compared", "")] += 1
        counts[Count(active, "difference", str(row.size))] += 1
        if row.is_same is not None:
            counts[Count(active, "decided", "same" if row.is_same else "other")] += 1
        for said, other_said in row.pairs:
            counts[Count(active, "pair", f"{said}\t{other_said}")] += 1
