"""What is sent: each message is a template (`templates/ko/`), and here is what it is filled with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from socket import gethostname

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, Undefined, select_autoescape

from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import NEW_FAILURES, CheckResult, Event, EventKind
from monitor_blueprint.domain.receivers import Logged
from monitor_blueprint.domain.text import NOTHING, Public, configured, fill, joined
from monitor_blueprint.text import ko, next_steps, render


def _only_public(value: object) -> object:
    """Let nothing into a message that does not say that it may leave: an alert with a hole is better than none."""
    return value if isinstance(value, Public | int | Undefined) else ko.WITHHELD


_JINJA = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates") / "ko"),
    autoescape=select_autoescape(),  # by the extension: a .txt is plain text
    undefined=StrictUndefined,
    # A tag on a line of its own leaves nothing of the line.
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    finalize=_only_public,
)
_JINJA.filters.update(duration=render.duration, guide_time=render.guide_time, local=render.local, named=render.named)
# Read at the start: when an alert is due, the disk may be what has failed.
_ALERT, _BACKLOG, _DEADMAN, _TEST = map(_JINJA.get_template, ("alert.txt", "backlog.txt", "deadman.txt", "test.txt"))

_ENDS = (EventKind.RECOVERED, EventKind.PARTLY_RECOVERED, EventKind.CALM)
_CAN_STOP = ("service", "http")
# Somebody is to take these on; a reminder comes because nobody has.
_TO_BE_CARED_FOR = (*NEW_FAILURES, EventKind.BLIND, EventKind.FLAPPING, EventKind.REMINDER)
# What is later than this is called late.
_LATE_S = 60.0
# Slack cuts a text at 40,000 characters: so many lines about single checks, then so much about what happened meanwhile.
_MOST_DETAILS = 100
_STORIES_CHARS = 15_000
_MOST_LINES = 60
_LINE_CHARS = 120
MOST_REMINDERS = 10


@dataclass(frozen=True, slots=True)
class _Recovery:
    """A check that recovered; it `was` "stopped", "failed", "unseen", "unstable", or "removed" from the configuration."""

    name: str
    was: str
    lasted_s: float


@dataclass(frozen=True, slots=True)
class _Detail:
    """What is the matter with one check.

    Attributes:
        line: what its worst reading says.
        since: since when.
        causes: the failed dependencies that brought it about.
        changes: how often it has changed of late; 0 for one that does not flap.
        commands: what to type to see more; "" where its cause, or nothing, is to be looked at.
    """

    line: Public
    since: datetime
    causes: tuple[str, ...]
    changes: int
    commands: Public


def alert(
    event: Event,
    event_id: str,
    results: Mapping[str, CheckResult],
    evidence: Sequence[tuple[str, Public]] = (),
) -> Message:
    """Return the message that tells an event; a CRITICAL one begins exactly as in the user's guide.

    `results` are the newest results of the checks, for the measured values; `evidence` the few lines that help.
    """
    has_joined = event.kind is EventKind.JOINED and event.checks != event.failing
    unstable = [name for name in event.flapping if name not in event.failing]
    is_about_failing = event.kind in (*NEW_FAILURES, EventKind.FLAPPING) or event.lasted_s
    named = (*event.failing, *unstable) if is_about_failing else event.checks
    body = _fill(
        _ALERT,
        kind=event.kind,
        level=fill("CRITICAL" if event.failing else "OK"),
        at=event.at,
        server=configured(gethostname()),
        opened_at=event.opened_at,
        lasted_s=(event.at - event.opened_at).total_seconds(),
        checks=event.checks,
        failing=[name for name in event.failing if name not in event.blind],
        flapping=event.flapping,
        unstable=unstable,
        silenced=event.silenced,
        new=event.checks if has_joined else (),
        also=[name for name in event.failing if name not in event.checks] if event.kind is EventKind.FLAPPING else (),
        recovered=[_recovery(name, event, results) for name in event.lasted_s],
        details=_details(named, event, results),
        more_details=max(0, len(named) - _MOST_DETAILS),
        evidence=[(render.evidence_title(key), text) for key, text in evidence],
        incident=event.incident,
        is_to_be_cared_for=event.kind in _TO_BE_CARED_FOR,
    )
    return Message(event_id, _subject(body, event.checks), body, event.at, event.incident, event.kind)


def _causes_first(names: Sequence[str], event: Event) -> list[str]:
    """Return the names, those last that something else has brought about: who reads one line reads what to look at."""
    return sorted(names, key=lambda name: name in event.consequences)


def _recovery(name: str, event: Event, results: Mapping[str, CheckResult]) -> _Recovery:
    # A disk does not stop, and what could not be seen may have been well.
    if name not in results:
        was = "removed"
    elif event.kind is EventKind.CALM:
        was = "unstable"
    elif name in event.blind:
        was = "unseen"
    else:
        was = "stopped" if results[name].kind in _CAN_STOP else "failed"
    return _Recovery(name, was, event.lasted_s[name])


def _details(names: Sequence[str], event: Event, results: Mapping[str, CheckResult]) -> list[_Detail]:
    """Return what is the matter with each; what two checks say in the same words (a mount that is gone) only once."""
    details = [_detail(name, event, results) for name in _causes_first(names, event)[:_MOST_DETAILS]]
    return list({(each.line, each.commands): each for each in reversed(details)}.values())[::-1]


def _detail(name: str, event: Event, results: Mapping[str, CheckResult]) -> _Detail:
    causes = event.consequences.get(name, ())
    is_to_be_looked_at = name in event.failing and not causes
    line, is_withholding = render.worst_line(name, results)
    commands = next_steps.commands(results.get(name), event.incident, is_withholding=is_withholding)
    return _Detail(
        line=line,
        since=event.since.get(name, event.at),
        causes=causes,
        changes=event.flapping.get(name, 0),
        commands=commands if is_to_be_looked_at else NOTHING,
    )


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
) -> Message:
    """Return the one message for all that a receiver has not been told: a single event's own, or how things stand now first.

    `unsure` are events that it counts as told of, though it never said so: of those that belong together with the others it
    is reminded in short, and of ends: it may believe in that outage still. A brief one leaves out what nobody needs in order
    to act: the text may be what is not taken.
    """
    incidents = {each.event.incident for each in told}
    before = [each for each in unsure if each.event.incident in incidents or each.event.kind in _ENDS]
    last = told[-1]
    if len(told) == 1:
        return _with_reminders(_brief(last.message) if is_brief else last.message, before)
    whole = _how_things_stand(told, results, now, _stories([each.message for each in told], 0 if is_brief else _STORIES_CHARS))
    return _with_reminders(whole, before)


def truth(unsure: Sequence[Logged], results: Mapping[str, CheckResult], now: datetime) -> Message:
    """Return the message for a receiver that never acknowledged these events: how things stand, and which events those are."""
    return _with_reminders(_how_things_stand(unsure, results, now), unsure)


def _how_things_stand(
    told: Sequence[Logged], results: Mapping[str, CheckResult], now: datetime, stories: Sequence[_Story] | None = None
) -> Message:
    """Return the message that begins with how things stand after these events, and goes on with their stories, if any."""
    last = told[-1]
    failing = _failing(told)
    standing = _standing(told)
    unstable = [name for name in standing.flapping if name not in failing]
    named = dict.fromkeys(name for each in told for name in each.event.checks)
    recovered = [name for name in named if name not in failing and name not in unstable]
    late_s = max((now - each.event.at).total_seconds() for each in told)
    body = _fill(
        _BACKLOG,
        at=now,
        server=configured(gethostname()),
        failing=[name for name in failing if name not in standing.blind],
        unstable=unstable,
        silenced=standing.silenced,
        blind=[name for name in failing if name in standing.blind],
        recovered=recovered,
        details=_details((*failing, *unstable), standing, results),
        more_details=max(0, len(failing) + len(unstable) - _MOST_DETAILS),
        count=len(told),
        late_s=late_s,
        is_late=late_s >= _LATE_S,
        stories=stories,
        incident=standing.incident,
    )
    subject = _subject(body, failing or unstable or recovered)
    return Message(last.message.id, subject, body, last.event.at, standing.incident, last.event.kind)


def repeated(message: Message) -> Message:
    """Return the message, marked as one that may have arrived before."""
    return replace(message, body=joined("\n\n", [message.body, fill(ko.REPEATED)]), is_repeat=True)


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


def _stories(messages: Sequence[Message], most_chars: int) -> list[_Story]:
    """Return the stories, oldest first; what has no room is told in one line, the oldest of very many not at all."""
    left = most_chars - _LINE_CHARS * min(len(messages), _MOST_LINES)
    stories: list[_Story] = []
    for message in reversed(messages[-_MOST_LINES:]):
        left -= len(message.body)
        is_whole = left >= 0
        stories.append(_Story(message.at, message.id, _once(message.body) if is_whole else _cut(message.subject), is_whole))
    return stories[::-1]


def _once(body: Public) -> Public:
    """Return the message without what the one around it says already: the server, and what to type."""
    lines = [Public(line) for line in body.split("\n") if not line.startswith(ko.SAID_ONCE)]
    return Public(joined("\n", lines).rstrip("\n"))


def _with_reminders(message: Message, before: Sequence[Logged]) -> Message:
    if not before:
        return message
    recalled = [each.message for each in before[-MOST_REMINDERS:]]
    lines = [
        fill(ko.UNSURE_EVENT, at=render.local(each.at), id=configured(each.id), subject=_cut(each.subject)) for each in recalled
    ]
    return replace(message, body=joined("\n", [message.body, NOTHING, fill(ko.UNSURE_EVENTS), *lines]))


def _cut(subject: Public) -> Public:
    return Public(subject[:_LINE_CHARS])


def _subject(body: Public, names: Sequence[str]) -> Public:
    return joined(" ", [Public(body.partition("\n")[0]), render.names(names)])


def deadman(*, is_gone: bool, last: datetime | None, now: datetime) -> tuple[Public, Public]:
    """Return subject and body of the message that the monitor is gone, or back."""
    subject = fill(ko.DEADMAN_SUBJECT if is_gone else ko.DEADMAN_BACK_SUBJECT)
    return subject, _fill(_DEADMAN, is_gone=is_gone, last=last, at=now, server=configured(gethostname()))


def test(now: datetime) -> tuple[Public, Public]:
    """Return subject and body of the message that tries a channel."""
    return fill(ko.TEST_SUBJECT), _fill(_TEST, at=now, server=configured(gethostname()))


def _fill(template: Template, **facts: object) -> Public:
    # The newline that ends the file is none of the message.
    return Public(template.render(facts).removesuffix("\n"))
