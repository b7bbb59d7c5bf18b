"""What a receiver is sent that has missed something: how things stand, and what happened meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from socket import gethostname

from monitor_blueprint.domain.durations import lasted_s
from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import CheckResult, Event, EventKind
from monitor_blueprint.domain.receivers import Logged
from monitor_blueprint.domain.text import NOTHING, Public, configured, fill, joined
from monitor_blueprint.text import ko, ko_messages, lateness, render
from monitor_blueprint.text.details import MOST_DETAILS, causes_first, details, recoveries
from monitor_blueprint.text.message_templates import filled
from monitor_blueprint.text.messages import subject

_ENDS = (EventKind.RECOVERED, EventKind.PARTLY_RECOVERED, EventKind.CALM)
# Slack cuts a text at 40,000 characters: so much about what happened meanwhile.
_STORIES_CHARS = 15_000
_MOST_LINES = 60
_LINE_CHARS = 120
_OF_A_CHECK = "- "
MOST_REMINDERS = 10


@dataclass(frozen=True, slots=True)
class _Story:
    """One of several events: its message as it was, or in short where there is no room."""

    at: datetime
    id: str
    text: Public
    is_whole: bool


def catch_up(
    told: Sequence[Logged],
    unsure: Sequence[Logged],
    results: Mapping[str, CheckResult],
    now: datetime,
    *,
    is_brief: bool = False,
    failing: tuple[str, datetime] | None = None,
) -> Message:
    """Return the one message for all that a receiver has not been told: a single event's own, or how things stand now first.

    `unsure` are events that it counts as told of, though it never said so: of those that belong together with the others it
    is reminded in short, and of ends: it may believe in that outage still. A brief one leaves out what nobody needs in order
    to act: the text may be what is not taken. `failing` is which channel has not worked, and since when.
    """
    incidents = {each.event.incident for each in told}
    before = [each for each in unsure if each.event.incident in incidents or each.event.kind in _ENDS]
    last = told[-1]
    if len(told) == 1:
        message = lateness.marked(last.message, last.event, results, now)
        return _with_reminders(_brief(message) if is_brief else message, before)
    return _with_reminders(_how_things_stand(told, results, now, 0 if is_brief else _STORIES_CHARS, failing), before)


def truth(unsure: Sequence[Logged], results: Mapping[str, CheckResult], now: datetime) -> Message:
    """Return the message for a receiver that never acknowledged these events: how things stand, and which events those are."""
    return _with_reminders(_how_things_stand(unsure, results, now), unsure)


def _how_things_stand(
    told: Sequence[Logged],
    results: Mapping[str, CheckResult],
    now: datetime,
    stories_chars: int | None = None,
    failing_channel: tuple[str, datetime] | None = None,
) -> Message:
    """Return the message that begins with how things stand after these events, and goes on with their stories, if any."""
    last = told[-1]
    standing = _standing(told)
    failing = causes_first(_failing(told), standing.consequences)
    unstable = [name for name in standing.flapping if name not in failing]
    named = dict.fromkeys(name for each in told for name in each.event.checks)
    recovered = [name for name in named if name not in failing and name not in unstable]
    over = {each.name: each for logged in told for each in recoveries(logged.event, results) if each.name in recovered}
    late_s = max(lasted_s(each.event.at, now) for each in told)
    facts: dict[str, object] = {
        "at": now,
        "server": configured(gethostname()),
        "failing": [name for name in failing if name not in standing.blind],
        "unstable": unstable,
        "silenced": standing.silenced,
        "apart": standing.apart,
        "blind": [name for name in failing if name in standing.blind],
        "recovered": recovered,
        "over": list(over.values()),
        "details": details((*failing, *unstable), standing, results),
        "more_details": max(0, len(failing) + len(unstable) - MOST_DETAILS),
        "count": len(told),
        "late_s": late_s,
        "is_late": late_s >= (lateness.LATE_S if failing_channel is None else lateness.LATE_AFTER_FAILURE_S),
        "channel": configured(failing_channel[0]) if failing_channel is not None else NOTHING,
        "failing_since": failing_channel[1] if failing_channel is not None else None,
        "incident": standing.incident,
    }
    body = filled("backlog.txt", stories=None, **facts)
    if stories_chars is not None:
        stories = _stories([each.message for each in told], stories_chars, body.split("\n"))
        body = filled("backlog.txt", stories=stories, **facts)
    title = subject(body, failing or unstable or recovered)
    return Message(last.message.id, title, body, last.event.at, standing.incident, last.event.kind)


def _standing(told: Sequence[Logged]) -> Event:
    """Return the event after which things stand as they do: the newest that belongs to an incident, if any."""
    return next((each.event for each in reversed(told) if each.event.incident), told[-1].event)


def _failing(told: Sequence[Logged]) -> list[str]:
    alone = [name for each in told if not each.event.incident for name in each.event.failing]
    return list(dict.fromkeys((*_standing(told).failing, *alone)))


def _brief(message: Message) -> Message:
    """Return the message without its evidence."""
    head, evidence, _ = message.body.partition("\n\n[")
    rest = fill(ko.BRIEF, number=message.incident)
    return replace(message, body=joined("\n\n", (Public(head), rest))) if evidence else message


def _stories(messages: Sequence[Message], most_chars: int, said: Sequence[str]) -> list[_Story]:
    """Return the stories, oldest first; what has no room is told in one line, the oldest of very many not at all.

    What the message has `said` of a check already is not said once more.
    """
    known = {line for line in said if line.startswith(_OF_A_CHECK)}
    left = most_chars - _LINE_CHARS * min(len(messages), _MOST_LINES)
    stories: list[_Story] = []
    for message in reversed(messages[-_MOST_LINES:]):
        left -= len(message.body)
        is_whole = left >= 0
        stories.append(
            _Story(message.at, message.id, _once(message.body, known) if is_whole else _cut(message.subject), is_whole)
        )
    return stories[::-1]


def _once(body: Public, known: Collection[str]) -> Public:
    """Return the message without what the one around it says already: the server, what to type, and lines `known`."""
    lines = [Public(line) for line in body.split("\n") if not line.startswith(ko_messages.SAID_ONCE) and line not in known]
    return lateness.then(Public(joined("\n", lines).rstrip("\n")))


def _with_reminders(message: Message, before: Sequence[Logged]) -> Message:
    if not before:
        return message
    recalled = [each.message for each in before[-MOST_REMINDERS:]]
    lines = [
        fill(ko.UNSURE_EVENT, at=render.local(each.at), id=configured(each.id), subject=_cut(each.subject)) for each in recalled
    ]
    return replace(message, body=joined("\n", [message.body, NOTHING, fill(ko.UNSURE_EVENTS), *lines]))


def _cut(subject: Public) -> Public:
    return lateness.then(Public(subject[:_LINE_CHARS]))
