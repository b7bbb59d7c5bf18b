"""What is sent: each message is a template (`templates/ko/`), and here is what it is filled with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from socket import gethostname

from monitor_blueprint.domain.durations import lasted_s
from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import NEW_FAILURES, CheckResult, Event, EventKind
from monitor_blueprint.domain.text import Public, configured, fill, joined
from monitor_blueprint.text import ko, ko_messages, render
from monitor_blueprint.text.details import MOST_DETAILS, NO_RUNBOOKS, causes_first, details, is_awaiting, recoveries
from monitor_blueprint.text.message_templates import filled

# These name all that fails.
_ABOUT_ALL = (*NEW_FAILURES, EventKind.REMINDER)
# Somebody is to take these on; a reminder comes because nobody has.
_TO_BE_CARED_FOR = (*NEW_FAILURES, EventKind.BLIND, EventKind.FLAPPING, EventKind.REMINDER)


def alert(
    event: Event,
    event_id: str,
    results: Mapping[str, CheckResult],
    evidence: Sequence[tuple[str, Public]] = (),
    runbooks: Mapping[str, Public] = NO_RUNBOOKS,
) -> Message:
    """Return the message that tells an event; a CRITICAL one begins exactly as in the user's guide.

    `results` are the newest results of the checks, for the measured values; `evidence` the few lines that help,
    `runbooks` what the operators themselves want to be done, by check.
    """
    has_joined = event.kind is EventKind.JOINED and event.checks != event.failing
    unstable = [name for name in event.flapping if name not in event.failing]
    is_about_failing = event.kind in (*NEW_FAILURES, EventKind.FLAPPING) or event.lasted_s
    # What another message of this moment says, this one need not say as well.
    failing = [name for name in causes_first(event.failing, event.consequences) if name not in event.told_apart]
    awaited = [name for name in failing if event.lasted_s and is_awaiting(name, event, results)]
    named = (*failing, *unstable) if is_about_failing else event.checks
    checks = causes_first(event.checks, {**event.consequences, **event.due_to})
    body = filled(
        "alert.txt",
        kind=event.kind,
        level=fill("CRITICAL" if event.failing else "OK"),
        at=event.at,
        server=configured(gethostname()),
        opened_at=event.opened_at,
        # The incident may be older than what is left of it.
        lasted_s=lasted_s(min(event.since.get(name, event.opened_at) for name in event.checks), event.at),
        checks=checks,
        failing=[name for name in failing if name not in event.blind and name not in awaited],
        awaited=awaited,
        told_apart=event.told_apart,
        flapping=event.flapping,
        unstable=unstable,
        silenced=event.silenced,
        apart=event.apart if event.kind in _ABOUT_ALL else (),
        new=event.checks if has_joined else (),
        also=[name for name in event.failing if name not in event.checks] if event.kind is EventKind.FLAPPING else (),
        recovered=recoveries(event, results),
        details=details(named, event, results, runbooks),
        more_details=max(0, len(named) - MOST_DETAILS),
        evidence=[(render.evidence_title(key), text) for key, text in evidence],
        incident=event.incident,
        is_to_be_cared_for=event.kind in _TO_BE_CARED_FOR,
    )
    return Message(event_id, subject(body, checks), body, event.at, event.incident, event.kind)


def repeated(message: Message) -> Message:
    """Return the message, marked as one that may have arrived before."""
    return replace(message, body=joined("\n\n", [message.body, fill(ko.REPEATED)]), is_repeat=True)


def linked(message: Message, console_url: str) -> Message:
    """Return the message with the address of its incident's page below the incident's number, if it has one."""
    if not console_url or not message.incident:
        return message
    link = fill(ko_messages.LINK, url=configured(f"{console_url}/incidents/{message.incident}"))
    lines = list(map(Public, message.body.split("\n")))
    number = fill(ko_messages.NUMBERED, number=message.incident)
    below = lines.index(number) + 1 if number in lines else len(lines)
    return replace(message, body=joined("\n", [*lines[:below], link, *lines[below:]]))


def subject(body: Public, names: Sequence[str]) -> Public:
    """Return the subject of a message: its first line, and the names of the checks."""
    return joined(" ", [Public(body.partition("\n")[0]), render.names(names)])


def deadman(*, is_gone: bool, last: datetime | None, now: datetime) -> tuple[Public, Public]:
    """Return subject and body of the message that the monitor is gone, or back."""
    title = fill(ko.DEADMAN_SUBJECT if is_gone else ko.DEADMAN_BACK_SUBJECT)
    return title, filled("deadman.txt", is_gone=is_gone, last=last, at=now, server=configured(gethostname()))


def test(now: datetime) -> tuple[Public, Public]:
    """Return subject and body of the message that tries a channel."""
    return fill(ko.TEST_SUBJECT), filled("test.txt", at=now, server=configured(gethostname()))
