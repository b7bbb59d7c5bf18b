"""The routes of Flask. What `/predict` and `/health` answer is said in `endpoint`, with or without Flask."""

import re
import time
from typing import Any

import msgspec
from flask import Blueprint, Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from ml_server import answers, description, endpoint, errors, oip_routes, page, reporting, telemetry, web
from ml_server.card import Card
from ml_server.config import Settings
from ml_server.decoding import JSON
from ml_server.endpoint import Endpoint
from ml_server.head import is_probe, request_id_of
from ml_server.inference import InferenceService
from ml_server.model import Model
from ml_server.oip.address import is_oip, target_of
from ml_server.oip.messages import OipError
from ml_server.openapi.document import document
from ml_server.reloading import Reloading
from ml_server.silent_trial import read_trial
from ml_server.tensors import all_scalar

api = Blueprint("api", __name__)
# Of example people: what is usual, and the most.
_PEOPLE = {"num_people": (4, 100), "samples_per_person": (3, 20), "disease_ratio": (0.9, 1)}


def register(app: Flask, settings: Settings, service: InferenceService) -> None:
    """Register every route, at the root and under `/api`, and answer every error in the one envelope."""
    app.config.update(MAX_CONTENT_LENGTH=settings.max_body_bytes, PROVIDE_AUTOMATIC_OPTIONS=False)
    app.url_map.merge_slashes = False  # "//" would be answered with a redirect, in HTML
    app.extensions["ml_server"] = service
    app.extensions["ml_settings"] = settings
    app.extensions["ml_endpoint"] = Endpoint(service, settings)
    app.register_blueprint(api)
    app.register_blueprint(api, url_prefix="/api", name="api_twin")
    app.register_blueprint(oip_routes.oip)
    app.register_blueprint(oip_routes.oip, url_prefix="/api/v2", name="oip_twin")
    app.add_url_rule("/metrics", view_func=metrics)
    app.before_request(_start_request)
    app.after_request(_finish_request)
    app.register_error_handler(errors.MlServerError, _answer_own_error)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_crash)


@api.get("/health")
def health() -> Response:
    """Tell whether the default model is served; the only answer without the usual envelope, as monitors read it."""
    return web.response(web.endpoint().health(g.request_id))


@api.get("/models")
def models() -> Response:
    """Return every installed version: its card without golden samples, which is the default, and why one is not served."""
    web.endpoint().check_key(web.field("x-api-key"))
    listed = []
    default, due, on_trial = web.service().default, web.service().due, _on_trial()
    for entry, error in web.service().installed():
        card = _describe(entry.card) if entry.card else {}
        is_default = default is not None and default.card is entry.card
        served = {"is_served": error is None, "is_default": is_default, "error": error, "notes": web.service().notes(entry)}
        served |= {"is_due": entry is due, "warning": entry.warning or None, "is_on_trial": entry.digest == on_trial}
        listed.append({"name": entry.name, "version": entry.version, "digest": entry.digest, **served, **card})
    content = {"ok": True, "models": listed, "request_id": g.request_id}
    return web.encoded(content)


def _on_trial() -> str:
    """Return the digest of the version that is on silent trial, or what is none of any."""
    try:
        trial = read_trial(web.settings().model_dir)
    except errors.BrokenModelError:
        trial = None
    return trial.digest if trial else "-"


@api.get("/models/<name>")
def model_report(name: str) -> Response:
    """Return what is known of a model by the items of TRIPOD+AI: JSON, or a page for whoever would rather have HTML.

    It is the version that answers, or that of the query's `version`.
    """
    web.endpoint().check_key(web.field("x-api-key"))
    model = web.service().model(name, request.args.get("version"))
    card = model.card
    sections = reporting.report(card, model.digest)
    if request.accept_mimetypes.best_match((JSON, "text/html")) == "text/html":
        response = Response(page.render(card, model.digest, sections), content_type=page.CONTENT_TYPE)
        response.headers["Content-Security-Policy"] = page.POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
    else:
        response = _described(model, {"title": card.title, "research_only": card.research_only, "sections": sections})
    response.headers["Vary"] = "Accept"
    return response


@api.get("/example_data")
def example_data() -> Response:
    """Return the default model's golden samples: requests whose answers are known, to try out and to watch over it.

    For a model of other things than tables, or if `num_people`, `samples_per_person` and `disease_ratio` say how many, they
    are also there as made-up people (`items`).
    """
    web.endpoint().check_key(web.field("x-api-key"))
    model, due = web.service().model(), web.service().due
    card = model.card
    samples = [{"request": {"features": sample.features}, "expected": sample.expected} for sample in card.golden_samples]
    is_due = {"due_version": due.version if due else "", "is_due": not web.service().fallback_reason}
    content: dict[str, Any] = {**is_due, "task": card.task, "tolerance": card.golden_tolerance, "samples": samples}
    # Whoever only watches over the model has a limit for the answer.
    if request.args.keys() & _PEOPLE.keys() or not all_scalar(card.inputs):
        content["items"] = description.example_people(card, *_people())
    return _described(model, content)


