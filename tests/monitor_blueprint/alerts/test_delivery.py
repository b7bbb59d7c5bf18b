from __future__ import annotations

import queue
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor_blueprint.alerts.channel_health import Health
from monitor_blueprint.alerts.delivery import Timing, summary_id
from monitor_blueprint.alerts.outbox import Outbox
from monitor_blueprint.domain.messages import Delivered, Message, Outcome, Refused, Retry
from monitor_blueprint.domain.models import Event, EventKind, Incident, State
from monitor_blueprint.notifiers import Channel, channels
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text import messages
from tests.monitor_blueprint.shortage import few_threads, said
from tests.monitor_blueprint.standins import HttpStandIn, MailStandIn, Reply

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


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

    def __call__(self, message: Message, timeout_s: float) -> Outcome:
        self.sent.append(message)
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]

    @property
    def ids(self) -> list[str]:
        return [message.id for message in self.sent]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "monitor.db") as store:
        yield store


def add(store: Store, number: int, names: Sequence[str] = ("pigeon",), at: datetime = NOW) -> None:
    event = Event(EventKind.OPENED, at, number, at, ("Flask",))
    message = Message(f"{number}-opened", f"subject {number}", f"body {number}", at, number, "opened")
    store.run(lambda tx: tx.add_event(event, f"{number}-opened", dict.fromkeys(names, message)))


def history(store: Store) -> list[tuple[str, str, str]]:
    """Return how the messages of the first incident fared: state, id that was sent, answer."""
    incident = Incident(1, NOW, NOW)
    store.run(lambda tx: tx.save_state(State(incident=incident, last_incident_number=1), NOW))
    detail = store.reads.incident(1)
    assert detail is not None
    return [(each.state, each.sent_as, each.answer) for each in detail.deliveries]


def summarise(messages: list[Message], now: datetime) -> Message:
    return Message("", f"{len(messages)} late", " ".join(message.id for message in messages), now)


def outbox(
    store: Store,
    clock: Callable[[], datetime],
    *pigeons: Pigeon | Callable[[Message, float], Outcome],
    sender: str = "service",
    timing: Timing | None = None,
    fingerprint: str = "",
) -> Outbox:
    names = ("pigeon", "raven")
    lanes = [Channel(name, pigeon, fingerprint) for name, pigeon in zip(names, pigeons, strict=False)]
    return Outbox(store, lanes, summarise, sender=sender, timing=timing, clock=clock, jitter=lambda: 1.0)


def test_messages_arrive_in_order(store: Store, clock: Clock) -> None:
    """Messages are delivered in order, and once."""
    pigeon = Pigeon()
    for number in (1, 2, 3):
        add(store, number)
    box = outbox(store, clock, pigeon)
    box.deliver_due()
    box.deliver_due()
    assert pigeon.ids == ["1-opened", "2-opened", "3-opened"]
    assert pigeon.sent[0] == Message("1-opened", "subject 1", "body 1", NOW, 1, "opened")
    status = store.reads.outbox_status()["pigeon"]
    assert (status.pending, status.delivered_at) == (0, NOW)
    assert history(store) == [("delivered", "1-opened", "coo")]


def test_failed_message_comes_first(store: Store, clock: Clock) -> None:
    """A failed message holds the later ones back, and comes first."""
    pigeon = Pigeon(Retry("rain"), Delivered())
    add(store, 1)
    add(store, 2)
    box = outbox(store, clock, pigeon)
    box.deliver_due()
    assert pigeon.ids == ["1-opened"]
    clock.now += SECOND
    box.deliver_due()
    assert pigeon.ids == ["1-opened", "1-opened", "2-opened"]


def test_pauses_double_to_a_limit(store: Store, clock: Clock) -> None:
    """The time between attempts doubles, up to a limit."""
    pigeon = Pigeon(Retry("rain"))
    add(store, 1)
    box = outbox(store, clock, pigeon)
    waits = []
    for _ in range(11):
        box.deliver_due()
        due_at = store.reads.outbox_status()["pigeon"].next_at
        assert due_at is not None
        waits.append((due_at - clock.now).total_seconds())
        clock.now = due_at - timedelta(milliseconds=1)
        box.deliver_due()
        clock.now = due_at
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert len(pigeon.sent) == 11


