"""What the numbers of a model mean: which are an answer, how they are told, and what moved them."""

import math
from collections.abc import Sequence
from typing import Any, Protocol

from ml_server.card import Card, GoldenSample

_SUM_TOLERANCE = 1e-3
# A probability nearer to 0 or 1 has no log-odds that mean anything: float32's step below 1 is 6e-8 (2 to the power of -24).
LOG_ODDS_LIMIT = 1e-7
TOO_CERTAIN = "feature_importance is left out: a probability is too near 0 or 1 to say what moved it"
NO_EXPLANATION = "feature_importance is left out: a vector has no one direction to explain"
_HALF = 0.5


class Task(Protocol):
    """One kind of answer."""

    def is_answer(self, numbers: Sequence[float]) -> bool:
        """Tell whether these can be what the model is asked for: NaN, and what are no probabilities, cannot."""

    def render(self, numbers: Sequence[float]) -> dict[str, Any]:
        """Return one person's part of an answer."""

    def importance(self, whole: Sequence[float], without: Sequence[Sequence[float]]) -> list[float] | str:
        """Return how much each input moved the answer, given the numbers with that one at its reference; or why not."""

    def expected(self, sample: GoldenSample) -> list[float]:
        """Return the numbers that a golden sample expects."""


class Classification:
    """One class is true: probabilities that add up to 1."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = classes

    def is_answer(self, numbers: Sequence[float]) -> bool:
        """Tell whether they are a distribution."""
        return all(0 <= p <= 1 for p in numbers) and abs(sum(numbers) - 1) <= _SUM_TOLERANCE

    def render(self, numbers: Sequence[float]) -> dict[str, Any]:
        """Return the likeliest class, its probability and all probabilities."""
        predictions = dict(zip(self._classes, numbers, strict=True))
        prediction = max(predictions, key=predictions.__getitem__)
        return {"prediction": prediction, "confidence": predictions[prediction], "predictions": predictions}

    def importance(self, whole: Sequence[float], without: Sequence[Sequence[float]]) -> list[float] | str:
        """Return the change of the predicted class's log-odds.

        With p its probability: logit(p) - logit(p with this one input at its reference, the training median). That is
        occlusion (Zeiler and Fergus 2014; Robnik-Sikonja and Kononenko 2008, log-odds form), which needs nothing of a model
        but its probabilities; for a logistic regression it is exactly coefficient times distance from the median. Above
        zero speaks for the predicted class.
        """
        predicted = whole.index(max(whole))
        return _log_odds_moved([numbers[predicted] for numbers in (whole, *without)])

    def expected(self, sample: GoldenSample) -> list[float]:
        """Return the probabilities."""
        return _by_name(sample, self._classes)


class MultiLabel:
    """Any number of labels are true: a probability each."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = labels

    def is_answer(self, numbers: Sequence[float]) -> bool:
        """Tell whether they are probabilities."""
        return all(0 <= p <= 1 for p in numbers)

    def render(self, numbers: Sequence[float]) -> dict[str, Any]:
        """Return the labels that are likelier than not, how sure the least certain of all labels is, and all probabilities."""
        predictions = dict(zip(self._labels, numbers, strict=True))
        return {
            "prediction": [label for label, p in predictions.items() if p >= _HALF],
            "confidence": min(max(p, 1 - p) for p in numbers),
            "predictions": predictions,
        }

    def importance(self, whole: Sequence[float], without: Sequence[Sequence[float]]) -> list[float] | str:
        """Return the change of the likeliest label's log-odds, as for classes."""
        likeliest = whole.index(max(whole))
        return _log_odds_moved([numbers[likeliest] for numbers in (whole, *without)])

    def expected(self, sample: GoldenSample) -> list[float]:
        """Return the probabilities."""
        return _by_name(sample, self._labels)


class Regression:
    """Values in their units."""

    def __init__(self, card: Card) -> None:
        self._targets = card.targets

    def is_answer(self, numbers: Sequence[float]) -> bool:
        """Tell whether they are numbers."""
        return all(map(math.isfinite, numbers))

    def render(self, numbers: Sequence[float]) -> dict[str, Any]:
        """Return the values by target, with unit and interval; the first is the prediction. A value has no confidence."""
        values = []
        for target, number in zip(self._targets, numbers, strict=True):
            value: dict[str, Any] = {"name": target.name, "value": number, "unit": target.unit}
            if target.interval is not None:
                low, high = number - target.interval.below, number + target.interval.above
                value["interval"] = {"low": low, "high": high, "coverage": target.interval.coverage}
            values.append(value)
        predictions = {value["name"]: value["value"] for value in values}
        return {"prediction": numbers[0], "confidence": None, "predictions": predictions, "values": values}

    def importance(self, whole: Sequence[float], without: Sequence[Sequence[float]]) -> list[float] | str:
        """Return the change of the first target's value, in its unit."""
        return [whole[0] - numbers[0] for numbers in without]

    def expected(self, sample: GoldenSample) -> list[float]:
        """Return the values."""
        return _by_name(sample, [target.name for target in self._targets])


class Embedding:
    """A vector."""

    def is_answer(self, numbers: Sequence[float]) -> bool:
        """Tell whether they are numbers."""
        return all(map(math.isfinite, numbers))

    def render(self, numbers: Sequence[float]) -> dict[str, Any]:
        """Return the vector; there is nothing to predict."""
        return {"prediction": None, "confidence": None, "predictions": {}, "embedding": list(numbers)}

    def importance(self, whole: Sequence[float], without: Sequence[Sequence[float]]) -> list[float] | str:
        """Say that there is none."""
        del whole, without
        return NO_EXPLANATION

    def expected(self, sample: GoldenSample) -> list[float]:
        """Return the vector."""
        vector = sample.expected["embedding"]
        return vector if isinstance(vector, list) else [vector]


def task_of(card: Card) -> Task:
    """Return the task that the card names."""
    if card.task == "regression":
        return Regression(card)
    if card.task == "embedding":
        return Embedding()
    return MultiLabel(card.classes) if card.task == "multi_label" else Classification(card.classes)


def deviations(got: Sequence[float], expected: Sequence[float]) -> list[float]:
    """Return how far each number is off, as `golden_tolerance` measures it: the difference as a share of what is expected, or
    of 1 where that is smaller, as every probability is (float32 knows seven digits, whatever the unit).
    """
    return [abs(a - b) / max(1.0, abs(b)) for a, b in zip(got, expected, strict=True)]


def warnings_of_range(card: Card, numbers: Sequence[float]) -> tuple[str, ...]:
    """Return which values of a regression are outside what was seen in training."""
    told = []
    for target, number in zip(card.targets, numbers, strict=False):
        if not target.minimum <= number <= target.maximum:
            side = "below" if number < target.minimum else "above"
            span = f"{target.minimum:.6g} to {target.maximum:.6g} ({target.unit})"
            told.append(f"the predicted {target.name} is {side} the range seen in training, {span}")
    return tuple(told)


def _by_name(sample: GoldenSample, names: Sequence[str]) -> list[float]:
    return [float(sample.expected[name]) for name in names]  # type: ignore[arg-type] # read_card has looked


def _log_odds_moved(probabilities: Sequence[float]) -> list[float] | str:
    if not all(LOG_ODDS_LIMIT <= p <= 1 - LOG_ODDS_LIMIT for p in probabilities):
        return TOO_CERTAIN
    whole, *without = [math.log(p / (1 - p)) for p in probabilities]
    return [whole - each for each in without]
