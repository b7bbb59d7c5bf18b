from __future__ import annotations

import itertools
import queue
import re
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor_blueprint.alerts.channel_health import Health
from monitor_blueprint.alerts.composition import summary_id
from monitor_blueprint.alerts.outbox import Outbox
from monitor_blueprint.alerts.timing import Timing
from monitor_blueprint.domain.messages import Delivered, Handover, InDoubt, Message, Outcome, PerReceiver, Refused, Retry, Waits
from monitor_blueprint.domain.models import Event, EventKind, Incident, State
from monitor_blueprint.domain.receivers import MOST_OWED
from monitor_blueprint.domain.text import Public
from monitor_blueprint.notifiers import Channel, channels
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text import backlog, ko, messages
from tests.monitor_blueprint.shortage import few_threads, said
from tests.monitor_blueprint.standins import HttpStandIn, MailStandIn, Reply, ScriptedMailServer

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
OPENED, RECOVERED = EventKind.OPENED, EventKind.RECOVERED


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Pigeon:
    """A channel that lands where the test says: answers in the order given, then always the last one."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes) or [Delivered("coo")]
        self.sent: list[Message] = []

    def __call__(self, message: Message, handover: Handover) -> Outcome:
        self.sent.append(message)
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]

    @property
    def ids(self) -> list[str]:
        return [message.id for message in self.sent]


class Stuck:
    """A channel whose first attempts do not end before they are let go; the later ones land at once."""

    def __init__(self, first: int = 1, outcome: Outcome | None = None, *, is_out: bool = True) -> None:
        self.first = first
        self.outcome = outcome or Delivered("at last")
        self.is_out = is_out
        self.sent: list[Message] = []
        self.begun = threading.Event()
        self.released = threading.Event()

    def __call__(self, message: Message, handover: Handover) -> Outcome:
        handover.is_out = self.is_out
        self.sent.append(message)
        self.begun.set()
        if len(self.sent) > self.first:
            return Delivered("coo")
        self.released.wait(60)
        return self.outcome


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "monitor.db") as store:
        yield store


Pigeons = Pigeon | Stuck | Callable[[Message, Handover], Outcome]


class Loft:
    """An outbox over pigeons, which knows them before the first event."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        *pigeons: Pigeons,
        timing: Timing | None = None,
        sender: str = "service",
        fingerprint: str = "",
        receivers: tuple[str, ...] = (),
    ) -> None:
        names = ("pigeon", "raven")
        lanes = [Channel(name, pigeon, fingerprint, receivers) for name, pigeon in zip(names, pigeons, strict=False)]
        self.store = store
        self.box = Outbox(store, lanes, sender=sender, timing=timing, clock=clock, jitter=lambda: 1.0)

    def tell(self, number: int, kind: EventKind = OPENED, at: datetime = NOW, opened_at: datetime | None = None) -> str:
        return tell(self.store, self.box.receivers, number, kind, at, opened_at)

    def deliver(self) -> bool:
        """Deliver what is due; tell whether nothing waits any more."""
        self.box.deliver_due()
        return self.pending == 0

    @property
    def pending(self) -> int:
        status = self.store.reads.outbox_status()
        return status["pigeon"].pending if status else 0

    def health(self, at: datetime = NOW) -> Health:
        return self.box.channel_health(at)["pigeon"].health


def tell(
    store: Store,
    receivers: tuple[tuple[str, str], ...],
    number: int,
    kind: EventKind = OPENED,
    at: datetime = NOW,
    opened_at: datetime | None = None,
) -> str:
    """Add an event about a check to the log, and return its id."""
    failing = () if kind is RECOVERED else ("Flask",)
    lasted = {"Flask": 60.0} if kind is RECOVERED else {}
    event = Event(kind, at, number, opened_at or (at if kind is OPENED else NOW), ("Flask",), failing=failing, lasted_s=lasted)
    message = messages.alert(event, f"{number}-{kind}", {})
    store.run(lambda tx: tx.add_event(event, message, receivers))
    return message.id


def history(store: Store, number: int = 1) -> list[tuple[str, str, str]]:
    """Return how the messages of an incident fared: state, id that was sent, answer."""
    store.run(lambda tx: tx.save_state(State(incident=Incident(number, NOW, NOW), last_incident_number=number), NOW))
    detail = store.reads.incident(number)
    assert detail is not None
    return [(each.state, each.sent_as, each.answer) for each in detail.deliveries]


def ids_in(message: Message) -> list[str]:
    """Return the ids of the events that a message tells, in its order."""
    return re.findall(r"^--- .* · (\S+)", message.body, re.MULTILINE) or [message.id]


def until(is_so: Callable[[], bool]) -> None:
    for _ in range(3000):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError("it has not come to that")


# --- One message


def test_fresh_event_arrives_as_it_is(store: Store, clock: Clock) -> None:
    """A single event is told by its own message, and once."""
    loft = Loft(store, clock, pigeon := Pigeon())
    for number in (1, 2):
        loft.tell(number)
        loft.deliver()
        loft.deliver()
    assert pigeon.ids == ["1-opened", "2-opened"]
    assert pigeon.sent[0].body.splitlines()[:2] == ["[CRITICAL] NeuroNova 서비스 장애 발생!", "실패한 서비스: Flask"]
    status = store.reads.outbox_status()["pigeon"]
    assert (status.pending, status.delivered_at) == (0, NOW)
    assert history(store) == [("delivered", "1-opened", "coo")]


def test_missed_events_are_one_message(store: Store, clock: Clock) -> None:
    """It begins with how things stand, then the events in their order."""
    loft = Loft(store, clock, pigeon := Pigeon(Retry("rain"), Delivered()))
    loft.tell(1)
    loft.deliver()
    loft.tell(1, RECOVERED, NOW + MINUTE)
    clock.now += 2 * MINUTE
    loft.deliver()
    loft.deliver()
    assert pigeon.ids == ["1-opened", summary_id(["1-opened", "1-recovered"])]
    assert pigeon.sent[1].body.splitlines()[:2] == ["[OK] NeuroNova 서비스 복구", "복구된 서비스: Flask"]
    assert ids_in(pigeon.sent[1]) == ["1-opened", "1-recovered"]
    assert not pigeon.sent[1].is_repeat
    assert loft.pending == 0


def test_summary_id_outlives_an_upgrade() -> None:
    """The same for the same events only; what was sent before an upgrade has the same one after it."""
    assert summary_id(["1-opened", "2-opened"]) == "summary-50fe38d96812"
    assert len({summary_id(ids) for ids in (["a", "b"], ["a", "b", "c"], ["ab"])}) == 3


