from __future__ import annotations

import queue
import re
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

from monitor_blueprint.alerts.delivery import Health, Outbox, Timing, summary_id
from monitor_blueprint.domain.messages import Delivered, Message, Outcome, Refused, Retry
from monitor_blueprint.domain.models import Event, EventKind
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


def test_messages_are_delivered_in_order_and_once(store: Store, clock: Clock) -> None:
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
    detail = store.reads.incident(1)
    assert detail is None or detail.deliveries[0].answer == "coo"


def test_a_failed_message_holds_the_later_ones_back_and_comes_first(store: Store, clock: Clock) -> None:
    pigeon = Pigeon(Retry("rain"), Delivered())
    add(store, 1)
    add(store, 2)
    box = outbox(store, clock, pigeon)
    box.deliver_due()
    assert pigeon.ids == ["1-opened"]
    clock.now += SECOND
    box.deliver_due()
    assert pigeon.ids == ["1-opened", "1-opened", "2-opened"]


def test_the_time_between_attempts_doubles_up_to_a_limit(store: Store, clock: Clock) -> None:
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
def test_the_jitter_spreads_attempts_over_half_the_wait(store: Store, clock: Clock, jitter: float, wait_s: float) -> None:
    add(store, 1)
    channel = Channel("pigeon", Pigeon(Retry("rain")))
    Outbox(store, [channel], summarise, clock=clock, jitter=lambda: jitter).deliver_due()
    assert store.reads.outbox_status()["pigeon"].next_at == NOW + wait_s * SECOND


def test_what_the_other_side_asks_for_is_honoured(store: Store, clock: Clock) -> None:
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


def test_nobody_can_ask_for_a_whole_day(store: Store, clock: Clock) -> None:
    add(store, 1)
    outbox(store, clock, Pigeon(Retry("go away", after_s=86_400.0))).deliver_due()
    assert store.reads.outbox_status()["pigeon"].next_at == NOW + 15 * MINUTE


def test_a_clock_that_is_set_back_does_not_stop_the_delivery(store: Store, clock: Clock) -> None:
    pigeon = Pigeon(Retry("rain"), Delivered())
    add(store, 1)
    box = outbox(store, clock, pigeon)
    box.deliver_due()
    clock.now -= timedelta(days=30)
    box.deliver_due()
    assert len(pigeon.sent) == 2


def test_a_refused_message_is_not_tried_again_and_the_next_one_is_sent(store: Store, clock: Clock) -> None:
    pigeon = Pigeon(Refused("550 no such user"), Delivered())
    add(store, 1)
    add(store, 2)
    outbox(store, clock, pigeon).deliver_due()
    assert pigeon.ids == ["1-opened", "2-opened"]
    assert store.reads.outbox_status()["pigeon"].refused == 1


def test_a_refused_channel_is_reported_until_it_works_again(store: Store, clock: Clock) -> None:
    box = outbox(store, clock, Pigeon(Refused("HTTP 404 no_service"), Delivered()))
    assert box.channel_health(NOW)["pigeon"].health is Health.OK
    add(store, 1)
    box.deliver_due()
    health = box.channel_health(NOW)["pigeon"]
    assert (health.health, health.reason, health.since) == (Health.REFUSED, "HTTP 404 no_service", NOW)
    add(store, 2)
    box.deliver_due()
    assert box.channel_health(NOW)["pigeon"].health is Health.OK


def test_a_recipient_that_is_refused_is_reported_though_others_were_reached(store: Store, clock: Clock) -> None:
    box = outbox(store, clock, Pigeon(Delivered("ok", problem="b@example.com: 550")))
    add(store, 1)
    box.deliver_due()
    health = box.channel_health(NOW)["pigeon"]
    assert (health.health, health.reason) == (Health.REFUSED, "b@example.com: 550")
    assert store.reads.outbox_status()["pigeon"].pending == 0


