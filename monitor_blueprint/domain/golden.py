"""Whether a model's answer to a question with a known answer is the right one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Case(NamedTuple):
    """One question as it is sent, and the right answer."""

    question: bytes
    expected: Mapping[str, float]


class Wanted(NamedTuple):
    """All cases, and the model that is to answer them; of that, `due_version` is to answer."""

    model_name: str
    model_version: str
    cases: Sequence[Case]
    tolerance: float
    due_version: str


class Wrong(NamedTuple):
    """A field of the answer that is not what it must be."""

    field: str
    got: object
    expected: object


def difference(body: object, case: Case, wanted: Wanted) -> Wrong | None:
    """Return what is wrong with the answer; None when it is right."""
    if not isinstance(body, Mapping):
        return Wrong("body", type(body).__name__, "object")
    pairs: Sequence[tuple[str, object]] = (
        ("ok", True),
        ("model_name", wanted.model_name),
        ("model_version", wanted.due_version),
    )
    for field, expected in pairs:
        if body.get(field) != expected:
            return Wrong(field, body.get(field), expected)
    return _wrong_class(body.get("prediction"), case.expected, wanted.tolerance) or _wrong_probability(
        body.get("predictions"), case.expected, wanted.tolerance
    )


def _wrong_class(prediction: object, wanted: Mapping[str, float], tolerance: float) -> Wrong | None:
    likeliest = max(wanted, key=lambda name: wanted[name])
    # Of those that are as likely, within the tolerance, another machine may choose another.
    right = [name for name, expected in wanted.items() if expected >= wanted[likeliest] - 2 * tolerance]
    return None if prediction in right else Wrong("prediction", prediction, likeliest)


def _wrong_probability(predictions: object, wanted: Mapping[str, float], tolerance: float) -> Wrong | None:
    if not isinstance(predictions, Mapping) or set(predictions) != set(wanted):
        return Wrong("predictions", predictions, sorted(wanted))
    for name, expected in wanted.items():
        got = predictions[name]
        # Not `abs(...) > tolerance`: NaN is within no tolerance, and an integer may be larger than any float.
        if not isinstance(got, int | float) or not expected - tolerance <= got <= expected + tolerance:
            return Wrong(f"predictions.{name}", got, expected)
    return None
