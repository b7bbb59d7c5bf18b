"""What every answer of ours has: its header fields; and what a refusal looks like."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec
from flask import Response

from monitor_blueprint.console.view import Document, encode
from monitor_blueprint.domain.text import Document as Open

# No code stands in a page, nothing comes from elsewhere, and no other site shows it within its own. `same-origin`, since
# without a referrer a browser would not say either where a form comes from.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Problem(Document, frozen=True, kw_only=True):
    """What is wrong with one field of a request."""

    field: str
    problem: str


class Refusal(Document, frozen=True, kw_only=True):
    """Why a request was not answered: `code` for programs, `error` for people, `details` field by field."""

    ok: bool = False
    code: str
    error: str
    details: list[Problem] = msgspec.field(default_factory=list)


class RefusedError(Exception):
    """A request of the API that is not answered.

    Attributes:
        status: the HTTP status.
        refusal: what is said.
        retry_after_s: when to try again, where that is known.
    """

    def __init__(self, status: int, code: str, error: str, *problems: Problem, retry_after_s: int = 0) -> None:
        super().__init__(code)
        self.status = status
        self.refusal = Refusal(code=code, error=error, details=list(problems))
        self.retry_after_s = retry_after_s


def invalid(field: str, problem: str) -> RefusedError:
    """Return that one field of a request cannot be used."""
    return RefusedError(422, "invalid", "the request cannot be used", Problem(field=field, problem=problem))


def secure(response: Response, *, is_kept: bool = False, is_shared: bool = False) -> Response:
    """Return the response with the header fields that all of ours have.

    Args:
        response: what is answered.
        is_kept: a browser may keep it.
        is_shared: other sites may show it, as the picture that it is.
    """
    for name, value in _HEADERS.items():
        response.headers[name] = value
    if is_shared:
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if not is_kept:
        response.headers["Cache-Control"] = "no-store"
    return response


def open_json(content: Mapping[str, Open], status: int = 200) -> Response:
    """Return what everybody may read, with the keys in their order, whatever the application does with its own."""
    return secure(Response(json.dumps(content, separators=(",", ":")) + "\n", status, mimetype="application/json"))


def see_other(address: str) -> Response:
    """Return that what comes next is at another address: the answer to a form that was done."""
    return secure(Response(status=303, headers={"Location": address}))


def document(content: msgspec.Struct | msgspec.Raw, status: int = 200) -> Response:
    """Return a document as an answer."""
    return secure(Response(encode(content), status, mimetype="application/json"))


def refused(error: RefusedError) -> Response:
    """Return a refusal as an answer."""
    response = document(error.refusal, error.status)
    if error.retry_after_s:
        response.headers["Retry-After"] = str(error.retry_after_s)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="NeuroNova monitor"'
    return response
