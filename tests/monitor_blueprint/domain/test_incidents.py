"""The incident rules as stories: how the checks are, cycle by cycle, and what is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from monitor_blueprint.domain.incidents import IncidentRules, acknowledge
from monitor_blueprint.domain.models import Belief, CheckPolicy, Event, State, Status
from tests.monitor_blueprint.domain.story import STACK, Story

Step = tuple[str, list[str]]


def words(text: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in text.split())


# One row per story; in it one step per cycle: what is not well, and what is told.
STORIES: dict[str, list[Step]] = {
    "nothing is told while all is well": [("", []), ("", [])],
    "a warning is never told": [("Disk=warning", []), ("Disk=warning", []), ("", [])],
    "a failure is told once and its end is told once": [
        ("Flask=stopped", ["opened Flask [Flask]"]),
        ("Flask=stopped", []),
        ("", ["recovered Flask []"]),
        ("", []),
    ],
    "what fails together is one message": [
        ("Flask=stopped Disk=slow", ["opened Flask, Disk [Flask, Disk]"]),
        ("", ["recovered Flask, Disk []"]),
    ],
    "a further failure joins the incident": [
        ("Flask=stopped", ["opened Flask [Flask]"]),
        ("Flask=stopped Disk=slow", ["joined Disk [Flask, Disk]"]),
        ("Disk=slow", ["partly_recovered Flask [Disk]"]),
        ("", ["recovered Disk []"]),
    ],
    "one recovers while another one fails": [
        ("Flask=stopped", ["opened Flask [Flask]"]),
        ("Disk=slow", ["partly_recovered Flask [Disk]", "joined Disk [Disk]"]),
        ("", ["recovered Disk []"]),
    ],
    "from critical to warning is quiet, and the end comes with OK": [
        ("Disk=slow", ["opened Disk [Disk]"]),
        ("Disk=warning", []),
        ("Disk=slow", []),
        ("Disk=warning", []),
        ("", ["recovered Disk []"]),
    ],
    "a failed ML server is the one cause of what follows": [
        ("Flask=stopped Django=502 Nginx=502", ["opened Flask [Nginx*, Django*, Flask]"]),
        ("Flask=stopped Django=502 Nginx=502", []),
        ("", ["recovered Nginx, Django, Flask []"]),
    ],
    "a consequence that comes later is hidden": [
        ("Flask=stopped", ["opened Flask [Flask]"]),
        ("Flask=stopped Django=502", []),
        ("Flask=stopped Django=502 Nginx=502", []),
        ("Flask=stopped Django=502", []),
        ("", ["recovered Flask []"]),
    ],
    "a hidden consequence is named when a message is sent anyway": [
        ("Flask=stopped", ["opened Flask [Flask]"]),
        ("Flask=stopped Django=502", []),
        ("Flask=stopped Django=502 Disk=slow", ["joined Disk [Django*, Flask, Disk]"]),
        ("", ["recovered Django, Flask, Disk []"]),
    ],
    "a consequence that outlives its cause is named in the recovery": [
        ("Flask=stopped Django=502", ["opened Flask [Django*, Flask]"]),
        ("Django=502", ["partly_recovered Flask [Django]"]),
        ("Django=502", []),
        ("", ["recovered Django []"]),
    ],
    "a hidden consequence that outlives its cause is named in the recovery": [
        ("Flask=stopped", ["opened Flask [Flask]"]),
        ("Flask=stopped Django=502", []),
        ("Django=502", ["partly_recovered Flask [Django]"]),
        ("", ["recovered Django []"]),
    ],
    "a consequence of a consequence is put down to what outlives the cause": [
        ("Flask=stopped Django=502 Nginx=502", ["opened Flask [Nginx*, Django*, Flask]"]),
        ("Django=502 Nginx=502", ["partly_recovered Flask [Nginx*, Django]"]),
        ("", ["recovered Nginx, Django []"]),
    ],
    "a hidden consequence whose own unit stops is told": [
        ("Flask=stopped", ["opened Flask [Flask]"]),
        ("Flask=stopped Django=502", []),
        ("Flask=stopped Django=stopped", ["joined Django [Django, Flask]"]),
    ],
    "a named consequence whose own unit stops is told": [
        ("Flask=stopped Django=502", ["opened Flask [Django*, Flask]"]),
        ("Flask=stopped Django=stopped", ["worsened Django [Django, Flask]"]),
        ("Django=stopped", ["partly_recovered Flask [Django]"]),
        ("", ["recovered Django []"]),
    ],
    "a consequence whose own unit stops is told even as something else recovers": [
        ("Flask=stopped Disk=slow", ["opened Flask, Disk [Flask, Disk]"]),
        ("Flask=stopped Disk=slow Django=502", []),
        ("Flask=stopped Django=stopped", ["partly_recovered Disk [Django, Flask]", "joined Django [Django, Flask]"]),
    ],
    "a consequence that recovers before its cause was named, so its end is told": [
        ("Flask=stopped Django=502", ["opened Flask [Django*, Flask]"]),
        ("Flask=stopped", ["partly_recovered Django [Flask]"]),
        ("Flask=stopped Django=502", []),
        ("", ["recovered Flask []"]),
    ],
    "a symptom without a failed dependency is told": [
        ("Django=502 Nginx=502", ["opened Django [Nginx*, Django]"]),
        ("", ["recovered Nginx, Django []"]),
    ],
    "a cause that is found after its consequence joins": [
        ("Django=502", ["opened Django [Django]"]),
        ("Django=502 Flask=stopped", ["joined Flask [Django*, Flask]"]),
        ("", ["recovered Django, Flask []"]),
    ],
    "what was told as a failure, then as a consequence, is told when its own unit stops": [
        ("Django=502", ["opened Django [Django]"]),
        ("Django=502 Flask=stopped", ["joined Flask [Django*, Flask]"]),
        ("Django=stopped Flask=stopped", ["worsened Django [Django, Flask]"]),
    ],
    "a consequence is told when its cause gets better quietly": [
        ("Flask=stopped Django=502", ["opened Flask [Django*, Flask]"]),
        ("Flask=warning Django=502", ["worsened Django [Django, Flask]"]),
    ],
    "a failed service that is starting is not told as recovered before it answers": [
        ("Flask=stopped", ["opened Flask [Flask]"]),
        ("Flask=starting", []),
        ("Flask=warming", []),
        ("", ["recovered Flask []"]),
    ],
    "unknown is told as blindness after three in a row": [
        ("Disk=unknown", []),
        ("Disk=unknown", []),
        ("Disk=unknown", ["blind Disk [Disk?]"]),
        ("Disk=unknown", []),
        ("", ["recovered Disk []"]),
    ],
    "unknown now and then is not told": [
        ("Disk=unknown", []),
        ("Disk=unknown", []),
        ("", []),
        ("Disk=unknown", []),
        ("Disk=unknown", []),
        ("", []),
    ],
    "unknown is not OK: a failure does not end with it": [
        ("Flask=stopped", ["opened Flask [Flask]"]),
        *[("Flask=unknown", [])] * 5,
        ("", ["recovered Flask []"]),
    ],
    "what was blind and turns out to be down has worsened": [
        *[("Flask=unknown", [])] * 2,
        ("Flask=unknown", ["blind Flask [Flask?]"]),
        ("Flask=stopped", ["worsened Flask [Flask]"]),
        ("", ["recovered Flask []"]),
    ],
    "an unknown dependency is not blamed": [
        ("Flask=unknown Django=502", ["opened Django [Django]"]),
        ("", ["recovered Django []"]),
    ],
    "a check that joins as blind is not called a failure": [
        ("Disk=unknown", []),
        ("Disk=unknown Flask=stopped", ["opened Flask [Flask]"]),
        ("Disk=unknown Flask=stopped", ["blind Disk [Flask, Disk?]"]),
        ("Disk=unknown", ["partly_recovered Flask [Disk?]"]),
        ("", ["recovered Disk []"]),
    ],
    "a consequence that was blind before is not told as a failure, but named": [
        *[("Django=unknown", [])] * 2,
        ("Django=unknown", ["blind Django [Django?]"]),
        ("Flask=stopped Django=unknown", ["joined Flask [Django?, Flask]"]),
        ("Flask=stopped Django=502", []),
        ("Flask=stopped Django=502 Disk=slow", ["joined Disk [Django*, Flask, Disk]"]),
        ("", ["recovered Django, Flask, Disk []"]),
    ],
    "a cause that cannot be seen any more goes on hiding its consequences": [
        ("Flask=stopped", ["opened Flask [Flask]"]),
        *[("Flask=unknown Django=502", [])] * 4,
        ("", ["recovered Flask []"]),
    ],
    "no result for two intervals is stale and told like blindness": [
        ("", []),
        ("Disk=nothing", []),
        ("Disk=nothing", []),
        ("Disk=nothing", ["blind Disk [Disk?]"]),
        ("Disk=nothing", []),
        ("", ["recovered Disk []"]),
    ],
    "a check that never has a result is stale as well": [
        *[("Disk=nothing", [])] * 3,
        ("Disk=nothing", ["blind Disk [Disk?]"]),
    ],
    "flapping is one message, then quiet, then how things stand": [
        ("", []),
        ("Disk=slow", ["opened Disk [Disk]"]),
        ("", ["recovered Disk []"]),
        ("Disk=slow", ["opened Disk [Disk]"]),
        ("", ["recovered Disk []"]),
        ("Disk=slow", ["flapping Disk [Disk]"]),
        ("", []),
        ("Disk=slow", []),
        *[("Disk=slow", [])] * 2,
        ("Disk=slow", ["calm Disk [Disk]"]),
        ("", ["recovered Disk []"]),
    ],
    "what was flapping may have calmed down well": [
        ("", []),
        ("Disk=slow", ["opened Disk [Disk]"]),
        ("", ["recovered Disk []"]),
        ("Disk=slow", ["opened Disk [Disk]"]),
        ("", ["recovered Disk []"]),
        ("Disk=slow", ["flapping Disk [Disk]"]),
        *[("", [])] * 3,
        ("", ["calm Disk []"]),
    ],
    "what follows from a flapping cause does not flap itself": [
        ("", []),
        ("Flask=stopped Django=502", ["opened Flask [Django*, Flask]"]),
        ("", ["recovered Django, Flask []"]),
        ("Flask=stopped Django=502", ["opened Flask [Django*, Flask]"]),
        ("", ["recovered Django, Flask []"]),
        ("Flask=stopped Django=502", ["flapping Flask [Django*, Flask]"]),
        ("", ["partly_recovered Django []"]),
        *[("Flask=stopped Django=502", []), ("", [])] * 3,
    ],
}


@pytest.mark.parametrize("steps", STORIES.values(), ids=STORIES.keys())
def test_story(steps: list[Step]) -> None:
    story = Story()
    assert [(how, story.see(words(how))) for how, _ in steps] == steps


def test_a_recovery_says_how_long_each_check_was_down() -> None:
    story = Story()
    story.cycle(Flask="stopped")
    story.cycle(600, Flask="stopped", Disk="slow")
    story.cycle(60)
    (event,) = story.events
    assert event.lasted_s == {"Flask": 660.0, "Disk": 60.0}
    assert event.opened_at == event.at - timedelta(seconds=660)


def test_a_time_in_which_nothing_was_seen_is_not_blamed_on_the_target() -> None:
    story = Story()
    story.cycles(3, Flask="unknown")
    story.cycle(Flask="stopped")
    assert story.events[0].since == {"Flask": story.now}


def test_what_could_not_be_seen_is_not_said_to_have_been_down_when_it_is_seen_again() -> None:
    story = Story()
    assert story.cycles(3, Flask="unknown", Disk="slow")[-1:] == ["blind Flask [Flask?, Disk]"]
    story.cycle(Disk="slow")
    assert (story.events[0].checks, story.events[0].blind) == (("Flask",), ("Flask",))
    story.cycle()
    assert (story.events[0].checks, story.events[0].blind) == (("Disk",), ())


def test_incidents_are_numbered() -> None:
    story = Story()
    numbers = []
    for _ in range(3):
        story.cycle(3600, Flask="stopped")
        numbers.append(story.events[0].incident)
        story.cycle(3600)
        numbers.append(story.events[0].incident)
    assert numbers == [1, 1, 2, 2, 3, 3]


class TestConfirm:
    noisy = CheckPolicy("Flask", confirm=3)

    def test_a_failure_counts_after_so_many_in_a_row(self) -> None:
        story = Story([self.noisy])
        assert story.cycles(2, Flask="slow") == []
        assert story.cycle() == []
        assert story.cycles(2, Flask="slow") == []
        assert story.cycle(Flask="slow") == ["opened Flask [Flask]"]
        assert story.cycle() == ["recovered Flask []"]

    def test_a_stopped_unit_counts_at_once(self) -> None:
        assert Story([self.noisy]).cycle(Flask="stopped") == ["opened Flask [Flask]"]

    def test_a_restart_in_between_neither_counts_nor_begins_anew(self) -> None:
        story = Story([self.noisy])
        assert story.cycle(Flask="slow") + story.cycle(Flask="slow") + story.cycle(Flask="starting") == []
        assert story.cycle(Flask="slow") == ["opened Flask [Flask]"]

    def test_what_is_down_already_needs_no_confirmation_after_a_blind_moment(self) -> None:
        story = Story([self.noisy])
        assert story.cycles(3, Flask="slow") == ["opened Flask [Flask]"]
        assert story.cycle(Flask="unknown") + story.cycle(Flask="slow") == []
        assert story.state.checks["Flask"].status is Status.CRITICAL

    def test_what_is_not_confirmed_is_no_blindness(self) -> None:
        story = Story([CheckPolicy("Flask", confirm=5)])
        assert story.cycle(Flask="unknown") + story.cycles(4, Flask="slow") == []
        assert story.cycle(Flask="slow") == ["opened Flask [Flask]"]

    def test_a_symptom_waits_for_a_cause_that_is_not_confirmed_yet(self) -> None:
        story = Story([CheckPolicy("Django", depends_on=("Flask",)), self.noisy])
        assert story.cycles(2, Django="502", Flask="slow") == []
        assert story.cycle(Django="502", Flask="slow") == ["opened Flask [Django*, Flask]"]

    def test_a_symptom_is_told_when_the_cause_is_not_confirmed(self) -> None:
        story = Story([CheckPolicy("Django", depends_on=("Flask",)), self.noisy])
        assert story.cycles(2, Django="502", Flask="slow") == []
        assert story.cycle(Django="502") == ["opened Django [Django]"]


class TestSettling:
    def test_a_restart_sends_nothing(self) -> None:
        story = Story()
        assert story.cycle(Flask="starting", Django="502", Nginx="502") == []
        assert story.cycle(5, Flask="warming", Django="502") == []
        assert story.cycle(5) == []

    def test_a_unit_stuck_in_activating_is_told_after_the_grace_time(self) -> None:
        story = Story()
        assert story.cycle(Flask="starting") == []
        assert story.partial(9, Flask="starting") == []
        assert story.partial(1, Flask="starting") == ["opened Flask [Flask]"]
        assert story.cycles(3, Flask="starting") == []
        assert story.cycle() == ["recovered Flask []"]

    def test_a_service_that_dies_again_and_again_is_told(self) -> None:
        story = Story()
        assert story.cycle(Flask="starting") + story.partial(5, Flask="warming") == []
        assert story.partial(5, Flask="warming") == ["opened Flask [Flask]"]

    def test_a_consequence_that_is_still_warming_up_waits_with_its_cause_for_one_message(self) -> None:
        story = Story()
        assert story.cycle(Flask="stopped", Django="502") == ["opened Flask [Django*, Flask]"]
        assert story.cycle(Django="warming") == []
        assert story.cycle(10) == ["recovered Django, Flask []"]

    def test_a_consequence_that_does_not_get_ready_is_told_when_its_grace_is_over(self) -> None:
        story = Story()
        story.cycle(Flask="stopped", Django="502")
        assert story.cycle(Django="warming") == []
        assert story.cycle(11, Django="warming") == ["partly_recovered Flask [Django]"]

    def test_a_unit_that_fails_for_good_while_starting_is_told_at_once(self) -> None:
        story = Story()
        assert story.cycle(Flask="starting") == []
        assert story.partial(Flask="stopped") == ["opened Flask [Flask]"]

    def test_a_clock_set_back_does_not_lengthen_the_grace_time(self) -> None:
        story = Story()
        assert story.cycle(Flask="starting") + story.cycle(-86400, Flask="starting") == []
        assert story.partial(10, Flask="starting") == ["opened Flask [Flask]"]


class TestReminder:
    def test_it_comes_every_hour_while_the_incident_is_open(self) -> None:
        story = Story()
        story.cycle(Flask="stopped", Django="502")
        assert story.cycles(11, Flask="stopped", Django="502") == []
        assert story.cycle(Flask="stopped", Django="502") == ["reminder Django, Flask [Django*, Flask]"]
        assert story.cycles(11, Flask="stopped", Django="502") == []
        assert story.cycle(Flask="stopped") == ["partly_recovered Django [Flask]"]
        assert story.cycles(11, Flask="stopped") == []
        assert story.cycle(Flask="stopped") == ["reminder Flask [Flask]"]
        assert story.cycles(20) == ["recovered Flask []"]

    def test_it_can_be_switched_off(self) -> None:
        story = Story(rules=IncidentRules(reminder_s=0))
        story.cycle(Flask="stopped")
        assert story.cycles(50, Flask="stopped") == []

    def test_a_warning_is_no_reason_to_remind(self) -> None:
        story = Story()
        story.cycle(Disk="slow")
        assert story.cycles(50, Disk="warning") == []
        assert story.cycle(Disk="slow") == ["reminder Disk [Disk]"]

    def test_an_acknowledged_incident_is_quiet_until_there_is_news(self) -> None:
        story = Story()
        story.cycle(Flask="stopped")
        story.ack()
        assert story.cycles(50, Flask="stopped") == []
        assert story.cycle(Flask="stopped", Disk="slow") == ["joined Disk [Flask, Disk]"]
        assert story.cycles(12, Flask="stopped", Disk="slow") == ["reminder Flask, Disk [Flask, Disk]"]

    def test_a_partial_recovery_is_no_reason_to_remind_again(self) -> None:
        story = Story()
        story.cycle(Flask="stopped", Disk="slow")
        story.ack()
        assert story.cycle(Flask="stopped") == ["partly_recovered Disk [Flask]"]
        assert story.cycles(50, Flask="stopped") == []

    def test_a_consequence_that_becomes_a_failure_of_its_own_is_news(self) -> None:
        story = Story()
        story.cycle(Flask="stopped", Django="502")
        story.ack()
        assert story.cycle(Django="502") == ["partly_recovered Flask [Django]"]
        assert story.cycles(12, Django="502") == ["reminder Django [Django]"]

    def test_a_clock_set_back_does_not_put_it_off(self) -> None:
        story = Story()
        story.cycle(Flask="stopped")
        assert story.cycle(-86400, Flask="stopped") == []
        assert story.cycles(12, Flask="stopped") == ["reminder Flask [Flask]"]

    def test_nobody_can_acknowledge_what_is_not_open(self) -> None:
        assert acknowledge(State(), "lee") == State()


class TestSilence:
    def test_nothing_is_told_while_silenced_and_the_difference_at_the_end(self) -> None:
        story = Story()
        story.silence("Flask", 30)
        assert story.cycles(5, Flask="stopped") == []
        assert story.cycle(Flask="stopped") == ["opened Flask [Flask]"]

    def test_a_failure_that_came_and_went_is_never_told(self) -> None:
        story = Story()
        story.silence("*", 30)
        assert story.cycles(3, Flask="stopped") + story.cycles(10) == []

    def test_a_recovery_during_a_silence_is_told_at_its_end_with_its_own_time(self) -> None:
        story = Story()
        story.cycle(Flask="stopped")
        story.silence("Flask", 30)
        assert story.cycle(Flask="stopped") + story.cycles(4) == []
        assert story.cycle() == ["recovered Flask []"]
        assert story.events[0].lasted_s == {"Flask": 600.0}

    def test_what_is_told_before_and_still_so_afterwards_is_not_repeated(self) -> None:
        story = Story(rules=IncidentRules(reminder_s=0))
        story.cycle(Flask="stopped")
        story.silence("Flask", 30)
        assert story.cycles(2) + story.cycles(10, Flask="stopped") == []

    def test_a_silenced_check_is_neither_reminded_of_nor_named(self) -> None:
        story = Story()
        story.cycle(Flask="stopped")
        story.silence("Flask", 120)
        assert story.cycles(15, Flask="stopped") == []
        assert story.cycle(Flask="stopped", Disk="slow") == ["joined Disk [Disk]"]
        assert story.cycle(Flask="stopped") == ["partly_recovered Disk []"]

    def test_what_follows_from_a_silenced_check_is_not_told_either(self) -> None:
        story = Story()
        story.silence("Flask", 30)
        assert story.cycles(5, Flask="stopped", Django="502", Nginx="502") == []
        assert story.cycle(Flask="stopped", Django="502", Nginx="502") == ["opened Flask [Nginx*, Django*, Flask]"]

    def test_what_outlives_a_silenced_check_is_told(self) -> None:
        story = Story()
        story.silence("Flask", 30)
        assert story.cycle(Flask="stopped", Django="502") == []
        assert story.cycle(Django="502") == ["opened Django [Django]"]

    def test_a_hidden_consequence_that_is_silenced_does_not_keep_the_incident_open(self) -> None:
        story = Story()
        story.cycle(Flask="stopped")
        assert story.cycle(Flask="stopped", Django="502") == []
        story.silence("Django", 30)
        assert story.cycle(Django="502") == ["recovered Flask []"]
        assert story.cycles(4, Django="502") == []
        assert story.cycle(Django="502") == ["opened Django [Django]"]


class TestPartialCycle:
    def test_a_failure_is_told_at_once_and_its_consequences_stay_hidden(self) -> None:
        story = Story()
        story.cycle()
        assert story.partial(Flask="stopped") == ["opened Flask [Flask]"]
        assert story.cycle(Flask="stopped", Django="502", Nginx="502") == []

    def test_a_recovery_is_told_at_once_where_there_are_no_consequences(self) -> None:
        story = Story()
        story.cycle(Flask="stopped")
        assert story.partial(Flask="ok") == ["recovered Flask []"]

    @pytest.mark.parametrize("named", [True, False])
    def test_the_recovery_of_a_cause_waits_for_the_complete_cycle(self, named: bool) -> None:
        story = Story()
        story.see({"Flask": "stopped", "Django": "502" if named else "ok"})
        story.cycle(Flask="stopped", Django="502")
        assert story.partial(Flask="ok") == []
        assert story.cycle() == ["recovered Django, Flask []" if named else "recovered Flask []"]

    def test_a_cause_that_fails_again_before_the_complete_cycle_is_not_told_twice(self) -> None:
        story = Story()
        story.cycle(Flask="stopped", Django="502")
        assert story.partial(Flask="ok") + story.partial(Flask="stopped") == []
        assert story.cycle(Flask="stopped", Django="502") == []

    def test_a_consequence_that_was_not_looked_at_is_still_named_as_one(self) -> None:
        story = Story()
        story.cycle(Flask="stopped", Django="502")
        assert story.partial(Flask="ok", Disk="slow") == ["joined Disk [Django*, Flask, Disk]"]
        assert story.cycle() == ["recovered Django, Flask, Disk []"]

    def test_nothing_goes_stale(self) -> None:
        story = Story()
        story.cycle()
        assert [story.partial(300, Flask="ok") for _ in range(10)] == [[]] * 10
        assert story.cycle() == []


class TestClock:
    def test_set_back_it_does_not_keep_a_check_flapping(self) -> None:
        story = Story()
        for _ in range(3):
            story.cycle()
            story.cycle(Disk="slow")
        assert story.state.checks["Disk"].notified is Belief.FLAPPING
        assert story.cycle(-86400, Disk="slow") == ["calm Disk [Disk]"]

    def test_set_back_it_does_not_hide_that_a_check_is_stale(self) -> None:
        story = Story()
        story.cycle()
        assert story.cycle(-86400, Disk="nothing") + story.cycles(2, Disk="nothing") == []
        assert story.cycle(Disk="nothing") == ["blind Disk [Disk?]"]

    def test_set_back_it_makes_no_negative_duration(self) -> None:
        story = Story()
        story.cycle(Flask="stopped")
        assert story.cycle(-86400) == ["recovered Flask []"]
        assert story.events[0].lasted_s == {"Flask": 0.0}

    def test_a_long_sleep_is_no_outage(self) -> None:
        story = Story()
        story.cycle()
        assert story.cycle(8 * 3600) == []


class TestConfiguration:
    def test_a_failing_check_that_is_removed_is_told_as_recovered(self) -> None:
        story = Story()
        story.cycle(Disk="slow")
        story.policies = STACK[:3]
        assert story.cycle() == ["recovered Disk []"]
        assert "Disk" not in story.state.checks

    def test_a_flapping_check_that_is_removed_is_told_as_calm(self) -> None:
        story = Story()
        for _ in range(3):
            story.cycle()
            story.cycle(Disk="slow")
        story.policies = STACK[:3]
        assert story.cycle() == ["calm Disk []"]
        assert story.state.incident is None

    def test_a_removed_check_is_told_only_when_its_silence_is_over(self) -> None:
        story = Story()
        story.cycle(Disk="slow")
        story.silence("*", 30)
        story.policies = STACK[:3]
        assert story.cycles(5) == []
        assert story.cycle() == ["recovered Disk []"]

    def test_what_is_left_of_a_removed_cause_is_told(self) -> None:
        story = Story()
        story.cycle(Flask="stopped", Django="502")
        story.policies = (CheckPolicy("Django"),)
        assert story.cycle(Django="502") == ["partly_recovered Flask [Django]"]

    def test_a_new_check_may_fail_at_its_first_look(self) -> None:
        story = Story(STACK[:3])
        story.cycle()
        story.policies = STACK
        assert story.cycle(Disk="slow") == ["opened Disk [Disk]"]

    def test_checks_that_depend_on_each_other_hide_nothing(self) -> None:
        story = Story([CheckPolicy("A", depends_on=("B",)), CheckPolicy("B", depends_on=("A",))])
        assert story.cycle(A="502", B="502") == ["opened A, B [A, B]"]
        assert story.cycle(A="502") == ["partly_recovered B [A]"]

    def test_an_unknown_dependency_is_ignored(self) -> None:
        assert Story([CheckPolicy("A", depends_on=("nobody",))]).cycle(A="502") == ["opened A [A]"]


def test_calm_is_told_before_the_recovery_that_ends_the_incident() -> None:
    story = Story()
    for _ in range(3):
        story.cycle()
        story.cycle(Disk="slow")
    story.cycle()
    story.cycles(2, Flask="stopped")
    assert story.cycle() == ["calm Disk []", "recovered Flask []"]


def test_a_failure_that_was_never_told_leaves_no_trace() -> None:
    story = Story()
    story.cycle(Disk="unknown")
    story.cycle()
    check = story.state.checks["Disk"]
    assert (check.failing_since, check.status, check.notified) == (None, Status.OK, Belief.FINE)


def test_a_blind_moment_does_not_forget_the_hysteresis() -> None:
    story = Story()
    story.cycle(Disk="warning")
    story.cycle(Disk="unknown")
    assert story.state.checks["Disk"].aspects["http"] is Status.WARNING


def test_state_and_events_survive_json() -> None:
    story = Story()
    story.cycle(Flask="stopped", Django="502", Disk="unknown", Nginx="starting")
    (event,) = story.events
    assert msgspec.json.decode(msgspec.json.encode(story.state), type=State) == story.state
    assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event
    assert replace(story.state) == story.state
