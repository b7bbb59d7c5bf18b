"""Whether a model's answer to a question with a known answer is the right one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

# Keys of what is remembered: the model and version that was right last, and the version from which it was changed to that.
_RIGHT, _BEFORE = "right", "before"
CLASSIFICATION = "classification"
_EMBEDDING = "embedding"


class Case(NamedTuple):
    """One question as it is sent, and the right answer: numbers by name, or a vector."""

    question: bytes
    expected: Mapping[str, float | Sequence[float]]


class Wanted(NamedTuple):
    """All cases, and the model that is to answer them; of that, `due_version` is to answer.

    `digest` is what the server says of the model's files; `missed_version` is what it ought to serve, where it does not.
    """

    model_name: str
    model_version: str
    cases: Sequence[Case]
    tolerance: float
    due_version: str
    task: str = CLASSIFICATION
    digest: str = ""
    missed_version: str = ""


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
    if wanted.task == _EMBEDDING:
        return _wrong_vector(body.get(_EMBEDDING), case.expected.get(_EMBEDDING), wanted)
    numbers = {name: expected for name, expected in case.expected.items() if isinstance(expected, int | float)}
    wrong = _wrong_class(body.get("prediction"), numbers, wanted.tolerance) if wanted.task == CLASSIFICATION else None
    return wrong or _wrong_number(body.get("predictions"), numbers, wanted)


def _wrong_class(prediction: object, wanted: Mapping[str, float], tolerance: float) -> Wrong | None:
    likeliest = max(wanted, key=lambda name: wanted[name])
    # Of those that are as likely, within the tolerance, another machine may choose another.
    right = [name for name, expected in wanted.items() if expected >= wanted[likeliest] - 2 * tolerance]
    return None if prediction in right else Wrong("prediction", prediction, likeliest)


def _wrong_number(predictions: object, expected: Mapping[str, float], wanted: Wanted) -> Wrong | None:
    if not isinstance(predictions, Mapping) or set(predictions) != set(expected):
        return Wrong("predictions", predictions, sorted(expected))
    for name, number in expected.items():
        if not _is_near(predictions[name], number, wanted):
            return Wrong(f"predictions.{name}", predictions[name], number)
    return None


def _wrong_vector(got: object, expected: float | Sequence[float] | None, wanted: Wanted) -> Wrong | None:
    vector = expected if isinstance(expected, Sequence) else ()
    if not isinstance(got, Sequence) or len(got) != len(vector):
        return Wrong(_EMBEDDING, got, list(vector))
    for number, (one, right) in enumerate(zip(got, vector, strict=True)):
        if not _is_near(one, right, wanted):
            return Wrong(f"{_EMBEDDING}.{number}", one, right)
    return None


def _is_near(got: object, expected: float, wanted: Wanted) -> bool:
    # The tolerance is a share of the value, and of 1 where that is smaller, as every probability is.
    off = wanted.tolerance * max(1.0, abs(expected))
    # Not `abs(...) > off`: NaN is within no tolerance, and an integer may be larger than any float.
    return isinstance(got, int | float) and expected - off <= got <= expected + off


def remembered_of(wanted: Wanted, before: Mapping[str, Any], *, is_right: bool) -> dict[str, Any]:
    """Return which version of which model was right last, and from which one it was changed to that.

    A change back is taken for a rollback: behind it, what was before it is not known.
    """
    now = [wanted.model_name, wanted.due_version]
    last, earlier = before.get(_RIGHT), before.get(_BEFORE)
    if is_right and last != now:
        is_return = earlier == now[1]
        last, earlier = now, last[1] if last and last[0] == now[0] and not is_return else None
    return {key: each for key, each in ((_RIGHT, last), (_BEFORE, earlier)) if each}


def earlier_than(wanted: Wanted, remembered: Mapping[str, Any]) -> str:
    """Return the version that was right before the one that is wrong; "" where none is known."""
    name, version = remembered.get(_RIGHT, ("", ""))
    if name != wanted.model_name:
        return ""
    return str(version if version != wanted.due_version else remembered.get(_BEFORE, ""))
