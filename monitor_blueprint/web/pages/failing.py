"""What is said of a check that fails, wherever it is shown: what is the matter, since when, and what to do next."""

from __future__ import annotations

from monitor_blueprint.console.checks import CheckDocument
from monitor_blueprint.console.view import View
from monitor_blueprint.domain.language import said
from monitor_blueprint.text import ko_runbooks, render
from monitor_blueprint.text.advice import advice as of_readings
from monitor_blueprint.web.pages.page import lasting, words


def worst(check: CheckDocument) -> list[str]:
    """Return the lines that say what is the matter; all where it is well again and only not told yet."""
    return [each.text for each in check.readings if each.status != "OK"] or [each.text for each in check.readings]


def since(check: CheckDocument, view: View) -> str:
    """Return since when it is so, and for how long by now; "" where that is not known."""
    at = check.stands_since or check.since
    return words().since_for.format(at=render.local(at), lasting=lasting(at, view.now)) if at is not None else ""


def advice(check: CheckDocument) -> str:
    """Return what to do next; "" where there is nothing to say."""
    return said(of_readings(ko_runbooks.RUNBOOKS, ko_runbooks.BLIND, check.kind, check.readings))
