"""How a check stood over a long time, from the hours and days that are summed up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from monitor_blueprint.console.happenings import spells
from monitor_blueprint.console.view import View
from monitor_blueprint.domain.access import Role, Visitor
from monitor_blueprint.domain.models import CheckResult, Reading, Status
from monitor_blueprint.storage.results import Spell
from tests.monitor_blueprint.conftest import StartMonitor

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONTH = 30 * DAY


@pytest.fixture
def view(start_monitor: StartMonitor) -> View:
    """Disk has been watched for ten days, but for one of them, and was down for 20 minutes; the last result is just now."""
    monitor = start_monitor().monitor
    at, begin = NOW - 10 * DAY, NOW - 10 * DAY
    while at <= NOW:
        if not 3 * DAY <= NOW - at < 4 * DAY:
            is_down = 5 * DAY <= at - begin < 5 * DAY + 20 * timedelta(minutes=1)
            result = CheckResult("Disk", "scripted", (Reading("thing", Status.CRITICAL if is_down else Status.OK),), at)
            monitor.store.run(
                lambda tx, result=result: tx.record_round(result.at, 1.0, Status.OK, [result]),  # type: ignore[misc]
                is_lasting=False,
            )
        at += timedelta(minutes=10)
    return View(monitor.config, monitor.store, monitor.self_check, Visitor("", Role.READ), NOW)


def total(found: list[Spell], status: Status | None) -> timedelta:
    return sum((each.until - each.since for each in found if each.status is status), timedelta())


@pytest.mark.parametrize(("length", "step"), [(timedelta(days=7), timedelta(minutes=20)), (MONTH, HOUR), (365 * DAY, DAY)])
def test_all_of_the_time_is_told(view: View, length: timedelta, step: timedelta) -> None:
    """From the first moment to the last, each as long as it was, or as long as the steps that are drawn."""
    found = list(spells(view, "Disk", NOW - length, NOW))
    assert (found[0].since, found[-1].until) == (NOW - length, NOW)
    assert all(one.until == following.since and one.status is not following.status for one, following in pairwise(found))
    assert timedelta(minutes=20) <= total(found, Status.CRITICAL) <= 2 * step
    expected = DAY if length == 7 * DAY else length - 9 * DAY
    assert abs(total(found, None) - expected) <= 2 * step
    assert found[-1].status is Status.OK


def test_what_was_never_watched_is_told(view: View) -> None:
    assert list(spells(view, "Nothing", NOW - MONTH, NOW)) == [Spell(NOW - MONTH, NOW, None)]


def test_a_monitor_that_has_stopped_knows_nothing_since(view: View) -> None:
    later = NOW + 2 * DAY
    (*_, last) = spells(view, "Disk", later - MONTH, later)
    assert last.status is None
    assert timedelta(hours=47) < last.until - last.since <= 2 * DAY
