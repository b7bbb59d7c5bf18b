"""Silences and maintenance: what is silenced, and the forms by which it is."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Response, request, url_for

from monitor_blueprint.console import silences as console
from monitor_blueprint.text import render
from monitor_blueprint.web import access
from monitor_blueprint.web.answers import RefusedError
from monitor_blueprint.web.changing import SilenceAnswer, SilenceBody
from monitor_blueprint.web.pages import forms, language, orders
from monitor_blueprint.web.pages.forms import Typed
from monitor_blueprint.web.pages.page import duration, html
from monitor_blueprint.web.requests import read_query

_LENGTHS_MINUTES = (30, 60, 120, 240, 720, 1440, 10080)
_FIELDS = ("why", "minutes", "starts_at", "ends_at")
_MOMENTS = ("starts_at", "ends_at")


def silences_page() -> Response:
    """Show what is silenced, and the forms."""
    return _show()


def silence() -> Response:
    """Silence some checks, from now on or for a planned time."""
    typed = forms.read()
    try:
        made = orders.order("silence", console.SilencesAnswer, body=read_query(_given(typed), SilenceBody)).silences
    except RefusedError as error:
        return _show(error, typed)
    names = render.names([each.check for each in made])
    key = "silenced" if made[0].is_active else "planned"
    since, until = render.local(made[0].starts_at), render.local(made[0].ends_at)
    return forms.done(key, url_for(".page"), checks=names, since=since, until=until)


def end_silence(number: int) -> Response:
    """End a silence."""
    typed = forms.read()
    orders.order("unsilence", SilenceAnswer, {"number": number})
    return forms.done("unsilenced", typed.get(forms.BACK, ""), number=str(number))


def _given(typed: Typed) -> dict[str, list[str]]:
    """Return the fields as the API takes them; what is left empty is not said, and a moment has this server's zone."""
    given = {name: [text] for name in _FIELDS if (text := typed.get(name, "").strip())}
    if "ends_at" in given:
        given.pop("minutes", None)
    moments = {name: [_with_zone(given[name][0])] for name in _MOMENTS if name in given}
    return {**given, **moments, "checks": typed.getlist("checks")}


def _with_zone(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
        # Moments at the ends of the calendar have no other zone.
        return moment.astimezone().isoformat()
    except (ValueError, OverflowError):
        return text


@language.spoken
def _show(error: RefusedError | None = None, typed: Typed | None = None) -> Response:
    view = access.view()
    known = console.maintenance(view)
    return html(
        "silences.html",
        error.status if error is not None else 200,
        error=error,
        typed=_shown(typed),
        here=url_for(".silences_page"),
        chosen=request.args.getlist("check"),
        names=[policy.name for policy in view.config.policies],
        lengths=[(minutes, duration(minutes * 60)) for minutes in _LENGTHS_MINUTES],
        zone=datetime.now(UTC).astimezone().tzname(),
        silences=known.silences,
        windows=known.windows,
    )


def _shown(typed: Typed | None) -> dict[str, str | list[str]]:
    """Return what was typed, to stand in its fields again."""
    if typed is None:
        return {}
    return {**{name: typed.get(name, "") for name in ("form", *_FIELDS)}, "checks": typed.getlist("checks")}
