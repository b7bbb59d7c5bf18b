"""What turned out to be true of a prediction, as a client says it, joined to the answer that was given."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from ml_server import decoding, schemas
from ml_server.errors import (
    AmbiguousPredictionError,
    Detail,
    InvalidRequestError,
    MlServerError,
    StateUnavailableError,
    UnknownPredictionError,
)
from ml_server.feedback.keeping import KeptCard
from ml_server.inputs.base import kind_of
from ml_server.storage.database import StorageError
from ml_server.storage.feedback import FeedbackStore, Judging, KeptAnswer

_KEPT_CARD = msgspec.json.Decoder(KeptCard)

# How long an answer may take to be on the disk, whichever process gave it, in seconds: twice what it should take.
_SETTLES_S = 0.2
_MEANINGS = {
    "request_id": (str, "the request_id of the answer"),
    "index": (int, "the item's index in its batch, from 0 on"),
    "model_name": (str, "a string"),
    "model_version": (str, "a string"),
    "correct": (bool, "true or false"),
}
_TRUTHS = ("actual_class", "actual_value")
_KEYS = (*_MEANINGS, "prediction_id", "id", *_TRUTHS)
_INVALID = "the feedback is not valid"
_UNKNOWN = "no prediction is kept that is called so: it was made too long ago, or not by this server, or it had no answer"


class _Said(NamedTuple):
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


Told = dict[str, Any] | MlServerError


class Truths:
    """Takes feedback; `flush` writes what this process has not written yet."""

    def __init__(self, store: FeedbackStore, flush: Callable[[], None], most: int) -> None:
        self._store = store
        self._flush = flush
        self._most = most

    def take(self, body: bytes) -> dict[str, Any]:
        """Return what has become of the feedback in the body, one truth or a batch of them (`items`).

        Raises:
            NotJsonError, BodyTooLargeError: see `decoding.decode`.
            InvalidRequestError: what is said has no meaning for that prediction; `details` names every field.
            UnknownPredictionError, AmbiguousPredictionError: it is said of no prediction, or of several.
            StateUnavailableError: the database cannot be used now.
        """
        data = decoding.decode(body)
        if "items" not in data:
            (told,) = self._join([_parsed(data, {})])
            if isinstance(told, MlServerError):
                raise told
            return {"ok": True, **told}
        entries = self._entries(data)
        results = [
            {"index": index, **(_refusal(told) if isinstance(told, MlServerError) else {"ok": True, **told})}
            for index, told in enumerate(self._join(entries))
        ]
        return {"ok": True, "batch": True, "results": results}

    def _entries(self, data: Mapping[str, Any]) -> list[_Said | InvalidRequestError]:
        items = data["items"]
        if not isinstance(items, list) or not 1 <= len(items) <= self._most:
            has = f"{len(items)} entries" if isinstance(items, list) else kind_of(items)
            raise InvalidRequestError(_INVALID, (Detail("items", f"must be a list of 1 to {self._most} entries, not {has}"),))
        shared = {key: data[key] for key in ("request_id", "model_name", "model_version") if key in data}
        return [_parsed(item, shared) for item in items]

    def _join(self, entries: Sequence[_Said | InvalidRequestError]) -> list[Told]:
        try:
            self._flush()
            told = self._try(entries)
            missed = [place for place, each in enumerate(told) if isinstance(each, UnknownPredictionError)]
            if missed:
                # Another process may have answered a moment ago.
                time.sleep(_SETTLES_S)
                for place, again in zip(missed, self._try([entries[place] for place in missed]), strict=True):
                    told[place] = again
        except StorageError as error:
            raise StateUnavailableError("what is kept of predictions cannot be used now; the server's log says why") from error
        return told

    def _try(self, entries: Sequence[_Said | InvalidRequestError]) -> list[Told]:
        now_ms = int(time.time() * 1000)
        with self._store.judging() as judging:
            return [each if isinstance(each, InvalidRequestError) else _joined(judging, each, now_ms) for each in entries]


def _refusal(error: MlServerError) -> dict[str, Any]:
    return schemas.render_error(error.code, error.message, error.details)


def _parsed(entry: Any, shared: Mapping[str, Any]) -> _Said | InvalidRequestError:
    if not isinstance(entry, dict):
        return InvalidRequestError(_INVALID, (Detail("item", f"must be an object, not {kind_of(entry)}"),))
    given = {key: value for key in _KEYS if (value := entry.get(key, shared.get(key))) is not None}
    problems = [
        Detail(key, f"must be {meaning}, not {kind_of(given[key])}")
        for key, (kind, meaning) in _MEANINGS.items()
        if key in given and type(given[key]) is not kind
    ]
    problems += [Detail(key, schemas.IDS) for key in ("prediction_id", "id") if key in given and not schemas.is_id(given[key])]
    if not given.keys() & {"request_id", "prediction_id"}:
        problems.append(Detail("request_id", "is required: that of the answer, or the prediction_id that was sent for it"))
    truths = [key for key in _TRUTHS if key in given]
    if len(truths) > 1:
        problems.append(Detail(truths[1], f"must not stand beside {truths[0]}"))
    if not truths and "correct" not in given:
        problems.append(Detail("correct", "or actual_class, or actual_value of a model that answers values, is required"))
    if problems:
        return InvalidRequestError(_INVALID, tuple(problems))
    key = truths[0] if truths else None
    return _Said(
        given.get("request_id"),
        _text(given.get("prediction_id")),
        given.get("index"),
        _text(given.get("id")),
        given.get("model_name"),
        given.get("model_version"),
        given.get("correct"),
        given[key] if key else None,
        key,
    )


def _text(given: str | int | None) -> str | None:
    return None if given is None else str(given)


def _joined(judging: Judging, said: _Said, now_ms: int) -> Told:
    try:
        answer = _the_one(judging, said)
        truth = _truth(said, answer)
    except MlServerError as error:
        return error
    is_new, is_same = answer.truth is None, answer.truth == truth
    if not is_same:
        judging.judge(answer, truth, now_ms)
    if said.prediction_id is not None:
        judging.name(answer, said.prediction_id)
    outcome = "recorded" if is_new else "unchanged" if is_same else "corrected"
    return {"outcome": outcome, **_described(answer, truth)}


def _the_one(judging: Judging, said: _Said) -> KeptAnswer:
    """Return the answer that the feedback is about.

    Raises:
        UnknownPredictionError, AmbiguousPredictionError: there is none, or several that differ.
    """
    found = _called(judging, said)
    found = [each for each in found if said.model_name in (None, each.name) and said.model_version in (None, each.version)]
    if not found:
        raise UnknownPredictionError(_UNKNOWN)
    places = {each.place for each in found}
    if len(places) > 1 and said.place is None:
        raise AmbiguousPredictionError("that request had several items: say index, or the id of the item")
    # A request that was sent again is the same prediction.
    if len({(each.model_id, each.numbers) for each in found}) > 1:
        raise AmbiguousPredictionError(
            "several predictions are called so, and they differ: say model_name and model_version, and give each request an"
            " X-Request-ID of its own"
        )
    return found[0]


def _called(judging: Judging, said: _Said) -> list[KeptAnswer]:
    if said.request_id is None:
        found = judging.of_site(said.prediction_id or "")
    elif said.item is not None:
        found = judging.of_item(said.request_id, said.item)
    else:
        found = judging.of_request(said.request_id)
    return [each for each in found if said.place in (None, each.place)]


def _truth(said: _Said, answer: KeptAnswer) -> str:
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
    return InvalidRequestError(_INVALID, (Detail(field, problem),))


def _class(said: _Said, answer: KeptAnswer, card: KeptCard) -> int:
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


def _labels(said: _Said, answer: KeptAnswer, card: KeptCard) -> list[int]:
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


def _values(said: _Said, answer: KeptAnswer, card: KeptCard) -> list[float]:
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


def _described(answer: KeptAnswer, truth: str) -> dict[str, Any]:
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
