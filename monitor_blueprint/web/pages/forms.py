"""Forms: who may have sent one, what was typed, and what is said of it on the page that comes after.

A form carries a signature that only a page of ours can have made: with the secret that the visitor's own requests carry (or,
at the sign-in, with none) over a number that his browser keeps in a cookie. Where the browser says who is behind a request,
that counts besides.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from flask import Response, g, request, url_for
from itsdangerous import BadSignature, Signer, URLSafeSerializer
from werkzeug.datastructures import MultiDict

from monitor_blueprint.web import access
from monitor_blueprint.web.answers import RefusedError, see_other
from monitor_blueprint.web.requests import LARGEST_BODY

FIELD = "form_token"
BACK = "back"
_COOKIE, _SAID = "neuronova_form", "neuronova_said"
_SAID_LASTS_S = 60
# Of a fact of what is said: a cookie is small.
_LONGEST_FACT = 200
Typed = MultiDict[str, str]


@dataclass(frozen=True, slots=True)
class Said:
    """What a page says of what was just done: which of the catalogue's sentences, and what fills it."""

    key: str
    facts: Mapping[str, str]


def token() -> str:
    """Return what the forms of this page carry."""
    return _signer().get_signature(_number()).decode()


def read() -> Typed:
    """Return what was typed into the form that has been sent.

    Raises:
        RefusedError: another site has sent it, or the page that it stood on is not of this visit.
    """
    request.max_content_length = LARGEST_BODY
    access.refuse_foreign()
    typed = request.form
    if not _signer().verify_signature(request.cookies.get(_COOKIE, ""), typed.get(FIELD, "").encode()):
        raise RefusedError(403, "stale_form", "the form is not of a page of this visit")
    return typed


def own_path(wanted: str) -> str:
    """Return an address of ours that a form or an address asks for; the overview's where it is no such."""
    home, parts = url_for(".page"), urlsplit(wanted)
    is_own = wanted.startswith(home) and not wanted.startswith("//") and not (parts.scheme or parts.netloc)
    is_plain = wanted.isprintable() and "\\" not in wanted and ".." not in parts.path.split("/")
    return quote(wanted, safe="/?&=%+") if is_own and is_plain else home


def done(key: str, back: str, **facts: str) -> Response:
    """Send the browser on, to a page that says what was done."""
    response = see_other(own_path(back))
    said = _sayer().dumps([key, {name: fact[:_LONGEST_FACT] for name, fact in facts.items()}])
    _set(response, _SAID, str(said), _SAID_LASTS_S)
    return response


def said() -> Said | None:
    """Return what is to be said of what was done before this page."""
    try:
        key, facts = _sayer().loads(request.cookies.get(_SAID, ""))
    except BadSignature:
        return None
    return Said(key, facts)


def keep(response: Response) -> None:
    """Let the browser keep the number of its forms, and forget what has been said."""
    if "neuronova_form" in g:
        _set(response, _COOKIE, g.neuronova_form, None)
    if _SAID in request.cookies:
        _set(response, _SAID, "", 0)


def _number() -> str:
    known = request.cookies.get(_COOKIE, "")
    if known:
        return known
    if "neuronova_form" not in g:
        g.neuronova_form = secrets.token_urlsafe(16)
    new: str = g.neuronova_form
    return new


def _signer() -> Signer:
    visitor = access.asker().visitor
    return Signer(access.proof(), salt=f"form {visitor.name}" if visitor is not None else "form")


def _sayer() -> URLSafeSerializer:
    return URLSafeSerializer(access.proof(), salt="said")


def _set(response: Response, name: str, value: str, lasts_s: int | None) -> None:
    response.set_cookie(
        name, value, max_age=lasts_s, path=url_for(".page"), secure=request.is_secure, httponly=True, samesite="Strict"
    )
