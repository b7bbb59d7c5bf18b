"""Every answer is kept, without what it was an answer to, until it is known what was true."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from ml_server import telemetry
from ml_server.card import Card, Interval
from ml_server.card_consistency import fits
from ml_server.evidence import Pattern
from ml_server.grouping import Groups
from ml_server.model import Answer, Model, Result
from ml_server.observing import ClientIds, Observed
from ml_server.storage.feedback import FeedbackStore, ModelKey, NewAnswer

# Answers that wait for the disk; one takes about half a kilobyte meanwhile.
_MOST_WAITING = 100_000
# What is too old or too much is looked for after so many answers, and after so long.
_PRUNED_EVERY, _PRUNED_EVERY_S = 10_000, 86_400.0
# What a number is kept to: float32, in which models answer, knows no more.
_DIGITS = ".7g"
_HALF = 0.5


class KeptCard(msgspec.Struct, frozen=True):
    """What is kept of a card: `answers` are its classes, labels or targets, `scores` the means of its figures by name.

    `patterns` has the scores of each of the card's patterns of missing inputs, in their order.
    """

    answers: list[str]
    scores: dict[str, float]
    class_counts: dict[str, int] = {}
    rows: int = 0
    intervals: dict[str, Interval] = {}
    patterns: list[dict[str, float]] = []


class _Seen(NamedTuple):
    """One request that was answered, without what was asked."""

    at: float
    request_id: str
    model: Model
    places: Sequence[int]
    results: Sequence[Result]
    ids: Sequence[ClientIds]
    missing: Sequence[tuple[int, ...]]


class Keeper:
    """Looks on at predictions, and keeps the answers."""

    def __init__(self, store: FeedbackStore) -> None:
        self._store = store
        self._groups: Groups[_Seen] = Groups("feedback", self._write, _MOST_WAITING, _lose)
        self._written = _PRUNED_EVERY
        self._pruned_at = time.monotonic()
        self.flush = self._groups.flush

    def observe(self, request_id: str, observed: Observed, elapsed_s: float) -> None:
        """Take an answer."""
        del elapsed_s
        self._groups.add(_seen(request_id, observed), len(observed.places))

    def keep(self, request_id: str, observed: Observed) -> None:
        """Write an answer now, as a part of what the caller writes to the same database; `tidy` is to be called afterwards.

        Raises:
            StorageError: see `Database`.
        """
        self._keep([_seen(request_id, observed)])

    def _write(self, seen: list[_Seen]) -> None:
        self._keep(seen)
        self.tidy()

    def _keep(self, seen: list[_Seen]) -> None:
        answers = [answer for each in seen for answer in _answers(each)]
        if not answers:
            return
        models = {_key(each.model): each.model for each in seen}
        cards = {key: (model.card.task, kept_card(model.card)) for key, model in models.items()}
        self._store.keep(answers, cards)
        self._written += len(answers)

    def tidy(self) -> None:
        """Forget what is too old or too much, after so many answers.

        Raises:
            StorageError: see `Database`.
        """
        if self._written >= _PRUNED_EVERY or time.monotonic() - self._pruned_at >= _PRUNED_EVERY_S:
            while self._store.prune(int(time.time() * 1000)):
                pass
            self._written, self._pruned_at = 0, time.monotonic()


def _seen(request_id: str, observed: Observed) -> _Seen:
    model, places = observed.model, observed.places
    missing = [row.missing for row in observed.rows] if model.card.patterns else ()
    return _Seen(time.time(), request_id, model, places, observed.results, observed.ids, missing)


def kept_card(card: Card) -> str:
    """Return what the figures of a version are held against, as JSON."""
    intervals = {target.name: target.interval for target in card.targets if target.interval is not None}
    scores = {name: score.mean for name, score in card.scores.items()}
    patterns = [_scores_of(card, pattern, scores) for pattern in card.patterns]
    kept = KeptCard(card.answers, scores, card.training.class_counts, card.training.rows, intervals, patterns)
    return msgspec.json.encode(kept).decode()


def _scores_of(card: Card, pattern: Pattern, whole: dict[str, float]) -> dict[str, float]:
    """Return the scores of requests that lack this; what is decided by `prediction` is the threshold of one half."""
    found = {} if pattern.missing else dict(whole)
    found |= {name: score.mean for name, score in pattern.scores.items()}
    for threshold in pattern.thresholds:
        if threshold.at == _HALF:
            pair = (threshold.sensitivity.mean, threshold.specificity.mean)
            # In the figures it is the second class that is the case.
            found["sensitivity"], found["specificity"] = pair if card.positive == card.classes[-1] else pair[::-1]
    return found


def _pattern(card: Card, missing: tuple[int, ...]) -> int | None:
    names = [card.inputs[number].name for number in missing]
    return next((place for place, pattern in enumerate(card.patterns) if fits(pattern, names)), None)


def _lose(count: int) -> None:
    telemetry.record_unkept("feedback", count)


def _key(model: Model) -> ModelKey:
    return ModelKey(model.card.name, model.card.version, model.digest)


def _answers(seen: _Seen) -> list[NewAnswer]:
    key, at_ms = _key(seen.model), int(seen.at * 1000)
    ids = seen.ids or [ClientIds()] * len(seen.places)
    missing: Sequence[tuple[int, ...] | None] = seen.missing or [None] * len(seen.places)
    return [
        NewAnswer(
            key,
            at_ms,
            seen.request_id,
            place,
            None if lacks is None else _pattern(seen.model.card, lacks),
            own.item,
            own.prediction,
            _kept_numbers(seen.model, result.numbers),
            said(seen.model, result.numbers),
        )
        for place, result, own, lacks in zip(seen.places, seen.results, ids, missing, strict=True)
        if isinstance(result, Answer)
    ]


def _kept_numbers(model: Model, numbers: Sequence[float]) -> str:
    # There is nothing that could turn out to be true of a vector, and that is what is to be answered.
    kept = () if model.card.task == "embedding" else numbers
    return f"[{','.join([format(number, _DIGITS) for number in kept])}]"


def said(model: Model, numbers: Sequence[float]) -> str | None:
    """Return the places of the classes that are the prediction, as JSON; None where it is a value."""
    classes = model.card.classes
    if not classes:
        return None
    predicted: Any = model.task.render(numbers)["prediction"]
    names = [predicted] if isinstance(predicted, str) else predicted or ()
    return f"[{','.join([str(place) for place, name in enumerate(classes) if name in names])}]"
