"""Any sequence of results, silences, restarts and clock values, and an operator who believes what the events say."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from monitor_blueprint.domain.flapping import FlapRules
from monitor_blueprint.domain.incidents import IncidentRules, acknowledge, advance
from monitor_blueprint.domain.models import (
    Belief,
    CheckPolicy,
    CheckResult,
    CheckState,
    Event,
    EventKind,
    Incident,
    Silence,
    State,
    Status,
)
from monitor_blueprint.domain.thresholds import judge
from tests.monitor_blueprint.domain.story import START, readings

NAMES = ("Nginx", "Django", "Flask", "Disk")
DEPENDENCIES = {"Nginx": ("Django",), "Django": ("Flask",), "Flask": (), "Disk": ()}
ALL_CAUSES = {"Nginx": {"Django", "Flask"}, "Django": {"Flask"}, "Flask": set[str](), "Disk": set[str]()}
WORDS = ("ok", "warning", "stopped", "502", "slow", "unknown", "starting", "warming")
STEADY_WORDS = ("ok", "warning", "stopped", "502", "slow", "unknown")
RULES = IncidentRules(reminder_s=1200, flapping=FlapRules(changes=4, window_s=1500, calm_s=600))
GRACE_S = 10.0
BAD = {"failing", "consequence", "blind"}
OPENINGS = (EventKind.OPENED, EventKind.JOINED, EventKind.BLIND, EventKind.WORSENED)


class Operator:
    """Knows only what the events say."""

    def __init__(self) -> None:
        self.beliefs: dict[str, str] = {}
        self.incident = 0
        self.is_open = False

    def read_all(self, events: tuple[Event, ...]) -> None:
        """Read what one cycle tells; every event of it names all that is failing after it."""
        before = dict(self.beliefs)
        for event in events:
            self._check(event, [before.get(name, "fine") for name in event.checks])
            self._believe(event)
            self.is_open = event.kind is not EventKind.RECOVERED and any(b != "fine" for b in self.beliefs.values())

    def _check(self, event: Event, notified: list[str]) -> None:
        if event.incident != self.incident:
            assert event.incident > self.incident, "incidents count up"
            assert event.kind in (EventKind.OPENED, EventKind.BLIND, EventKind.FLAPPING), "a new incident is opened"
        else:
            assert event.kind is not EventKind.OPENED, "an incident is opened once"
        self.incident = event.incident
        match event.kind:
            case EventKind.OPENED:
                assert not self.is_open, "no two openings in a row"
                assert set(notified) == {"fine"}
            case EventKind.JOINED:
                assert set(notified) == {"fine"}
            case EventKind.BLIND:
                assert set(notified) <= {"fine", "flapping"}
            case EventKind.WORSENED:
                assert set(notified) <= {"consequence", "blind", "flapping"}
            case EventKind.FLAPPING:
                assert "flapping" not in notified
            case EventKind.CALM:
                assert set(notified) == {"flapping"}
            case EventKind.REMINDER:
                assert set(notified) <= {*BAD, "flapping"}, "no reminder of what was not told"
            case EventKind.RECOVERED | EventKind.PARTLY_RECOVERED:
                assert set(notified) <= BAD, "no recovery without an opening"

    def _believe(self, event: Event) -> None:
        if event.lasted_s:
            seen_again = {name for name in event.checks if self.beliefs.get(name) == "blind"}
            assert set(event.blind) - set(event.failing) == seen_again, "what was not seen is not said to have been down"
        if event.kind in (EventKind.RECOVERED, EventKind.PARTLY_RECOVERED, EventKind.CALM):
            self.beliefs |= dict.fromkeys(event.checks, "fine")
        for name in event.failing:
            is_consequence, is_blind = name in event.consequences, name in event.blind
            assert not (is_consequence and is_blind)
            seen = "consequence" if is_consequence else "blind" if is_blind else "failing"
            # One that flaps is said to be down at the moment, and still to flap.
            self.beliefs[name] = "flapping" if name in event.flapping else seen
        if event.kind is EventKind.FLAPPING:
            self.beliefs |= dict.fromkeys(event.checks, "flapping")


class Monitor(RuleBasedStateMachine):
    """A monitor to which anything may happen."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.state = State()
        self.silences: list[Silence] = []
        self.operator = Operator()
        self.policies: tuple[CheckPolicy, ...] = ()
        self.has_news = False

    @initialize(confirms=st.tuples(*[st.integers(1, 3)] * len(NAMES)), is_circle=st.booleans())
    def configure(self, confirms: tuple[int, ...], is_circle: bool) -> None:
        dependencies = DEPENDENCIES | ({"Flask": ("Nginx",)} if is_circle else {})
        self.policies = tuple(
            CheckPolicy(name, dependencies[name], confirm) for name, confirm in zip(NAMES, confirms, strict=True)
        )
        self.causes = {name: set(NAMES[:3]) - {name} for name in NAMES[:3]} | {"Disk": set()} if is_circle else ALL_CAUSES

    @rule(
        how=st.fixed_dictionaries({}, optional={name: st.sampled_from(WORDS) for name in NAMES}),
        after_s=st.sampled_from((300.0, 300.0, 300.0, 1.0, 12.0, 3600.0)),
    )
    def complete_cycle(self, how: dict[str, str], after_s: float) -> None:
        self.run({name: how.get(name, "ok") for name in NAMES}, after_s)

    @rule(how=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(WORDS), min_size=1, max_size=2))
    def cycle_without_some_results(self, how: dict[str, str]) -> None:
        self.run(how, 300.0)

    @rule(
        how=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(WORDS), min_size=1, max_size=2),
        after_s=st.sampled_from((0.0, 1.0, 12.0)),
    )
    def partial_cycle(self, how: dict[str, str], after_s: float) -> None:
        self.run(how, after_s, is_complete=False)

    @rule(name=st.sampled_from(NAMES))
    def flap(self, name: str) -> None:
        for word in ("stopped", "ok", "stopped", "ok", "stopped"):
            self.run({other: word if other == name else "ok" for other in NAMES}, 60.0)

    @rule(name=st.sampled_from((*NAMES, "*")), minutes=st.sampled_from((1, 7, 30)))
    def silence(self, name: str, minutes: int) -> None:
        self.silences.append(Silence(name, self.now, self.now + timedelta(minutes=minutes)))

    @rule()
    def end_silences(self) -> None:
        self.silences.clear()

    @rule(jump_s=st.sampled_from((-1.0, -400.0, -86400.0, 86400.0, 30 * 86400.0)))
    def set_clock(self, jump_s: float) -> None:
        self.now += timedelta(seconds=jump_s)

    @rule()
    def restart(self) -> None:
        body = msgspec.json.encode(self.state)
        restored = msgspec.json.decode(body, type=State)
        assert restored == self.state
        assert msgspec.json.encode(restored) == body
        self.state = restored

    @rule()
    def acknowledge(self) -> None:
        self.state = acknowledge(self.state, "lee", self.now)

    @rule(how=st.fixed_dictionaries({name: st.sampled_from(STEADY_WORDS) for name in NAMES}))
    def time_of_quiet(self, how: dict[str, str]) -> None:
        """After a while in which nothing changes and nothing is silenced, the operator knows how things are."""
        self.silences.clear()
        for _ in range(10):
            self.run(how, 300.0)
        for name, word in how.items():
            assert self.operator.beliefs.get(name, "fine") in self.expected(name, word, how), (name, how)
        assert self.operator.is_open == (self.state.incident is not None)
        before = dict(self.operator.beliefs)
        self.run(how, 300.0)
        assert self.operator.beliefs == before

    @rule()
    def all_is_well(self) -> None:
        self.time_of_quiet(dict.fromkeys(NAMES, "ok"))
        assert self.state.incident is None
        assert not self.operator.is_open

    def expected(self, name: str, word: str, how: dict[str, str]) -> set[str]:
        if word == "ok":
            return {"fine"}
        if word == "warning":
            # From CRITICAL to WARNING is quiet.
            return {"fine", "failing", "consequence"}
        if word == "unknown":
            # What was last seen failing is believed so until it is seen again.
            return {"blind", "failing", "consequence"}
        if word == "502" and any(self.operator.beliefs.get(cause) == "failing" for cause in self.causes[name]):
            return {"failing", "consequence", "fine", "blind"}
        return {"failing"}

    def run(self, how: dict[str, str], after_s: float, *, is_complete: bool = True) -> None:
        self.now += timedelta(seconds=after_s)
        before = self.state
        results = [CheckResult(name, "service", readings(word), self.now) for name, word in how.items()]
        judged = [judge(each, before.checks.get(each.check, CheckState()), self.now, GRACE_S) for each in results]
        self.state, events = advance(before, judged, self.policies, self.silences, self.now, RULES, is_complete=is_complete)
        assert len({event.kind for event in events}) == len(events), "at most one event of each kind"
        silenced = self.silenced(self.now)
        for event in events:
            assert event.checks
            assert not silenced & {*event.checks, *event.failing}, "no message about what is silenced"
            assert set(event.consequences) <= set(event.failing)
            assert set(event.blind) <= {*event.failing, *event.lasted_s}
            assert set(event.since) == {*event.checks, *event.failing, *event.flapping, *event.silenced}
            assert not silenced & set(event.flapping)
            assert silenced >= set(event.silenced)
            assert all(seconds >= 0 for seconds in event.lasted_s.values())
            assert event.incident <= self.state.last_incident_number
        self.operator.read_all(events)
        if acked_by(before.incident) and self.state.incident:
            assert EventKind.REMINDER not in {event.kind for event in events}, "no reminder once acknowledged"
        if is_complete:
            self.everything_is_told_or_has_a_reason(silenced)

    def silenced(self, now: datetime) -> set[str]:
        return {name for name in NAMES if any(silence.covers(name, now) for silence in self.silences)}

    def everything_is_told_or_has_a_reason(self, silenced: set[str]) -> None:
        checks = self.state.checks
        # A consequence that is just starting waits, and its cause's recovery with it: one message says it all.
        starting = {n for n, c in checks.items() if c.settling_since and c.notified in (Belief.CONSEQUENCE, Belief.HIDDEN)}
        for name, check in checks.items():
            belief = self.operator.beliefs.get(name, "fine")
            if name in silenced or belief == "flapping":
                continue
            if check.status is Status.CRITICAL:
                is_held = check.is_symptom and any(self.may_explain(cause, silenced) for cause in self.causes[name])
                assert belief in ("failing", "consequence") or is_held or name in starting, name
            elif check.status is Status.OK:
                is_awaited = any(name in {each, *self.causes[each]} for each in starting)
                assert belief == "fine" or is_awaited or self.waits_for_others(name), name
            elif check.status is Status.UNKNOWN and check.streak >= RULES.blind_after:
                is_seen_failing_now = check.streak_of is Status.CRITICAL
                assert belief in BAD or is_seen_failing_now, name

    def waits_for_others(self, name: str) -> bool:
        """Tell whether it has just recovered, and others that failed are starting."""
        since = self.state.checks[name].since
        is_young = since is not None and 0 <= (self.now - since).total_seconds() < RULES.together_s
        others = [check for other, check in self.state.checks.items() if other != name]
        return is_young and any(each.settling_since and each.notified is not Belief.FINE for each in others)

    def may_explain(self, cause: str, silenced: set[str]) -> bool:
        """Tell whether the operator knows that the cause is failing, or is about to hear of it, or does not want to."""
        check = self.state.checks[cause]
        if check.is_down:
            is_hardly_unseen = check.status is Status.UNKNOWN and check.streak < RULES.blind_after
            is_known = self.operator.beliefs.get(cause) in ("failing", "consequence", "flapping")
            is_symptom_of_a_suspect = check.is_symptom and check.notified in (Belief.FINE, Belief.HIDDEN, Belief.BLIND)
            return cause in silenced or is_known or is_hardly_unseen or is_symptom_of_a_suspect
        return check.settling_since is not None or check.streak_of is Status.CRITICAL

    @invariant()
    def what_was_told_is_what_the_operator_believes(self) -> None:
        meant = {
            Belief.FINE: {"fine"},
            Belief.HIDDEN: {"fine"},
            Belief.CRITICAL: {"failing", "consequence"},
            Belief.CONSEQUENCE: {"consequence", "failing"},
            Belief.BLIND: {"blind"},
            Belief.FLAPPING: {"flapping"},
        }
        for name, check in self.state.checks.items():
            assert self.operator.beliefs.get(name, "fine") in meant[check.notified], name
        is_told = any(check.notified not in (Belief.FINE, Belief.HIDDEN) for check in self.state.checks.values())
        assert is_told == (self.state.incident is not None)
        if self.state.incident is not None:
            assert self.state.incident.number == self.operator.incident

    @invariant()
    def hidden_is_only_what_has_a_cause_that_was_told(self) -> None:
        for name, check in self.state.checks.items():
            if check.notified is Belief.HIDDEN:
                beliefs = {self.operator.beliefs.get(cause, "fine") for cause in self.causes[name]}
                assert beliefs & {"failing", "consequence", "flapping"}, name


def acked_by(incident: Incident | None) -> str:
    return incident.acked_by if incident else ""


Monitor.TestCase.settings = settings(
    max_examples=200, stateful_step_count=25, deadline=None, derandomize=True, phases=(Phase.generate, Phase.shrink)
)
TestMonitor = pytest.mark.timeout(900)(Monitor.TestCase)
