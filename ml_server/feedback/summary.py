"""How good each version's answers were of late, and whether that is still what its card says."""

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import NormalDist
from typing import Any, Literal

import msgspec
import numpy as np

from ml_server.feedback import figures
from ml_server.feedback.figures import Figure, Floats, Ints
from ml_server.feedback.keeping import KeptCard
from ml_server.intervals import Z, wilson
from ml_server.storage.feedback import DAY_MS, FeedbackStore, Judged, KeptModel

_KEPT_CARD = msgspec.json.Decoder(KeptCard)

# Answers of the last so many days, by the moment of the answer; a truth that comes late counts for its answer's day. 0: all.
DAYS = (30, 90, 365, 0)
# From so many of each kind on, fewer days are enough to hold the figures against the card's.
ENOUGH = 100
# More would say no more, and keep others waiting while they are counted.
_MOST_JUDGED = 20_000
_MOST_VERSIONS = 20
_FRESH_S = 600.0
_PERFECT = {"calibration_slope": 1.0, "calibration_intercept": 0.0}
# What depends on how many people are ill, however good the model is.
_OF_THE_MIX = ("accuracy", "brier")
# Of two classes: over which of them a figure is.
_SIDES = {"sensitivity": 1, "specificity": 0}
# Of so large a share of the people the card must have scores for what they lacked.
_MOST_OF = 0.9

Verdict = Literal["as_card", "worse", "better", "too_few", "not_in_card", "other_mix"]


class Compared(Figure, frozen=True):
    """A figure with its 95 % interval, and what the card says of it; `people` are too few where there is no value."""

    card: float | None
    verdict: Verdict


class Window(msgspec.Struct, frozen=True):
    """The answers from one day (UTC) on, how many of them are judged, and their figures; `days` is 0 for all."""

    days: int
    since: datetime | None
    answered: int
    judged: int
    figures: list[Compared]


class Version(msgspec.Struct, frozen=True):
    """One version; `verdict` is that of the figures of the last `judged_days` days: whether any is worse than its card says."""

    model_name: str
    model_version: str
    model_digest: str
    task: str
    judged: int
    corrected: int
    verdict: Literal["as_card", "worse", "too_few", "not_in_card"]
    judged_days: int
    windows: list[Window]

    @property
    def key(self) -> tuple[str, str, str]:
        """Return name, version and digest."""
        return self.model_name, self.model_version, self.model_digest

    @property
    def window(self) -> Window:
        """Return the days by which it is judged."""
        return next(window for window in self.windows if window.days == self.judged_days)

    def brief(self) -> "Version":
        """Return the same with those days only."""
        return msgspec.structs.replace(self, windows=[self.window])


