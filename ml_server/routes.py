"""HTTP: the routes, and the one table from errors to status codes."""

import hmac
import re
import time
import uuid
from typing import Any

import msgspec
from flask import Blueprint, Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from ml_server import errors, prediction, schemas, telemetry
from ml_server.card import Card
from ml_server.config import Settings
from ml_server.inference import InferenceService

_STATUS = {
    errors.NotJsonError: 400,
    errors.UnauthorizedError: 401,
    errors.UnknownModelError: 404,
    errors.BodyTooLargeError: 413,
    errors.UnsupportedTypeError: 415,
    errors.InvalidRequestError: 422,
    errors.ModelUnavailableError: 503,
    errors.OverloadedError: 503,
    errors.PredictionTimeoutError: 504,
}
_RETRY_AFTER_S = {503: "5"}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_JSON = "application/json"

api = Blueprint("api", __name__)


def register(app: Flask, settings: Settings, service: InferenceService) -> None:
    """Register every route, at the root and under `/api`, and answer every error in the one envelope."""
    app.config.update(MAX_CONTENT_LENGTH=settings.max_body_bytes, PROVIDE_AUTOMATIC_OPTIONS=False)
    app.url_map.merge_slashes = False  # "//" would be answered with a redirect, in HTML
    app.extensions["ml_server"] = service
    app.extensions["ml_settings"] = settings
    app.register_blueprint(api)
    app.register_blueprint(api, url_prefix="/api", name="api_twin")
    app.add_url_rule("/metrics", view_func=metrics)
    app.before_request(_start_request)
    app.after_request(_finish_request)
    app.register_error_handler(errors.MlServerError, _answer_own_error)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_crash)


def _service() -> InferenceService:
    service: InferenceService = current_app.extensions["ml_server"]
    return service


def _settings() -> Settings:
    settings: Settings = current_app.extensions["ml_settings"]
    return settings


@api.get("/health")
def health() -> Response:
    """Tell whether the default model is served; the only answer without the usual envelope, as monitors read it."""
    try:
        model = _service().model()
    except errors.ModelUnavailableError as error:
        status = "failed" if _service().is_loaded else "loading"
        return _json({"ok": False, "status": status, "error": error.message}, 503)
    return _json({"ok": True, "status": "alive", "model_version": model.card.version})


@api.get("/models")
def models() -> Response:
    """Return every installed version: its card without golden samples, and why it is not served where it is not."""
    _check_key()
    listed = []
    for entry, error in _service().installed():
        card = _describe(entry.card) if entry.card else {}
        listed.append({"name": entry.name, "version": entry.version, "is_served": error is None, "error": error, **card})
    return _json({"ok": True, "models": listed, "request_id": g.request_id})


@api.post("/predict")
def predict() -> Response:
    """Return one answer, or one for each item of a batch."""
    _check_key()
    if not request.is_json:
        raise errors.UnsupportedTypeError("the Content-Type must be application/json")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise errors.UnsupportedTypeError("the body must be sent as it is, without a Content-Encoding")
    content = prediction.predict(_body(), g.request_id, _service(), _settings().max_batch, g.progress)
    return Response(content, content_type=_JSON)


def metrics() -> Response:
    """Return metrics for Prometheus, of all workers together."""
    telemetry.record_ready(_settings().model, is_ready=_service().is_ready)
    content, content_type = telemetry.render_metrics()
    return Response(content, content_type=content_type)


def _body() -> bytes:
    """Return the request's whole body; broken chunks are the client's mistake, whatever exception the server has for them.

    werkzeug cuts a body without a length off at the limit, and a server may hand on what came of one that broke off:
    a part of a body must never be answered as if it were the whole.
    """
    try:
        body = request.get_data(cache=False)
        is_more = request.content_length is None and _is_terminated() and request.environ["wsgi.input"].read(1)
    except RequestEntityTooLarge:
        raise _too_large() from None
    except Exception:  # noqa: BLE001
        raise errors.NotJsonError("the body could not be read") from None
    if is_more:
        raise _too_large()
    if len(body) < (request.content_length or 0):
        raise errors.NotJsonError("the body is shorter than its Content-Length")
    return body


def _too_large() -> errors.BodyTooLargeError:
    return errors.BodyTooLargeError(f"the body must be at most {_settings().max_body_bytes} bytes: split the batch")


def _is_terminated() -> bool:
    """Tell whether the server ends the body by itself, so that reading on cannot wait for the next request."""
    return bool(request.environ.get("wsgi.input_terminated"))


def _describe(card: Card) -> dict[str, Any]:
    described: dict[str, Any] = msgspec.to_builtins(card)
    del described["golden_samples"], described["golden_tolerance"], described["file"]
    return described


def _check_key() -> None:
    key = _settings().api_key
    given = request.headers.get("X-API-Key", "")
    if key is not None and not hmac.compare_digest(given.encode(errors="replace"), key.encode()):
        raise errors.UnauthorizedError("the header X-API-Key is missing or wrong")


def _start_request() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    g.started = time.perf_counter()
    g.progress = prediction.Progress()
    # gunicorn's workers have loaded before they accept; any other server loads with the first request.
    _service().load()


def _finish_request(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    response.headers["Cache-Control"] = "no-store"
    if request.path in ("/predict", "/api/predict"):
        telemetry.record_predict(
            request_id=g.request_id,
            model=g.progress.model,
            version=g.progress.version,
            status=response.status_code,
            rows=g.progress.rows,
            answered=g.progress.answered,
            elapsed_s=time.perf_counter() - g.started,
        )
    return response


def _json(content: dict[str, Any], status: int = 200) -> Response:
    response = Response(msgspec.json.encode(content), status, content_type=_JSON)
    if status in _RETRY_AFTER_S:
        response.headers["Retry-After"] = _RETRY_AFTER_S[status]
    return response


def _answer_own_error(error: errors.MlServerError) -> Response:
    content = schemas.render_error(error.code, error.message, error.details)
    return _json({**content, "request_id": g.request_id}, _STATUS.get(type(error), 500))


def _answer_http_error(error: HTTPException) -> Response:
    """Answer with werkzeug's own refusals: 404, 405, 413 and the like, by their standard names."""
    status = error.code or 500
    code = re.sub(r"[^a-z]+", "_", error.name.lower())
    content = {**schemas.render_error(code, error.name, ()), "request_id": g.request_id}
    response = _json(content, status)
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _answer_crash(error: Exception) -> Response:
    telemetry.record_crash(g.request_id, error)
    content = schemas.render_error("internal_error", "the server failed; its log has the request id", ())
    return _json({**content, "request_id": g.request_id}, 500)
