"""Which incidents are wanted, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import Event, EventKind, Incident, State
from monitor_blueprint.domain.story import StoryEntry, StoryKind
from monitor_blueprint.domain.text import Public
from monitor_blueprint.storage.reads import IncidentFilter
from monitor_blueprint.storage.store import Store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Nine incidents, one a day and half a day long, of two checks by turns; the last is open."""
    with Store(tmp_path / "monitor.db") as store:
        for number in range(1, 10):
            check, at = "Disk" if number % 2 else "Flask", NOW + number * DAY
            event = Event(EventKind.OPENED, at, number, at, (check,))
            message = Message(f"{number}", Public("subject"), Public("body"), at)
            store.run(lambda tx, n=number, at=at: tx.save_state(State(incident=Incident(n, at, at)), at))  # type: ignore[misc]
            store.run(lambda tx, event=event, message=message: tx.add_event(event, message, ()))  # type: ignore[misc]
            if number < 9:
                store.run(lambda tx, at=at: tx.save_state(State(), at + DAY / 2))  # type: ignore[misc]
        yield store


def numbers(store: Store, limit: int = 50, **wanted: object) -> list[int]:
    return [record.number for record in store.reads.incidents(limit, IncidentFilter(**wanted))]  # type: ignore[arg-type]


def test_pages_follow_each_other(store: Store) -> None:
    assert numbers(store, 4) == [9, 8, 7, 6]
    assert numbers(store, 4, before=6) == [5, 4, 3, 2]
    assert numbers(store, 4, before=2) == [1]
    assert numbers(store, 4, before=1) == []
    assert [record.number for record in store.reads.incidents(2)] == [9, 8]


def test_only_what_is_wanted(store: Store) -> None:
    assert numbers(store, check="Flask") == [8, 6, 4, 2]
    assert numbers(store, check="Flask", before=6, limit=1) == [4]
    assert numbers(store, check="Nothing") == []
    assert numbers(store, is_open=True) == [9]
    assert numbers(store, is_open=False) == [8, 7, 6, 5, 4, 3, 2, 1]
    assert numbers(store, since=NOW + 4.2 * DAY, until=NOW + 6.1 * DAY) == [6, 5, 4]
    assert numbers(store, since=NOW + 20 * DAY) == [9], "it is still open"


def test_texts_are_searched(store: Store) -> None:
    """What was said, what was noted, and who took care of it; capitals do not count, and nothing is a pattern."""
    store.run(lambda tx: tx.story.add_told("3", NOW, "디스크 100% 사용, /var/LOG", []))
    store.run(lambda tx: tx.story.add(StoryEntry(NOW, StoryKind.NOTED, {"number": "4", "by": "lee", "text": "Rotated by hand"})))
    incident = Incident(9, NOW + 9 * DAY, NOW + 9 * DAY, acked_by="Kim")
    store.run(lambda tx: tx.save_state(State(incident=incident), NOW + 9 * DAY))
    expected = {"디스크": [3], "var/log": [3], "100%": [3], "flask": [8, 6, 4, 2], "1%0": [], "_": []}
    assert {text: numbers(store, text=text) for text in expected} == expected
    typed = {"rotated": [4], "kim": [9], "lee": []}
    assert {text: numbers(store, text=text, is_typed_searched=True) for text in typed} == typed
    assert not any(numbers(store, text=text) for text in typed)
    assert numbers(store, text="디스크", check="Flask") == []