@api.get("/schema")
def schema() -> Response:
    """Return what the default model is, what is to be sent to it, and an example."""
    web.endpoint().check_key(web.field("x-api-key"))
    model = web.service().model()
    card, sample = model.card, model.card.golden_samples[0]
    return _described(
        model,
        {
            "title": card.title,
            "intended_use": card.intended_use,
            "not_for": card.not_for,
            "task": card.task,
            "answers": card.answers,
            "request": description.request_schema(card, web.settings().max_batch),
            "example_request": description.example_request(card, sample),
            "example_expected": sample.expected,
        },
    )


def _described(model: Model, content: dict[str, Any]) -> Response:
    card = model.card
    head = {"ok": True, "request_id": g.request_id, "model_name": card.name, "model_version": card.version}
    head["model_digest"] = model.digest
    return web.encoded({**head, **content})


def _people() -> tuple[int, int, float]:
    """Return how many example people are asked for, with how many samples each, and which share of them is ill.

    Raises:
        InvalidRequestError: names what is out of bounds.
    """
    found, problems = [], []
    for name, (ordinary, most) in _PEOPLE.items():
        try:
            value = float(request.args.get(name) or ordinary)
        except ValueError:
            value = -1
        is_whole = most > 1
        if not (is_whole <= value <= most) or (is_whole and not value.is_integer()):
            problems.append(errors.Detail(name, f"must be a {'whole ' * is_whole}number from {int(is_whole)} to {most}"))
        found.append(value)
    if problems:
        raise errors.InvalidRequestError("the request is not valid", tuple(problems))
    return int(found[0]), int(found[1]), found[2]


@api.get("/openapi.json")
def openapi() -> Response:
    """Return the document of the interface, with what the default model reads."""
    web.endpoint().check_key(web.field("x-api-key"))
    model = web.service().default
    return web.encoded(document(model.card if model else None, web.settings()))


@api.post("/reload_model")
def reload_model() -> Response:
    """Verify the version that is due and reload; it is 200 whatever comes of it: who asks reads `ok` and `message`."""
    web.endpoint().check_admin_key(web.field("x-api-key"))
    reloading: Reloading | None = current_app.extensions.get("ml_reloading")
    if reloading is None:
        raise errors.ForbiddenError("this server was started without gunicorn's configuration: start it again instead")
    outcome = reloading.run()
    telemetry.record_reload(g.request_id, outcome.message, outcome.model_digest or "-", is_done=outcome.ok)
    content = {**msgspec.to_builtins(outcome), "request_id": g.request_id}
    return web.encoded(content)


@api.post("/predict")
def predict() -> Response:
    """Return one answer, or one for each item of a batch."""
    return web.predicted()


def metrics() -> Response:
    """Return metrics for Prometheus, of all workers together."""
    service = web.service()
    telemetry.record_ready(web.settings().model, is_ready=service.is_ready, is_fallback=bool(service.fallback_reason))
    content, content_type = telemetry.render_metrics(current_app.extensions.get("ml_collectors", ()))
    return Response(content, content_type=content_type)


def _describe(card: Card) -> dict[str, Any]:
    described: dict[str, Any] = msgspec.to_builtins(card)
    return {key: value for key, value in described.items() if key not in answers.HIDDEN}


def _start_request() -> None:
    g.request_id = request_id_of(web.field("x-request-id"))
    g.started = time.perf_counter()
    g.is_recorded = False
    # gunicorn's workers have loaded before they accept; any other server loads with the first request.
    web.endpoint().load()


def _finish_request(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    response.headers["Cache-Control"] = "no-store"
    is_prediction = request.path in endpoint.PREDICT_PATHS or target_of(request.path) is not None
    if is_prediction and not g.is_recorded:
        telemetry.record_predict(
            request_id=g.request_id,
            model="-",
            version="-",
            digest="-",
            status=response.status_code,
            rows=0,
            answered=0,
            elapsed_s=time.perf_counter() - g.started,
            is_probe=is_probe(web.field, request.remote_addr or ""),
        )
    return response


def _answer_own_error(error: errors.MlServerError) -> Response:
    return web.response(endpoint.refusal_of(error, g.request_id, is_oip=is_oip(request.path)))


def _answer_http_error(error: HTTPException) -> Response:
    """Answer with werkzeug's own refusals: 404, 405, 413 and the like, by their standard names."""
    code = re.sub(r"[^a-z]+", "_", error.name.lower())
    status = error.code or 500
    if is_oip(request.path):
        refused = endpoint.reply(status, msgspec.json.encode(OipError(error.name)), g.request_id)
    else:
        refused = endpoint.refusal(status, code, error.name, g.request_id)
    response = web.response(refused)
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = ", ".join(sorted(value.split(", ")))
    return response


def _answer_crash(error: Exception) -> Response:
    return web.response(endpoint.crashed(error, g.request_id, is_oip=is_oip(request.path)))
