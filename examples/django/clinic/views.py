"""The three addresses of the API. Every answer is JSON, errors included: `answers` sees to those of Django itself."""

import functools
import logging
import time
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from clinic import answers, checks, strict_json, upstream

log = logging.getLogger(__name__)

# What the ML server is told. Names of patients and doctors stay here.
FORWARDED_FIELDS = ("features", "clinical_features", "items", "model_name", "model_version", "explain")

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
    request_id = answers.request_id(request)
    if not request.user.is_authenticated:
        return answers.problem(401, "login_required", "log in first", request_id)
    if request.content_type != "application/json":
        return answers.problem(415, "unsupported_media_type", "the Content-Type must be application/json", request_id)
    try:
        question = _question(request)
    except RequestDataTooBig:
        text = f"the body is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes"
        return answers.problem(413, "request_entity_too_large", text, request_id)
    except strict_json.RefusedError as error:
        return answers.problem(400, "not_json", str(error), request_id)

    started = time.monotonic()
    try:
        status, answer = ml_server().call("POST", "/predict", json=question, headers={"X-Request-ID": request_id})
    except upstream.UpstreamError as error:
        log.error("predict %s: %s after %.2f s", request_id, error, time.monotonic() - started)
        return answers.problem(error.status, error.code, str(error), request_id)
    return answers.as_json(answer, status, request_id)


@never_cache
@require_GET
def system_stats(request: HttpRequest) -> JsonResponse:
    """Show staff the server's CPU, memory and disk, as the monitor measured them."""
    request_id = answers.request_id(request)
    if not request.user.is_authenticated:
        return answers.problem(401, "login_required", "log in first", request_id)
    if not request.user.is_staff:
        return answers.problem(403, "staff_only", "this is for staff only", request_id)
    try:
        _status, stats = monitor().call("GET", "/api/system/stats/", headers={"X-Request-ID": request_id})
    except upstream.UpstreamError as error:
        log.error("system stats %s: %s", request_id, error)
        return answers.problem(error.status, error.code, str(error), request_id)
    return answers.as_json(stats, 200, request_id)


def _question(request: HttpRequest) -> dict[str, Any]:
    asked = strict_json.loads(request.body)
    if not isinstance(asked, dict):
        raise strict_json.RefusedError("the body is not a JSON object")
    return {key: asked[key] for key in FORWARDED_FIELDS if key in asked}
