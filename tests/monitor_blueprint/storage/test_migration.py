"""A database that version 1 made (`version_1.sql` is its dump), as the program finds it after the upgrade."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest

from monitor_blueprint.alerts.outbox import Outbox
from monitor_blueprint.domain.messages import Delivered, Message, Outcome
from monitor_blueprint.notifiers import Channel
from monitor_blueprint.storage.sqlite import SCHEMAS
from monitor_blueprint.storage.store import Store

NOW = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
TO = ("a@example.com", "b@example.com")


@pytest.fixture(params=[1, 2])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """As version 1 left it, or with what version 2 added."""
    path = tmp_path / "monitor.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(Path(__file__).with_name("version_1.sql").read_text("utf-8"))
        if request.param == 2:
            database.executescript(resources.files("monitor_blueprint.storage").joinpath(SCHEMAS[1]).read_text("utf-8"))
            database.execute("PRAGMA user_version = 2")
    return path


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store(path) as store:
        assert store.problem == ""
        yield store


def deliver(store: Store, at: datetime = NOW) -> dict[str, list[Message]]:
    sent: dict[str, list[Message]] = {"slack": [], "email": []}

    def take(name: str, message: Message) -> Outcome:
        sent[name].append(message)
        return Delivered()

    channels = [
        Channel(name, lambda message, handover, name=name: take(name, message), f"{name}-print", receivers)  # type: ignore[misc]
        for name, receivers in (("slack", ()), ("email", TO))
    ]
    box = Outbox(store, channels, clock=lambda: at)
    box.start()
    box.stop(30)
    Outbox(store, channels, clock=lambda: at).deliver_due()
    return sent


def test_what_waited_arrives_and_nothing_else(store: Store) -> None:
    """What was pending or refused; what was delivered does not come again."""
    sent = deliver(store)
    assert [message.id for message in sent["slack"]] == ["nn-2-opened"]
    assert [(message.id, message.to) for message in sent["email"]] == [("nn-1-recovered", TO)]
    assert deliver(store) == {"slack": [], "email": []}


def test_refused_opening_of_what_was_told_as_over_does_not_come(path: Path) -> None:
    """Version 1 dropped what was refused: whoever was told of the end since is not told that it begins."""
    with closing(sqlite3.connect(path)) as database:
        database.execute(
            "UPDATE outbox SET state = 'refused', answer = '404' WHERE channel = 'slack' AND event_id = 'nn-1-opened'"
        )
        database.commit()
    with Store(path) as store:
        assert store.reads.outbox_status()["slack"].pending == 1
        assert [message.id for message in deliver(store)["slack"]] == ["nn-2-opened"]


def test_history_is_kept(store: Store) -> None:
    detail = store.reads.incident(1)
    assert detail is not None
    assert [record.id for record in detail.events] == ["nn-1-opened", "nn-1-recovered"]
    assert [(each.channel, each.state, each.answer) for each in detail.deliveries] == [
        ("email", "delivered", "accepted"),
        ("gone", "delivered", "ok"),
        ("slack", "delivered", "HTTP 200 ok"),
        ("email", "pending", ""),
        ("gone", "refused", "the channel is not configured any more"),
        ("slack", "delivered", "HTTP 200 ok"),
    ]
    status = store.reads.outbox_status()
    assert {name: each.pending for name, each in status.items()} == {"email": 1, "slack": 1}
    assert status["email"].refusal == ""
    assert store.reads.state().last_incident_number == 2


def test_shell_before_the_service_loses_nothing(store: Store) -> None:
    """A check by hand that comes first makes the recipients known."""
    store.run(lambda tx: tx.outbox.add_receivers([("email", name) for name in TO]))
    sent = deliver(store)
    assert [message.id for message in sent["email"]] == ["nn-1-recovered"]


def test_unwritable_one_is_taken_over_in_memory(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with Store(path, busy_timeout_s=0.1) as store:
            assert "locked" in store.problem
            assert [message.id for message in deliver(store)["slack"]] == ["nn-2-opened"]
            other.rollback()
            store.try_to_heal(NOW + timedelta(minutes=5))
            assert store.problem == ""
            assert {name: each.pending for name, each in store.reads.outbox_status().items()} == {"email": 0, "slack": 0}
            assert deliver(store) == {"slack": [], "email": []}