def test_a_channel_that_fails_for_a_quarter_of_an_hour_is_reported(store: Store, clock: Clock) -> None:
    box = outbox(store, clock, Pigeon(Retry("rain")))
    add(store, 1)
    box.deliver_due()
    assert box.channel_health(NOW + 14 * MINUTE)["pigeon"].health is Health.OK
    health = box.channel_health(NOW + 15 * MINUTE)["pigeon"]
    assert (health.health, health.since, health.reason, health.pending) == (Health.FAILING, NOW, "rain", 1)


def test_a_message_that_nobody_even_tries_to_send_is_reported_too(store: Store, clock: Clock) -> None:
    box = outbox(store, clock, Pigeon())
    add(store, 1)
    assert box.channel_health(NOW + 15 * MINUTE)["pigeon"].health is Health.FAILING


def test_messages_from_before_the_monitors_start_do_not_make_a_channel_look_broken(store: Store, clock: Clock) -> None:
    add(store, 1, at=NOW - timedelta(hours=5))
    box = outbox(store, clock, Pigeon())
    assert box.channel_health(NOW + MINUTE)["pigeon"].health is Health.OK
    assert box.channel_health(NOW + 15 * MINUTE)["pigeon"].health is Health.FAILING


def test_one_channel_does_not_wait_for_another(store: Store, clock: Clock) -> None:
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
    box.notify()
    assert [arrived.get(timeout=30) for _ in range(2)] == ["1-opened", "2-opened"]
    assert store.reads.outbox_status()["pigeon"].pending == 2
    released.set()
    box.stop()


def test_a_backlog_of_a_long_outage_arrives_as_one_message(store: Store, clock: Clock) -> None:
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


