"""The story of an incident: what people did meanwhile, and what befell the monitor."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from monitor_blueprint.domain.models import CheckResult
from monitor_blueprint.domain.story import StoryEntry, StoryKind
from monitor_blueprint.text import ko, render

# What was done just before an incident may have brought it about.
BEFORE = timedelta(minutes=30)


class Lasting(Protocol):
    """Something that has a beginning, and perhaps an end."""

    @property
    def opened_at(self) -> datetime:
        """Return when it began."""

    @property
    def closed_at(self) -> datetime | None:
        """Return when it ended, if it has."""


def span(incident: Lasting, now: datetime) -> tuple[datetime, datetime]:
    """Return the time whose story belongs to the incident."""
    return incident.opened_at - BEFORE, incident.closed_at or now


def line(entry: StoryEntry) -> str:
    """Return one line of the story."""
    return f"{render.local(entry.at)} {sentence(entry)}"


def sentence(entry: StoryEntry) -> str:
    """Return what happened, without its moment."""
    facts = dict(entry.facts)
    if "until" in facts:
        facts["until"] = render.local(datetime.fromisoformat(facts["until"]))
    text = ko.STORY[entry.kind].format_map(facts)
    if entry.kind is StoryKind.STARTED and facts.get("cut"):
        text += ko.STORY_CUT
    for change in ("added", "removed"):
        if facts.get(change):
            text += ko.STORY_CHANGES[change].format(names=facts[change])
    return text


def measured(result: CheckResult) -> list[str]:
    """Return what each reading of a check says to this machine's administrators, with the values behind it."""
    lines = []
    for reading in result.readings:
        numbers = {} if reading.value is None else {reading.aspect: f"{reading.value:g}{reading.unit}"}
        numbers |= {key: _exact(value) for key, value in reading.facts.items() if type(value) in (int, float)}
        shown = ", ".join(f"{key} {value}" for key, value in numbers.items())
        lines.append(render.full_line(result, reading).text + (f" [{shown}]" if shown else ""))
    return lines


def _exact(value: object) -> str:
    """Return a number as a person reads it: bytes are counted in thousands of millions."""
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
