"""The story of an incident: what people did meanwhile, and what befell the monitor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from monitor_blueprint.domain.language import said
from monitor_blueprint.domain.models import CheckResult
from monitor_blueprint.domain.story import StoryEntry, StoryKind, with_restarts
from monitor_blueprint.text import ko, render
from monitor_blueprint.text.places import size

# What was done just before an incident may have brought it about.
BEFORE = timedelta(minutes=30)
# A monitor that has begun so shortly before had not looked yet: what it found first may be older.
_JUST_BEGUN = timedelta(seconds=30)
# What is done to one incident, whose number it has.
_OF_ONE = (StoryKind.ACKED, StoryKind.UNACKED, StoryKind.NOTED)
_BEGINNINGS = (StoryKind.STARTED, StoryKind.RESTARTED)


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
    text = said(ko.STORY[entry.kind]).format_map(facts)
    if entry.kind is StoryKind.RESTARTED and facts.get("reread"):
        text = said(ko.STORY_REREAD)
    if entry.kind is StoryKind.STARTED and facts.get("cut"):
        text += said(ko.STORY_CUT)
    if entry.kind is StoryKind.RESTARTED and facts.get("configured"):
        text += said(ko.STORY_CONFIGURED)
    for change in ("added", "removed"):
        if facts.get(change):
            text += said(ko.STORY_CHANGES[change]).format(names=facts[change])
    return text


def measured(result: CheckResult) -> list[str]:
    """Return what each reading of a check says to this machine's administrators, with the values behind it."""
    lines = []
    for reading in result.readings:
        numbers = {} if reading.value is None else {reading.aspect: f"{reading.value:g}{reading.unit}"}
        facts = reading.facts.items()
        numbers |= {key: _exact(key, value) for key, value in facts if isinstance(value, int | float) and type(value) is not bool}
        shown = ", ".join(f"{key} {value}" for key, value in numbers.items())
        lines.append(render.full_line(result, reading).text + (f" [{shown}]" if shown else ""))
    return lines


def _exact(key: str, value: int | float) -> str:
    """Return a number as a person reads it."""
    if key.endswith("bytes"):
        return size(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def of_incident(entries: Sequence[StoryEntry], number: int, opened_at: datetime) -> list[StoryEntry]:
    """Return what belongs to an incident's story: not who took care of another one, nor how the monitor came and went before.

    Of that only what says something of the failure: a monitor that was cut short, perhaps with the machine, and one that had
    only just begun to look.
    """
    return [entry for entry in with_restarts(entries) if _belongs(entry, number, opened_at)]


def _belongs(entry: StoryEntry, number: int, opened_at: datetime) -> bool:
    if entry.kind in _OF_ONE:
        return entry.facts.get("number") == str(number)
    if entry.at >= opened_at or entry.kind not in (*_BEGINNINGS, StoryKind.STOPPED) or entry.facts.get("configured"):
        return True
    return entry.kind in _BEGINNINGS and (bool(entry.facts.get("cut")) or opened_at - entry.at <= _JUST_BEGUN)
