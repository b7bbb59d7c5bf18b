"""The single results: the last ones, how a check stood, and how its values are spread."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_blueprint.domain.models import CheckResult, Reading, Status
from monitor_blueprint.storage.hours import HOUR
from monitor_blueprint.storage.results import DURATION_MS, LATENCY_MS, PastResult, Spell, Spread, rank
from monitor_blueprint.storage.store import Store

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
SINCE = NOW - timedelta(days=1)
COVERS_S = 900.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "monitor.db") as store:
        yield store


def record(store: Store, *results: CheckResult) -> None:
    for result in results:
        store.run(lambda tx, result=result: tx.record_round(result.at, 1.0, result.status, [result]))  # type: ignore[misc]


def at(minutes: float) -> datetime:
    return SINCE + timedelta(minutes=minutes)


def result(minutes: float, status: Status = Status.OK, value: float | None = None, **facts: float) -> CheckResult:
    return CheckResult("Web", "http", (Reading("http", status, value=value, facts=facts),), at(minutes), duration_ms=12.345)


def test_the_last_come_first(store: Store) -> None:
    record(store, result(0), result(5, Status.CRITICAL), result(10, value=3.5))
    assert store.reads.results.last("Web", 2) == (
        PastResult(at(10), Status.OK, {"http": 3.5, DURATION_MS: 12.3}),
        PastResult(at(5), Status.CRITICAL, {DURATION_MS: 12.3}),
    )
    assert store.reads.results.last("Mail", 2) == ()


def test_only_an_answer_has_a_latency(store: Store) -> None:
    """A connection that is refused at once is no fast answer."""
    record(store, result(0, http_status=0, latency_ms=0.2), result(5, http_status=502, latency_ms=40.5))
    assert [each.values.get(LATENCY_MS) for each in store.reads.results.last("Web", 9)] == [40.5, None]
    summed = store.reads.hours.series("Web", [LATENCY_MS, DURATION_MS], (SINCE, NOW), HOUR)
    assert (summed[LATENCY_MS].count, summed[DURATION_MS].count) == ((1,), (2,))


def test_how_a_check_stood(store: Store) -> None:
    record(store, *[result(minutes) for minutes in (10, 15, 20)])
    record(store, result(25, Status.CRITICAL), result(30, Status.CRITICAL), result(100), result(105, Status.UNKNOWN))
    assert store.reads.results.spells("Web", SINCE, at(200), COVERS_S) == (
        Spell(SINCE, at(10), None),
        Spell(at(10), at(25), Status.OK),
        Spell(at(25), at(45), Status.CRITICAL),
        Spell(at(45), at(100), None),
        Spell(at(100), at(105), Status.OK),
        Spell(at(105), at(120), Status.UNKNOWN),
        Spell(at(120), at(200), None),
    )


def test_one_before_says_how_it_began(store: Store) -> None:
    record(store, result(0, Status.WARNING), result(60))
    assert store.reads.results.spells("Web", at(5), at(62), COVERS_S) == (
        Spell(at(5), at(15), Status.WARNING),
        Spell(at(15), at(60), None),
        Spell(at(60), at(62), Status.OK),
    )


def test_nobody_has_watched(store: Store) -> None:
    assert store.reads.results.spells("Web", SINCE, NOW, COVERS_S) == (Spell(SINCE, NOW, None),)


def test_spells_say_what_the_results_say(store: Store) -> None:
    """As one by one, over a long time with holes."""
    chance, minutes, results = random.Random(3), 0.0, []
    while minutes < 1500:
        results.append(result(minutes, chance.choice([Status.OK, Status.OK, Status.CRITICAL, Status.UNKNOWN])))
        minutes += chance.choice([5, 5, 5.5, 14, 40])
    record(store, *results)
    since, until = at(333), NOW
    spells = store.reads.results.spells("Web", since, until, COVERS_S)
    assert (spells[0].since, spells[-1].until) == (since, until)
    assert all(one.until == following.since and one.status != following.status for one, following in pairwise(spells))
    for minute in range(333, 24 * 60):
        moment = at(minute + 0.25)
        newest = [each for each in results if each.at <= moment][-1]
        expected = newest.status if moment - newest.at < timedelta(seconds=COVERS_S) else None
        assert next(each.status for each in spells if each.since <= moment < each.until) is expected


def test_values_are_spread(store: Store) -> None:
    record(store, *[result(5 * number, value=float(number)) for number in range(20)], result(130), result(135, value=7))
    assert store.reads.results.spread("Web", "http", SINCE, NOW, HOUR) == (
        Spread(round(SINCE.timestamp()), 12, 5, 11),
        Spread(round(at(60).timestamp()), 8, 15, 19),
        Spread(round(at(120).timestamp()), 1, 7, 7),
    )


def test_order_of_what_was_measured(store: Store) -> None:
    record(store, *[result(5 * number, value=value) for number, value in enumerate((9.0, 100.5, 7.25))], result(15))
    assert store.reads.results.values("Web", "http", SINCE, NOW) == [7.25, 9.0, 100.5]


@pytest.mark.parametrize(
    ("values", "half", "most"), [([1], 1, 1), ([1, 2], 1, 2), ([1, 2, 3], 2, 3), (list(range(1, 101)), 50, 95)]
)
def test_nearest_ranks(values: list[float], half: float, most: float) -> None:
    assert (rank(values, 50), rank(values, 95)) == (half, most)


@given(st.lists(st.floats(allow_nan=False), min_size=1).map(sorted), st.integers(1, 100))
def test_so_many_lie_at_or_below(values: list[float], percent: int) -> None:
    found = rank(values, percent)
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)
