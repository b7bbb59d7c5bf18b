"""One inference, from the bytes of a request to the bytes of its answer; and what there is to ask."""

from typing import NamedTuple

from ml_server import prediction, schemas
from ml_server.inference import InferenceService
from ml_server.model import Model
from ml_server.oip import results, rows, wire
from ml_server.oip.address import Target
from ml_server.oip.messages import InferAnswer, ModelMetadata, Parameter
from ml_server.prediction import Progress

_PLATFORMS = {"onnx": "onnx_onnxv1"}


class Ask(NamedTuple):
    """One request; `header_length` is what its header says of that."""

    target: Target
    body: bytes
    header_length: str
    request_id: str


def infer(ask: Ask, service: InferenceService, max_batch: int, progress: Progress) -> tuple[bytes, int | None]:
    """Return the body of the answer, and how many bytes of it are JSON where tensors follow as bytes.

    Raises:
        NotJsonError, BodyTooLargeError, InvalidRequestError: see `wire.parse`, `rows.items_of` and `results.answers_of`.
        ModelFaultError, UnknownModelError, ModelUnavailableError, PredictionTimeoutError: see `prediction.answer`.
    """
    asked, values = wire.parse(ask.body, ask.header_length)
    target = ask.target
    model = service.model(target.name, target.version)
    outputs, is_binary = results.wanted(model.card, asked.outputs, asked.parameters)
    items = rows.items_of(asked, values, model.card, max_batch)
    progress.rows = len(items)
    is_explained = asked.parameters.get("explain")  # the card says where the request does not
    request = schemas.Request(items, is_batch=True, explain=is_explained, model_name=target.name, model_version=target.version)
    answered = prediction.answer(request, model, service, progress)
    # An answer to some rows is none.
    observed, progress.observed, progress.answered = progress.observed, None, 0
    answers = results.answers_of(answered.results)
    progress.observed, progress.answered = observed, len(answers)
    rendered = [answered.render(row) for row in range(len(items))]
    about: dict[str, Parameter] = {
        "request_id": ask.request_id,
        "model_digest": model.digest,
        "inference_ms": answered.inference_ms,
    }
    answer = InferAnswer(
        model_name=model.card.name,
        model_version=model.card.version,
        outputs=results.tensors(outputs, answers, rendered),
        id=asked.id,
        parameters={**about, **results.beside(rendered)},
    )
    return wire.render(answer, is_binary)


def describe(model: Model, service: InferenceService) -> ModelMetadata:
    """Return what a model reads and answers."""
    card = model.card
    served = [entry.version for entry, error in service.installed() if entry.name == card.name and error is None]
    tensors = rows.metadata(card)
    matrix = f"or all inputs as one tensor {rows.MATRIX}, numbers of shape [-1, {len(tensors)}], in this order"
    return ModelMetadata(
        name=card.name,
        versions=served,
        platform=_PLATFORMS.get(card.runtime, card.runtime),
        inputs=tensors,
        outputs=results.metadata(card),
        parameters={"title": card.title, "model_digest": model.digest, **({"inputs": matrix} if rows.is_matrix(card) else {})},
    )
