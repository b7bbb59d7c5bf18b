"""The sign-in page: a token opens a session, as it does by the API."""

from __future__ import annotations

from flask import Response, request, url_for

from monitor_blueprint.console.gate import SESSION_LASTS
from monitor_blueprint.web import access
from monitor_blueprint.web.answers import RefusedError, see_other
from monitor_blueprint.web.mounted import monitor
from monitor_blueprint.web.pages import forms
from monitor_blueprint.web.pages.page import html
from monitor_blueprint.web.requests import read_query
from monitor_blueprint.web.route import Cookie
from monitor_blueprint.web.signing_in import SignInBody

NEXT = "next"


def sign_in_page() -> Response:
    """Ask for a token; a visitor who is let in but may not see what he asked for is told so."""
    return _page(forms.own_path(request.args.get(NEXT, "")))


def sign_in() -> Response:
    """Open a session, and go where the visitor was going."""
    typed = forms.read()
    target = forms.own_path(typed.get(NEXT, ""))
    try:
        body = read_query({key: [value] for key in ("token", "name") if (value := typed.get(key, "").strip())}, SignInBody)
        visitor = access.check_token(body.token, body.name)
    except RefusedError as error:
        return _page(target, error, typed.get("name", ""))
    _end_session()
    key, _ = monitor().gate.sign_in(visitor, body.token, access.view().now)
    response = see_other(target)
    access.keep(response, Cookie(key, round(SESSION_LASTS.total_seconds())))
    return response


def sign_out() -> Response:
    """End the session."""
    forms.read()
    _end_session()
    response = see_other(url_for(".sign_in_page"))
    access.keep(response, Cookie("", 0))
    return response


def _page(target: str, error: RefusedError | None = None, name: str = "") -> Response:
    # Without a challenge: the browser is not to ask besides.
    status = 200 if error is None else 403 if error.status == 401 else error.status
    return html("sign_in.html", status, error=error, target=target, name=name)


def _end_session() -> None:
    if key := request.cookies.get(access.COOKIE, ""):
        monitor().gate.sign_out(key)
