from __future__ import annotations

from datetime import timedelta

from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import Event, EventKind
from monitor_blueprint.domain.receivers import MOST_OWED, Logged, Receiver, woken, worth_telling
from monitor_blueprint.domain.text import Public
from tests.monitor_blueprint.domain.story import START, Story

HOUR = timedelta(hours=1)


def logged(*events: Event) -> list[Logged]:
    return [Logged(n, each, Message(str(n), Public(""), Public(""), each.at)) for n, each in enumerate(events, 1)]


def test_what_began_before_it_was_seen_is_over_as_well() -> None:
    """An outage is no more worth telling for having begun before anybody looked."""
    story = Story()
    story.cycle()
    story.partial(Flask="starting")
    story.cycle(60, Flask="stopped")
    opened = story.events[0]
    assert opened.opened_at < opened.at
    story.began_at = None
    story.cycle()
    behind = logged(opened, *story.events)
    assert [each.event.kind for each in worth_telling(behind, story.now, 3600)] == [EventKind.OPENED, EventKind.RECOVERED]
    assert worth_telling(behind, story.now + 2 * HOUR, 3600) == ()
    # Whoever was told of the beginning is told of the end.
    assert len(worth_telling(behind[1:], story.now + 2 * HOUR, 3600)) == 1


def test_who_never_acknowledges_is_given_up() -> None:
    """Until there is news, or something else is accepted on the same way."""
    owed = Receiver("slack", cursor=4, in_doubt_since=START, doubts=MOST_OWED - 1)
    assert owed.due_at(4, START) == START
    given_up = Receiver("slack", cursor=4, in_doubt_since=START, doubts=MOST_OWED)
    assert given_up.is_given_up
    assert given_up.due_at(4, START) is None
    assert given_up.due_at(5, START) == START
    assert woken(given_up).due_at(4, START) == START