@pytest.mark.parametrize(("jitter", "wait_s"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_jitter_spreads_over_half_the_wait(store: Store, clock: Clock, jitter: float, wait_s: float) -> None:
    add(store, 1)
    channel = Channel("pigeon", Pigeon(Retry("rain")))
    Outbox(store, [channel], summarise, clock=clock, jitter=lambda: jitter).deliver_due()
    assert store.reads.outbox_status()["pigeon"].next_at == NOW + wait_s * SECOND


def test_requested_pause_is_honoured(store: Store, clock: Clock) -> None:
    """What the other side asks for is honoured."""
    pigeon = Pigeon(Retry("slow down", after_s=120.0), Delivered())
    add(store, 1)
    box = outbox(store, clock, pigeon)
    box.deliver_due()
    clock.now += 119 * SECOND
    box.deliver_due()
    assert len(pigeon.sent) == 1
    clock.now += SECOND
    box.deliver_due()
    assert len(pigeon.sent) == 2


def test_requested_pause_has_a_limit(store: Store, clock: Clock) -> None:
    """Nobody can ask for a whole day."""
    add(store, 1)
    outbox(store, clock, Pigeon(Retry("go away", after_s=86_400.0))).deliver_due()
    assert store.reads.outbox_status()["pigeon"].next_at == NOW + 15 * MINUTE


def test_clock_set_back_stops_nothing(store: Store, clock: Clock) -> None:
    """A clock that is set back does not stop the delivery."""
    pigeon = Pigeon(Retry("rain"), Delivered())
    add(store, 1)
    box = outbox(store, clock, pigeon)
    box.deliver_due()
    clock.now -= timedelta(days=30)
    box.deliver_due()
    assert len(pigeon.sent) == 2


def test_refused_message_is_skipped(store: Store, clock: Clock) -> None:
    """A refused message is not tried again, and the next one is sent."""
    pigeon = Pigeon(Refused("550 no such user"), Delivered())
    add(store, 1)
    add(store, 2)
    outbox(store, clock, pigeon).deliver_due()
    assert pigeon.ids == ["1-opened", "2-opened"]
    assert store.reads.outbox_status()["pigeon"].refused == 1


def test_refused_channel_is_reported(store: Store, clock: Clock) -> None:
    """A refused channel is reported until it works again."""
    box = outbox(store, clock, Pigeon(Refused("HTTP 404 no_service"), Delivered()))
    assert box.channel_health(NOW)["pigeon"].health is Health.OK
    add(store, 1)
    box.deliver_due()
    health = box.channel_health(NOW)["pigeon"]
    assert (health.health, health.reason, health.since) == (Health.REFUSED, "HTTP 404 no_service", NOW)
    add(store, 2)
    box.deliver_due()
    assert box.channel_health(NOW)["pigeon"].health is Health.OK


def test_refused_recipient_is_reported(store: Store, clock: Clock) -> None:
    """A recipient that is refused is reported, though others were reached."""
    box = outbox(store, clock, Pigeon(Delivered("ok", problem="b@example.com: 550")))
    add(store, 1)
    box.deliver_due()
    health = box.channel_health(NOW)["pigeon"]
    assert (health.health, health.reason) == (Health.REFUSED, "b@example.com: 550")
    assert store.reads.outbox_status()["pigeon"].pending == 0


def test_failing_channel_is_reported(store: Store, clock: Clock) -> None:
    """A channel that fails for a quarter of an hour is reported."""
    box = outbox(store, clock, Pigeon(Retry("rain")))
    add(store, 1)
    box.deliver_due()
    assert box.channel_health(NOW + 14 * MINUTE)["pigeon"].health is Health.OK
    health = box.channel_health(NOW + 15 * MINUTE)["pigeon"]
    assert (health.health, health.since, health.reason, health.pending) == (Health.FAILING, NOW, "rain", 1)


def test_untried_message_is_reported(store: Store, clock: Clock) -> None:
    """A message that nobody even tries to send is reported too."""
    box = outbox(store, clock, Pigeon())
    add(store, 1)
    assert box.channel_health(NOW + 15 * MINUTE)["pigeon"].health is Health.FAILING


def test_old_messages_break_no_channel(store: Store, clock: Clock) -> None:
    """Messages from before the monitor's start do not make a channel look broken."""
    add(store, 1, at=NOW - timedelta(hours=5))
    box = outbox(store, clock, Pigeon())
    assert box.channel_health(NOW + MINUTE)["pigeon"].health is Health.OK
    assert box.channel_health(NOW + 15 * MINUTE)["pigeon"].health is Health.FAILING


def test_channels_do_not_wait(store: Store, clock: Clock) -> None:
    """One channel does not wait for another."""
    released = threading.Event()
    arrived: queue.Queue[str] = queue.Queue()

    def hang(message: Message, timeout_s: float) -> Outcome:
        released.wait(60)
        return Delivered()

    def land(message: Message, timeout_s: float) -> Outcome:
        arrived.put(message.id)
        return Delivered()

    box = outbox(store, clock, hang, land)
    box.start()
    for number in (1, 2):
        add(store, number, ["pigeon", "raven"])
    box.wake()
    assert [arrived.get(timeout=30) for _ in range(2)] == ["1-opened", "2-opened"]
    assert store.reads.outbox_status()["pigeon"].pending == 2
    released.set()
    box.stop()


def test_backlog_arrives_as_one_message(store: Store, clock: Clock) -> None:
    """A backlog of a long outage arrives as one message."""
    pigeon = Pigeon(Retry("rain"), Delivered("ok"))
    add(store, 1)
    box = outbox(store, clock, pigeon)
    box.deliver_due()
    for number in (2, 3):
        add(store, number, at=NOW + number * MINUTE)
    clock.now += 10 * MINUTE
    box.deliver_due()
    assert pigeon.ids == ["1-opened", summary_id(["1-opened", "2-opened", "3-opened"])]
    assert pigeon.sent[1].body == "1-opened 2-opened 3-opened"
    assert store.reads.outbox_status()["pigeon"].pending == 0
    box.deliver_due()
    assert len(pigeon.sent) == 2


def test_long_backlog_is_split(store: Store, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """A backlog that is too long for one message arrives in several, and none of it is cut off."""
    expected = [f"{number}-opened" for number in range(1, 201)]
    for number, id_ in enumerate(expected, 1):
        event = Event(EventKind.OPENED, NOW, number, NOW, ("Flask",))
        # One that is too long by itself among them.
        message = Message(id_, "subject", "가" * (40_000 if number == 77 else 300), NOW, number, "opened")
        store.run(lambda tx, event=event, message=message: tx.add_event(event, message.id, {"slack": message}))  # type: ignore[misc]
    clock.now += timedelta(hours=5)
    with HttpStandIn() as server:
        slack = channels({"SLACK_WEBHOOK": server.url})
        Outbox(store, slack, messages.backlog, clock=clock).deliver_due()
        texts = [server.posts.get_nowait().text for _ in range(server.posts.qsize())]
    assert store.reads.outbox_status()["slack"].pending == 0
    assert ["…" in text for text in texts] == [False, False, True, False, False, False]
    notified = [id_ for text in texts for id_ in re.findall(r"\d+-opened", text)]
    assert notified == expected
    assert "cannot be summarised" not in caplog.text


def test_short_outage_makes_no_summary(store: Store, clock: Clock) -> None:
    """After a short outage, every message arrives by itself."""
    pigeon = Pigeon(Retry("rain"), Delivered())
    add(store, 1)
    add(store, 2)
    box = outbox(store, clock, pigeon)
    box.deliver_due()
    clock.now += 9 * MINUTE
    box.deliver_due()
    assert pigeon.ids == ["1-opened", "1-opened", "2-opened"]


def test_single_late_message_is_unchanged(store: Store, clock: Clock) -> None:
    """A single late message arrives as it is."""
    pigeon = Pigeon()
    add(store, 1, at=NOW - timedelta(hours=5))
    outbox(store, clock, pigeon).deliver_due()
    assert pigeon.ids == ["1-opened"]


def test_messages_before_stop_are_combined(store: Store, clock: Clock) -> None:
    """Messages from before a long stop of the monitor are put together."""
    pigeon = Pigeon()
    for number in (1, 2):
        add(store, number, at=NOW - timedelta(hours=5))
    outbox(store, clock, pigeon).deliver_due()
    assert pigeon.ids == [summary_id(["1-opened", "2-opened"])]
    assert history(store) == [("delivered", pigeon.ids[0], "coo")]


def test_summary_id_depends_on_events() -> None:
    """A summary has the same id for the same events only."""
    assert summary_id(["a", "b"]) == summary_id(["a", "b"])
    assert len({summary_id(ids) for ids in (["a", "b"], ["a", "b", "c"], ["ab"])}) == 3


def test_summary_id_outlives_an_upgrade() -> None:
    """What was sent before one is not sent again after it under another name."""
    assert summary_id(["1-opened", "2-opened"]) == "summary-50fe38d96812"


def test_failing_summary_blocks_no_message(store: Store, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """A summary that cannot be written does not hold the messages back."""

    def fail(messages: list[Message], now: datetime) -> Message:
        raise LookupError

    pigeon = Pigeon()
    for number in (1, 2):
        add(store, number, at=NOW - timedelta(hours=5))
    Outbox(store, [Channel("pigeon", pigeon)], fail, clock=clock).deliver_due()
    assert pigeon.ids == ["1-opened", "2-opened"]
    assert "cannot be summarised" in caplog.text


def test_broken_channel_retried_without_leak(store: Store, clock: Clock) -> None:
    """A channel that breaks is tried again, and the text of its error is not told."""

    def explode(message: Message, timeout_s: float) -> Outcome:
        raise LookupError("https://hooks.slack.com/secret")

    add(store, 1)
    outbox(store, clock, explode).deliver_due()
    assert store.reads.outbox_status()["pigeon"].last_error == "unexpected LookupError"
    assert store.reads.outbox_status()["pigeon"].pending == 1


def test_channel_that_exits_is_retried(store: Store, clock: Clock) -> None:
    def leave(message: Message, timeout_s: float) -> Outcome:
        sys.exit("https://hooks.slack.com/secret")

    add(store, 1)
    outbox(store, clock, leave).deliver_due()
    assert store.reads.outbox_status()["pigeon"].last_error == "unexpected SystemExit"


def test_unexpected_failure_is_followed_by_pause(store: Store, clock: Clock) -> None:
    """The channel's thread goes on, and does not run in circles."""
    add(store, 1)
    box = outbox(store, clock, Pigeon())
    with few_threads(0):
        assert box._deliveries["pigeon"].deliver_due() == Timing().poll_s


def test_thread_shortage_is_survived(store: Store, clock: Clock) -> None:
    """A time without threads does not stop a channel for good."""
    arrived: queue.Queue[str] = queue.Queue()

    def take(message: Message, timeout_s: float) -> Outcome:
        arrived.put(message.id)
        return Delivered()

    box = outbox(store, clock, take)
    box.start()
    with said("monitor_blueprint.alerts.delivery", "failed unexpectedly") as has_failed, few_threads(0):
        add(store, 1)
        box.wake()
        assert has_failed.wait(30)
    box.wake()
    assert arrived.get(timeout=30) == "1-opened"
    box.stop()


def test_late_success_still_counts(store: Store, clock: Clock) -> None:
    """An attempt without end is left alone, and its late success still counts."""
    released = threading.Event()
    ended = threading.Event()
    calls: list[str] = []

    def drip(message: Message, timeout_s: float) -> Outcome:
        calls.append(message.id)
        released.wait(60)
        ended.set()
        return Delivered("at last")

    add(store, 1)
    box = outbox(store, clock, drip, timing=Timing(attempt_s=0.05))
    box.deliver_due()
    assert store.reads.outbox_status()["pigeon"].last_error == "no end after 0 s"
    clock.now += MINUTE
    box.deliver_due()
    assert calls == ["1-opened"]
    released.set()
    assert ended.wait(30)
    assert box._deliveries["pigeon"]._under_way.attempt.outcome(time.monotonic() + 30)  # type: ignore[union-attr]
    clock.now += MINUTE
    box.deliver_due()
    assert calls == ["1-opened"]
    assert store.reads.outbox_status()["pigeon"].pending == 0


class Stuck:
    """A channel whose first attempts do not end before they are let go; the later ones land at once."""

    def __init__(self, first: int, outcome: Outcome | None = None) -> None:
        self.first = first
        self.outcome = outcome or Delivered("at last")
        self.calls: list[str] = []
        self.begun = threading.Event()
        self.released = threading.Event()

    def __call__(self, message: Message, timeout_s: float) -> Outcome:
        self.calls.append(message.id)
        self.begun.set()
        if len(self.calls) > self.first:
            return Delivered("coo")
        self.released.wait(60)
        return self.outcome


def deliver(box: Outbox, clock: Clock, times: int, attempt_s: float) -> None:
    """Deliver what is due several times, each when the backoff is over, and wait for an attempt for `attempt_s` each time."""
    box._deliveries["pigeon"]._timing = Timing(attempt_s=attempt_s, backlog_s=86_400.0)
    for _ in range(times):
        clock.now += 5 * MINUTE
        box.deliver_due()


def let_go(box: Outbox, stuck: Stuck) -> None:
    """Let the attempts end, and wait until all of them have."""
    stuck.released.set()
    delivery = box._deliveries["pigeon"]
    for each in (*delivery._left_alone, *([delivery._under_way] if delivery._under_way else ())):
        assert each.attempt.outcome(time.monotonic() + 30)


def test_after_three_waits_attempt_left_alone(store: Store, clock: Clock) -> None:
    """A connection that hangs for good holds up neither its own message nor the later ones."""
    stuck = Stuck(first=1)
    for number in (1, 2):
        add(store, number)
    box = outbox(store, clock, stuck)
    deliver(box, clock, 1, attempt_s=0.02)
    assert stuck.begun.wait(30)
    deliver(box, clock, 2, attempt_s=0.02)
    assert stuck.calls == ["1-opened"]
    deliver(box, clock, 1, attempt_s=30.0)
    assert stuck.calls == ["1-opened", "1-opened", "2-opened"]
    assert store.reads.outbox_status()["pigeon"].pending == 0
    let_go(box, stuck)


def test_no_more_than_three_attempts_are_left_alone(store: Store, clock: Clock) -> None:
    """Of a channel where everything hangs; and what was accepted in the end is not sent again."""
    stuck = Stuck(first=4)
    for number in (1, 2):
        add(store, number)
    box = outbox(store, clock, stuck)
    deliver(box, clock, 20, attempt_s=0.02)
    assert stuck.calls == ["1-opened"] * 4
    let_go(box, stuck)
    deliver(box, clock, 1, attempt_s=30.0)
    assert stuck.calls == ["1-opened"] * 4 + ["2-opened"]
    assert store.reads.outbox_status()["pigeon"].pending == 0


def test_one_ends_makes_room_for_another(store: Store, clock: Clock) -> None:
    stuck = Stuck(first=4, outcome=Retry("reset"))
    add(store, 1)
    box = outbox(store, clock, stuck)
    deliver(box, clock, 20, attempt_s=0.02)
    let_go(box, stuck)
    deliver(box, clock, 2, attempt_s=30.0)
    assert stuck.calls == ["1-opened"] * 5
    assert store.reads.outbox_status()["pigeon"].pending == 0


def test_late_failure_one_left_alone_forgotten(store: Store, clock: Clock) -> None:
    stuck = Stuck(first=1, outcome=Refused("HTTP 404"))
    add(store, 1)
    box = outbox(store, clock, stuck)
    deliver(box, clock, 1, attempt_s=0.02)
    assert stuck.begun.wait(30)
    deliver(box, clock, 2, attempt_s=0.02)
    deliver(box, clock, 1, attempt_s=30.0)
    let_go(box, stuck)
    add(store, 2)
    deliver(box, clock, 1, attempt_s=30.0)
    assert stuck.calls == ["1-opened", "1-opened", "2-opened"]
    assert box.channel_health(clock.now)["pigeon"].health is Health.OK
    assert not box._deliveries["pigeon"]._left_alone


def test_slack_drips_answer_is_left_alone(store: Store, clock: Clock) -> None:
    replies = iter([Reply(is_dripping=True)])
    with HttpStandIn(lambda post: next(replies, Reply())) as server:
        (slack,) = channels({"SLACK_WEBHOOK": server.url})
        box = Outbox(store, [replace(slack, name="pigeon")], summarise, clock=clock)
        for number in (1, 2):
            add(store, number)
        deliver(box, clock, 1, attempt_s=0.05)
        assert server.next_post().text.startswith("body 1\n")
        deliver(box, clock, 2, attempt_s=0.05)
        assert store.reads.outbox_status()["pigeon"].pending == 2
        deliver(box, clock, 1, attempt_s=30.0)
        assert [server.next_post().text.splitlines()[0] for _ in range(2)] == ["body 1", "body 2"]
    assert store.reads.outbox_status()["pigeon"].pending == 0


def test_one_sender_per_channel(store: Store, tmp_path: Path, clock: Clock) -> None:
    """Two processes never send over one channel at once."""
    inside = threading.Event()
    released = threading.Event()

    def slow(message: Message, timeout_s: float) -> Outcome:
        inside.set()
        released.wait(60)
        return Delivered()

    add(store, 1)
    first = threading.Thread(target=outbox(store, clock, slow).deliver_due)
    first.start()
    assert inside.wait(30)
    pigeon = Pigeon()
    with Store(tmp_path / "monitor.db") as other:
        # For longer than any attempt is waited for.
        clock.now += 44 * SECOND
        outbox(other, clock, pigeon, sender="cli-1").deliver_due()
        assert pigeon.sent == []
        released.set()
        first.join()
        outbox(other, clock, pigeon, sender="cli-1").deliver_due()
    assert pigeon.sent == []
    assert store.reads.outbox_status()["pigeon"].pending == 0


def test_dead_senders_lease_expires(store: Store, clock: Clock) -> None:
    add(store, 1)
    store.run(lambda tx: tx.outbox.claim("pigeon", "cli-1", NOW, 45.0))
    pigeon = Pigeon()
    box = outbox(store, clock, pigeon)
    clock.now += 44 * SECOND
    box.deliver_due()
    assert pigeon.sent == []
    clock.now += SECOND
    box.deliver_due()
    assert pigeon.ids == ["1-opened"]


def test_restart_ignores_own_lease(store: Store, clock: Clock) -> None:
    """A service that starts again does not wait for its own lease."""
    add(store, 1)
    store.run(lambda tx: tx.outbox.claim("pigeon", "service", NOW, 45.0))
    arrived = threading.Event()

    def land(message: Message, timeout_s: float) -> Outcome:
        arrived.set()
        return Delivered()

    box = outbox(store, clock, land)
    box.start()
    assert arrived.wait(30)
    box.stop()


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.one_of(
            st.just("event"),
            st.just("restart"),
            st.sampled_from([Delivered("ok"), Retry("rain"), Retry("busy", after_s=200.0), Refused("no")]),
            st.integers(min_value=-2_000, max_value=2_000),
        ),
        max_size=25,
    )
)
def test_every_message_settled_in_order(steps: list[str | int | Outcome]) -> None:
    """Whatever happens, every message is settled once and in order."""
    clock = Clock()
    settled: list[str] = []
    outcomes: list[Outcome] = []

    def fly(message: Message, timeout_s: float) -> Outcome:
        outcome = outcomes.pop(0) if outcomes else Delivered()
        if not isinstance(outcome, Retry):
            settled.extend(message.body.split() if message.id.startswith("summary") else [message.id])
        return outcome

    with tempfile.TemporaryDirectory() as directory, Store(Path(directory) / "monitor.db") as store:
        box = outbox(store, clock, fly)
        events = 0
        for step in steps:
            if step == "event":
                events += 1
                add(store, events, at=clock.now)
            elif step == "restart":
                box = outbox(store, clock, fly)
            elif isinstance(step, int):
                clock.now += step * SECOND
            elif not isinstance(step, str):
                outcomes.append(step)
            box.deliver_due()
        outcomes.clear()
        clock.now += timedelta(days=1)
        box.deliver_due()
        assert settled == [f"{number}-opened" for number in range(1, events + 1)]
        assert all(status.pending == 0 for status in store.reads.outbox_status().values())


def test_mended_configuration_resends_refused(store: Store, clock: Clock) -> None:
    """A mended configuration sends what was refused before."""
    add(store, 1, at=NOW - timedelta(hours=30))
    add(store, 2)
    old = outbox(store, clock, Pigeon(Refused("HTTP 404 no_service")), fingerprint="old")
    old.start()
    old.stop()
    old = outbox(store, clock, Pigeon(Refused("HTTP 404 no_service")), fingerprint="old")
    old.deliver_due()
    arrived: queue.Queue[str] = queue.Queue()

    def land(message: Message, timeout_s: float) -> Outcome:
        arrived.put(message.id)
        return Delivered()

    same = outbox(store, clock, land, fingerprint="old")
    same.start()
    same.stop()
    assert arrived.empty()
    assert same.channel_health(NOW)["pigeon"].health is Health.REFUSED
    mended = outbox(store, clock, land, fingerprint="new")
    mended.start()
    assert arrived.get(timeout=30) == "2-opened"
    mended.stop()
    assert arrived.empty()
    assert mended.channel_health(NOW)["pigeon"].health is Health.OK


def test_foreign_message_found_by_polling(store: Store, tmp_path: Path) -> None:
    """The outbox finds a message of another process without being told."""
    arrived = threading.Event()

    def land(message: Message, timeout_s: float) -> Outcome:
        arrived.set()
        return Delivered()

    box = outbox(store, lambda: datetime.now(UTC), land, timing=Timing(poll_s=0.02))
    box.start()
    with Store(tmp_path / "monitor.db") as other:
        add(other, 1, at=datetime.now(UTC))
    assert arrived.wait(30)
    box.stop()


def test_stop_awaits_running_attempt(store: Store, clock: Clock) -> None:
    """Stopping lets the attempt under way end."""
    inside = threading.Event()

    def slow(message: Message, timeout_s: float) -> Outcome:
        inside.set()
        assert box._stopping.wait(60)
        return Delivered()

    add(store, 1)
    add(store, 2)
    box = outbox(store, clock, slow)
    box.start()
    assert inside.wait(30)
    box.stop(30)
    assert store.reads.outbox_status()["pigeon"].pending == 1


def test_stop_awaits_no_endless_attempt(store: Store, clock: Clock) -> None:
    inside, released = threading.Event(), threading.Event()

    def hang(message: Message, timeout_s: float) -> Outcome:
        inside.set()
        released.wait(60)
        return Delivered()

    add(store, 1)
    box = outbox(store, clock, hang)
    box.start()
    assert inside.wait(30)
    box.stop(0.05)
    assert store.reads.outbox_status()["pigeon"].pending == 1
    released.set()
    box.stop(30)


def test_no_thread_keeps_the_program_alive(store: Store, clock: Clock) -> None:
    box = outbox(store, clock, Pigeon(), Pigeon())
    box.start()
    assert {thread.name: thread.daemon for thread in box._threads} == {"outbox-pigeon": True, "outbox-raven": True}
    box.stop(30)


@pytest.mark.parametrize(
    ("outcome", "pause_s"),
    [(None, 30.0), (Retry("rain"), 0.5), (Retry("busy", after_s=29.5), 29.5), (Retry("busy", after_s=60.0), 30.0)],
)
def test_next_look_comes_when_due(store: Store, clock: Clock, outcome: Outcome | None, pause_s: float) -> None:
    """And once in a while all the same: another process may have something to tell."""
    box = outbox(store, clock, Pigeon(*([outcome] if outcome else [])), timing=Timing(first_wait_s=0.5))
    if outcome:
        add(store, 1)
    assert box._deliveries["pigeon"].deliver_due() == pause_s


def test_channel_is_told_its_limit(store: Store, clock: Clock) -> None:
    limits: list[float] = []

    def land(message: Message, timeout_s: float) -> Outcome:
        limits.append(timeout_s)
        return Delivered()

    add(store, 1)
    outbox(store, clock, land, timing=Timing(operation_s=7.0)).deliver_due()
    assert limits == [7.0]


def test_refusal_reported_by_other_channel(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with HttpStandIn(lambda post: Reply(404, "no_service")) as slack, MailStandIn() as mail:
        configured = channels(mail.environ | {"SLACK_WEBHOOK": slack.url})
        box = Outbox(store, configured, summarise)
        box.start()
        now = datetime.now(UTC)
        add(store, 1, box.channel_names, at=now)
        box.wake()
        assert mail.next_mail().text == "body 1\n\nid: 1-opened\n"
        assert slack.next_post().text == "body 1\nid: 1-opened"
        box.stop()
        health = box.channel_health(now)
        assert health["slack"].reason == "HTTP 404 no_service"
        assert health["email"].health is Health.OK
        # What the incident rules make of it goes the same way.
        add(store, 2, box.channel_names, at=now)
        Outbox(store, configured, summarise).deliver_due()
        assert mail.next_mail().parsed["Message-ID"] == "<2-opened@example.org>"


def test_shell_uses_services_channels(store: Store, clock: Clock) -> None:
    """What a shell without the settings finds out is told over the service's channels."""
    pigeon = Pigeon(Delivered())
    service = outbox(store, clock, pigeon)
    service.start()
    shell = Outbox(store, [], summarise, sender="cli-1", clock=clock)
    add(store, 1, shell.channel_names)
    service.stop(30)
    outbox(store, clock, pigeon).deliver_due()
    assert pigeon.ids == ["1-opened"]


def test_removed_channel_is_forgotten(store: Store, clock: Clock) -> None:
    """A channel that left the configuration is forgotten, with what waited for it."""
    old = outbox(store, clock, Pigeon(Retry("rain")))
    old.start()
    add(store, 1)
    old.stop(30)
    new = Outbox(store, [Channel("dove", lambda message, timeout_s: Delivered())], summarise, clock=clock)
    new.start()
    new.stop(30)
    assert Outbox(store, [], summarise, sender="cli-1", clock=clock).channel_names == ("dove",)
    assert store.reads.outbox_status()["pigeon"].pending == 0


def test_delivery_goes_on_without_the_database(store: Store, tmp_path: Path, clock: Clock) -> None:
    pigeon = Pigeon(Retry("rain"), Delivered())
    add(store, 1)
    box = outbox(store, clock, pigeon)
    box.deliver_due()
    for file in tmp_path.iterdir():
        file.unlink()
    tmp_path.rmdir()
    tmp_path.write_text("in the way")
    add(store, 2)
    assert store.problem
    clock.now += MINUTE
    box.deliver_due()
    assert pigeon.ids == ["1-opened", "1-opened", "2-opened"]
    tmp_path.unlink()
    store.try_to_heal(NOW)
    assert store.problem == ""
    assert store.reads.outbox_status()["pigeon"].pending == 0
    assert replace(store.reads.outbox_status()["pigeon"], last_error="").delivered_at == clock.now


@pytest.mark.parametrize(
    ("outcome", "level", "line"),
    [
        (Delivered("coo"), "INFO", "pigeon accepted 1-opened"),
        (Delivered("coo", "b@example.com: 550"), "INFO", "pigeon accepted 1-opened, except: b@example.com: 550"),
        (Refused("no such loft"), "ERROR", "pigeon refused 1-opened: no such loft"),
        (Retry("rain"), "WARNING", "pigeon did not take 1-opened, next attempt in 1.0 s: rain"),
    ],
)
def test_every_attempt_is_logged(
    store: Store, clock: Clock, caplog: pytest.LogCaptureFixture, outcome: Outcome, level: str, line: str
) -> None:
    """In the words that an operator greps the journal for."""
    add(store, 1)
    with caplog.at_level("INFO", logger="monitor_blueprint.alerts.delivery"):
        outbox(store, clock, Pigeon(outcome)).deliver_due()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [(level, line)]
