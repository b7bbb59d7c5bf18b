"""The sums by hours and days: they say what the results say, wherever those come from."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib import resources
from itertools import pairwise
from pathlib import Path

import pytest

from monitor_blueprint.domain.models import CheckResult, Reading, Status
from monitor_blueprint.storage.hours import COVERS_S, DAY, HOUR, Watched
from monitor_blueprint.storage.sqlite import SCHEMAS
from monitor_blueprint.storage.store import Store

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
SINCE = NOW - timedelta(days=3)
HOURS = "schema_hours.sql"
LAST = [(Status.OK, NOW - timedelta(seconds=300)), (Status.CRITICAL, NOW)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "monitor.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store(path) as store:
        yield store


def past() -> list[CheckResult]:
    """Three days of a check, with holes, and with every status."""
    chance, at, found = random.Random(7), SINCE, []
    while at < NOW:
        readings = (
            Reading("usage", chance.choice(list(Status)), value=chance.randrange(1000) / 8),
            Reading("queue", value=chance.choice([None, 3.0])),
        )
        found.append(CheckResult("Disk", "disk", readings, at))
        at += timedelta(seconds=chance.choice([240, 300, 301.5, 2000, 9000]))
    return found


def record(store: Store, results: list[CheckResult]) -> None:
    for result in results:
        store.run(lambda tx, result=result: tx.record_round(result.at, 1.0, result.status, [result]))  # type: ignore[misc]


def said(results: list[CheckResult], since: datetime, until: datetime) -> Watched:
    """How long the check was what, from the results one by one."""
    lasted = dict.fromkeys(Status, 0.0)
    for one, following in pairwise(results):
        end = min(following.at, one.at + timedelta(seconds=COVERS_S))
        lasted[one.status] += max(0.0, (min(end, until) - max(one.at, since)).total_seconds())
    return Watched(lasted[Status.OK] + lasted[Status.WARNING], lasted[Status.CRITICAL], lasted[Status.UNKNOWN])


def agree(store: Store) -> None:
    results = past()
    bounds = [SINCE + timedelta(hours=number) for number in range(73)]
    watched = store.reads.hours.watched(["Disk", "Other"], bounds, SINCE)
    for found, (since, until) in zip(watched["Disk"], pairwise(bounds), strict=True):
        expected = said(results, since, until)
        assert (found.up_s, found.down_s, found.unknown_s) == pytest.approx(
            (expected.up_s, expected.down_s, expected.unknown_s), abs=0.01
        )
    assert watched["Other"] == [Watched()] * 72
    for step in (timedelta(minutes=20), HOUR, 6 * HOUR, DAY):
        series = store.reads.hours.series("Disk", ["usage", "nothing"], (SINCE, NOW), step)
        assert list(series) == ["usage"]
        usage = series["usage"]
        assert sum(usage.count) == len(results)
        for at_s, count, least, mean, greatest in zip(
            usage.at_s, usage.count, usage.least, usage.mean, usage.greatest, strict=True
        ):
            at = datetime.fromtimestamp(at_s, UTC)
            inside = [result.readings[0].value or 0.0 for result in results if at <= result.at < at + step]
            assert (count, least, greatest) == (len(inside), min(inside), max(inside))
            assert mean == pytest.approx(sum(inside) / len(inside), abs=0.001)


def test_sums_say_what_results_say(store: Store) -> None:
    record(store, past())
    agree(store)


def test_extremes_of_a_day(store: Store) -> None:
    """They are of whole hours, the one included in which the day began."""
    results = past()
    record(store, results)
    since = (NOW - DAY).replace(minute=0, second=0, microsecond=0)
    values = [result.readings[0].value or 0.0 for result in results if result.at >= since]
    wanted = {"Disk": "usage", "Nothing": "usage"}
    assert store.reads.hours.extremes(wanted, NOW - DAY) == {"Disk": (min(values), max(values))}
    assert store.reads.hours.extremes({"Disk": "nothing"}, NOW - DAY) == {}


def test_a_quarter_of_an_hour_is_covered() -> None:
    """What the reads say of a result's reach, the triggers say too."""
    assert f"at + {COVERS_S * 1000:.0f}" in resources.files("monitor_blueprint.storage").joinpath(HOURS).read_text("utf-8")


def test_results_from_before_are_summed_up(store: Store, path: Path) -> None:
    record(store, past())
    store.close()
    with closing(sqlite3.connect(path)) as database:
        for name in ("summary", "watched_hour"):
            database.execute(f"DROP TABLE {name}")
        for name in ("sum_up", "watch_hour"):
            database.execute(f"DROP TRIGGER {name}")
        database.execute(f"PRAGMA user_version = {SCHEMAS.index(HOURS)}")
        database.commit()
    with Store(path) as upgraded:
        agree(upgraded)


def test_what_was_kept_in_memory_counts(path: Path) -> None:
    results = past()
    path.mkdir()
    with Store(path) as store:
        assert store.problem
        record(store, results[: len(results) // 2])
        path.rmdir()
        store.try_to_heal(NOW)
        assert not store.problem
        record(store, results[len(results) // 2 :])
        agree(store)


def test_sums_outlive_the_results(store: Store) -> None:
    record(store, past())
    store.run(lambda tx: tx.prune(NOW + timedelta(days=40)))
    assert store.reads.hours.series("Disk", ["usage"], (SINCE, NOW), timedelta(minutes=1)) == {}
    assert store.reads.hours.series("Disk", ["usage"], (SINCE, NOW), DAY)["usage"]
    store.run(lambda tx: tx.record_round(NOW + timedelta(days=500), 1.0, Status.OK, []))
    store.run(lambda tx: tx.record_round(NOW, 1.0, Status.OK, []))
    store.run(lambda tx: tx.prune(NOW + timedelta(days=500)))
    assert store.reads.hours.series("Disk", ["usage"], (SINCE, NOW), DAY) == {}


def test_last_result_covers_a_while(store: Store) -> None:
    """Until the next one comes, but not for ever."""
    record(store, [CheckResult("Disk", "disk", (Reading("usage", status),), at) for status, at in LAST])

    def seen(now: datetime) -> Watched:
        ((watched,),) = store.reads.hours.watched(["Disk"], [NOW - HOUR, NOW + HOUR], now).values()
        return watched

    assert seen(NOW) == Watched(up_s=300)
    assert seen(NOW + timedelta(seconds=60)) == Watched(up_s=300, down_s=60)
    assert seen(NOW + timedelta(seconds=2000)) == Watched(up_s=300, down_s=COVERS_S)
    assert seen(NOW - HOUR) == Watched(up_s=300), "the clock was set back"
    found = store.reads.hours.over(["Disk", "Other"], NOW - HOUR, NOW + timedelta(seconds=100))
    assert {name: each.availability for name, each in found.items()} == {"Disk": 0.75, "Other": None}
