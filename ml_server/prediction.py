"""One prediction, from the bytes of a request to the bytes of its answer; without HTTP in it."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ml_server import decoding, schemas
from ml_server.card import Card
from ml_server.errors import Detail, InvalidRequestError, MlServerError, PredictionTimeoutError
from ml_server.inference import InferenceService
from ml_server.model import Answer, Model, Result
from ml_server.observing import ClientIds, Observed
from ml_server.schemas import Item, Row
from ml_server.suggestions import Suggestions

# How long a prediction may take that was expected to take no time, in seconds.
_SURPRISE_S = 0.05
# Values that a batch may have once it is decoded (200 MB of them, as float32): an image of a few kilobytes may have a million.
_MAX_VALUES = 50_000_000


@dataclass(slots=True)
class Progress:
    """How far a request got, whether it was answered or refused: what its log line says besides the status.

    `observed` and `asked` are for those who look on.
    """

    model: str = "-"
    version: str = "-"
    digest: str = "-"
    rows: int = 0
    answered: int = 0
    observed: Observed | None = field(default=None, compare=False)
    asked: tuple[bytes, str] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Answered:
    """What a model has said to each item of a request, and what of it was translated; in the items' order."""

    model: Model
    results: list[Result]
    translations: list[Any]
    inference_ms: float

    def render(self, index: int) -> dict[str, Any]:
        """Return the answer to an item, as a batch has it.

        Raises:
            MlServerError: there is none.
        """
        result = self.results[index]
        if isinstance(result, MlServerError):
            raise result
        return {**_render(self.model, result, self.translations[index]), **_explanation(result)}


def predict(
    body: bytes,
    request_id: str,
    service: InferenceService,
    max_batch: int,
    progress: Progress,
    *,
    content_type: str = decoding.JSON,
) -> bytes:
    """Return the answer, or the answers and errors of a batch, as JSON; `progress` is kept up to date meanwhile.

    Raises:
        NotJsonError, BodyTooLargeError: see `schemas.parse`.
        InvalidRequestError: the frame of the request is wrong, or the features of the only item are.
        ModelFaultError: the model has no answer to the only item, or none at all.
        UnknownModelError, ModelUnavailableError: see `InferenceService.model`.
        PredictionTimeoutError: see `InferenceService.predict`.
    """
    request = schemas.parse(body, max_batch, content_type)
    progress.rows, progress.asked = len(request.items), (body, content_type)
    model = service.model(request.model_name, request.model_version)
    answered = answer(request, model, service, progress)

    head = _head(request_id, model)
    if request.is_batch:
        together = zip(request.items, answered.results, answered.translations, strict=True)
        entries = [_entry(index, *each, model) for index, each in enumerate(together)]
        warnings = {"warnings": request.warnings} if request.warnings else {}
        return msgspec.json.encode(
            {"ok": True, "batch": True, **head, "results": entries, **warnings, "inference_ms": answered.inference_ms}
        )
    (result,), (translation,) = answered.results, answered.translations
    if isinstance(result, MlServerError):
        raise result
    result = result._replace(warnings=(*request.warnings, *result.warnings))
    return _render_one(head, model, result, answered.inference_ms, translation)


def answer(request: schemas.Request, model: Model, service: InferenceService, progress: Progress) -> Answered:
    """Return the answers of a model to the items of a request; `progress` is kept up to date meanwhile.

    Raises:
        InvalidRequestError: there are more items than the model may read at once.
        ModelFaultError: the model has no answers at all.
        PredictionTimeoutError: see `InferenceService.predict`.
    """
    progress.model, progress.version, progress.digest = model.card.name, model.card.version, model.digest
    most = most_items(model)
    if len(request.items) > most:
        told = f"must have 1 to {most} entries for a model that reads so much of each, not {len(request.items)}"
        raise InvalidRequestError("the request is not valid", (Detail("items", told),))

    started = time.perf_counter()
    checked = _check(request.items, model.card)
    rows = [row for row in checked if isinstance(row, Row)]
    explain = model.card.explain if request.explain is None else request.explain
    found = service.predict(model, rows, explain=explain) if rows else []
    if rows:
        places = tuple(place for place, row in enumerate(checked) if isinstance(row, Row))
        progress.observed = Observed(model, rows, found, places, _ids(request.items, places), progress.asked)
    answers = iter(found)
    results = [next(answers) if isinstance(row, Row) else row for row in checked]
    translations = [row.translation if isinstance(row, Row) else None for row in checked]
    inference_ms = round((time.perf_counter() - started) * 1000, 3)
    progress.answered = sum(isinstance(result, Answer) for result in results)
    return Answered(model, results, translations, inference_ms)


