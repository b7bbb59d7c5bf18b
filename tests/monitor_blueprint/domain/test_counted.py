from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitor_blueprint.domain.decision import Decision, Rules, decide
from monitor_blueprint.domain.incidents import IncidentRules
from monitor_blueprint.domain.models import CheckPolicy, CheckResult, Reading, State, Status
from monitor_blueprint.domain.text import Public
from tests.monitor_blueprint.domain.story import line

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
UNIT = frozenset({"unit site"})
RULES = Rules((CheckPolicy("Site", shares=UNIT), CheckPolicy("Restarts")), IncidentRules())
UP = Reading("unit")
DOWN = Reading("unit", Status.CRITICAL, facts={"unit": Public("site.service")})
STARTING = Reading("unit", Status.CRITICAL, is_settling=True)
STEADY = Reading("steady")


def counted(first_s: float, last_s: float) -> Reading:
    """Too many restarts between these two moments, in seconds since the start."""
    began_at, last_at = (START + timedelta(seconds=each) for each in (first_s, last_s))
    facts = {"unit": Public("site")}
    return Reading("restarts", Status.CRITICAL, facts=facts, began_at=began_at, last_at=last_at, is_counted=True, is_symptom=True)


class Watch:
    """The rounds, one after the other, and what they tell."""

    def __init__(self) -> None:
        self.state = State()
        self.see(0, Site=UP, Restarts=STEADY)

    def see(self, at_s: float, *, is_complete: bool = True, **readings: Reading) -> Decision:
        now = START + timedelta(seconds=at_s)
        results = [CheckResult(name, "service", (reading,), now) for name, reading in readings.items()]
        decision = decide(self.state, results, (), now, RULES, is_complete=is_complete)
        self.state = decision.state
        return decision

    def told(self, at_s: float, *, is_complete: bool = True, **readings: Reading) -> list[str]:
        return [line(event) for event in self.see(at_s, is_complete=is_complete, **readings).events]


def test_restarts_of_an_outage_are_told_with_it() -> None:
    """Neither is there one more alert, nor does it go on when the service is well again."""
    watch = Watch()
    assert watch.told(60, Site=DOWN, Restarts=STEADY) == ["opened Site [Site]"]
    assert watch.told(64, Site=DOWN, Restarts=counted(58, 63)) == []
    assert watch.told(90, is_complete=False, Site=UP) == []
    over = watch.see(91, Site=UP, Restarts=counted(58, 89))
    assert [line(event) for event in over.events] == ["recovered Site []"]
    assert over.overall is Status.OK


def test_restarts_seen_at_once_follow_from_the_outage() -> None:
    watch = Watch()
    assert watch.told(60, Site=DOWN, Restarts=counted(40, 58)) == ["opened Site [Site, Restarts*]"]
    assert watch.told(90, Site=UP, Restarts=counted(40, 89)) == ["recovered Site, Restarts []"]


def test_restarts_that_nobody_saw_are_told() -> None:
    """The service is up whenever anyone looks."""
    watch = Watch()
    assert watch.told(60, Site=UP, Restarts=counted(20, 50)) == ["opened Restarts [Restarts]"]


def test_restarts_before_a_verdict_wait_for_it() -> None:
    watch = Watch()
    assert watch.told(60, Site=STARTING, Restarts=counted(50, 59)) == []
    assert watch.told(71, Site=STARTING, Restarts=counted(50, 70)) == ["opened Site [Site, Restarts*]"]


def test_restarts_after_an_outage_are_new() -> None:
    """And have begun after it."""
    watch = Watch()
    watch.see(60, Site=DOWN, Restarts=counted(40, 58))
    watch.see(90, Site=UP, Restarts=counted(40, 89))
    again = watch.see(120, Site=UP, Restarts=counted(40, 110))
    assert [line(event) for event in again.events] == ["opened Restarts [Restarts]"]
    assert again.events[0].since["Restarts"] == START + timedelta(seconds=90)


def test_restarts_of_an_unwatched_unit_are_told() -> None:
    watch = Watch()
    unwatched = Reading("restarts", Status.CRITICAL, facts={"unit": Public("other")}, last_at=START, is_symptom=True)
    assert watch.told(60, Site=DOWN, Restarts=unwatched) == ["opened Site, Restarts [Site, Restarts]"]
