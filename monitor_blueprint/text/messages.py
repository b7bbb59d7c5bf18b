"""What is sent: each message is a template (`templates/ko/`), and here is what it is filled with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from socket import gethostname

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import NEW_FAILURES, CheckResult, Event, EventKind
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.text import ko, next_steps, render

_JINJA = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates") / "ko"),
    autoescape=select_autoescape(),  # by the extension: a .txt is plain text
    undefined=StrictUndefined,
    # A tag on a line of its own leaves nothing of the line.
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_JINJA.filters.update(duration=render.duration, local=render.local)
# Read at the start: when an alert is due, the disk may be what has failed.
_ALERT, _BACKLOG, _DEADMAN, _TEST = map(_JINJA.get_template, ("alert.txt", "backlog.txt", "deadman.txt", "test.txt"))

_CAN_STOP = ("service", "http")


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

    line: str
    since: datetime
    causes: tuple[str, ...]
    changes: int
    commands: str


def alert(
    event: Event,
    event_id: str,
    results: Mapping[str, CheckResult],
    evidence: Sequence[tuple[str, str]] = (),
) -> Message:
    """Return the message that tells an event; a CRITICAL one begins exactly as in the user's guide.

    `results` are the newest results of the checks, for the measured values; `evidence` the few lines that help.
    """
    has_joined = event.kind is EventKind.JOINED and event.checks != event.failing
    unstable = [name for name in event.flapping if name not in event.failing]
    is_about_failing = event.kind in NEW_FAILURES or event.lasted_s
    named = (*event.failing, *unstable) if is_about_failing else event.checks
    body = _fill(
        _ALERT,
        kind=event.kind,
        level="CRITICAL" if event.failing else "OK",
        at=event.at,
        server=clean(gethostname()),
        opened_at=event.opened_at,
        lasted_s=(event.at - event.opened_at).total_seconds(),
        checks=event.checks,
        failing=[name for name in event.failing if name not in event.blind],
        flapping=event.flapping,
        unstable=unstable,
        silenced=event.silenced,
        new=event.checks if has_joined else (),
        recovered=[_recovery(name, event, results) for name in event.lasted_s],
        details=[_detail(name, event, results) for name in named],
        evidence=[(render.evidence_title(key), text) for key, text in evidence],
        incident=event.incident,
        is_failure=event.kind in NEW_FAILURES,
    )
    head = body.partition("\n")[0]
    return Message(event_id, f"{head} {' '.join(event.checks)}", body, event.at, event.incident, event.kind)


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


def _detail(name: str, event: Event, results: Mapping[str, CheckResult]) -> _Detail:
    causes = event.consequences.get(name, ())
    is_to_be_looked_at = name in event.failing and not causes
    return _Detail(
        line=render.worst_line(name, results),
        since=event.since.get(name, event.at),
        causes=causes,
        changes=event.flapping.get(name, 0),
        commands=next_steps.commands(results.get(name), event.incident) if is_to_be_looked_at else "",
    )


def backlog(messages: Sequence[Message], now: datetime) -> Message:
    """Return the one message that stands for a backlog: what happened meanwhile, and how late it is told."""
    late_s = max((now - message.at).total_seconds() for message in messages)
    count = len(messages)
    subject = ko.BACKLOG_SUBJECT.format(count=count, late=render.duration(late_s))
    last = messages[-1]
    body = _fill(_BACKLOG, messages=messages, late_s=late_s)
    return Message(f"{last.id}-late{count}", subject, body, last.at, last.incident, last.kind)


def deadman(*, is_gone: bool, last: datetime | None, now: datetime) -> tuple[str, str]:
    """Return subject and body of the message that the monitor is gone, or back."""
    subject = ko.DEADMAN_SUBJECT if is_gone else ko.DEADMAN_BACK_SUBJECT
    return subject, _fill(_DEADMAN, is_gone=is_gone, last=last, at=now)


def test(now: datetime) -> tuple[str, str]:
    """Return subject and body of the message that tries a channel."""
    return ko.TEST_SUBJECT, _fill(_TEST, at=now)


def _fill(template: Template, **facts: object) -> str:
    # The newline that ends the file is none of the message.
    return template.render(facts).removesuffix("\n")