class Summaries:
    """Makes them, and remembers the last while nothing has been judged since."""

    def __init__(self, store: FeedbackStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known: dict[int, tuple[tuple[int, int], float, Version]] = {}

    def versions(self) -> list[Version]:
        """Return one for each version that has answered, the latest first.

        Raises:
            StorageError: see `Database`.
        """
        with self._lock:
            models = [model for model in self._store.models() if model.task != "embedding"]
            kept = [self._of(model) for model in models[:_MOST_VERSIONS]]
            self._known = {model.id: known for model, known in kept}
            return [version for _, (_, _, version) in kept]

    def _of(self, model: KeptModel) -> tuple[KeptModel, tuple[tuple[int, int], float, Version]]:
        mark, known = (model.judged, model.corrected), self._known.get(model.id)
        if known is None or known[0] != mark or time.monotonic() - known[1] >= _FRESH_S:
            return model, (mark, time.monotonic(), self._made(model, time.time()))
        windows = [msgspec.structs.replace(each, answered=self._answered(model, each.since)) for each in known[2].windows]
        return model, (*known[:2], msgspec.structs.replace(known[2], windows=windows))

    def _answered(self, model: KeptModel, since: datetime | None) -> int:
        return self._store.answered(model.id, int(since.timestamp() * 1000) // DAY_MS if since else 0)

    def _made(self, model: KeptModel, now: float) -> Version:
        judged = self._store.judged(model.id, _MOST_JUDGED) if model.judged else []
        table = _Table(model.task, _KEPT_CARD.decode(model.card), judged)
        today = int(now * 1000) // DAY_MS
        windows = []
        for days in DAYS:
            first = today - days + 1 if days else 0
            count = table.count_since(first * DAY_MS)
            since = datetime.fromtimestamp(first * DAY_MS / 1000, UTC) if days else None
            windows.append(Window(days, since, self._answered(model, since), count, table.compared(count)))
        chosen = _chosen([window for window in windows if window.days])
        return Version(
            model_name=model.name,
            model_version=model.version,
            model_digest=model.digest,
            task=model.task,
            judged=model.judged,
            corrected=model.corrected,
            verdict=_verdict(chosen),
            judged_days=chosen.days,
            windows=windows,
        )


def _chosen(windows: Sequence[Window]) -> Window:
    """Return the shortest one that has enough cases, or else the longest: of few, nobody can see whether they are worse."""
    for window in windows:
        held = [figure.people for figure in window.figures if figure.verdict in ("as_card", "worse", "better")]
        if held and min(held) >= ENOUGH:
            return window
    return windows[-1]


def _verdict(window: Window) -> Literal["as_card", "worse", "too_few", "not_in_card"]:
    verdicts = {figure.verdict for figure in window.figures}
    if "worse" in verdicts:
        return "worse"
    if verdicts & {"as_card", "better"}:
        return "as_card"
    return "too_few" if "too_few" in verdicts or not window.judged else "not_in_card"


class _Table:
    """The judged answers of one version, the newest first."""

    def __init__(self, task: str, card: KeptCard, judged: Sequence[Judged]) -> None:
        self._task = task
        self._card = card
        self._at = [each.at_ms for each in judged]
        self._patterns = [each.pattern for each in judged]
        self._numbers: Floats = np.array(_decoded([each.numbers for each in judged]), dtype=np.float64)
        truth = _decoded([each.truth for each in judged])
        self._truth = np.array(truth, dtype=np.float64)
        said = _decoded([each.said or "[]" for each in judged])
        if task == "classification":
            self._said: Ints = np.array([each[0] if each else -1 for each in said], dtype=np.int64)
        elif task == "multi_label":
            places = range(len(card.answers))
            self._said = np.array([[int(place in each) for place in places] for each in said], dtype=np.int64)

    def count_since(self, first_ms: int) -> int:
        """Return how many are of that moment or later."""
        return sum(at >= first_ms for at in self._at)

    def compared(self, count: int) -> list[Compared]:
        """Return the figures of the newest ones, held against the card's."""
        if not count:
            return []
        found = self._figures(count)
        held = [self._wanted(figure, count) is not None and figure.value is not None for figure in found]
        # Of many figures one is outside of its interval by chance: the more there are, the farther outside it must be.
        stretch = NormalDist().inv_cdf(1 - 0.025 / max(1, sum(held))) / Z
        has_mix = self._has_trained_mix(count)
        return [self._compare(figure, self._wanted(figure, count), stretch, has_mix=has_mix) for figure in found]

    def _figures(self, count: int) -> list[Figure]:
        numbers, truth, card = self._numbers[:count], self._truth[:count], self._card
        if self._task == "classification":
            return figures.of_classes(numbers, self._said[:count], truth.astype(np.int64), card.answers)
        if self._task == "multi_label":
            return figures.of_labels(numbers, self._said[:count], truth.astype(np.int64), card.answers)
        found = []
        for place, target in enumerate(card.answers):
            reach = card.intervals.get(target)
            name = target if len(card.answers) > 1 else ""
            spans = None if reach is None else (reach.below, reach.above)
            found += figures.of_values(numbers[:, place], truth[:, place], name, spans)
        return found

    def _wanted(self, figure: Figure, count: int) -> float | None:
        """Return what the card says: of what these people lacked, where it has scores for that."""
        if figure.name == "coverage":
            return self._card.intervals[figure.of or self._card.answers[0]].coverage
        if not self._card.patterns:
            return self._card.scores.get(figure.full_name)
        by_pattern = [scores.get(figure.full_name) for scores in self._card.patterns]
        wanted = [None if pattern is None else by_pattern[pattern] for pattern in self._patterns[:count]]
        side = _SIDES.get(figure.full_name)
        if side is not None:
            wanted = [each for each, truth in zip(wanted, self._truth[:count], strict=True) if truth == side]
        known = [each for each in wanted if each is not None]
        return sum(known) / len(known) if known and len(known) >= _MOST_OF * len(wanted) else None

    def _compare(self, figure: Figure, wanted: float | None, stretch: float, *, has_mix: bool) -> Compared:
        verdict: Verdict
        if figure.value is None or figure.low is None or figure.high is None:
            verdict = "too_few"
        elif wanted is None:
            verdict = "not_in_card"
        elif figure.name in _OF_THE_MIX and not has_mix:
            verdict = "other_mix"
        else:
            low = figure.value - stretch * (figure.value - figure.low)
            high = figure.value + stretch * (figure.high - figure.value)
            verdict = _held(figure.name, low, high, wanted)
        return Compared(**msgspec.structs.asdict(figure), card=wanted, verdict=verdict)

    def _has_trained_mix(self, count: int) -> bool:
        """Tell whether there are as many of each class as in training, as far as so few people can say that."""
        counts, rows = self._card.class_counts, self._card.rows
        if not rows or set(counts) != set(self._card.answers):
            return False
        for place, name in enumerate(self._card.answers):
            is_true = self._truth[:count] == place if self._task == "classification" else self._truth[:count, place] == 1
            low, high = wilson(int(is_true.sum()), count)
            trained_low, trained_high = wilson(min(counts[name], rows), rows)
            if high < trained_low or low > trained_high:
                return False
        return True


def _held(name: str, low: float, high: float, wanted: float) -> Verdict:
    """Return what an interval says of the card's figure: nothing, unless that is outside of it."""
    if low <= wanted <= high:
        return "as_card"
    perfect = _PERFECT.get(name)
    if perfect is not None:
        return "better" if low <= perfect <= high else "worse"
    is_higher = wanted < low
    return "better" if is_higher == (name in figures.HIGHER_IS_BETTER) else "worse"


def _decoded(texts: Sequence[str]) -> list[Any]:
    """Return what many small JSON texts say, read as one."""
    return list(msgspec.json.decode(f"[{','.join(texts)}]"))
