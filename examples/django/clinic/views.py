"""The three addresses of the API. Every answer is JSON, errors included."""

import functools
import logging
import re
import time
import uuid
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from clinic import checks, strict_json, upstream

log = logging.getLogger(__name__)

# What the ML server is told. Names of patients and doctors stay here.
FORWARDED_FIELDS = ("features", "clinical_features", "items", "model_name", "model_version", "explain")

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

# One per process, made at the first call: after gunicorn's fork.
ml_server = functools.cache(upstream.ml_server)
monitor = functools.cache(upstream.monitor)


@never_cache
@require_GET
def health(_request: HttpRequest) -> JsonResponse:
    """Say whether this site and what it needs are in order."""
    results = checks.run_all()
    is_healthy = all(result.split(":")[0] == "ok" for result in results.values())
    body = {
        "status": "healthy" if is_healthy else "unhealthy",
        "service": "NeuroNova Django API",
        "version": "1.0.0",
        "checks": results,
    }
    return JsonResponse(body, status=200 if is_healthy else 503)


@require_POST
def predict(request: HttpRequest) -> JsonResponse:
    """Hand the clinical features to the ML server, and its answer back."""
    request_id = _request_id(request)
    if not request.user.is_authenticated:
        return _problem(401, "login_required", "log in first", request_id)
    try:
        asked = strict_json.loads(request.body)
    except strict_json.RefusedError as error:
        return _problem(400, "not_json", str(error), request_id)
    if not isinstance(asked, dict):
        return _problem(400, "not_json", "the body is not a JSON object", request_id)
    question = {key: asked[key] for key in FORWARDED_FIELDS if key in asked}

    started = time.monotonic()
    try:
        status, answer = ml_server().call("POST", "/predict", json=question, headers={"X-Request-ID": request_id})
    except upstream.UpstreamError as error:
        log.error("predict %s: %s after %.2f s", request_id, error, time.monotonic() - started)
        return _problem(error.status, error.code, str(error), request_id)
    return _json(answer, status, request_id)


@never_cache
@require_GET
def system_stats(request: HttpRequest) -> JsonResponse:
    """Show staff the server's CPU, memory and disk, as the monitor measured them."""
    request_id = _request_id(request)
    if not request.user.is_authenticated:
        return _problem(401, "login_required", "log in first", request_id)
    if not request.user.is_staff:
        return _problem(403, "staff_only", "this is for staff only", request_id)
    try:
        _status, stats = monitor().call("GET", "/api/system/stats/", headers={"X-Request-ID": request_id})
    except upstream.UpstreamError as error:
        log.error("system stats %s: %s", request_id, error)
        return _problem(error.status, error.code, str(error), request_id)
    return _json(stats, 200, request_id)


def _request_id(request: HttpRequest) -> str:
    """Return the id that Nginx gave the request, so that one id is found in the logs of all three programs."""
    given = request.headers.get("X-Request-ID", "")
    return given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _problem(status: int, code: str, text: str, request_id: str) -> JsonResponse:
    return _json({"ok": False, "code": code, "error": text, "request_id": request_id}, status, request_id)


def _json(body: dict[str, Any], status: int, request_id: str) -> JsonResponse:
    response = JsonResponse(body, status=status)
    response["X-Request-ID"] = request_id
    if status == 503:
        response["Retry-After"] = "5"
    return response
