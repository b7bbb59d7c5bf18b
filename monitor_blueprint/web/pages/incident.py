"""All about one incident, and what can be done about it."""

from __future__ import annotations

from socket import gethostname

from flask import Response, url_for

from monitor_blueprint.console import checks, incidents
from monitor_blueprint.console.audit import StoryDocument
from monitor_blueprint.console.checks import CheckDocument
from monitor_blueprint.console.incidents import DeliveryDocument, EventDocument, IncidentAnswer, NoteDocument
from monitor_blueprint.console.view import View
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.web import access
from monitor_blueprint.web.answers import RefusedError
from monitor_blueprint.web.pages import failing, language
from monitor_blueprint.web.pages.forms import Typed
from monitor_blueprint.web.pages.page import html, lasting, words

_Happened = EventDocument | StoryDocument | NoteDocument


def incident(number: int) -> Response:
    """Show what was told, what was found, what was done, and how it was delivered."""
    return show(number)


@language.spoken
def show(number: int, error: RefusedError | None = None, typed: Typed | None = None) -> Response:
    """Show an incident; after an error, with what was typed."""
    view = access.view()
    found = incidents.incident(view, number)
    if found is None:
        return html("missing.html", 404, number=number)
    known = found.incident
    return html(
        "incident.html",
        error.status if error is not None else 200,
        error=error,
        state="none" if known.closed_at else "critical",
        typed=typed or {},
        here=url_for(".incident", number=number),
        incident=known,
        length=lasting(known.opened_at, known.closed_at or view.now),
        server=clean(gethostname()),
        failing=_failing(view) if known.closed_at is None else [],
        worst=failing.worst,
        since_of=lambda check: failing.since(check, view),
        advice=failing.advice,
        course=_course(found),
        evidence=found.evidence,
        delivery_text=_delivery,
    )


def _failing(view: View) -> list[CheckDocument]:
    """Return the checks that belong to the open incident as they stand now, causes before what those bring about."""
    return sorted((each for each in checks.checks(view).checks if each.is_told), key=lambda each: bool(each.causes))


def _course(found: IncidentAnswer) -> list[tuple[str, _Happened]]:
    """Return what was told, done and noted, in the order in which it happened."""
    course: list[tuple[str, _Happened]] = [("told", event) for event in found.events]
    course += [("done", entry) for entry in found.story]
    course += [("noted", note) for note in found.notes]
    return sorted(course, key=lambda each: each[1].at)


def _delivery(found: DeliveryDocument) -> str:
    name = f"{found.channel} {found.receiver}" if found.receiver else found.channel
    reason = f" ({found.answer})" if found.answer and found.state != "delivered" else ""
    return f"{name}: {words().deliveries[found.state]}{reason}"
