"""What a form orders: it is done as the API does it, and the page after it says what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

import msgspec
from flask import Response, url_for

from monitor_blueprint.console.gate import LONGEST_NAME
from monitor_blueprint.console.incidents import IncidentAnswer
from monitor_blueprint.console.view import Answer
from monitor_blueprint.domain.access import Role, Visitor
from monitor_blueprint.domain.language import retold
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.text import render
from monitor_blueprint.web import access, changing
from monitor_blueprint.web.answers import Problem, RefusedError, see_other
from monitor_blueprint.web.changing import NoteAnswer, NoteBody, RoundAnswer, TrialAnswer, TrialQuery
from monitor_blueprint.web.mounted import monitor
from monitor_blueprint.web.pages import forms, incident
from monitor_blueprint.web.pages.forms import Typed
from monitor_blueprint.web.pages.page import html, is_named
from monitor_blueprint.web.requests import read_query
from monitor_blueprint.web.route import Asked, NoFields, Reply

_ROUTES = {route.name: route for route in changing.ROUTES}
_MOST_NAMED = 5
T = TypeVar("T", bound=Answer)


def order(
    name: str,
    answer: type[T],
    places: Mapping[str, Any] | None = None,
    *,
    query: msgspec.Struct | None = None,
    body: msgspec.Struct | None = None,
    by: Visitor | None = None,
) -> T:
    """Do what a route of the API does, and return its answer, which is of the type that the route names.

    Raises:
        RefusedError: it is not done.
    """
    visitor = access.require(Role.OPERATE)
    asked = Asked(access.view(by or visitor), monitor(), places or {}, query or NoFields(), body or NoFields(), "")
    reply = _ROUTES[name].handle(asked)
    given = reply.answer if isinstance(reply, Reply) else reply
    if not isinstance(given, answer):
        raise TypeError(f"{name} answers {type(given).__name__}")
    return given


def acknowledge(number: int) -> Response:
    """Take care of the open incident, with a note where one is given."""
    typed = forms.read()
    try:
        by = _author(typed)
        note = _note(typed, "note") if typed.get("note", "").strip() else None
        order("acknowledge", IncidentAnswer, {"number": number}, by=by)
        if note is not None:
            order("note", NoteAnswer, {"number": number}, body=note, by=by)
    except RefusedError as error:
        return incident.show(number, error, typed)
    return forms.done("acknowledged", typed.get(forms.BACK, ""), number=str(number), by=by.name)


def release(number: int) -> Response:
    """Let go of the open incident."""
    typed = forms.read()
    order("release", IncidentAnswer, {"number": number})
    return forms.done("released", typed.get(forms.BACK, ""), number=str(number))


def note(number: int) -> Response:
    """Note something on an incident."""
    typed = forms.read()
    try:
        order("note", NoteAnswer, {"number": number}, body=_note(typed, "text"))
    except RefusedError as error:
        return incident.show(number, error, typed)
    return forms.done("noted", typed.get(forms.BACK, ""), number=str(number))


def run() -> Response:
    """Check everything now."""
    return _checked(forms.read(), order("run", RoundAnswer))


def run_check(name: str) -> Response:
    """Check this now."""
    return _checked(forms.read(), order("run_check", RoundAnswer, {"name": name}))


def try_channels() -> Response:
    """Send a test alert, and show how it fares."""
    forms.read()
    asked = order("try_channels", TrialAnswer, query=TrialQuery(wait_s=0))
    return see_other(url_for(".trial", number=asked.id))


def trial(number: int) -> Response:
    """Show how a test alert has fared."""
    return html("trial.html", trial=order("trial", TrialAnswer, {"id": number}), retold=retold)


def _checked(typed: Typed, answer: RoundAnswer) -> Response:
    names = render.names([each.name for each in answer.checks], _MOST_NAMED * LONGEST_NAME)
    return forms.done("checked", typed.get(forms.BACK, ""), overall=answer.overall, checks=names)


def _author(typed: Typed) -> Visitor:
    """Return by whom it is done: who signs with the administrators' token alone says it in the form."""
    visitor = access.require(Role.OPERATE)
    if is_named(visitor):
        return visitor
    name = clean(typed.get("name", ""), LONGEST_NAME)
    if not name:
        raise RefusedError(422, "invalid", "the request cannot be used", Problem(field="name", problem="is missing"))
    return replace(visitor, name=name)


def _note(typed: Typed, field: str) -> NoteBody:
    """Return what is to be noted, which stands in a field of the form."""
    try:
        text = typed.get(field, "").strip()
        return read_query({"text": [text]} if text else {}, NoteBody)
    except RefusedError as error:
        problems = [Problem(field=field, problem=each.problem) for each in error.refusal.details]
        raise RefusedError(error.status, error.refusal.code, error.refusal.error, *problems) from None
