from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import Event, EventKind
from monitor_blueprint.domain.story import StoryEntry, StoryKind
from monitor_blueprint.domain.text import Public
from monitor_blueprint.storage.store import Store
from monitor_blueprint.storage.story import Told

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ACKED = StoryEntry(NOW, StoryKind.ACKED, {"by": "lee", "number": "7"})
STARTED = StoryEntry(NOW + MINUTE, StoryKind.STARTED, {"digest": "a"})


def test_what_happened_comes_back_in_order(tmp_path: Path) -> None:
    with Store(tmp_path / "monitor.db") as store:
        store.run(lambda tx: tx.story.add(STARTED, ACKED, ACKED))
        story = store.reads.story
        assert story.between(NOW, NOW + MINUTE) == (ACKED, STARTED)
        assert story.between(NOW, NOW + MINUTE, limit=1) == (STARTED,)
        assert story.between(NOW + 2 * MINUTE, NOW + 3 * MINUTE) == ()
        assert (story.last(StoryKind.STARTED), story.last(StoryKind.STOPPED)) == (STARTED, None)


def test_what_was_said_stays_as_it_was_said(tmp_path: Path) -> None:
    event = Event(EventKind.OPENED, NOW, 7, NOW, ("Flask",))
    with Store(tmp_path / "monitor.db") as store:
        store.run(lambda tx: tx.add_event(event, Message("7-opened", Public("s"), Public("b"), event.at), []))
        store.run(lambda tx: tx.story.add_told("7-opened", NOW, "said", ["one", "two"]))
        store.run(lambda tx: tx.story.add_told("7-opened", NOW, "said otherwise", []))
        assert store.reads.story.told(7) == {"7-opened": Told("said", ("one", "two"))}
        assert store.reads.story.told(8) == {}


def test_the_past_is_forgotten_but_for_the_last(tmp_path: Path) -> None:
    """The last beginning is what the next one is held against."""
    older = StoryEntry(NOW - MINUTE, StoryKind.STARTED, {"digest": "z"})
    with Store(tmp_path / "monitor.db") as store:
        store.run(lambda tx: tx.story.add(older, STARTED))
        store.run(lambda tx: tx.prune(NOW + timedelta(days=40), 30))
        assert store.reads.story.between(NOW - MINUTE, NOW + MINUTE) == (STARTED,)


def test_what_happens_without_a_file_is_merged_into_it(tmp_path: Path) -> None:
    path = tmp_path / "monitor.db"
    path.mkdir()
    with Store(path) as store:
        store.run(lambda tx: tx.story.add(ACKED))
        store.run(lambda tx: tx.story.add_told("7-opened", NOW, "said", []))
        path.rmdir()
        store.try_to_heal(NOW)
        assert not store.problem
    with Store(path) as store:
        assert store.reads.story.between(NOW, NOW) == (ACKED,)
