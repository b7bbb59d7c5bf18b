"""What people did, by whom, and what befell the monitor itself."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from monitor_blueprint.console.view import Answer, Document, View
from monitor_blueprint.domain.story import StoryEntry, StoryKind, with_restarts
from monitor_blueprint.text import story as sentences

# What befell the monitor (starts, ends, another configuration), and restarts of services. No person has typed any of it.
OF_THE_MONITOR = (StoryKind.STARTED, StoryKind.STOPPED, StoryKind.RESTARTED, StoryKind.CONFIGURED, StoryKind.RENEWED)


class StoryDocument(Document, frozen=True, kw_only=True):
    """One thing that happened. What people did, and who they are, is for operators."""

    at: datetime
    kind: str
    sentence: str | None
    by: str | None


class StoryAnswer(Answer, frozen=True, kw_only=True):
    """When the monitor was started, was ended or got another configuration, the oldest first: the marks of a deployment.

    An end with a beginning just after it is one, "restarted".
    """

    story: list[StoryDocument]


class AuditEntry(Document, frozen=True, kw_only=True):
    """One change: what it was, who made it, and by which token (null for a command on the server)."""

    at: datetime
    kind: str
    by: str | None
    token: str | None
    sentence: str
    facts: dict[str, str]


class AuditAnswer(Answer, frozen=True, kw_only=True):
    """Changes, newest first; `next_before` is what to ask for to get those after them, null at the end."""

    entries: list[AuditEntry]
    next_before: datetime | None


def story(view: View, since: datetime, until: datetime) -> StoryAnswer:
    """Return what befell the monitor in a time."""
    found = view.reads.story.of_kinds(OF_THE_MONITOR, since, until, 1000)
    return StoryAnswer(story=[story_document(view, each) for each in with_restarts(found[::-1])])


def audit(view: View, limit: int, before: datetime | None, kinds: Collection[StoryKind]) -> AuditAnswer:
    """Return a page of changes; of all kinds that people make, or of some."""
    wanted = kinds or [kind for kind in StoryKind if kind not in OF_THE_MONITOR]
    found = view.reads.story.of_kinds(wanted, None, before, limit + 1)
    # What happened at one moment stands on one page.
    page = found if len(found) <= limit else [each for each in found if each.at > found[-1].at] or found
    return AuditAnswer(
        entries=[
            AuditEntry(
                at=each.at,
                kind=each.kind,
                by=each.facts.get("by"),
                token=each.facts.get("token"),
                sentence=sentences.sentence(each),
                facts=dict(each.facts),
            )
            for each in page
        ],
        next_before=page[-1].at if len(found) > limit else None,
    )


def story_document(view: View, entry: StoryEntry) -> StoryDocument:
    """Return one thing that happened."""
    is_open = entry.kind in OF_THE_MONITOR
    return StoryDocument(
        at=entry.at,
        kind=entry.kind,
        sentence=sentences.sentence(entry) if is_open else view.typed(sentences.sentence(entry)),
        by=view.typed(entry.facts.get("by")),
    )
