"""What turned out to be true of a prediction, as a client says it, joined to the answer that was given."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ml_server import decoding, schemas
from ml_server.errors import (
    AmbiguousPredictionError,
    Detail,
    InvalidRequestError,
    MlServerError,
    StateUnavailableError,
    UnknownPredictionError,
)
from ml_server.feedback.truth import INVALID, Said, described, truth_of
from ml_server.inputs.base import kind_of
from ml_server.storage.database import StorageError
from ml_server.storage.feedback import FeedbackStore, Judging, KeptAnswer
from ml_server.suggestions import Suggestions

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
_UNKNOWN = "no prediction is kept that is called so: it was made too long ago, or not by this server, or it had no answer"


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

    def _entries(self, data: Mapping[str, Any]) -> list[Said | InvalidRequestError]:
        items = data["items"]
        if not isinstance(items, list) or not 1 <= len(items) <= self._most:
            has = f"{len(items)} entries" if isinstance(items, list) else kind_of(items)
            raise InvalidRequestError(INVALID, (Detail("items", f"must be a list of 1 to {self._most} entries, not {has}"),))
        shared = {key: data[key] for key in ("request_id", "model_name", "model_version") if key in data}
        return [_parsed(item, shared) for item in items]

    def _join(self, entries: Sequence[Said | InvalidRequestError]) -> list[Told]:
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

    def _try(self, entries: Sequence[Said | InvalidRequestError]) -> list[Told]:
        now_ms = int(time.time() * 1000)
        with self._store.judging() as judging:
            return [each if isinstance(each, InvalidRequestError) else _joined(judging, each, now_ms) for each in entries]


def _refusal(error: MlServerError) -> dict[str, Any]:
    return schemas.render_error(error.code, error.message, error.details)


def _parsed(entry: Any, shared: Mapping[str, Any]) -> Said | InvalidRequestError:
    if not isinstance(entry, dict):
        return InvalidRequestError(INVALID, (Detail("item", f"must be an object, not {kind_of(entry)}"),))
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
        return InvalidRequestError(INVALID, (*problems, *_misspelt(entry)))
    key = truths[0] if truths else None
    return Said(
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


def _misspelt(entry: Mapping[str, Any]) -> Iterator[Detail]:
    """Yield the keys that may stand for one that was missed; others are the client's own, and whose they are is not told."""
    suggestions = Suggestions()
    for name in itertools.islice(entry, schemas.MAX_UNKNOWN_NAMED):
        if name not in _KEYS and name.isascii() and name.isidentifier() and (hint := suggestions.hint(name, _KEYS)):
            yield Detail(name, f"is not known{hint}")


def _text(given: str | int | None) -> str | None:
    return None if given is None else str(given)


def _joined(judging: Judging, said: Said, now_ms: int) -> Told:
    try:
        answer = _the_one(judging, said)
        truth = truth_of(said, answer)
    except MlServerError as error:
        return error
    is_new, is_same = answer.truth is None, answer.truth == truth
    if not is_same:
        judging.judge(answer, truth, now_ms)
    if said.prediction_id is not None:
        judging.name(answer, said.prediction_id)
    outcome = "recorded" if is_new else "unchanged" if is_same else "corrected"
    return {"outcome": outcome, **described(answer, truth)}


def _the_one(judging: Judging, said: Said) -> KeptAnswer:
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


def _called(judging: Judging, said: Said) -> list[KeptAnswer]:
    if said.request_id is None:
        found = judging.of_site(said.prediction_id or "")
    elif said.item is not None:
        found = judging.of_item(said.request_id, said.item)
    else:
        found = judging.of_request(said.request_id)
    return [each for each in found if said.place in (None, each.place)]
