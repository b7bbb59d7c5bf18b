"""The incidents: page by page, and all about one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from monitor_blueprint.console.audit import StoryDocument, story_document
from monitor_blueprint.console.view import Answer, Document, View
from monitor_blueprint.domain.language import retold
from monitor_blueprint.domain.story import StoryEntry, StoryKind
from monitor_blueprint.storage.channels import Delivery
from monitor_blueprint.storage.reads import EventRecord, Evidence, IncidentFilter, IncidentRecord
from monitor_blueprint.storage.story import Told
from monitor_blueprint.text import evidence, ko, render, story


class IncidentDocument(Document, frozen=True, kw_only=True):
    """An incident; `closed_at` is null while it is open. Who takes care of it is for operators."""

    number: int
    opened_at: datetime
    closed_at: datetime | None
    checks: list[str]
    is_acknowledged: bool
    acknowledged_by: str | None


class IncidentsAnswer(Answer, frozen=True, kw_only=True):
    """Incidents, newest first; `next_before` is what to ask for to get those after them, null at the end."""

    incidents: list[IncidentDocument]
    next_before: int | None


class DeliveryDocument(Document, frozen=True, kw_only=True):
    """How a message fared on a channel, or with one of its receivers; what was answered is for operators."""

    channel: str
    receiver: str | None
    state: Literal["pending", "delivered", "refused", "in_doubt", "expired"]
    attempts: int
    settled_at: datetime | None
    answer: str | None


class EventDocument(Document, frozen=True, kw_only=True):
    """What was told: `text` as it was sent, and what had been measured at it, which is for operators."""

    id: str
    at: datetime
    kind: str
    kind_word: str
    checks: list[str]
    failing: list[str]
    text: str | None
    measured: list[str] | None
    deliveries: list[DeliveryDocument]


class EvidenceDocument(Document, frozen=True, kw_only=True):
    """What was found when the incident opened; its text is for operators."""

    at: datetime
    key: str
    title: str
    text: str | None


class NoteDocument(Document, frozen=True, kw_only=True):
    """What somebody has noted, for operators."""

    at: datetime
    by: str | None
    text: str | None


class IncidentAnswer(Answer, frozen=True, kw_only=True):
    """All about one incident, oldest first; `story` is what people did meanwhile, and what befell the monitor."""

    incident: IncidentDocument
    events: list[EventDocument]
    evidence: list[EvidenceDocument]
    notes: list[NoteDocument]
    story: list[StoryDocument]


def incidents(view: View, limit: int, where: IncidentFilter | None = None) -> IncidentsAnswer:
    """Return a page of incidents; what people have typed is searched for those only who may see it."""
    found = view.reads.incidents(limit + 1, replace(where or IncidentFilter(), is_typed_searched=view.visitor.is_trusted))
    page = found[:limit]
    return IncidentsAnswer(
        incidents=[_incident(view, record) for record in page],
        next_before=page[-1].number if len(found) > limit else None,
    )


def incident(view: View, number: int) -> IncidentAnswer | None:
    """Return all about one incident; None where there is none of that number."""
    detail = view.reads.incident(number)
    if detail is None:
        return None
    told = view.reads.story.told(number)
    between = view.reads.story.between(*story.span(detail.watched, view.now))
    entries = story.of_incident(between, number, detail.watched.opened_at)
    # A note may come when all is over.
    notes = view.reads.story.notes(number)
    return IncidentAnswer(
        incident=_incident(view, detail.incident),
        events=[_event(view, record, told.get(record.id), detail.deliveries) for record in detail.events],
        evidence=[_piece(view, each) for each in detail.evidence],
        notes=[note_document(view, each) for each in notes],
        story=[story_document(view, each) for each in entries if each.kind is not StoryKind.NOTED],
    )


def note_document(view: View, entry: StoryEntry) -> NoteDocument:
    """Return a note."""
    return NoteDocument(at=entry.at, by=view.typed(entry.facts.get("by")), text=view.typed(entry.facts.get("text")))


def _incident(view: View, record: IncidentRecord) -> IncidentDocument:
    return IncidentDocument(
        number=record.number,
        opened_at=record.opened_at,
        closed_at=record.closed_at,
        checks=list(record.checks),
        is_acknowledged=bool(record.acked_by),
        acknowledged_by=view.typed(record.acked_by) or None,
    )


def _piece(view: View, found: Evidence) -> EvidenceDocument:
    return EvidenceDocument(
        at=found.at,
        key=found.title,
        title=render.evidence_title(found.title),
        text=view.typed(evidence.retold_piece(found.title, found.text.text)),
    )


def _event(view: View, record: EventRecord, told: Told | None, deliveries: Sequence[Delivery]) -> EventDocument:
    event = record.event
    return EventDocument(
        id=record.id,
        at=event.at,
        kind=event.kind,
        kind_word=ko.EVENT_KINDS[event.kind],
        checks=list(event.checks),
        failing=list(event.failing),
        text=told.text if told is not None else None,
        measured=[retold(line, is_ours=True) for line in told.measured] if told is not None and view.visitor.is_trusted else None,
        deliveries=[_delivery(view, each) for each in deliveries if each.event_id == record.id],
    )


def _delivery(view: View, found: Delivery) -> DeliveryDocument:
    return DeliveryDocument(
        # Where its receivers differ, the channel's name has the receiver's behind it.
        channel=found.channel.removesuffix(f" {found.receiver}") if found.receiver else found.channel,
        receiver=view.typed(found.receiver) or None,
        state=found.state,  # type: ignore[arg-type]  # the database has no other
        attempts=found.attempts,
        settled_at=found.settled_at,
        answer=view.typed(found.answer),
    )
