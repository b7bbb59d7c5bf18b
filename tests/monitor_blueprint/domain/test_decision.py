from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitor_blueprint.domain.decision import Decision, Rules, decide
from monitor_blueprint.domain.incidents import ROUND_S, IncidentRules
from monitor_blueprint.domain.maintenance import Weekday, Window
from monitor_blueprint.domain.models import CheckPolicy, CheckResult, EventKind, Reading, Silence, State, Status

NOW = datetime(2025, 12, 6, 5, 35, 1, tzinfo=UTC)
RULES = Rules((CheckPolicy("Flask"), CheckPolicy("Disk")), IncidentRules())
SECOND = timedelta(seconds=1)


def seen(check: str, status: Status = Status.OK, at: datetime = NOW, *, is_settling: bool = False) -> CheckResult:
    return CheckResult(check, "service", (Reading("unit", status, is_settling=is_settling),), at)


def decided(
    *results: CheckResult, state: State | None = None, silences: Sequence[Silence] = (), rules: Rules = RULES
) -> Decision:
    return decide(state or State(), results, silences, NOW, rules, is_complete=True)


def test_a_failure_is_news() -> None:
    decision = decided(seen("Flask", Status.CRITICAL), seen("Disk"))
    assert [event.kind for event in decision.events] == [EventKind.OPENED]
    assert (decision.overall, decision.failed) == (Status.CRITICAL, frozenset({"Flask"}))


def test_a_recovery_is_no_news() -> None:
    down = decided(seen("Flask", Status.CRITICAL), seen("Disk"))
    up = decided(seen("Flask"), seen("Disk"), state=down.state)
    assert [event.kind for event in up.events] == [EventKind.RECOVERED]
    assert up.failed == frozenset()


def test_a_silenced_failure_is_not_told() -> None:
    silence = Silence("Flask", NOW - SECOND, NOW + SECOND)
    assert decided(seen("Flask", Status.CRITICAL), silences=[silence]).events == ()


def test_a_maintenance_window_silences() -> None:
    day = Weekday(NOW.weekday())
    window = Window((day,), time(5, 0), time(6, 0), ZoneInfo("UTC"))
    rules = replace(RULES, windows=(window,))
    decision = decided(seen("Flask", Status.CRITICAL), rules=rules)
    assert decision.events == ()
    assert decision.overall is Status.CRITICAL


def test_an_older_result_says_nothing() -> None:
    """Another round began later and ended earlier: what it saw is newer."""
    state = decided(seen("Flask", Status.CRITICAL), seen("Disk")).state
    decision = decided(seen("Flask", at=NOW - SECOND), seen("Disk"), state=state)
    assert [result.check for result in decision.results] == ["Disk"]
    assert decision.state.checks["Flask"].status is Status.CRITICAL


@pytest.mark.parametrize(("older_s", "is_fresh"), [(0.0, True), (ROUND_S, False), (ROUND_S + 1, True)])
def test_result_older_than_a_round_counts(older_s: float, is_fresh: bool) -> None:
    state = decided(seen("Flask"), seen("Disk")).state
    decision = decided(seen("Flask", at=NOW - older_s * SECOND), state=state)
    assert bool(decision.results) is is_fresh


def test_only_complete_round_makes_stale() -> None:
    state = decided(seen("Flask"), seen("Disk")).state
    later = NOW + timedelta(hours=1)
    for is_complete, status in ((True, Status.UNKNOWN), (False, Status.OK)):
        decision = decide(state, [seen("Flask", at=later)], (), later, RULES, is_complete=is_complete)
        assert decision.state.checks["Disk"].status is status


def test_clock_set_back_deafens_nobody() -> None:
    """A state from the far future is no newer round's."""
    future = NOW + timedelta(days=1)
    state = decide(State(), [seen("Flask", Status.CRITICAL, future)], (), future, RULES, is_complete=True).state
    decision = decided(seen("Flask"), seen("Disk"), state=state)
    assert [result.check for result in decision.results] == ["Flask", "Disk"]


def test_a_transition_says_how_long() -> None:
    first = decided(seen("Flask", Status.CRITICAL, is_settling=True), seen("Disk"))
    assert first.transitions == {"Flask": 10.0}
    later = NOW + 4 * SECOND
    again = seen("Flask", Status.CRITICAL, later, is_settling=True)
    assert decide(first.state, [again], (), later, RULES, is_complete=False).transitions == {"Flask": 6.0}
    over = NOW + 10 * SECOND
    assert decide(first.state, [again], (), over, RULES, is_complete=False).transitions == {}


def test_a_recovery_that_waits_is_looked_at_again() -> None:
    """When its time is over, whatever becomes of what it waits for."""
    down = decided(seen("Flask", Status.CRITICAL), seen("Disk", Status.CRITICAL)).state
    later = NOW + 60 * SECOND
    results = [seen("Disk", at=later), seen("Flask", Status.CRITICAL, later, is_settling=True)]
    waiting = decide(down, results, (), later, replace(RULES, grace_s=90.0), is_complete=False)
    assert waiting.events == ()
    assert waiting.transitions == {"Disk": 10.0, "Flask": 90.0}
