"""The document, out of the operations, the types and the card of the model that is served."""

import functools
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec

from ml_server import answers, description
from ml_server.card import Card
from ml_server.config import Settings
from ml_server.decoding import JSON
from ml_server.endpoint import BINARY
from ml_server.oip import messages, rows, wire
from ml_server.openapi import reports
from ml_server.openapi.operations import HTML, OPERATIONS, TEXT, TYPES, Answer, Operation
from ml_server.version import version

_REFS = "#/components/schemas/{name}"
_ANYTHING: dict[str, Any] = {"type": "object"}
_ITEM = "PredictItem"
_ID_HEADER = {"schema": {"type": "string"}, "description": "also in the log: the request's own, or a made one"}
_RETRY_HEADER = {"schema": {"type": "integer"}, "description": "seconds after which to ask again"}
_LENGTH_HEADER = {"schema": {"type": "integer"}, "description": "how many bytes of the body are JSON, where others follow"}
_REQUEST_ID = {
    "name": "X-Request-ID",
    "in": "header",
    "schema": {"type": "string"},
    "description": "taken over as request_id, unless it could be the number of a person",
}


def document(card: Card | None, settings: Settings) -> dict[str, Any]:
    """Return the document; `card` is that of the default model, where it is served."""
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        entry = paths.setdefault(operation.path, {} if operation.is_twin else {"servers": [{"url": "/"}]})
        entry[operation.method] = _operation(operation, card, settings)
    keys = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "NeuroNova ML server",
            "version": version(),
            "description": f"{card.title}. {card.intended_use}" if card else "The default model is not served.",
        },
        "servers": [{"url": "/"}, {"url": "/api"}],
        "paths": paths,
        "components": {
            "schemas": {**_schemas(), **_requests(card, settings.max_batch)},
            "responses": _refusals(),
            "parameters": {"RequestId": _REQUEST_ID},
            "headers": {"RequestId": _ID_HEADER, "RetryAfter": _RETRY_HEADER, "JsonLength": _LENGTH_HEADER},
            "securitySchemes": {
                "ApiKey": {**keys, "description": "ML_API_KEY, where it is set"},
                "AdminKey": {**keys, "description": "ML_ADMIN_KEY"},
            },
        },
    }


def _operation(operation: Operation, card: Card | None, settings: Settings) -> dict[str, Any]:
    name = "_".join(part.strip("{}") for part in operation.path.split("/") if part)
    found: dict[str, Any] = {
        "operationId": f"{operation.method}_{name}".replace(".", "_"),
        "summary": operation.summary,
        "parameters": [*operation.parameters, {"$ref": "#/components/parameters/RequestId"}],
        "responses": {str(status): _response(status, answer) for status, answer in operation.answers.items()},
    }
    form = "OipError" if operation.is_oip else "Error"
    found["responses"] |= {str(status): {"$ref": f"#/components/responses/{form}{status}"} for status in operation.refusals}
    if operation.key and (operation.key == "AdminKey" or settings.api_key is not None):
        found["security"] = [{operation.key: []}]
    if operation.takes:
        content = {kind: _body(schema, card) for kind, schema in operation.takes.items()}
        found["requestBody"] = {"required": operation.needs_body, "content": content}
    return found


def _body(schema: Any, card: Card | None) -> dict[str, Any]:
    if not isinstance(schema, str):
        return {"schema": schema}
    body: dict[str, Any] = {"schema": {"$ref": _REFS.format(name=schema)}}
    if card is not None:
        sample = card.golden_samples[0]
        body["example"] = (
            description.example_request(card, sample) if schema == "PredictRequest" else rows.example(card, sample.features)
        )
    return body


def _response(status: int, answer: Answer) -> dict[str, Any]:
    headers = {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    found: dict[str, Any] = {"description": HTTPStatus(status).phrase, "headers": headers}
    if answer == "text":
        return {**found, "content": {TEXT: {"schema": {"type": "string"}}}}
    if answer == "document":
        return {**found, "content": {JSON: {"schema": _ANYTHING}}}
    schemas = [{"$ref": _REFS.format(name=each.__name__)} for each in _types(answer)]
    found["content"] = {JSON: {"schema": schemas[0] if len(schemas) == 1 else {"oneOf": schemas}}}
    if answer is reports.ModelReport:
        found["content"][HTML] = {"schema": {"type": "string"}}
    if answer is messages.InferAnswer:
        headers[wire.HEADER] = {"$ref": "#/components/headers/JsonLength"}
        found["content"][BINARY] = {"schema": {"type": "string", "contentMediaType": BINARY}}
    return found


def _types(answer: Answer) -> tuple[type, ...]:
    if isinstance(answer, str):
        return ()
    return answer if isinstance(answer, tuple) else (answer,)


@functools.cache
def _schemas() -> dict[str, Any]:
    types = dict.fromkeys(each for operation in OPERATIONS for answer in operation.answers.values() for each in _types(answer))
    _, found = msgspec.json.schema_components([*TYPES, *types], ref_template=_REFS)
    return found


def _requests(card: Card | None, max_batch: int) -> dict[str, Any]:
    """Return the schemas of what is sent to `/predict`: of the served model's inputs."""
    if card is None:
        return {"PredictRequest": _ANYTHING}
    request = description.request_schema(card, max_batch)
    del request["$schema"]
    item = request.pop("$defs")["item"]
    (batch,) = (each for each in request["oneOf"] if "items" in each["properties"])
    batch["properties"]["items"]["items"] = {"$ref": _REFS.format(name=_ITEM)}
    return {"PredictRequest": request, _ITEM: item}


def _refusals() -> dict[str, Any]:
    """Return every refusal there is, in both forms."""
    found = {}
    forms: Iterable[type] = (answers.Error, messages.OipError)
    for form in forms:
        for status in sorted({status for operation in OPERATIONS for status in operation.refusals}):
            found[f"{form.__name__}{status}"] = _response(status, form)
    return found
