"""How this site answers under `/api/`: in JSON, also where Django itself refuses a request or a view fails."""

import contextlib
import json
import logging
import re
import uuid
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import csrf

log = logging.getLogger(__name__)

# As the ML server has it: what could be the number of a person is in no log.
REQUEST_ID = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[0-9]*[a-f])[0-9a-f]{16,64}|(?!.*[0-9](?:[._-]*[0-9]){5})[a-z0-9._-]{1,64}",
    re.IGNORECASE | re.ASCII,
)
# What Django answers by itself, under the names that the ML server has for it.
CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 500: "internal_error"}


def request_id(request: HttpRequest) -> str:
    """Return the id that Nginx gave the request, so that one id is found in the logs of all three programs."""
    given = request.headers.get("X-Request-ID", "")
    return given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def as_json(body: dict[str, Any], status: int, request_id: str) -> JsonResponse:
    """Return the answer with the request's id."""
    response = JsonResponse(body, status=status)
    response["X-Request-ID"] = request_id
    if status == 503:
        response["Retry-After"] = "5"
    return response


def problem(status: int, code: str, text: str, request_id: str) -> JsonResponse:
    """Return the answer to a request that failed."""
    return as_json({"ok": False, "code": code, "error": text, "request_id": request_id}, status, request_id)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a POST without the CSRF token; Django's log has the exact reason (`CSRF_FAILURE_VIEW`)."""
    if not _is_of_the_api(request):
        return csrf.csrf_failure(request, reason)
    if not request.user.is_authenticated:
        return problem(401, "login_required", "log in first", request_id(request))
    text = "the header X-CSRFToken must be the value of the cookie csrftoken, and the page be of a trusted origin"
    return problem(403, "csrf_failed", text, request_id(request))


class JsonErrors:
    """Middleware that puts JSON in the place of Django's own error pages, under `/api/` only."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        response = self._get_response(request)
        if response.status_code >= 400 and _is_of_the_api(request):
            _read_to_the_end(request)
            if response.get("Content-Type") != "application/json" and request.method != "HEAD":
                _put_json(response, request_id(request))
        return response


def _is_of_the_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _read_to_the_end(request: HttpRequest) -> None:
    # gunicorn closes a connection on which much was left unread, and the caller may never see the answer.
    with contextlib.suppress(OSError):  # the caller is gone
        while request.read(65536):
            pass


def _put_json(response: HttpResponse, request_id: str) -> None:
    """Change the body only, so that headers such as Allow stay."""
    status, text = response.status_code, response.reason_phrase
    log.warning("request %s: %d %s", request_id, status, text)
    body = {"ok": False, "code": CODES.get(status, "error"), "error": text, "request_id": request_id}
    response.content = json.dumps(body)
    response["Content-Type"] = "application/json"
    response["Content-Length"] = str(len(response.content))
    response["X-Request-ID"] = request_id
