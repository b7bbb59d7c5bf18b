"""All about one incident."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from flask import Response

from monitor_blueprint.domain.story import StoryEntry
from monitor_blueprint.storage.reads import EventRecord
from monitor_blueprint.text import ko, render, story
from monitor_blueprint.web.mounted import monitor as monitor_of_app
from monitor_blueprint.web.pages.page import html


def incident(number: int) -> Response:
    """Show all about one incident: what was told, what was found, and how it was delivered."""
    reads = monitor_of_app().store.reads
    detail = reads.incident(number)
    if detail is None:
        return html("missing.html", 404, number=number)
    entries = story.of_incident(
        reads.story.between(*story.span(detail.watched, datetime.now(UTC))), number, detail.watched.opened_at
    )
    return html(
        "incident.html",
        detail=detail,
        told=reads.story.told(number),
        timeline=_timeline(detail.events, entries),
        sentence=story.sentence,
        local=render.local,
        kinds=ko.EVENT_KINDS,
        title_of=render.evidence_title,
        delivery_text=render.delivery,
        no_channel=ko.NOT_SENT,
    )


def _timeline(events: Sequence[EventRecord], entries: Sequence[StoryEntry]) -> list[EventRecord | StoryEntry]:
    """Return what was told and what was done, in the order in which it happened."""
    timed: list[tuple[datetime, EventRecord | StoryEntry]] = [(record.event.at, record) for record in events]
    timed += [(entry.at, entry) for entry in entries]
    return [happened for _, happened in sorted(timed, key=lambda each: each[0])]
