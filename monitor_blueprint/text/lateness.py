"""Marks a message that is sent long after what it tells of: when that was, how late it is, and how things are by now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from monitor_blueprint.domain.durations import lasted_s
from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import CheckResult, Event, Status
from monitor_blueprint.domain.text import Public, fill, joined
from monitor_blueprint.text import ko_messages, render

# What is later than this is called late: a check and the way to a mail server take their time.
LATE_S = 120.0
# Where the channel did not work, that is why; an attempt that is soon repeated is not worth a word.
LATE_AFTER_FAILURE_S = 10.0
# The first lines of a failure are the operators' guide's.
_FIRST_LINES = 3


def is_late(at: datetime, now: datetime) -> bool:
    """Tell whether what happened at a moment is told late."""
    return (now - at).total_seconds() >= LATE_S


def marked(message: Message, event: Event, results: Mapping[str, CheckResult], now: datetime) -> Message:
    """Return the message as it is to be sent now: with the mark below its first lines where it is late."""
    if not is_late(message.at, now):
        return message
    late = render.duration(lasted_s(message.at, now))
    mark = [fill(ko_messages.LATE, at=render.local(message.at), now=render.local(now), late=late), _standing(event, results)]
    lines = list(map(Public, then(message.body).split("\n")))
    body = joined("\n", [*lines[:_FIRST_LINES], *mark, *lines[_FIRST_LINES:]])
    return replace(message, subject=then(message.subject), body=body)


def then(text: Public) -> Public:
    """Return what was said of another moment: its "now" is not ours."""
    for now, at_that_time in ko_messages.THEN.items():
        text = Public(text.replace(now, at_that_time))
    return text


def _standing(event: Event, results: Mapping[str, CheckResult]) -> Public:
    """Return how the event's checks stood when they were last looked at, the worst first, and when that was."""
    named = dict.fromkeys((*event.failing, *event.checks, *event.flapping))
    by_status: dict[Status | None, list[str]] = {status: [] for status in (*ko_messages.NOW_STATES, None)}
    for name in named:
        by_status[results[name].status if name in results else None].append(name)
    states = [
        fill(
            ko_messages.NOW_STATE,
            state=fill(ko_messages.NOW_STATES[status] if status is not None else ko_messages.NOW_NOTHING),
            names=render.names(names),
        )
        for status, names in by_status.items()
        if names
    ]
    seen = [results[name].at for name in named if name in results]
    line = fill(ko_messages.NOW, states=joined(" · ", states))
    return joined("", [line, fill(ko_messages.NOW_SEEN, at=render.local(max(seen)))]) if seen else line
