"""Sessions of people: opened with a token, known by a cookie that no script can read and no other site can use."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from monitor_blueprint.console.gate import LONGEST_NAME, SESSION_LASTS, Entry
from monitor_blueprint.console.view import Answer
from monitor_blueprint.domain.access import Role, RoleWord
from monitor_blueprint.web import access
from monitor_blueprint.web.route import Asked, Cookie, Reply, Route


class SignInBody(msgspec.Struct, frozen=True, kw_only=True):
    """A token; and, with the administrators' one, the name by which the record is to know what is done."""

    token: Annotated[str, Meta(min_length=1, max_length=512)]
    name: Annotated[str, Meta(max_length=LONGEST_NAME)] = ""


class SessionAnswer(Answer, frozen=True, kw_only=True):
    """Who asks, and what that one may do; `ends_at` of a session."""

    name: str
    role: RoleWord
    token: str
    ends_at: datetime | None


class SignedOutAnswer(Answer, frozen=True, kw_only=True):
    """There is no session any more."""


def _who(asked: Asked) -> Answer:
    entry = access.asker().entry
    return _answer(entry or Entry(asked.view.visitor))


def _sign_in(asked: Asked) -> Reply:
    body: SignInBody = asked.body
    visitor = access.check_token(body.token, body.name)
    if asked.session:
        asked.monitor.gate.sign_out(asked.session)
    key, entry = asked.monitor.gate.sign_in(visitor, body.token, asked.view.now)
    return Reply(_answer(entry), cookie=Cookie(key, round(SESSION_LASTS.total_seconds())))


def _sign_out(asked: Asked) -> Reply:
    if asked.session:
        asked.monitor.gate.sign_out(asked.session)
    return Reply(SignedOutAnswer(), cookie=Cookie("", 0))


def _answer(entry: Entry) -> SessionAnswer:
    visitor = entry.visitor
    return SessionAnswer(name=visitor.name, role=visitor.role.word, token=visitor.token, ends_at=entry.ends_at)


ROUTES = (
    Route("GET", "/session", "who", Role.STATS, "Who asks, and what that one may do", SessionAnswer, _who),
    Route("POST", "/session", "sign_in", None, "Sign in with a token", SessionAnswer, _sign_in, body=SignInBody, status=201),
    Route("DELETE", "/session", "sign_out", None, "Sign out", SignedOutAnswer, _sign_out),
)
