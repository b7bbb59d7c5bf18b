from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor_blueprint.domain.durations import lasted_s

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@given(st.floats(0, 100), st.floats(0, 100))
def test_who_subtracts_what_is_shown_finds_the_same(before: float, after: float) -> None:
    begin = NOON + timedelta(seconds=before)
    end = begin + timedelta(seconds=after)
    shown = end.replace(microsecond=0) - begin.replace(microsecond=0)
    assert lasted_s(begin, end) == shown.total_seconds()


def test_a_clock_set_back_makes_nothing_negative() -> None:
    assert lasted_s(NOON, NOON - timedelta(days=1)) == 0