def most_items(model: Model) -> int:
    """Return how many items one batch may have for a model that reads much of each."""
    return max(1, _MAX_VALUES // model.row_size)


def predict_row(row: Row, request_id: str, service: InferenceService, model: Model, progress: Progress) -> bytes | None:
    """Return what `predict` does for a request of this one row and nothing else.

    None where that would raise, and where it takes much longer than usual: others wait meanwhile.
    """
    started = time.perf_counter()
    progress.rows, progress.model, progress.version, progress.digest = 1, model.card.name, model.card.version, model.digest
    try:
        (result,) = service.predict(model, [row], explain=False, timeout_s=_SURPRISE_S)
    except PredictionTimeoutError:
        return None
    if isinstance(result, MlServerError):
        return None
    progress.answered = 1
    progress.observed = Observed(model, (row,), (result,), (0,), asked=progress.asked)
    inference_ms = round((time.perf_counter() - started) * 1000, 3)
    return _render_one(_head(request_id, model), model, result, inference_ms)


def _ids(items: Sequence[Item], places: Sequence[int]) -> Sequence[ClientIds]:
    """Return what the client calls the items at these places; nothing where it calls none by an id."""
    found = [(items[place].id, items[place].prediction_id) for place in places]
    if not any(each is not None for pair in found for each in pair):
        return ()
    return [ClientIds(*(None if each is None else str(each) for each in pair)) for pair in found]


def _head(request_id: str, model: Model) -> dict[str, str]:
    card = model.card
    return {"request_id": request_id, "model_name": card.name, "model_version": card.version, "model_digest": model.digest}


def _render_one(head: dict[str, str], model: Model, answer: Answer, inference_ms: float, translation: Any = None) -> bytes:
    rendered = _render(model, answer, translation)
    return msgspec.json.encode({"ok": True, **head, **rendered, "inference_ms": inference_ms, **_explanation(answer)})


def _render(model: Model, answer: Answer, translation: Any) -> dict[str, Any]:
    translated = {} if translation is None else {"translation": translation}
    weighed = {} if answer.standing is None else model.weighing.render(answer.standing, answer.numbers)
    return {**model.task.render(answer.numbers), "warnings": answer.warnings, **weighed, **translated}


def _check(items: Iterable[Item], card: Card) -> list[Row | InvalidRequestError]:
    """Return the model's inputs for each item, or what is wrong with it; all items share the suggestions."""
    suggestions = Suggestions()
    checked: list[Row | InvalidRequestError] = []
    for item in items:
        if item.problems:
            checked.append(InvalidRequestError("the item is not valid", item.problems))
            continue
        try:
            checked.append(schemas.check_features(item.features, card, suggestions, item.beside))
        except InvalidRequestError as error:
            checked.append(error)
    return checked


def _entry(index: int, item: Item, result: Result, translation: Any, model: Model) -> dict[str, Any]:
    """Return one item's part of the answer to a batch; `index` counts the items from 0 on."""
    head = {"index": index, "id": item.id}
    if isinstance(result, MlServerError):
        return {**head, **schemas.render_error(result.code, result.message, result.details)}
    return {**head, "ok": True, **_render(model, result, translation), **_explanation(result)}


def _explanation(answer: Answer) -> dict[str, Any]:
    return {} if answer.importance is None else {"feature_importance": answer.importance}
