"""`POST /predict` as a whole, from what a client sent to what it gets, and `GET /health`: without a web framework.

Whoever has a request hands it over in two steps, because an answer may not need the body: `refuse` with the head, then
`answer` with the body.
"""

import hmac
import threading
import time
from concurrent.futures import Future
from functools import partial

import msgspec

from ml_server import errors, observing, prediction, schemas, telemetry
from ml_server.card import Card
from ml_server.config import Settings
from ml_server.decoding import FORM, JSON
from ml_server.head import Head
from ml_server.inference import InferenceService
from ml_server.lane import Lane, lane_of
from ml_server.observing import Observer
from ml_server.oip import inferring, wire
from ml_server.oip.address import Target
from ml_server.oip.messages import ServerLive, ServerReady, error_of
from ml_server.slots import Slots
from serving.messages import Reply

PREDICT_PATHS = frozenset(("/predict", "/api/predict"))
HEALTH_PATHS = frozenset(("/health", "/api/health"))
BINARY = "application/octet-stream"
TOO_LARGE = (
    "the body must be at most {} bytes: split the batch, send a smaller image, or have the operator raise ML_MAX_BODY_BYTES"
)
_RETRY_AFTER_S = "5"
# How soon a model behind another server that could not be reached is tried again, in seconds.
_AWAY_S = 10.0
# A longer body is parsed beside the event loop: it could keep others waiting.
_SHORT_BYTES = 16 * 1024
_STATUS = {
    errors.NotJsonError: 400,
    errors.UnauthorizedError: 401,
    errors.ForbiddenError: 403,
    errors.UnknownModelError: 404,
    errors.UnknownPredictionError: 404,
    errors.AmbiguousPredictionError: 409,
    errors.UnknownTaskError: 404,
    errors.BodyTooLargeError: 413,
    errors.UnsupportedTypeError: 415,
    errors.InvalidRequestError: 422,
    errors.ModelUnavailableError: 503,
    errors.OverloadedError: 503,
    errors.StateUnavailableError: 503,
    errors.ModelFaultError: 500,
    errors.PredictionTimeoutError: 504,
}


def reply(status: int, content: bytes, request_id: str, content_type: str = JSON) -> Reply:
    """Return an answer with the headers that all have."""
    headers = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(content))),
        ("X-Request-ID", request_id),
        ("Cache-Control", "no-store"),
    ]
    if status == 503:
        headers.append(("Retry-After", _RETRY_AFTER_S))
    return Reply(status, headers, content)


def refusal(status: int, code: str, message: str, request_id: str, details: tuple[errors.Detail, ...] = ()) -> Reply:
    """Return an error in the one envelope."""
    content = {**schemas.render_error(code, message, details), "request_id": request_id}
    return reply(status, msgspec.json.encode(content), request_id)


def refusal_of(error: errors.MlServerError, request_id: str, *, is_oip: bool = False) -> Reply:
    """Return an error of ours in the envelope, or as the Open Inference Protocol has it."""
    status = _STATUS.get(type(error), 500)
    if is_oip:
        return reply(status, msgspec.json.encode(error_of(error)), request_id)
    return refusal(status, error.code, error.message, request_id, error.details)


def crashed(error: Exception, request_id: str, *, is_oip: bool = False) -> Reply:
    """Log an error that nobody has foreseen, and return the answer to it."""
    telemetry.record_crash(request_id, error)
    return refusal_of(errors.CrashError("the server failed; its log has the request id"), request_id, is_oip=is_oip)


