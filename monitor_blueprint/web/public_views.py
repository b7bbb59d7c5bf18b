"""What the public page and its badges answer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from flask import Response, abort

from monitor_blueprint.console.public import PublicPicture, public_document, public_picture
from monitor_blueprint.console.view import View
from monitor_blueprint.domain.access import Role, Visitor
from monitor_blueprint.domain.models import Status
from monitor_blueprint.domain.text import Public, fill, member
from monitor_blueprint.text import en_public, ko_public
from monitor_blueprint.text.public_words import PublicWords
from monitor_blueprint.web.answers import open_json, secure
from monitor_blueprint.web.badge import COLOURS, GREY, draw_badge
from monitor_blueprint.web.mounted import monitor
from monitor_blueprint.web.pages import language
from monitor_blueprint.web.pages.page import bare

_ANYBODY = Visitor("", Role.STATS)
_LEFT_OUT = fill("LEFT_OUT")
_WHOLE = fill("NeuroNova")
_STYLE = Path(__file__).parent / "static" / "public.css"


def page() -> Response:
    """Show the names and states."""
    seen, words = _picture(), _words()
    checks = [(each.name, _state(each.status)) for each in seen.checks]
    return bare("public.html", p=words, seen=seen, overall=member(seen.overall), checks=checks)


def status() -> Response:
    """Return the same for programs."""
    return open_json(public_document(_picture()))


def style() -> Response:
    """Return the page's look: what lies in "static/" may be behind a password."""
    return secure(Response(_STYLE.read_bytes(), mimetype="text/css"))


def badge(name: str) -> Response:
    """Return the badge of a check, or ("overall") of the whole; grey where nobody knows."""
    seen, words = _picture(), _words()
    found = None if name == "overall" else seen.check(name)
    if found is None and name != "overall":
        abort(404)
    shown, state = (_WHOLE, member(seen.overall)) if found is None else (found.name, _state(found.status))
    if seen.stale is not None:
        picture = draw_badge(shown, words.stale_badge, GREY)
    else:
        picture = draw_badge(shown, words.states[state], COLOURS[state])
    return secure(Response(picture, mimetype="image/svg+xml"))


def _picture() -> PublicPicture:
    own = monitor()
    return public_picture(View(own.config, own.store, own.self_check, _ANYBODY, datetime.now(UTC)))


def _words() -> PublicWords:
    return language.pick(ko_public.WORDS, en_public.WORDS)


def _state(status: Status | None) -> Public:
    return member(status) if status is not None else _LEFT_OUT
