"""What was true of one answer, as a client says it, in the terms of the model's card."""

import math
from typing import Any, NamedTuple

import msgspec

from ml_server.errors import Detail, InvalidRequestError
from ml_server.feedback.keeping import KeptCard
from ml_server.inputs.base import kind_of
from ml_server.storage.feedback import KeptAnswer

_KEPT_CARD = msgspec.json.Decoder(KeptCard)

INVALID = "the feedback is not valid"


class Said(NamedTuple):
    """One entry of feedback whose form is right; what is true is still to be held against the model's card."""

    request_id: str | None
    prediction_id: str | None
    place: int | None
    item: str | None
    model_name: str | None
    model_version: str | None
    correct: bool | None
    actual: Any
    key: str | None


def truth_of(said: Said, answer: KeptAnswer) -> str:
    """Return what was true, as it is kept: a class's place, a 0 or 1 for each label, or a value for each target.

    Raises:
        InvalidRequestError: it is no truth for this model.
    """
    if answer.task == "embedding":
        raise _wrong(said.key or "correct", "has no meaning for this model: nothing turns out to be true of a vector")
    card = _KEPT_CARD.decode(answer.card)
    read = {"classification": _class, "multi_label": _labels, "regression": _values}[answer.task]
    wanted = "actual_value" if answer.task == "regression" else "actual_class"
    if said.key not in (None, wanted):
        raise _wrong(str(said.key), f"has no meaning for this model: send {wanted}")
    return msgspec.json.encode(read(said, answer, card)).decode()


def _wrong(field: str, problem: str) -> InvalidRequestError:
    return InvalidRequestError(INVALID, (Detail(field, problem),))


def _class(said: Said, answer: KeptAnswer, card: KeptCard) -> int:
    likeliest, predicted = _likeliest(answer), _predicted(answer)
    if said.actual is None:
        if predicted != [likeliest]:
            raise _wrong("actual_class", "is required: the prediction of this answer is not its likeliest class")
        if said.correct:
            return likeliest
        if len(card.answers) > 2:
            raise _wrong("actual_class", f"is required where a prediction was wrong: one of {', '.join(card.answers)}")
        return 1 - likeliest
    place = _place(said.actual, card)
    # Which of the two a client has shown is not known.
    shown = {likeliest, *predicted}
    if (said.correct is True and place not in shown) or (said.correct is False and shown == {place}):
        raise _wrong("correct", "contradicts actual_class: leave one of them out")
    return place


def _place(name: Any, card: KeptCard) -> int:
    if not isinstance(name, str) or name not in card.answers:
        raise _wrong("actual_class", f"must be one of {', '.join(card.answers)}")
    return card.answers.index(name)


def _labels(said: Said, answer: KeptAnswer, card: KeptCard) -> list[int]:
    predicted = _predicted(answer)
    if said.actual is None:
        if not said.correct:
            raise _wrong("actual_class", f"is required where a prediction was wrong: a list of {', '.join(card.answers)}")
        places = predicted
    else:
        given = [said.actual] if isinstance(said.actual, str) else said.actual
        if not isinstance(given, list):
            raise _wrong("actual_class", f"must be a list of labels that are true, of {', '.join(card.answers)}")
        places = [_place(name, card) for name in given]
        if said.correct is not None and said.correct != (set(places) == set(predicted)):
            raise _wrong("correct", "contradicts actual_class: leave one of them out")
    return [int(place in places) for place in range(len(card.answers))]


def _values(said: Said, answer: KeptAnswer, card: KeptCard) -> list[float]:
    del answer
    if said.actual is None:
        raise _wrong("actual_value", "is required: a value is not just right or wrong")
    given = said.actual
    if not isinstance(given, dict):
        given = {card.answers[0]: given} if len(card.answers) == 1 else {}
    if set(given) != set(card.answers):
        raise _wrong("actual_value", f"must be an object of {', '.join(card.answers)} and their values")
    values = [given[name] for name in card.answers]
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
            raise _wrong("actual_value", f"must be a number, not {kind_of(value)}")
    return [float(value) for value in values]


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _likeliest(answer: KeptAnswer) -> int:
    numbers: list[float] = msgspec.json.decode(answer.numbers)
    return numbers.index(max(numbers))


def _predicted(answer: KeptAnswer) -> list[int]:
    return msgspec.json.decode(answer.said or "[]", type=list[int])


def described(answer: KeptAnswer, truth: str) -> dict[str, Any]:
    """Return which prediction it was, and how right."""
    card = _KEPT_CARD.decode(answer.card)
    of = {"request_id": answer.request_id, "index": answer.place, "model_name": answer.name, "model_version": answer.version}
    actual: Any = msgspec.json.decode(truth)
    if answer.task == "regression":
        return {"prediction_of": of, "actual_value": dict(zip(card.answers, actual, strict=True))}
    predicted = _predicted(answer)
    places = [actual] if answer.task == "classification" else [place for place, is_true in enumerate(actual) if is_true]
    names = [card.answers[place] for place in places]
    told = names[0] if answer.task == "classification" else names
    return {"prediction_of": of, "actual_class": told, "correct": set(places) == set(predicted)}