def test_a_backlog_that_is_too_long_for_one_message_arrives_in_several_and_none_of_it_is_cut_off(
    store: Store, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
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


def test_after_a_short_outage_every_message_arrives_by_itself(store: Store, clock: Clock) -> None:
    pigeon = Pigeon(Retry("rain"), Delivered())
    add(store, 1)
    add(store, 2)
    box = outbox(store, clock, pigeon)
    box.deliver_due()
    clock.now += 9 * MINUTE
    box.deliver_due()
    assert pigeon.ids == ["1-opened", "1-opened", "2-opened"]


def test_a_single_late_message_arrives_as_it_is(store: Store, clock: Clock) -> None:
    pigeon = Pigeon()
    add(store, 1, at=NOW - timedelta(hours=5))
    outbox(store, clock, pigeon).deliver_due()
    assert pigeon.ids == ["1-opened"]


def test_messages_from_before_a_long_stop_of_the_monitor_are_put_together(store: Store, clock: Clock) -> None:
    pigeon = Pigeon()
    for number in (1, 2):
        add(store, number, at=NOW - timedelta(hours=5))
    outbox(store, clock, pigeon).deliver_due()
    assert pigeon.ids == [summary_id(["1-opened", "2-opened"])]


def test_a_summary_has_the_same_id_for_the_same_events_only() -> None:
    assert summary_id(["a", "b"]) == summary_id(["a", "b"])
    assert len({summary_id(ids) for ids in (["a", "b"], ["a", "b", "c"], ["ab"])}) == 3


def test_a_summary_that_cannot_be_written_does_not_hold_the_messages_back(
    store: Store, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(messages: list[Message], now: datetime) -> Message:
        raise LookupError

    pigeon = Pigeon()
    for number in (1, 2):
        add(store, number, at=NOW - timedelta(hours=5))
    Outbox(store, [Channel("pigeon", pigeon)], fail, clock=clock).deliver_due()
    assert pigeon.ids == ["1-opened", "2-opened"]
    assert "cannot be summarised" in caplog.text


def test_a_channel_that_breaks_is_tried_again_and_its_text_is_not_told(store: Store, clock: Clock) -> None:
    def explode(message: Message, timeout_s: float) -> Outcome:
        raise LookupError("https://hooks.slack.com/secret")

    add(store, 1)
    outbox(store, clock, explode).deliver_due()
    assert store.reads.outbox_status()["pigeon"].last_error == "unexpected LookupError"
    assert store.reads.outbox_status()["pigeon"].pending == 1


def test_a_time_without_threads_does_not_stop_a_channel_for_good(store: Store, clock: Clock) -> None:
    arrived: queue.Queue[str] = queue.Queue()

    def take(message: Message, timeout_s: float) -> Outcome:
        arrived.put(message.id)
        return Delivered()

    box = outbox(store, clock, take)
    box.start()
    with said("monitor_blueprint.alerts.delivery", "failed unexpectedly") as has_failed, few_threads(0):
        add(store, 1)
        box.notify()
        assert has_failed.wait(30)
    box.notify()
    assert arrived.get(timeout=30) == "1-opened"
    box.stop()


def test_an_attempt_without_end_is_left_alone_and_its_late_success_still_counts(store: Store, clock: Clock) -> None:
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


def test_after_three_waits_an_attempt_is_left_alone(store: Store, clock: Clock) -> None:
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


def test_one_that_ends_makes_room_for_another(store: Store, clock: Clock) -> None:
    stuck = Stuck(first=4, outcome=Retry("reset"))
    add(store, 1)
    box = outbox(store, clock, stuck)
    deliver(box, clock, 20, attempt_s=0.02)
    let_go(box, stuck)
    deliver(box, clock, 2, attempt_s=30.0)
    assert stuck.calls == ["1-opened"] * 5
    assert store.reads.outbox_status()["pigeon"].pending == 0


def test_a_late_failure_of_one_left_alone_is_forgotten(store: Store, clock: Clock) -> None:
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


def test_a_slack_that_drips_its_answer_is_left_alone(store: Store, clock: Clock) -> None:
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


def test_two_processes_never_send_over_one_channel_at_once(store: Store, tmp_path: Path, clock: Clock) -> None:
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
        outbox(other, clock, pigeon, sender="cli-1").deliver_due()
        assert pigeon.sent == []
        released.set()
        first.join()
        outbox(other, clock, pigeon, sender="cli-1").deliver_due()
    assert pigeon.sent == []
    assert store.reads.outbox_status()["pigeon"].pending == 0


def test_the_lease_of_a_sender_that_died_ends(store: Store, clock: Clock) -> None:
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


def test_a_service_that_starts_again_does_not_wait_for_its_own_lease(store: Store, clock: Clock) -> None:
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
def test_whatever_happens_every_message_is_settled_once_and_in_order(steps: list[str | int | Outcome]) -> None:
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


def test_a_mended_configuration_sends_what_was_refused_before(store: Store, clock: Clock) -> None:
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


def test_a_message_of_another_process_is_found_without_being_told(store: Store, tmp_path: Path) -> None:
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


def test_stopping_lets_the_attempt_under_way_end(store: Store, clock: Clock) -> None:
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


def test_a_refused_message_is_reported_by_the_other_channel(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with HttpStandIn(lambda post: Reply(404, "no_service")) as slack, MailStandIn() as mail:
        configured = channels(mail.environ | {"SLACK_WEBHOOK": slack.url})
        box = Outbox(store, configured, summarise)
        box.start()
        now = datetime.now(UTC)
        add(store, 1, box.channel_names, at=now)
        box.notify()
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


def test_what_a_shell_without_the_settings_finds_out_is_told_over_the_services_channels(store: Store, clock: Clock) -> None:
    pigeon = Pigeon(Delivered())
    service = outbox(store, clock, pigeon)
    service.start()
    shell = Outbox(store, [], summarise, sender="cli-1", clock=clock)
    add(store, 1, shell.channel_names)
    service.stop(30)
    outbox(store, clock, pigeon).deliver_due()
    assert pigeon.ids == ["1-opened"]


def test_a_channel_that_left_the_configuration_is_forgotten_with_what_waited_for_it(store: Store, clock: Clock) -> None:
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
