"""The thread that compares: it has what the processor has left over, so nobody may ever wait for a lock that it holds.

It works in slices. While predictions arrive and somebody wants the processor that it is on, it rests after each of them: where
more comes than it gets done there is no room at some point, and workers skip what they would hand on, and count that.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ml_server import priority
from ml_server.silent import wire
from ml_server.silent.comparing import step_of
from ml_server.silent.ledger import About
from ml_server.silent.ring import Ring
from ml_server.silent.second import Compared, Second
from ml_server.silent.wire import Asked
from ml_server.storage.silent import Count

# How often it looks for something to do, and for how long it is at it, in seconds: that long a request is late at worst.
_LOOK_S, _SLICE_S = 0.1, 0.001
# What it takes of a processor at most while it is in somebody's way.
_SHARE = 0.05
# Without a prediction for so long there is nobody to be in the way of.
_QUIET_S = 0.25
# How long one waits for what is being compared.
_PATIENCE_S = 0.5
_logger = logging.getLogger("ml_server")


class Work:
    """What is to be compared, and what came of it so far."""

    def __init__(self, second: Second) -> None:
        self._second = second
        self._sources: dict[str, tuple[Ring, About]] = {}
        # Rows: each is counted by one thread only, so no lock is needed.
        self._taken: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._done: deque[tuple[Counter[Count], Counter[str]]] = deque()
        self._thread = threading.Thread(target=self._run, name="second", daemon=True)
        self._turn = threading.Lock()
        self._may_work = threading.Event()
        self._may_work.set()
        self._put_bytes = 0
        self._last_put = 0.0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Tell whether anything will be compared."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> set[str]:
        """Return of whom there is something that has not been told."""
        # In this order: what has been taken is counted before it is.
        return {token for token, (ring, _) in self._sources.items() if ring.has_more or self._taken[token] != self._told[token]}

    def meet(self, token: str, about: About, ring: Ring) -> None:
        """Have what a worker puts into its ring compared; `about` is what its ledger is about."""
        self._sources[token] = (ring, about)
        ring.read(is_read=True)

    def part_from_all_but(self, tokens: set[str]) -> None:
        """Forget all workers but these."""
        for token in self._sources.keys() - tokens:
            del self._sources[token]

    def end(self) -> None:
        """Have workers hand on nothing more."""
        for ring, _ in self._sources.values():
            ring.read(is_read=False)

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Have nothing compared meanwhile: who needs the interpreter for a lock that others want does not wait for it.

        A run of the model that takes long is not waited for: it leaves the interpreter be.
        """
        self._may_work.clear()
        is_turn = self._turn.acquire(timeout=_PATIENCE_S)
        try:
            yield
        finally:
            if is_turn:
                self._turn.release()
            self._may_work.set()

    def take(self) -> tuple[Counter[Count], Counter[str]]:
        """Return what was counted since the last time, and how many rows of which ledgers that is."""
        counts: Counter[Count] = Counter()
        accounted: Counter[str] = Counter()
        while self._done:
            some_counts, some_accounted = self._done.popleft()
            counts.update(some_counts)
            accounted.update(some_accounted)
        self._told.update(accounted)
        return counts, accounted

    def _run(self) -> None:
        if not priority.step_back():
            _logger.warning("a silent trial runs as if it were predictions: the unit forbids sched_setscheduler(2)")
        try:
            while True:
                self._work()
                time.sleep(_LOOK_S)
        except Exception as error:  # noqa: BLE001 - the process ends of it; the text may have values of a request
            _logger.error("silent trial: it ends with %s", type(error).__name__)

    def _work(self) -> None:
        """Work until there is nothing to do."""
        part = priority.Slice()
        while self._compare_some():
            if part.spent_s >= _SLICE_S:
                if self._are_predictions_made():
                    time.sleep(part.rest_s(_SHARE))
                part = priority.Slice()

    def _compare_some(self) -> bool:
        self._may_work.wait()
        with self._turn:
            return self._compare()

    def _are_predictions_made(self) -> bool:
        put_bytes = sum(ring.put_bytes for ring, _ in list(self._sources.values()))
        now = time.monotonic()
        if put_bytes != self._put_bytes:
            self._put_bytes, self._last_put = put_bytes, now
        return now - self._last_put < _QUIET_S

    def _compare(self) -> bool:
        """Compare what is answered together, and tell whether there was anything."""
        group = self._group()
        if not group:
            return False
        counts: Counter[Count] = Counter()
        accounted: Counter[str] = Counter()
        compared = self._compared([(asked, about) for _, asked, about in group])
        for (token, asked, about), each in zip(group, compared, strict=True):
            active = f"{about.version} {about.digest}"
            accounted[token] += len(each.rows)
            _count(counts, active, each)
            counts[Count(active, "active_time", str(step_of(asked.elapsed_us)))] += 1
            counts[Count(active, "second_time", str(step_of(each.busy_us)))] += 1
        self._done.append((counts, accounted))
        return True

    def _group(self) -> list[tuple[str, Asked, About]]:
        """Take what is answered together: of each worker its part."""
        group = []
        sources = list(self._sources.items())
        for token, (ring, about) in sources:
            rows = 0
            while rows < max(1, self._second.group_rows // len(sources)) and (record := ring.look()) is not None:
                asked = wire.decode(record)
                rows += len(asked.places)
                self._taken[token] += len(asked.places)
                ring.take(record)
                group.append((token, asked, about))
        return group

    def _compared(self, group: Sequence[tuple[Asked, About]]) -> list[Compared]:
        try:
            return self._second.compare(group)
        except Exception as error:  # noqa: BLE001 - it is counted; the text may have values of the request
            if len(group) > 1:
                return [compared for each in group for compared in self._compared([each])]
            _logger.error("silent trial: %s", type(error).__name__)
            return [Compared(["crashed"] * len(group[0][0].places), 0.0)]


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