def test_long_backlog_keeps_how_things_stand(store: Store, clock: Clock) -> None:
    """Slack cuts a text at 40,000 characters."""
    with HttpStandIn() as server:
        (slack,) = channels({"SLACK_WEBHOOK": server.url})
        for number in range(1, 301):
            event = Event(OPENED, NOW, number, NOW, ("Flask",), failing=("Flask",))
            long = Message(f"{number}-opened", Public(f"subject {number}"), Public("가" * 3000), NOW, number, "opened")
            store.run(lambda tx, event=event, message=long: tx.add_event(event, message, [("slack", "")]))  # type: ignore[misc]
        clock.now += 5 * HOUR
        Outbox(store, [slack], clock=clock).deliver_due()
        text = server.next_post().text
        assert server.posts.empty()
    assert len(text) < 30_000
    assert "…" not in text
    assert text.startswith("[CRITICAL] NeuroNova 서비스 장애 발생!\n실패한 서비스: Flask\n")
    assert "(더 오래된 알림 240건은 생략: neuronova-monitor history)" in text
    assert re.findall(r"· (\d+)-opened", text) == [str(number) for number in range(241, 301)]


def test_failing_summary_blocks_nothing(
    store: Store, clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be put together is told as it is."""
    monkeypatch.setattr(backlog, "catch_up", lambda *_: 1 / 0)
    loft = Loft(store, clock, pigeon := Pigeon())
    loft.tell(1)
    loft.tell(1, RECOVERED)
    loft.deliver()
    assert "실패한 서비스" in pigeon.sent[0].body
    assert "복구된 서비스" in pigeon.sent[0].body
    assert "cannot be put together" in caplog.text


def test_what_is_long_over_is_not_told(store: Store, clock: Clock) -> None:
    """To whoever never heard of it; whoever was told of its beginning is told of its end."""
    loft = Loft(store, clock, pigeon := Pigeon(Delivered(), Retry("rain"), Delivered()))
    loft.tell(1)
    loft.deliver()
    loft.tell(1, RECOVERED, NOW + MINUTE)
    loft.tell(2, OPENED, NOW + 2 * MINUTE)
    loft.tell(2, RECOVERED, NOW + 3 * MINUTE, opened_at=NOW + 2 * MINUTE)
    loft.deliver()
    clock.now += timedelta(days=2)
    loft.deliver()
    assert pigeon.ids[2:] == ["1-recovered"]
    assert loft.pending == 0


def test_nothing_left_to_tell_sends_nothing(store: Store, clock: Clock) -> None:
    loft = Loft(store, clock, pigeon := Pigeon(Refused("HTTP 404"), Delivered()))
    loft.tell(1)
    loft.deliver()
    loft.tell(1, RECOVERED, NOW + MINUTE)
    clock.now += timedelta(days=2)
    loft.deliver()
    assert pigeon.ids == ["1-opened"]
    assert [state for state, _, _ in history(store)] == ["expired", "expired"]


# --- Not out


def test_pauses_double_to_a_limit(store: Store, clock: Clock) -> None:
    """The time between attempts doubles, up to a limit."""
    loft = Loft(store, clock, pigeon := Pigeon(Retry("rain")))
    loft.tell(1)
    waits = []
    for _ in range(11):
        loft.deliver()
        due_at = store.reads.outbox_status()["pigeon"].next_at
        assert due_at is not None
        waits.append((due_at - clock.now).total_seconds())
        clock.now = due_at - timedelta(milliseconds=1)
        loft.deliver()
        clock.now = due_at
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert len(pigeon.sent) == 11


@pytest.mark.parametrize(("jitter", "wait_s"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_jitter_spreads_over_half_the_wait(store: Store, clock: Clock, jitter: float, wait_s: float) -> None:
    box = Outbox(store, [Channel("pigeon", Pigeon(Retry("rain")))], clock=clock, jitter=lambda: jitter)
    tell(store, box.receivers, 1)
    box.deliver_due()
    assert store.reads.outbox_status()["pigeon"].next_at == NOW + wait_s * SECOND


def test_new_event_is_tried_at_once(store: Store, clock: Clock) -> None:
    """A channel that waits is tried for it, and waits on as long as before if that fails."""
    loft = Loft(store, clock, pigeon := Pigeon(Retry("rain")))
    loft.tell(1)
    for _ in range(8):
        clock.now += HOUR
        loft.deliver()
    loft.tell(1, RECOVERED)
    loft.deliver()
    loft.deliver()
    assert len(pigeon.sent) == 9
    assert ids_in(pigeon.sent[-1]) == ["1-opened", "1-recovered"]
    assert store.reads.outbox_status()["pigeon"].next_at == clock.now + 256 * SECOND


def test_requested_pause_is_honoured(store: Store, clock: Clock) -> None:
    """What the other side asks for is honoured, even where there is news."""
    loft = Loft(store, clock, pigeon := Pigeon(Retry("slow down", after_s=120.0), Delivered()))
    loft.tell(1)
    loft.deliver()
    clock.now += 119 * SECOND
    loft.tell(1, RECOVERED)
    loft.deliver()
    assert len(pigeon.sent) == 1
    clock.now += SECOND
    loft.deliver()
    assert len(pigeon.sent) == 2


def test_requested_pause_has_a_limit(store: Store, clock: Clock) -> None:
    """Nobody can ask for a whole day."""
    loft = Loft(store, clock, pigeon := Pigeon(Retry("go away", after_s=86_400.0), Delivered()))
    loft.tell(1)
    loft.deliver()
    clock.now += 16 * MINUTE
    loft.tell(2)
    loft.deliver()
    assert len(pigeon.sent) == 2


def test_requested_pause_has_a_limit_without_news(store: Store, clock: Clock) -> None:
    """What waits is as important as what is new."""
    loft = Loft(store, clock, pigeon := Pigeon(Retry("go away", after_s=3600.0), Delivered()))
    loft.tell(1)
    loft.deliver()
    clock.now += 16 * MINUTE
    loft.deliver()
    assert len(pigeon.sent) == 2


@pytest.mark.parametrize("outcome", [Retry("rain"), Retry("busy", 600.0), Refused("no")])
def test_clock_set_back_stops_nothing(store: Store, clock: Clock, outcome: Outcome) -> None:
    loft = Loft(store, clock, pigeon := Pigeon(outcome, Delivered()))
    loft.tell(1)
    loft.deliver()
    clock.now -= timedelta(days=30)
    loft.deliver()
    assert len(pigeon.sent) == 2


# --- Refused


def test_refusal_is_tried_again_slowly(store: Store, clock: Clock) -> None:
    """Up to once an hour."""
    loft = Loft(store, clock, Pigeon(Refused("HTTP 404")))
    loft.tell(1)
    waits = []
    for _ in range(8):
        loft.deliver()
        due_at = store.reads.outbox_status()["pigeon"].next_at
        assert due_at is not None
        waits.append((due_at - clock.now) / MINUTE)
        clock.now = due_at
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_refused_opening_comes_with_recovery(store: Store, clock: Clock) -> None:
    """A channel that takes messages again is told how things stand, and what it has missed."""
    loft = Loft(store, clock, pigeon := Pigeon(Refused("HTTP 403"), Delivered()))
    loft.tell(1)
    loft.deliver()
    assert loft.health() is Health.REFUSED
    loft.tell(1, RECOVERED, NOW + MINUTE)
    loft.deliver()
    assert ids_in(pigeon.sent[1]) == ["1-opened", "1-recovered"]
    assert loft.health() is Health.OK


def test_refused_recovery_is_told_later(store: Store, clock: Clock) -> None:
    loft = Loft(store, clock, pigeon := Pigeon(Delivered(), Refused("HTTP 404"), Delivered()))
    loft.tell(1)
    loft.deliver()
    loft.tell(1, RECOVERED, NOW + MINUTE)
    loft.deliver()
    assert history(store)[1] == ("refused", "", "HTTP 404")
    clock.now += MINUTE
    loft.deliver()
    assert pigeon.ids == ["1-opened", "1-recovered", "1-recovered"]
    assert not pigeon.sent[2].is_repeat


def test_mended_configuration_is_tried_at_once(store: Store, clock: Clock) -> None:
    old = Loft(store, clock, Pigeon(Refused("HTTP 404")), fingerprint="old")
    old.box.start()
    old.box.stop(30)
    old.tell(1)
    Loft(store, clock, Pigeon(Refused("HTTP 404")), fingerprint="old").deliver()
    same = Loft(store, clock, pigeon := Pigeon(), fingerprint="old")
    same.box.start()
    same.box.stop(30)
    assert pigeon.sent == []
    assert same.health() is Health.REFUSED
    mended = Loft(store, clock, pigeon, fingerprint="new")
    mended.box.start()
    until(lambda: mended.pending == 0)
    mended.box.stop(30)
    assert pigeon.ids == ["1-opened"]
    assert mended.health() is Health.OK


def test_text_that_is_refused_is_cut_short(store: Store, clock: Clock) -> None:
    """It may be what the other side does not take: after three times it comes without its evidence."""

    def choosy(message: Message, handover: Handover) -> Outcome:
        return Refused("554 spam") if "http://" in message.body else Delivered()

    loft = Loft(store, clock, choosy)
    event = Event(OPENED, NOW, 1, NOW, ("Flask",), failing=("Flask",))
    message = messages.alert(event, "1-opened", {}, [("journal nginx", Public("http://example.com"))])
    store.run(lambda tx: tx.add_event(event, message, loft.box.receivers))
    for _ in range(4):
        loft.deliver()
        clock.now += HOUR
    assert loft.pending == 0


# --- In doubt


def test_doubt_is_repeated_twice_and_marked(store: Store, clock: Clock) -> None:
    """Then it counts as told, and that is said."""
    loft = Loft(store, clock, pigeon := Pigeon(InDoubt("no answer")))
    loft.tell(1)
    waits = []
    for _ in range(6):
        loft.deliver()
        clock.now += 10 * MINUTE
        waits.append(store.reads.outbox_status()["pigeon"].next_at)
    assert pigeon.ids == ["1-opened"] * 3
    assert [message.is_repeat for message in pigeon.sent] == [False, True, True]
    first, second, third = (message.body for message in pigeon.sent)
    assert "늦게 전달됨" not in first
    for repeat, minutes in ((second, 10), (third, 20)):
        late = [line for line in repeat.split("\n") if line not in f"{first}\n\n{ko.REPEATED}".split("\n")]
        assert [line.partition("(")[2] for line in late] == [f"{minutes}분 지연)", ""]
    assert waits[0] == NOW + 30 * SECOND
    assert waits[1] == NOW + 10 * MINUTE + 300 * SECOND
    assert set(waits[2:]) == {NOW + 20 * MINUTE + HOUR}
    assert loft.pending == 0
    assert loft.health(clock.now) is Health.IN_DOUBT
    assert history(store) == [("in_doubt", "1-opened", "no answer")]


def test_truth_is_owed_after_doubt(store: Store, clock: Clock) -> None:
    """Who was told of an outage, and never acknowledged its end, is told how things stand until that is accepted."""
    loft = Loft(
        store, clock, pigeon := Pigeon(Delivered(), *[InDoubt("HTTP 504")] * 3, Retry("rain"), Refused("no"), Delivered())
    )
    loft.tell(1)
    loft.deliver()
    loft.tell(1, RECOVERED, NOW + MINUTE)
    for _ in range(4):
        clock.now += 10 * MINUTE
        loft.deliver()
    assert len(pigeon.sent) == 4
    assert loft.pending == 0
    for _ in range(3):
        clock.now += HOUR
        loft.deliver()
    last = pigeon.sent[-1]
    assert [each.id for each in pigeon.sent[4:]] == [last.id] * 3
    assert last.id.startswith("standing-")
    assert last.is_repeat
    assert last.body.splitlines()[:2] == ["[OK] NeuroNova 서비스 복구", "복구된 서비스: Flask"]
    assert ko.UNSURE_EVENTS in last.body
    assert "1-recovered" in last.body
    assert last.body.splitlines()[-1] == ko.REPEATED
    assert loft.health() is Health.OK
    assert [state for state, _, _ in history(store)] == ["delivered"] * 2
    clock.now += 30 * 24 * HOUR
    loft.deliver()
    assert pigeon.sent[-1] is last


def test_owed_truth_comes_ever_more_seldom(store: Store, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """A receiver that takes everything and never says so is not flooded, nor told for ever: that is said, and news is sent."""
    loft = Loft(store, clock, pigeon := Pigeon(InDoubt("HTTP 504")))
    loft.tell(1)
    sent = []
    for _ in range(24 * 40):
        before = len(pigeon.sent)
        loft.deliver()
        sent += [clock.now - NOW] * (len(pigeon.sent) - before)
        clock.now += HOUR
    pauses = [(after - before) / HOUR for before, after in itertools.pairwise(sent)]
    assert pauses == [1, 1, 1, 4, 16, 64, *[168] * 4]
    assert [message.is_repeat for message in pigeon.sent] == [False, *[True] * 10]
    assert loft.health() is Health.GIVEN_UP
    assert store.reads.outbox_status()["pigeon"].next_at is None
    given_up = [record for record in caplog.records if "never acknowledges" in record.getMessage()]
    assert [(record.levelname, "pigeon" in record.getMessage()) for record in given_up] == [("ERROR", True)]
    loft.tell(1, RECOVERED, clock.now)
    loft.deliver()
    assert pigeon.ids[-1] == "1-recovered"


def test_accepted_trial_begins_anew(store: Store, clock: Clock) -> None:
    """With one who was given up: how things stand is told once more, at once."""
    loft = Loft(store, clock, pigeon := Pigeon(*[InDoubt("HTTP 504")] * (3 + MOST_OWED), Delivered()))
    loft.tell(1)
    for _ in range(24 * 40):
        loft.deliver()
        clock.now += HOUR
    assert len(pigeon.sent) == 3 + MOST_OWED
    store.run(lambda tx: tx.outbox.wake("pigeon", [""]))
    loft.deliver()
    assert pigeon.ids[-1].startswith("standing-")
    assert loft.health() is Health.OK


def test_truth_that_cannot_be_put_together_is_told(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the last message."""
    monkeypatch.setattr(backlog, "truth", lambda *_: 1 / 0)
    loft = Loft(store, clock, pigeon := Pigeon(*[InDoubt("lost")] * 3, Delivered()))
    loft.tell(1)
    for _ in range(4):
        loft.deliver()
        clock.now += HOUR
    assert pigeon.sent[3].body == f"{pigeon.sent[0].body}\n\n{ko.REPEATED}"
    assert loft.health() is Health.OK


def test_accepted_news_ends_what_is_owed(store: Store, clock: Clock) -> None:
    loft = Loft(store, clock, pigeon := Pigeon(*[InDoubt("lost")] * 3, Delivered()))
    loft.tell(1)
    for _ in range(3):
        loft.deliver()
        clock.now += 10 * MINUTE
    loft.tell(1, RECOVERED, clock.now)
    loft.deliver()
    clock.now += 200 * HOUR
    loft.deliver()
    assert pigeon.ids == ["1-opened"] * 3 + ["1-recovered"]


def test_news_of_another_outage_names_what_is_in_doubt(store: Store, clock: Clock) -> None:
    """Whoever never heard of an end may believe in that outage still."""
    loft = Loft(store, clock, pigeon := Pigeon(Delivered(), *[InDoubt("lost")] * 3, Delivered()))
    loft.tell(1)
    loft.deliver()
    loft.tell(1, RECOVERED, clock.now)
    for _ in range(3):
        loft.deliver()
        clock.now += 10 * MINUTE
    loft.tell(2, OPENED, clock.now)
    loft.deliver()
    assert pigeon.ids[-1] == "2-opened"
    assert pigeon.sent[-1].body.splitlines()[-2] == ko.UNSURE_EVENTS
    assert "1-recovered · [OK]" in pigeon.sent[-1].body.splitlines()[-1]


def test_reminder_in_doubt_is_not_repeated(store: Store, clock: Clock) -> None:
    """The next one comes; with something else in the same message it is repeated as that is."""
    loft = Loft(store, clock, pigeon := Pigeon(Delivered(), InDoubt("HTTP 504")))
    loft.tell(1)
    loft.deliver()
    for _ in range(3):
        loft.tell(1 + len(pigeon.sent), EventKind.REMINDER, clock.now)
        for _ in range(3):
            loft.deliver()
            clock.now += 10 * MINUTE
    assert pigeon.ids == ["1-opened", "2-reminder", "3-reminder", "4-reminder"]
    assert loft.pending == 0
    assert loft.health() is Health.IN_DOUBT
    loft.tell(9, RECOVERED, clock.now)
    for _ in range(4):
        loft.deliver()
        clock.now += 10 * MINUTE
    assert pigeon.ids[4:] == ["9-recovered"] * 3


def test_restart_hurries_nothing_that_is_owed(store: Store, clock: Clock) -> None:
    """However often the monitor starts; another configuration does."""
    loft = Loft(store, clock, pigeon := Pigeon(*[InDoubt("lost")] * 3, Delivered()), fingerprint="old")
    loft.box._deliveries["pigeon"].take_over()
    loft.tell(1)
    for _ in range(3):
        loft.deliver()
        clock.now += 10 * MINUTE
    for fingerprint, count in (("old", 3), ("old", 3), ("new", 4)):
        loft = Loft(store, clock, pigeon, fingerprint=fingerprint)
        loft.box._deliveries["pigeon"].take_over()
        loft.deliver()
        assert len(pigeon.sent) == count


def test_doubt_blocks_nothing_behind_it(store: Store, clock: Clock) -> None:
    """What is new goes out at once, and says what may have been received already."""
    loft = Loft(store, clock, pigeon := Pigeon(InDoubt("no answer"), Delivered()))
    loft.tell(1)
    loft.deliver()
    loft.tell(1, RECOVERED, NOW + MINUTE)
    loft.deliver()
    assert ids_in(pigeon.sent[1]) == ["1-opened", "1-recovered"]
    assert pigeon.sent[1].is_repeat
    assert loft.pending == 0
    assert loft.health() is Health.OK


def test_nothing_is_repeated_without_end(store: Store, clock: Clock) -> None:
    """A receiver that never acknowledges gets each event three times at most, however much happens."""
    loft = Loft(store, clock, pigeon := Pigeon(InDoubt("no answer")))
    for number in range(1, 30):
        opened_at = clock.now
        loft.tell(number, OPENED, clock.now)
        for _ in range(number % 4):
            loft.deliver()
            clock.now += HOUR
        loft.tell(number, RECOVERED, clock.now, opened_at)
        for _ in range(number % 3):
            loft.deliver()
            clock.now += HOUR
    for _ in range(5):
        loft.deliver()
        clock.now += HOUR
    told = [id_ for message in pigeon.sent for id_ in ids_in(message)]
    assert max(told.count(id_) for id_ in told) == 3
    assert loft.pending == 0
    seen: set[str] = set()
    for message in pigeon.sent:
        if message.id.startswith("standing-"):
            assert message.is_repeat
            continue
        assert message.is_repeat == bool(seen & set(ids_in(message)))
        seen.update(ids_in(message))


def test_doubtful_opening_is_named_by_recovery(store: Store, clock: Clock) -> None:
    """In one line, once that counts as told."""
    loft = Loft(store, clock, pigeon := Pigeon(*[InDoubt("no answer")] * 3, Delivered()))
    loft.tell(1)
    for _ in range(3):
        loft.deliver()
        clock.now += HOUR
    loft.tell(1, RECOVERED, clock.now)
    loft.deliver()
    assert pigeon.ids[3] == "1-recovered"
    assert pigeon.sent[3].body.splitlines()[-2] == ko.UNSURE_EVENTS
    assert "[CRITICAL]" in pigeon.sent[3].body.splitlines()[-1]
    loft.tell(2, OPENED, clock.now)
    loft.deliver()
    assert ko.UNSURE_EVENTS not in pigeon.sent[4].body
    assert loft.health(clock.now) is Health.OK


def test_late_word_settles_without_repeat(store: Store, clock: Clock) -> None:
    """A receiver that takes its time to acknowledge gets nothing twice."""
    loft = Loft(store, clock, stuck := Stuck(), timing=Timing(patience_s=0.02))
    loft.tell(1)
    loft.deliver()
    clock.now += HOUR
    loft.deliver()
    assert loft.pending == 1
    stuck.released.set()
    loft.box._deliveries["pigeon"]._under_way[0].attempt.outcome(time.monotonic() + 30)
    loft.deliver()
    assert len(stuck.sent) == 1
    assert loft.pending == 0
    assert history(store) == [("delivered", "1-opened", "at last")]


def test_news_overtakes_what_is_out(store: Store, clock: Clock) -> None:
    """And only that: whatever is not out yet would be waited for again."""
    loft = Loft(store, clock, stuck := Stuck(), timing=Timing(patience_s=0.05))
    loft.tell(1)
    loft.deliver()
    loft.tell(1, RECOVERED, NOW + MINUTE)
    until(loft.deliver)
    assert [ids_in(message) for message in stuck.sent] == [["1-opened"], ["1-opened", "1-recovered"]]
    assert [message.is_repeat for message in stuck.sent] == [False, True]
    stuck.released.set()
    (late,) = loft.box._deliveries["pigeon"]._left_alone
    late.attempt.outcome(time.monotonic() + 30)
    loft.deliver()
    assert history(store) == [("delivered", summary_id(["1-opened", "1-recovered"]), "coo")] * 2


def test_what_is_not_out_is_waited_for(store: Store, clock: Clock) -> None:
    """One attempt is under way, for as long as a mail server takes to greet."""
    loft = Loft(store, clock, stuck := Stuck(is_out=False), timing=Timing(patience_s=0.02))
    loft.tell(1)
    loft.deliver()
    loft.tell(1, RECOVERED, NOW + MINUTE)
    for _ in range(3):
        loft.deliver()
    assert len(stuck.sent) == 1
    stuck.released.set()
    loft.box._deliveries["pigeon"]._under_way[0].attempt.outcome(time.monotonic() + 30)
    loft.deliver()
    assert stuck.sent[1].id == "1-recovered"


def test_no_pile_of_attempts(store: Store, clock: Clock) -> None:
    """Of a channel where everything hangs, no more than three are left alone beside the one that is waited for."""
    loft = Loft(store, clock, stuck := Stuck(100), timing=Timing(patience_s=0.02))
    for number in range(1, 9):
        loft.tell(number)
        for _ in range(3):
            loft.deliver()
            time.sleep(0.01)
    assert len(stuck.sent) == 4
    stuck.released.set()
    until(loft.deliver)
    assert [state for state, _, _ in history(store, 8)] == ["delivered"]


@pytest.mark.parametrize(("is_out", "health"), [(False, "no end after"), (True, "no end after")])
def test_an_attempt_has_a_total_deadline(store: Store, clock: Clock, is_out: bool, health: str) -> None:
    timing = Timing(waits=Waits(*[0.01] * 7), patience_s=0.02)
    loft = Loft(store, clock, stuck := Stuck(is_out=is_out), timing=timing)
    loft.tell(1)
    until(lambda: not loft.deliver() and bool(store.reads.outbox_status()["pigeon"].last_error))
    assert store.reads.outbox_status()["pigeon"].last_error.startswith(health)
    clock.now += HOUR
    loft.deliver()
    assert [message.is_repeat for message in stuck.sent] == [False, is_out]
    stuck.released.set()


def test_crash_during_attempt_is_doubt(store: Store, clock: Clock) -> None:
    """Who is killed while it sends repeats that twice, marked; then it counts as told, in doubt, and the truth is owed."""
    first = Loft(store, clock, stuck := Stuck(99), timing=Timing(patience_s=0.02))
    first.tell(1)
    for number in range(5):
        loft = Loft(store, clock, stuck, timing=Timing(patience_s=0.02))
        # What `start` does, without its thread.
        loft.box._deliveries["pigeon"].take_over()
        loft.deliver()
        assert [message.is_repeat for message in stuck.sent] == [False, *[True] * min(number, 2)]
    assert first.pending == 0
    assert first.health() is Health.IN_DOUBT
    assert history(store) == [("in_doubt", "", "the monitor ended before the answer came")]
    for hours, count in ((1, 4), (2, 4), (4, 5), (8, 5), (16, 6)):
        clock.now += hours * HOUR
        loft = Loft(store, clock, stuck, timing=Timing(patience_s=0.02))
        loft.box._deliveries["pigeon"].take_over()
        loft.deliver()
        assert (hours, len(stuck.sent)) == (hours, count)
    assert all(message.is_repeat for message in stuck.sent[1:])
    stuck.released.set()


# --- Recipients


def test_one_put_off_recipient_of_two(store: Store, clock: Clock) -> None:
    """Gets its mail later, and the other gets it once."""
    answers: list[Outcome] = [PerReceiver({"a": Delivered("ok"), "b": Retry("b: 450 later")}), Delivered("ok")]
    loft = Loft(store, clock, pigeon := Pigeon(*answers), receivers=("a", "b"))
    loft.tell(1)
    loft.deliver()
    assert loft.pending == 1
    assert [state for state, _, _ in history(store)] == ["delivered", "pending"]
    clock.now += SECOND
    loft.deliver()
    assert [message.to for message in pigeon.sent] == [("a", "b"), ("b",)]
    assert loft.pending == 0
    assert history(store) == [("delivered", "1-opened", "ok")]


def test_refused_recipient_stops_no_other(store: Store, clock: Clock) -> None:
    """It is reported, and tried again when the others have something new."""
    refused = PerReceiver({"a": Delivered("ok"), "b": Refused("b: 550 no such user")})
    loft = Loft(store, clock, pigeon := Pigeon(refused, Delivered()), receivers=("a", "b"))
    loft.tell(1)
    loft.deliver()
    found = loft.box.channel_health(NOW)["pigeon"]
    assert (found.health, found.reason) == (Health.REFUSED, "b: 550 no such user")
    loft.tell(1, RECOVERED, NOW + MINUTE)
    loft.deliver()
    assert sorted((message.to, ids_in(message)) for message in pigeon.sent[1:]) == [
        (("a",), ["1-recovered"]),
        (("b",), ["1-opened", "1-recovered"]),
    ]
    assert loft.health() is Health.OK


def test_recipients_do_not_wait_for_each_other(store: Store, clock: Clock) -> None:
    begun: queue.Queue[tuple[str, ...]] = queue.Queue()
    released = threading.Event()

    def fly(message: Message, handover: Handover) -> Outcome:
        if len(message.to) == 2:
            return PerReceiver({"a": Delivered(), "b": Retry("b: 450 later")})
        begun.put(message.to)
        if message.to == ("b",):
            released.wait(60)
        return Delivered()

    loft = Loft(store, clock, fly, receivers=("a", "b"), timing=Timing(patience_s=0.05))
    loft.tell(1)
    loft.deliver()
    clock.now += SECOND
    loft.deliver()
    loft.tell(2)
    loft.deliver()
    assert [begun.get(timeout=30) for _ in range(2)] == [("b",), ("a",)]
    released.set()


@pytest.mark.parametrize("answer", ["421 too many of yours", None])
def test_server_that_breaks_off_at_one_recipient(store: Store, clock: Clock, answer: str | None) -> None:
    """The others have their mail all the same, though it was to go to all of them together."""
    with ScriptedMailServer({"RCPT TO:<b@": answer}) as server:
        environ = server.environ | {"ALERT_EMAIL": "a@example.com,b@example.com,c@example.com"}
        box = Outbox(store, channels(environ), clock=clock)
        tell(store, box.receivers, 1)
        for _ in range(2):
            box.deliver_due()
            clock.now += SECOND
        assert sorted(re.findall(r"^To: (.*)\r$", "".join(server.texts), re.MULTILINE)) == ["a@example.com", "c@example.com"]
    assert box.channel_health(clock.now + HOUR)["email"].health is Health.FAILING


def test_mended_address_is_told_what_waited(store: Store, clock: Clock) -> None:
    old = Loft(store, clock, Pigeon(Refused("typo: 550")), receivers=("typo", "a"))
    old.tell(1)
    old.deliver()
    new = Loft(store, clock, pigeon := Pigeon(), receivers=("a", "right"), fingerprint="new")
    new.box.start()
    until(lambda: new.pending == 0)
    new.box.stop(30)
    assert {name for message in pigeon.sent for name in message.to} == {"a", "right"}


def test_added_recipient_is_told_what_is_new(store: Store, clock: Clock) -> None:
    old = Loft(store, clock, Pigeon(), receivers=("a",))
    old.tell(1)
    old.deliver()
    new = Loft(store, clock, pigeon := Pigeon(), receivers=("a", "b"))
    new.box.start()
    new.box.stop(30)
    new.tell(2)
    Loft(store, clock, pigeon, receivers=("a", "b")).deliver()
    assert [(message.id, message.to) for message in pigeon.sent] == [("2-opened", ("a", "b"))]


@pytest.mark.parametrize("recipients", [(), ("a", "b")])
def test_who_comes_back_is_told_what_was_missed(store: Store, clock: Clock, recipients: tuple[str, ...]) -> None:
    """Told of an outage, not configured when it ended, and configured again: nobody believes in it for ever."""
    pigeon = Pigeon()

    def reconfigured(*pigeons: Pigeon, receivers: tuple[str, ...]) -> Loft:
        loft = Loft(store, clock, *pigeons, receivers=receivers)
        loft.box.start()
        loft.box.stop(30)
        return Loft(store, clock, *pigeons, receivers=receivers)

    loft = reconfigured(pigeon, receivers=recipients)
    loft.tell(1)
    loft.deliver()
    # One of two recipients, or else the whole channel.
    rest = [pigeon] if recipients else []
    loft = reconfigured(*rest, receivers=recipients[1:])
    loft.tell(1, RECOVERED)
    loft.box.deliver_due()
    pigeon.sent.clear()
    reconfigured(pigeon, receivers=recipients).deliver()
    assert [(message.id, message.to) for message in pigeon.sent] == [("1-recovered", recipients[:1])]


# --- How a channel is


def test_failing_channel_is_reported(store: Store, clock: Clock) -> None:
    """A channel that fails for a quarter of an hour is reported."""
    loft = Loft(store, clock, Pigeon(Retry("rain")))
    loft.tell(1)
    loft.deliver()
    assert loft.health(NOW + 14 * MINUTE) is Health.OK
    health = loft.box.channel_health(NOW + 15 * MINUTE)["pigeon"]
    assert (health.health, health.since, health.reason, health.pending) == (Health.FAILING, NOW, "rain", 1)


def test_untried_message_is_reported(store: Store, clock: Clock) -> None:
    """A message that nobody even tries to send is reported too, but not for the time before the monitor's start."""
    loft = Loft(store, clock, Pigeon())
    loft.tell(1, at=NOW - 5 * HOUR)
    assert loft.health(NOW + MINUTE) is Health.OK
    assert loft.health(NOW + 15 * MINUTE) is Health.FAILING


def test_remark_is_kept_until_it_is_gone(store: Store, clock: Clock) -> None:
    loft = Loft(store, clock, Pigeon(Delivered("ok", "STARTTLS failed: sent in clear"), Delivered("ok")))
    remarks = []
    for number in (1, 2):
        loft.tell(number)
        loft.deliver()
        remarks.append(loft.box.channel_health(NOW)["pigeon"].remark)
    assert remarks == ["STARTTLS failed: sent in clear", ""]


# --- Threads and processes


def test_channels_do_not_wait(store: Store, clock: Clock) -> None:
    """One channel does not wait for another."""
    stuck = Stuck()
    loft = Loft(store, clock, stuck, raven := Pigeon())
    loft.box.start()
    loft.tell(1)
    loft.box.wake()
    until(lambda: store.reads.outbox_status()["raven"].pending == 0)
    assert raven.ids == ["1-opened"]
    assert loft.pending == 1
    stuck.released.set()
    loft.box.stop(30)
    assert loft.pending == 0


def test_broken_channel_retried_without_leak(store: Store, clock: Clock) -> None:
    """A channel that breaks is tried again, and the text of its error is not told."""

    def explode(message: Message, handover: Handover) -> Outcome:
        raise LookupError("https://hooks.slack.com/secret")

    loft = Loft(store, clock, explode)
    loft.tell(1)
    loft.deliver()
    assert store.reads.outbox_status()["pigeon"].last_error == "unexpected LookupError"
    assert loft.pending == 1


@pytest.mark.parametrize(("is_out", "state"), [(False, "pending"), (True, "in_doubt")])
def test_channel_that_exits_is_retried(store: Store, clock: Clock, is_out: bool, state: str) -> None:
    """How far it came says whether that is a repeat."""

    def leave(message: Message, handover: Handover) -> Outcome:
        handover.is_out = is_out
        sys.exit("https://hooks.slack.com/secret")

    loft = Loft(store, clock, leave)
    loft.tell(1)
    loft.deliver()
    assert store.reads.outbox_status()["pigeon"].last_error == "unexpected SystemExit"
    assert [each for each, _, _ in history(store)] == [state]


def test_thread_shortage_is_survived(store: Store) -> None:
    """A time without threads does not stop a channel for good, nor make it run in circles."""
    loft = Loft(store, lambda: datetime.now(UTC), pigeon := Pigeon())
    loft.box.start()
    with said("monitor_blueprint.alerts.delivery", "failed unexpectedly") as has_failed, few_threads(0):
        loft.tell(1, at=datetime.now(UTC))
        loft.box.wake()
        assert has_failed.wait(30)
        assert loft.box._deliveries["pigeon"]._turn() == Timing().poll_s
    loft.box.wake()
    until(lambda: loft.pending == 0)
    loft.box.stop(30)
    assert pigeon.ids == ["1-opened"]


def test_what_never_began_is_no_doubt(store: Store, clock: Clock) -> None:
    """A process without threads has sent nothing, however often it is killed then."""
    loft = Loft(store, clock, pigeon := Pigeon())
    loft.tell(1)
    for _ in range(4):
        delivery = Loft(store, clock, pigeon).box._deliveries["pigeon"]
        delivery.take_over()
        with few_threads(0):
            delivery._turn()
    loft.deliver()
    assert [message.is_repeat for message in pigeon.sent] == [False]


def test_one_sender_per_channel(store: Store, tmp_path: Path, clock: Clock) -> None:
    """Two processes never send over one channel at once."""
    first = Loft(store, clock, stuck := Stuck(), timing=Timing(patience_s=0.02))
    first.tell(1)
    first.deliver()
    with Store(tmp_path / "monitor.db") as other:
        second = Loft(other, clock, pigeon := Pigeon(), sender="cli-1")
        # For as long as the first one looks again and again.
        for _ in range(10):
            clock.now += 30 * SECOND
            first.deliver()
            second.tell(2)
            second.deliver()
        assert pigeon.sent == []
    stuck.released.set()


def test_dead_senders_lease_expires(store: Store, clock: Clock) -> None:
    """What it was sending may have arrived."""
    dead = Loft(store, clock, stuck := Stuck(), sender="cli-1", timing=Timing(patience_s=0.02))
    dead.tell(1)
    dead.deliver()
    loft = Loft(store, clock, pigeon := Pigeon())
    clock.now += 74 * SECOND
    loft.deliver()
    assert pigeon.sent == []
    clock.now += SECOND
    loft.deliver()
    assert pigeon.ids == ["1-opened"]
    assert pigeon.sent[0].is_repeat
    stuck.released.set()


def test_restart_ignores_own_lease(store: Store, clock: Clock) -> None:
    """A service that starts again does not wait for its own lease."""
    before = Loft(store, clock, Pigeon())
    before.tell(1)
    store.run(lambda tx: tx.outbox.claim("pigeon", "service", NOW, 45.0))
    after = Loft(store, clock, pigeon := Pigeon())
    after.box.start()
    until(lambda: after.pending == 0)
    after.box.stop(30)
    assert not pigeon.sent[0].is_repeat


def test_stop_awaits_running_attempt(store: Store, clock: Clock) -> None:
    """Stopping lets the attempt under way end, and begins no other."""
    loft = Loft(store, clock, stuck := Stuck())
    loft.tell(1)
    loft.box.start()
    assert stuck.begun.wait(30)
    loft.tell(2)
    threading.Timer(0.05, stuck.released.set).start()
    loft.box.stop(30)
    assert [message.id for message in stuck.sent] == ["1-opened"]
    assert loft.pending == 1


def test_stop_awaits_no_endless_attempt(store: Store, clock: Clock) -> None:
    """It is repeated after the restart, marked; two channels take no longer than one."""
    loft = Loft(store, clock, stuck := Stuck(), raven := Stuck())
    loft.tell(1)
    loft.box.start()
    assert stuck.begun.wait(30)
    assert raven.begun.wait(30)
    began = time.monotonic()
    loft.box.stop(0.2)
    assert time.monotonic() - began < 10
    again = Loft(store, clock, pigeon := Pigeon(), Pigeon())
    again.box.start()
    until(lambda: again.pending == 0)
    again.box.stop(30)
    assert [message.is_repeat for message in pigeon.sent] == [True]
    stuck.released.set()
    raven.released.set()


def test_no_thread_keeps_the_program_alive(store: Store, clock: Clock) -> None:
    loft = Loft(store, clock, Pigeon(), Pigeon())
    loft.box.start()
    assert {thread.name: thread.daemon for thread in loft.box._threads} == {"outbox-pigeon": True, "outbox-raven": True}
    loft.box.stop(30)


def test_foreign_message_found_by_polling(store: Store, tmp_path: Path) -> None:
    """The outbox finds a message of another process without being told."""
    loft = Loft(store, lambda: datetime.now(UTC), pigeon := Pigeon(), timing=Timing(poll_s=0.02))
    loft.box.start()
    with Store(tmp_path / "monitor.db") as other:
        tell(other, (), 1, at=datetime.now(UTC))
    until(lambda: pigeon.ids == ["1-opened"])
    loft.box.stop(30)


@pytest.mark.parametrize(
    ("outcome", "pause_s"),
    [(None, 30.0), (Retry("rain"), 0.5), (Retry("busy", after_s=29.5), 29.5), (Refused("no"), 30.0), (InDoubt("?"), 30.0)],
)
def test_next_look_comes_when_due(store: Store, clock: Clock, outcome: Outcome | None, pause_s: float) -> None:
    """And once in a while all the same: another process may have something to tell."""
    loft = Loft(store, clock, Pigeon(*([outcome] if outcome else [])), timing=Timing(first_wait_s=0.5))
    if outcome:
        loft.tell(1)
        loft.deliver()
    assert loft.box._deliveries["pigeon"]._turn() == pause_s


def test_channel_is_told_its_limits(store: Store, clock: Clock) -> None:
    limits: list[Waits] = []

    def land(message: Message, handover: Handover) -> Outcome:
        limits.append(handover.waits)
        return Delivered()

    loft = Loft(store, clock, land, timing=Timing(waits=Waits(accept_s=7.0)))
    loft.tell(1)
    loft.deliver()
    assert limits == [Waits(accept_s=7.0)]


def test_waits_are_the_rfcs() -> None:
    """RFC 5321, 4.5.3.2: greeting, commands, DATA, a block, the last dot."""
    waits = Waits()
    assert [waits.greeting_s, waits.command_s, waits.data_s, waits.block_s, waits.accept_s] == [300, 300, 120, 180, 600]


def test_refusal_reported_by_other_channel(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with HttpStandIn(lambda post: Reply(404, "no_service")) as slack, MailStandIn() as mail:
        box = Outbox(store, channels(mail.environ | {"SLACK_WEBHOOK": slack.url}))
        now = datetime.now(UTC)
        tell(store, box.receivers, 1, at=now)
        box.deliver_due()
        assert mail.next_mail().parsed["Message-ID"] == "<1-opened@example.org>"
        assert slack.next_post().text.endswith("id: 1-opened")
        health = box.channel_health(now)
        assert health["slack"].reason == "HTTP 404 no_service"
        assert health["email"].health is Health.OK


def test_shell_uses_services_channels(store: Store, clock: Clock) -> None:
    """What a shell without the settings finds out is told over the service's channels."""
    service = Loft(store, clock, pigeon := Pigeon())
    service.box.start()
    service.box.stop(30)
    shell = Outbox(store, [], sender="cli-1", clock=clock)
    assert shell.channel_names == ("pigeon",)
    tell(store, shell.receivers, 1)
    Loft(store, clock, pigeon).deliver()
    assert pigeon.ids == ["1-opened"]


def test_removed_channel_is_forgotten(store: Store, clock: Clock) -> None:
    """A channel that left the configuration is forgotten, with what waited for it."""
    old = Loft(store, clock, Pigeon(Retry("rain")))
    old.box.start()
    old.tell(1)
    old.box.stop(30)
    new = Outbox(store, [Channel("dove", Pigeon())], clock=clock)
    new.start()
    new.stop(30)
    assert Outbox(store, [], sender="cli-1", clock=clock).channel_names == ("dove",)
    assert history(store) == [("refused", "", "the channel is not configured any more")]


def test_others_event_is_not_told_by_a_message_around_it(store: Store, tmp_path: Path, clock: Clock) -> None:
    """What another process has added to the file meanwhile, between two events of one message, is still to be told."""
    loft = Loft(store, clock, pigeon := Pigeon(Retry("rain"), Delivered()))
    loft.tell(1)
    loft.deliver()
    with sqlite3.connect(tmp_path / "monitor.db", isolation_level=None) as locked:
        locked.execute("BEGIN IMMEDIATE")
        loft.tell(2)
        locked.execute("ROLLBACK")
    locked.close()
    assert store.problem
    with Store(tmp_path / "monitor.db") as other:
        tell(other, loft.box.receivers, 3)
    clock.now += MINUTE
    loft.deliver()
    store.try_to_heal(clock.now)
    assert store.problem == ""
    assert loft.deliver()
    assert [ids_in(message) for message in pigeon.sent] == [["1-opened"], ["1-opened", "2-opened"], ["3-opened"]]


def test_heal_while_an_attempt_is_under_way(store: Store, tmp_path: Path, clock: Clock) -> None:
    """Its events have other numbers in the file, and one of another process between them, which is still to be told."""
    loft = Loft(store, clock, Pigeon(Retry("rain")))
    loft.tell(1)
    loft.deliver()
    with sqlite3.connect(tmp_path / "monitor.db", isolation_level=None) as locked:
        locked.execute("BEGIN IMMEDIATE")
        loft.tell(2)
        loft.tell(3)
        locked.execute("ROLLBACK")
    locked.close()
    assert store.problem
    with Store(tmp_path / "monitor.db") as other:
        tell(other, loft.box.receivers, 4)
    clock.now += MINUTE
    loft = Loft(store, clock, stuck := Stuck(), timing=Timing(patience_s=0.02))
    loft.deliver()
    store.try_to_heal(clock.now)
    assert store.problem == ""
    stuck.released.set()
    until(loft.deliver)
    assert [ids_in(message) for message in stuck.sent] == [["1-opened", "2-opened", "3-opened"], ["4-opened"]]
    assert [message.is_repeat for message in stuck.sent] == [False, False]
    assert [state for number in range(1, 5) for state, _, _ in history(store, number)] == ["delivered"] * 4
    (row,) = store._query("SELECT out_to, cursor FROM receiver", ())
    assert row == (0, 4)


@pytest.mark.parametrize("outcome", [Delivered(), InDoubt("lost"), Retry("rain")])
def test_new_file_while_an_attempt_is_under_way(store: Store, tmp_path: Path, clock: Clock, outcome: Outcome) -> None:
    """The numbers begin anew there: what ends for the old file's events moves no cursor over the new one's."""
    loft = Loft(store, clock, Pigeon())
    for number in range(1, 6):
        loft.tell(number)
        loft.deliver()
    loft = Loft(store, clock, stuck := Stuck(outcome=outcome), timing=Timing(patience_s=0.02))
    loft.tell(6)
    loft.deliver()
    for file in tmp_path.iterdir():
        file.unlink()
    with Store(tmp_path / "monitor.db") as other:
        other.run(lambda tx: tx.save_state(State(), NOW))
        tell(other, loft.box.receivers, 7)
        stuck.released.set()
        until(lambda: not loft.box._deliveries["pigeon"]._under_way or loft.deliver())
        clock.now += HOUR
        until(loft.deliver)
    assert ids_in(stuck.sent[-1]) == ["7-opened"]


def test_delivery_goes_on_without_the_database(store: Store, tmp_path: Path, clock: Clock) -> None:
    loft = Loft(store, clock, pigeon := Pigeon(Retry("rain"), Delivered()))
    loft.tell(1)
    loft.deliver()
    for file in tmp_path.iterdir():
        file.unlink()
    tmp_path.rmdir()
    tmp_path.write_text("in the way")
    loft.tell(1, RECOVERED)
    assert store.problem
    loft.deliver()
    assert [ids_in(message) for message in pigeon.sent] == [["1-opened"], ["1-opened", "1-recovered"]]
    tmp_path.unlink()
    store.try_to_heal(NOW)
    assert store.problem == ""
    assert loft.pending == 0
    assert replace(store.reads.outbox_status()["pigeon"], last_error="").delivered_at == clock.now
    loft.tell(2)
    loft.deliver()
    assert pigeon.ids[2:] == ["2-opened"]


@pytest.mark.parametrize(
    ("outcome", "level", "line"),
    [
        (Delivered("coo"), "INFO", "pigeon accepted 1-opened"),
        (Delivered("coo", "in clear"), "INFO", "pigeon accepted 1-opened (in clear)"),
        (Refused("no such loft"), "ERROR", "pigeon refused 1-opened: no such …"),
        (Retry("rain"), "WARNING", "pigeon did not take 1-opened: …"),
        (InDoubt("no answer"), "WARNING", "pigeon did not acknowledge 1-opened: no answer"),
    ],
)
def test_every_attempt_is_logged(
    store: Store, clock: Clock, caplog: pytest.LogCaptureFixture, outcome: Outcome, level: str, line: str
) -> None:
    """In the words that an operator greps the journal for."""
    loft = Loft(store, clock, Pigeon(outcome))
    loft.tell(1)
    with caplog.at_level("INFO", logger="monitor_blueprint.alerts.delivery"):
        loft.deliver()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [(level, line)]


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.one_of(
            st.just("event"),
            st.just("restart"),
            st.sampled_from(
                [Delivered("ok"), Retry("rain"), Retry("busy", after_s=200.0), Refused("no"), InDoubt("lost"), InDoubt("here")]
            ),
            st.integers(min_value=-2_000, max_value=2_000),
        ),
        max_size=25,
    )
)
def test_belief_ends_at_the_truth(steps: list[str | int | Outcome]) -> None:
    """Whatever happens, the receiver is told every event that it may not have had, in order, and at last how things stand."""
    clock = Clock()
    outcomes: list[Outcome] = []
    received: list[Message] = []

    def fly(message: Message, handover: Handover) -> Outcome:
        outcome = outcomes.pop(0) if outcomes else Delivered()
        if isinstance(outcome, Delivered) or outcome == InDoubt("here"):
            received.append(message)
        return outcome

    with tempfile.TemporaryDirectory() as directory, Store(Path(directory) / "monitor.db") as store:
        patient = Timing(keep_s=1e9)
        loft = Loft(store, clock, fly, timing=patient)
        events, opened_at = 0, NOW
        for step in steps:
            if step == "event":
                events += 1
                is_opening = events % 2 == 1
                opened_at = clock.now if is_opening else opened_at
                loft.tell((events + 1) // 2, OPENED if is_opening else RECOVERED, clock.now, opened_at)
            elif step == "restart":
                loft = Loft(store, clock, fly, timing=patient)
            elif isinstance(step, int):
                clock.now += step * SECOND
            elif not isinstance(step, str):
                outcomes.append(step)
            loft.deliver()
        outcomes.clear()
        clock.now += timedelta(days=8)
        loft.deliver()
        assert all(status.pending == 0 for status in store.reads.outbox_status().values())
    expected = [f"{(n + 1) // 2}-{OPENED if n % 2 else RECOVERED}" for n in range(1, events + 1)]
    told = [id_ for message in received for id_ in ids_in(message)]
    assert list(dict.fromkeys(told)) == [id_ for id_ in expected if id_ in told]
    # Three times lost, and it counts as told; nothing else is left out, and how things stand is told at last.
    if InDoubt("lost") not in steps:
        assert list(dict.fromkeys(told)) == expected
    assert bool(received) == bool(events)
    assert not received or received[-1].body.startswith("[CRITICAL]" if events % 2 else "[OK]")
