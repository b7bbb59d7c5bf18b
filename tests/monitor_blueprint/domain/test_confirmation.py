from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor_blueprint.domain.confirmation import count_absence
from monitor_blueprint.domain.models import CheckState, Status

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
STALE_S = 600.0
SEEN_AT = NOW - timedelta(seconds=STALE_S)
MOMENT = timedelta(milliseconds=1)
BEFORE = CheckState(since=SEEN_AT - MOMENT, seen_at=SEEN_AT, streak=7, settling_since=SEEN_AT)


def absent(before: CheckState, now: datetime = NOW) -> CheckState:
    return count_absence(before, now, STALE_S, 3)


def test_absence_up_to_the_limit_changes_nothing() -> None:
    assert absent(BEFORE) == BEFORE


def test_longer_absence_is_blindness_at_once() -> None:
    """What was in transition is so no longer, and since when nothing was seen is kept."""
    now = NOW + MOMENT
    blind = replace(BEFORE, status=Status.UNKNOWN, since=now, streak=3, streak_of=Status.UNKNOWN, settling_since=None)
    assert absent(BEFORE, now) == replace(blind, failing_since=now)


@pytest.mark.parametrize(("streak", "after"), [(2, 3), (3, 3), (4, 4)])
def test_blindness_goes_on_as_it_began(streak: int, after: int) -> None:
    began = SEEN_AT + MOMENT
    blind = replace(BEFORE, status=Status.UNKNOWN, since=began, streak=streak, streak_of=Status.UNKNOWN, failing_since=began)
    assert absent(blind, NOW + MOMENT) == replace(blind, streak=after, settling_since=None)


def test_outage_that_is_unseen_keeps_its_beginning() -> None:
    down = replace(BEFORE, status=Status.CRITICAL, is_down=True, failing_since=SEEN_AT)
    assert absent(down, NOW + MOMENT).failing_since == SEEN_AT


@pytest.mark.parametrize("seen_at", [None, NOW + timedelta(days=1)])
def test_first_look_and_clock_set_back_begin_now(seen_at: datetime | None) -> None:
    assert absent(replace(BEFORE, seen_at=seen_at)) == replace(BEFORE, seen_at=NOW)
