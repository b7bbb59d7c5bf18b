"""What flaps, and what only failed; a day of each, with the messages counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest

from monitor_blueprint.domain.flapping import FlapRules, is_flapping, lasts_after_s, share_of_changes
from monitor_blueprint.domain.models import Belief, CheckPolicy, CheckState, Event, EventKind, Status
from tests.monitor_blueprint.domain.story import START, Story

RULES = FlapRules()
DAY_S = 86400
CHECK_S = 300


def flips(*minutes: float) -> CheckState:
    """Return a check that has changed so many minutes after the start, each time, and is down."""
    return CheckState(status=Status.CRITICAL, is_down=True, flips=tuple(START + timedelta(minutes=minute) for minute in minutes))


def told(up_s: float, down_s: float, *, lasting_s: float = DAY_S, is_unit: bool = False) -> list[Event]:
    """Return what is told of a service that is up and down in turn; one with a unit is checked as it changes as well."""
    story = Story([CheckPolicy("Flask")])
    moments = set(range(0, int(lasting_s), CHECK_S))
    if is_unit:
        moments |= {int(n * (up_s + down_s) + into) + 1 for n in range(int(lasting_s / (up_s + down_s))) for into in (0, up_s)}
    events: list[Event] = []
    passed = 0
    for moment in sorted(moments):
        is_up = moment % (up_s + down_s) < up_s
        story.cycle(moment - passed, Flask="ok" if is_up else "stopped")
        passed = moment
        events += story.events
    return events


@pytest.mark.parametrize(
    ("up_min", "down_min", "is_unit", "most"),
    [
        (1, 1, True, 30),
        (1, 1, False, 30),
        (3, 3, False, 30),
        (10, 10, False, 30),
        (10, 10, True, 30),
        (7, 13, False, 30),
        (15, 15, False, 30),
        (20, 20, False, 30),
        (30, 30, False, 30),
    ],
)
def test_a_day_of_flapping_is_no_flood(up_min: int, down_min: int, is_unit: bool, most: int) -> None:
    """It is said once, and every hour how it stands."""
    events = told(up_min * 60, down_min * 60, is_unit=is_unit)
    assert 20 <= len(events) <= most, [event.kind for event in events]
    gaps = [after.at - before.at for before, after in pairwise(events)]
    assert max(gaps) <= timedelta(hours=1, seconds=CHECK_S), "no silence"


def test_long_outages_are_told_one_by_one() -> None:
    events = told(7200, 7200)
    kinds = [event.kind for event in events]
    assert (kinds.count(EventKind.OPENED), kinds.count(EventKind.RECOVERED)) == (6, 5)
    assert EventKind.FLAPPING not in kinds


def test_first_failures_are_told_at_once() -> None:
    events = told(600, 600, lasting_s=3600)
    assert [(event.kind.value, (event.at - START).total_seconds() / 60) for event in events] == [
        ("opened", 10),
        ("recovered", 20),
        ("opened", 30),
        ("recovered", 40),
        ("flapping", 50),
    ]


@pytest.mark.parametrize(("period_min", "within_min"), [(1, 10), (5, 15), (10, 20), (20, 35), (30, 45)])
def test_an_outage_after_flapping_is_an_outage(period_min: int, within_min: int) -> None:
    """It is told as any other, with the moment at which it began, when it has lasted longer than what went before."""
    story = Story([CheckPolicy("Flask")])
    for _ in range(6):
        story.cycle(period_min * 60)
        story.cycle(period_min * 60, Flask="stopped")
    assert story.state.checks["Flask"].notified is Belief.FLAPPING
    began = story.now
    while not (notified := story.cycle(CHECK_S, Flask="stopped")):
        assert story.now - began < timedelta(minutes=within_min)
    assert notified == ["worsened Flask [Flask]"]
    assert story.now - began <= timedelta(minutes=within_min)
    (event,) = story.events
    assert event.since == {"Flask": began}
    story.cycle(600)
    assert story.events[0].kind is EventKind.RECOVERED
    assert story.events[0].lasted_s == {"Flask": (story.now - began).total_seconds()}


def test_reminder_says_how_it_stands() -> None:
    events = told(600, 600)
    reminders = [event for event in events if event.kind is EventKind.REMINDER]
    assert len(reminders) >= 20
    assert all(event.flapping["Flask"] >= 4 for event in reminders)
    for event in reminders:
        into_s = (event.at - START).total_seconds() % 1200
        assert event.failing == (("Flask",) if into_s >= 600 else ())
        assert event.since == {"Flask": event.at - timedelta(seconds=into_s % 600)}


def test_calm_says_how_long_it_flapped() -> None:
    story = Story([CheckPolicy("Flask")])
    for _ in range(4):
        story.cycle()
        story.cycle(Flask="stopped")
    up_since = story.now + timedelta(seconds=CHECK_S)
    while not story.cycle():
        pass
    (event,) = story.events
    assert (event.kind, event.failing, event.flapping) == (EventKind.CALM, (), {})
    # From the third failure on it flapped.
    assert event.lasted_s == {"Flask": (up_since - (START + timedelta(seconds=6 * CHECK_S))).total_seconds()}
    assert story.now - up_since == timedelta(minutes=15)


@pytest.mark.parametrize(
    ("minutes", "share"),
    [
        # As in Nagios: the newest of 20 possible changes weighs 1.25, the oldest 0.75.
        ([100], 1.25 / 20),
        ([0], 0.75 / 20),
        ([0, 100], 2.0 / 20),
        ([-1], 0.0),
        (list(range(0, 101, 5)), 1.0),
    ],
)
def test_newer_changes_weigh_more(minutes: Sequence[float], share: float) -> None:
    assert share_of_changes(flips(*minutes).flips, START + timedelta(minutes=100), RULES) == pytest.approx(share)


def test_recovery_begins_no_flapping() -> None:
    now = START + timedelta(minutes=20)
    check = flips(0, 5, 10, 15, 20)
    assert is_flapping(check, now, RULES)
    assert not is_flapping(CheckState(flips=check.flips), now, RULES)


@pytest.mark.parametrize(
    ("minutes", "after_min"),
    [([], 5), ([0], 5), ([0, 10, 20, 30, 40], 15), ([0, 1, 2, 3, 4], 5), ([0, 1, 41, 42, 43, 44, 45], 5), ([0, 40, 80], 45)],
)
def test_it_lasts_when_it_is_unusually_long(minutes: Sequence[float], after_min: float) -> None:
    assert lasts_after_s(flips(*minutes), RULES) == after_min * 60
