"""What every view needs of the application and of the request that it answers."""

from typing import Any

import msgspec
from flask import Response, current_app, g, request
from werkzeug.exceptions import RequestEntityTooLarge

from ml_server import errors
from ml_server.config import Settings
from ml_server.endpoint import TOO_LARGE, Endpoint, reply
from ml_server.head import Head
from ml_server.inference import InferenceService
from ml_server.oip.address import Target
from serving.messages import Reply


def service() -> InferenceService:
    """Return the installed models."""
    found: InferenceService = current_app.extensions["ml_server"]
    return found


def settings() -> Settings:
    """Return the settings."""
    found: Settings = current_app.extensions["ml_settings"]
    return found


def endpoint() -> Endpoint:
    """Return what answers predictions."""
    found: Endpoint = current_app.extensions["ml_endpoint"]
    return found


def field(name: str) -> str:
    """Return a header of the request, or "" where it is not sent."""
    return request.headers.get(name, "")


def response(answer: Reply) -> Response:
    """Return an answer as Flask has it."""
    return Response(answer.body, answer.status, list(answer.headers))


def encoded(content: Any, status: int = 200) -> Response:
    """Return something as JSON."""
    return response(reply(status, msgspec.json.encode(content), g.request_id))


def predicted(target: Target | None = None) -> Response:
    """Return the answer to a prediction, or to an inference of the target in the Open Inference Protocol."""
    head = Head(field, request.content_length or 0, g.request_id, request.remote_addr or "", target)
    g.is_recorded = True
    refused = endpoint().refuse(head)
    if refused is None:
        try:
            body = read_body()
        except errors.MlServerError as error:
            refused = endpoint().refused(head, error)
    if refused is not None:
        return response(refused)
    answer = endpoint().answer(head, body)
    return response(answer if isinstance(answer, Reply) else answer.result())


def read_body() -> bytes:
    """Return the request's whole body; broken chunks are the client's mistake, whatever exception the server has for them.

    werkzeug cuts a body without a length off at the limit, and a server may hand on what came of one that broke off:
    a part of a body must never be answered as if it were the whole.
    """
    too_large = errors.BodyTooLargeError(TOO_LARGE.format(settings().max_body_bytes))
    try:
        body = request.get_data(cache=False)
        is_more = request.content_length is None and _is_terminated() and request.environ["wsgi.input"].read(1)
    except RequestEntityTooLarge:
        raise too_large from None
    except Exception:  # noqa: BLE001
        raise errors.NotJsonError("the body could not be read") from None
    if is_more:
        raise too_large
    if len(body) < (request.content_length or 0):
        raise errors.NotJsonError("the body is shorter than its Content-Length")
    return body


def _is_terminated() -> bool:
    """Tell whether the server ends the body by itself, so that reading on cannot wait for the next request."""
    return bool(request.environ.get("wsgi.input_terminated"))