class Endpoint:
    """The two addresses that are asked all the time; `observers` are told of what is answered."""

    def __init__(self, service: InferenceService, settings: Settings) -> None:
        self._service = service
        self._key = settings.api_key.encode() if settings.api_key else None
        self._admin_key = settings.admin_key.encode() if settings.admin_key else None
        self._max_body_bytes = settings.max_body_bytes
        self._max_batch = settings.max_batch
        self._slots = Slots(max(1, settings.threads // 2))
        self.observers: list[Observer] = []
        self._lane: Lane | None = None
        self._lane_card: Card | None = None

    def load(self) -> None:
        """Load the models, once."""
        self._service.load()
        self._expect_pace()

    def start(self) -> None:
        """Load the default model and start the threads for predictions, in the process that serves; the others come after."""
        self._service.load_default()
        self._expect_pace()
        self._slots.start()
        threading.Thread(target=self._load_others, name="models", daemon=True).start()

    def _load_others(self) -> None:
        self._service.load_others()
        while self._service.load_away():
            time.sleep(_AWAY_S)

    def _expect_pace(self) -> None:
        """Until the first prediction beside the loop, one takes as long as the self-test did."""
        if self._service.default is not None and not self._slots.pace.seconds:
            self._slots.pace.add(self._service.default.pace.seconds)

    def health(self, request_id: str) -> Reply:
        """Tell whether the default model is served, as monitors read it: without the usual envelope."""
        try:
            model = self._service.model()
        except errors.ModelUnavailableError as error:
            status = "failed" if self._service.is_loaded else "loading"
            content = msgspec.json.encode({"ok": False, "status": status, "error": error.message})
            return reply(503, content, request_id)
        content = msgspec.json.encode({"ok": True, "status": "alive", "model_version": model.card.version})
        return reply(200, content, request_id)

    def live(self, request_id: str) -> Reply:
        """Tell that the server answers, as the Open Inference Protocol has it."""
        return reply(200, msgspec.json.encode(ServerLive(live=True)), request_id)

    def ready(self, request_id: str) -> Reply:
        """Tell whether the default model is served, as the Open Inference Protocol has it."""
        is_ready = self._service.is_ready
        return reply(200 if is_ready else 503, msgspec.json.encode(ServerReady(ready=is_ready)), request_id)

    def refuse(self, head: Head) -> Reply | None:
        """Return the answer to a request whose body need not be read."""
        error = self.objection(head) or (_overload() if self._slots.is_full else None)
        return None if error is None else self.refused(head, error)

    def check_key(self, given: str) -> None:
        """Demand the key, where there is one.

        Raises:
            UnauthorizedError: it is missing or wrong.
        """
        if self._key is not None and not hmac.compare_digest(given.encode(errors="replace"), self._key):
            raise errors.UnauthorizedError("the header X-API-Key is missing or wrong")

    def check_admin_key(self, given: str) -> None:
        """Demand the administrators' key, which is never the one for predictions.

        Raises:
            ForbiddenError: there is none, or the key for predictions was given.
            UnauthorizedError: it is missing or wrong.
        """
        if self._admin_key is None:
            raise errors.ForbiddenError("this is for administrators, and their key is not set: set ML_ADMIN_KEY")
        key = given.encode(errors="replace")
        if hmac.compare_digest(key, self._admin_key):
            return
        if self._key is not None and hmac.compare_digest(key, self._key):
            raise errors.ForbiddenError("the key for predictions is not the administrators': send ML_ADMIN_KEY as X-API-Key")
        raise errors.UnauthorizedError("the header X-API-Key is missing or not the administrators' key")

    def answer(self, head: Head, body: bytes) -> "Reply | Future[Reply]":
        """Return the answer at once where it takes next to no time, or a promise of it."""
        try:
            content = self._answer_plain(head, body) if len(body) <= _SHORT_BYTES and head.target is None else None
            if content is not None:
                return self._done(head, reply(200, content, head.request_id))
            if self._slots.is_full:
                return self._overloaded(head)
            return self._slots.submit(partial(self._answer, head, body), partial(self._overloaded, head))
        except Exception as error:  # noqa: BLE001 - as below
            return self._crashed(head, error)

    def objection(self, head: Head) -> errors.MlServerError | None:
        """Return what is wrong with a request that asks for predictions, as far as its head says."""
        try:
            self.check_key(head.field("x-api-key"))
        except errors.UnauthorizedError as error:
            return error
        kind = head.field("content-type")
        if head.target is not None:
            head.json_length = head.field(wire.HEADER.lower())
            if kind and kind.partition(";")[0].strip().lower() not in (JSON, BINARY):
                return errors.UnsupportedTypeError(f"the Content-Type must be {JSON}, or {BINARY} where tensors follow as bytes")
        elif kind != JSON and not _is_known(kind):
            return errors.UnsupportedTypeError("the Content-Type must be application/json, or multipart/form-data for a file")
        head.content_type = kind
        if head.field("content-encoding").strip().lower() not in ("", "identity"):
            return errors.UnsupportedTypeError("the body must be sent as it is, without a Content-Encoding")
        if head.length > self._max_body_bytes:
            return errors.BodyTooLargeError(TOO_LARGE.format(self._max_body_bytes))
        return None

    def _answer_plain(self, head: Head, body: bytes) -> bytes | None:
        """Return the answer to one good request of the default model where that is a fast one."""
        model = self._service.default
        if model is None or not model.is_fast:
            return None
        if self._lane_card is not model.card:
            self._lane, self._lane_card = lane_of(model.card), model.card
        row = self._lane.row(body) if self._lane is not None else None
        if row is None:
            return None
        head.progress.asked = body, JSON
        return prediction.predict_row(row, head.request_id, self._service, model, head.progress)

    def _answer(self, head: Head, body: bytes) -> Reply:
        try:
            if head.target is not None:
                return self._done(head, self._infer(head, head.target, body))
            content = prediction.predict(
                body, head.request_id, self._service, self._max_batch, head.progress, content_type=head.content_type
            )
        except errors.MlServerError as error:
            return self.refused(head, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
            return self._crashed(head, error)
        return self._done(head, reply(200, content, head.request_id))

    def _infer(self, head: Head, target: Target, body: bytes) -> Reply:
        ask = inferring.Ask(target, body, head.json_length, head.request_id)
        content, json_length = inferring.infer(ask, self._service, self._max_batch, head.progress)
        if json_length is None:
            return reply(200, content, head.request_id)
        answer = reply(200, content, head.request_id, BINARY)
        return answer._replace(headers=[*answer.headers, (wire.HEADER, str(json_length))])

    def _crashed(self, head: Head, error: Exception) -> Reply:
        return self._done(head, crashed(error, head.request_id, is_oip=head.target is not None))

    def _overloaded(self, head: Head) -> Reply:
        return self.refused(head, _overload())

    def refused(self, head: Head, error: errors.MlServerError) -> Reply:
        """Log a refusal, and return its answer."""
        return self._done(head, refusal_of(error, head.request_id, is_oip=head.target is not None))

    def _done(self, head: Head, answer: Reply) -> Reply:
        progress = head.progress
        elapsed_s = time.perf_counter() - head.started
        if self.observers and progress.observed is not None and not head.is_probe:
            observing.tell(self.observers, head.request_id, progress.observed, elapsed_s)
        telemetry.record_predict(
            request_id=head.request_id,
            model=progress.model,
            version=progress.version,
            digest=progress.digest,
            status=answer.status,
            rows=progress.rows,
            answered=progress.answered,
            elapsed_s=elapsed_s,
            is_probe=head.is_probe,
        )
        return answer


def _is_known(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind in (JSON, FORM) or (kind.startswith("application/") and kind.endswith("+json"))


def _overload() -> errors.OverloadedError:
    return errors.OverloadedError("too many predictions are running")
