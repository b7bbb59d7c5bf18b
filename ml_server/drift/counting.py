"""Counts whom models are asked of."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from ml_server import telemetry
from ml_server.drift.bins import Bins
from ml_server.grouping import Groups
from ml_server.model import Model, Result
from ml_server.observing import Observed
from ml_server.schemas import Row
from ml_server.storage.drift import BLOCK, WINDOW, DriftStore

# Values that wait to be counted: 8 MB of them.
_MOST_WAITING = 1_000_000
# For so many seconds: a process that is killed has not counted those, which of hundreds are few.
_HOLD_S = 0.5


class _Asked(NamedTuple):
    model: Model
    rows: Sequence[Row]
    results: Sequence[Result]


class Counter:
    """Looks on at predictions, and counts of whom they are."""

    def __init__(self, store: DriftStore) -> None:
        self._store = store
        self._groups: Groups[_Asked] = Groups("drift", self._write, _MOST_WAITING, _lose, _HOLD_S)
        self._known: dict[str, tuple[Bins, str]] = {}
        self.flush = self._groups.flush

    def observe(self, request_id: str, observed: Observed, elapsed_s: float) -> None:
        """Take those of one request."""
        del request_id, elapsed_s
        model = observed.model
        if model.is_table:
            self._groups.add(_Asked(model, observed.rows, observed.results), len(observed.rows) * model.row_size)

    def count(self, observed: Observed) -> None:
        """Count now, as a part of what the caller writes to the same database.

        Raises:
            StorageError: see `Database`.
        """
        if observed.model.is_table:
            self._write([_Asked(observed.model, observed.rows, observed.results)])

    def _write(self, asked: list[_Asked]) -> None:
        models = {each.model.digest: each.model for each in asked}
        now_ms = int(time.time() * 1000)
        for digest, model in models.items():
            rows = [row for each in asked if each.model.digest == digest for row in each.rows]
            results = [result for each in asked if each.model.digest == digest for result in each.results]
            bins, reference = self._bins(model)
            # What would go again at once need not come.
            last = WINDOW + BLOCK
            blocks = bins.counts(rows[-last:], results[-last:], BLOCK)
            self._store.add((model.card.name, model.card.version, digest), reference, len(rows), blocks, now_ms)

    def _bins(self, model: Model) -> tuple[Bins, str]:
        if model.digest not in self._known:
            bins = Bins(model.card)
            self._known[model.digest] = bins, msgspec.json.encode(bins.reference).decode()
        return self._known[model.digest]


def _lose(count: int) -> None:
    telemetry.record_unkept("drift", count)
