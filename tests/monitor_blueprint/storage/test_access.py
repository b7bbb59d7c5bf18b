"""Tokens and sessions in the database, and for how long it is remembered what people did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor_blueprint.domain.access import Role
from monitor_blueprint.domain.models import Status
from monitor_blueprint.domain.story import StoryEntry, StoryKind
from monitor_blueprint.storage.access import SessionRecord, TokenRecord
from monitor_blueprint.storage.store import Store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOKEN = TokenRecord("django", Role.READ, "a-digest", NOW, "lee")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "monitor.db") as store:
        yield store


def test_a_name_is_taken_once(store: Store) -> None:
    assert store.run(lambda tx: tx.access.add_token(TOKEN))
    assert not store.run(lambda tx: tx.access.add_token(TokenRecord("django", Role.OPERATE, "another", NOW, "kim")))
    assert store.reads.access.tokens() == (TOKEN,)
    store.run(lambda tx: tx.access.note_use("django", NOW))
    assert store.reads.access.tokens()[0].used_at == NOW
    assert store.run(lambda tx: tx.access.revoke_token("django"))
    assert not store.run(lambda tx: tx.access.revoke_token("django"))
    assert store.reads.access.tokens() == ()


def test_sessions_end(store: Store) -> None:
    session = SessionRecord("key", "django", "a-digest", "lee", NOW, NOW + timedelta(hours=1))
    store.run(lambda tx: tx.access.open_session(session))
    assert store.reads.access.session("key", NOW) == session
    assert store.reads.access.session("other", NOW) is None
    assert store.reads.access.session("key", session.ends_at) is None
    store.run(lambda tx: tx.access.close_session("key"))
    assert store.reads.access.session("key", NOW) is None


def test_what_people_did_stays_longer(store: Store) -> None:
    """For more than a year, whatever else is forgotten; the monitor's own comings and goings are not for so long."""
    entries = [
        StoryEntry(NOW + timedelta(minutes=number), kind, {"number": str(number)})
        for kind in (StoryKind.ACKED, StoryKind.STARTED)
        for number in range(3)
    ]
    store.run(lambda tx: tx.story.add(*entries))

    def kept(days: int) -> list[StoryKind]:
        later = NOW + timedelta(days=days)
        store.run(lambda tx: tx.record_round(NOW, 1.0, Status.OK, ()))
        store.run(lambda tx: tx.record_round(later, 1.0, Status.OK, ()))
        store.run(lambda tx: tx.prune(later))
        return sorted(entry.kind for entry in store.reads.story.between(NOW, later))

    assert kept(399) == [StoryKind.ACKED] * 3 + [StoryKind.STARTED]
    assert kept(401) == [StoryKind.ACKED, StoryKind.STARTED]
