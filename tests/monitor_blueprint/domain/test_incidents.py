"""The incident rules as stories: how the checks are, cycle by cycle, and what is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from monitor_blueprint.domain.incidents import IncidentRules, acknowledge
from monitor_blueprint.domain.models import Belief, CheckPolicy, Event, State, Status
from tests.monitor_blueprint.domain.story import STACK, START, Story

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
        ("Disk=slow", []),
        ("Disk=slow", ["worsened Disk [Disk]"]),
        ("", ["recovered Disk []"]),
    ],
    "what fails again soon after it flapped flaps": [
        *[("", []), ("Disk=slow", ["opened Disk [Disk]"]), ("", ["recovered Disk []"])],
        *[("Disk=slow", ["opened Disk [Disk]"]), ("", ["recovered Disk []"]), ("Disk=slow", ["flapping Disk [Disk]"])],
        *[("", [])] * 3,
        ("", ["calm Disk []"]),
        ("Disk=slow", ["flapping Disk [Disk]"]),
    ],
    "what flapped and cannot be seen any more is blind": [
        *[("", []), ("Disk=slow", ["opened Disk [Disk]"]), ("", ["recovered Disk []"])],
        *[("Disk=slow", ["opened Disk [Disk]"]), ("", ["recovered Disk []"]), ("Disk=slow", ["flapping Disk [Disk]"])],
        ("", []),
        *[("Disk=unknown", [])] * 2,
        ("Disk=unknown", ["blind Disk [Disk?]"]),
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


def test_recovery_gives_downtime_per_check() -> None:
    story = Story()
    story.cycle(Flask="stopped")
    story.cycle(600, Flask="stopped", Disk="slow")
    story.cycle(60)
    (event,) = story.events
    assert event.lasted_s == {"Flask": 660.0, "Disk": 60.0}
    assert event.opened_at == event.at - timedelta(seconds=660)


def test_unseen_time_is_no_downtime() -> None:
    """A time in which nothing was seen is not blamed on the target."""
    story = Story()
    story.rounds(3, Flask="unknown")
    story.cycle(Flask="stopped")
    assert story.events[0].since == {"Flask": story.now}


def test_blind_check_was_not_down() -> None:
    """What could not be seen is not said to have been down when it is seen again."""
    story = Story()
    assert story.rounds(3, Flask="unknown", Disk="slow")[-1:] == ["blind Flask [Flask?, Disk]"]
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

    def test_failure_counts_once_confirmed(self) -> None:
        """A failure counts after so many in a row."""
        story = Story([self.noisy])
        assert story.rounds(2, Flask="slow") == []
        assert story.cycle() == []
        assert story.rounds(2, Flask="slow") == []
        assert story.cycle(Flask="slow") == ["opened Flask [Flask]"]
        assert story.cycle() == ["recovered Flask []"]

    def test_a_stopped_unit_counts_at_once(self) -> None:
        assert Story([self.noisy]).cycle(Flask="stopped") == ["opened Flask [Flask]"]

    def test_restart_keeps_the_confirmation_count(self) -> None:
        """A restart in between neither counts nor begins anew."""
        story = Story([self.noisy])
        assert story.cycle(Flask="slow") + story.cycle(Flask="slow") + story.cycle(Flask="starting") == []
        assert story.cycle(Flask="slow") == ["opened Flask [Flask]"]

    def test_blindness_needs_no_new_confirmation(self) -> None:
        """What is down already needs no confirmation after a blind moment."""
        story = Story([self.noisy])
        assert story.rounds(3, Flask="slow") == ["opened Flask [Flask]"]
        assert story.cycle(Flask="unknown") + story.cycle(Flask="slow") == []
        assert story.state.checks["Flask"].status is Status.CRITICAL

    def test_unconfirmed_failure_is_no_blindness(self) -> None:
        story = Story([CheckPolicy("Flask", confirm=5)])
        assert story.cycle(Flask="unknown") + story.rounds(4, Flask="slow") == []
        assert story.cycle(Flask="slow") == ["opened Flask [Flask]"]

    def test_symptom_waits_for_unconfirmed_cause(self) -> None:
        story = Story([CheckPolicy("Django", depends_on=("Flask",)), self.noisy])
        assert story.rounds(2, Django="502", Flask="slow") == []
        assert story.cycle(Django="502", Flask="slow") == ["opened Flask [Django*, Flask]"]

    def test_symptom_told_without_confirmed_cause(self) -> None:
        """A symptom is told when the cause turns out not to be confirmed."""
        story = Story([CheckPolicy("Django", depends_on=("Flask",)), self.noisy])
        assert story.rounds(2, Django="502", Flask="slow") == []
        assert story.cycle(Django="502") == ["opened Django [Django]"]


class TestSettling:
    def test_a_restart_sends_nothing(self) -> None:
        story = Story()
        assert story.cycle(Flask="starting", Django="502", Nginx="502") == []
        assert story.cycle(5, Flask="warming", Django="502") == []
        assert story.cycle(5) == []

    def test_stuck_unit_told_after_grace(self) -> None:
        """A unit stuck in `activating` is reported after the grace time."""
        story = Story()
        assert story.cycle(Flask="starting") == []
        assert story.partial(9, Flask="starting") == []
        assert story.partial(1, Flask="starting") == ["opened Flask [Flask]"]
        assert story.rounds(3, Flask="starting") == []
        assert story.cycle() == ["recovered Flask []"]

    def test_crash_loop_is_told(self) -> None:
        """A service that dies again and again is reported."""
        story = Story()
        assert story.cycle(Flask="starting") + story.partial(5, Flask="warming") == []
        assert story.partial(5, Flask="warming") == ["opened Flask [Flask]"]

    def test_warming_consequence_waits_with_cause(self) -> None:
        """A consequence that is still warming up waits with its cause for one message."""
        story = Story()
        assert story.cycle(Flask="stopped", Django="502") == ["opened Flask [Django*, Flask]"]
        assert story.cycle(Django="warming") == []
        assert story.cycle(10) == ["recovered Django, Flask []"]

    def test_unready_consequence_told_after_grace(self) -> None:
        """A consequence that does not get ready is reported when its grace time is over."""
        story = Story()
        story.cycle(Flask="stopped", Django="502")
        assert story.cycle(Django="warming") == []
        assert story.cycle(11, Django="warming") == ["partly_recovered Flask [Django]"]

    def test_failed_start_is_told_immediately(self) -> None:
        """A unit that fails for good while starting is reported at once."""
        story = Story()
        assert story.cycle(Flask="starting") == []
        assert story.partial(Flask="stopped") == ["opened Flask [Flask]"]

    def test_clock_set_back_keeps_grace_time(self) -> None:
        """A clock set back does not lengthen the grace time."""
        story = Story()
        assert story.cycle(Flask="starting") + story.cycle(-86400, Flask="starting") == []
        assert story.partial(10, Flask="starting") == ["opened Flask [Flask]"]


class TestReminder:
    def test_reminder_comes_every_hour(self) -> None:
        """A reminder comes every hour while the incident is open."""
        story = Story()
        story.cycle(Flask="stopped", Django="502")
        assert story.rounds(11, Flask="stopped", Django="502") == []
        assert story.cycle(Flask="stopped", Django="502") == ["reminder Django, Flask [Django*, Flask]"]
        assert story.rounds(11, Flask="stopped", Django="502") == []
        assert story.cycle(Flask="stopped") == ["partly_recovered Django [Flask]"]
        assert story.rounds(11, Flask="stopped") == []
        assert story.cycle(Flask="stopped") == ["reminder Flask [Flask]"]
        assert story.rounds(20) == ["recovered Flask []"]

    def test_it_can_be_switched_off(self) -> None:
        story = Story(rules=IncidentRules(reminder_s=0))
        story.cycle(Flask="stopped")
        assert story.rounds(50, Flask="stopped") == []

    def test_warning_causes_no_reminder(self) -> None:
        story = Story()
        story.cycle(Disk="slow")
        assert story.rounds(50, Disk="warning") == []
        assert story.cycle(Disk="slow") == ["reminder Disk [Disk]"]

    def test_acknowledgement_quiets_until_news(self) -> None:
        """An acknowledged incident is quiet until there is news."""
        story = Story()
        story.cycle(Flask="stopped")
        story.ack()
        assert story.rounds(50, Flask="stopped") == []
        assert story.cycle(Flask="stopped", Disk="slow") == ["joined Disk [Flask, Disk]"]
        assert story.rounds(12, Flask="stopped", Disk="slow") == ["reminder Flask, Disk [Flask, Disk]"]

    def test_partial_recovery_resumes_no_reminder(self) -> None:
        """A partial recovery is no reason to remind again."""
        story = Story()
        story.cycle(Flask="stopped", Disk="slow")
        story.ack()
        assert story.cycle(Flask="stopped") == ["partly_recovered Disk [Flask]"]
        assert story.rounds(50, Flask="stopped") == []

    def test_consequence_turned_failure_is_news(self) -> None:
        """A consequence that becomes a failure of its own is news."""
        story = Story()
        story.cycle(Flask="stopped", Django="502")
        story.ack()
        assert story.cycle(Django="502") == ["partly_recovered Flask [Django]"]
        assert story.rounds(12, Django="502") == ["reminder Django [Django]"]

    def test_clock_set_back_delays_no_reminder(self) -> None:
        story = Story()
        story.cycle(Flask="stopped")
        assert story.cycle(-86400, Flask="stopped") == []
        assert story.rounds(12, Flask="stopped") == ["reminder Flask [Flask]"]

    def test_only_open_incidents_are_acknowledged(self) -> None:
        assert acknowledge(State(), "lee", START) == State()


class TestSilence:
    def test_silence_ends_with_the_difference(self) -> None:
        """Nothing is told while silenced, and at the end the difference is."""
        story = Story()
        story.silence("Flask", 30)
        assert story.rounds(5, Flask="stopped") == []
        assert story.cycle(Flask="stopped") == ["opened Flask [Flask]"]

    def test_silenced_outage_opens_at_its_own_time(self) -> None:
        """Told at the end of the silence, it began when it began."""
        story = Story()
        story.silence("Flask", 30)
        story.cycle(Flask="stopped")
        began = story.now
        story.rounds(5, Flask="stopped")
        (event,) = story.events
        assert (event.opened_at, event.since) == (began, {"Flask": began})
        assert story.state.incident is not None
        assert story.state.incident.opened_at == began
        assert story.state.incident.last_notified_at == event.at > began

    def test_what_is_silenced_remains(self) -> None:
        """A recovery says what remains, and that nothing is told of it."""
        story = Story()
        story.cycle(Flask="stopped", Disk="slow")
        since = story.now
        story.silence("Flask", 60)
        assert story.cycle(Flask="stopped") == ["partly_recovered Disk []"]
        (event,) = story.events
        assert (event.silenced, event.since["Flask"]) == (("Flask",), since)

    def test_failure_within_silence_stays_untold(self) -> None:
        """A failure that came and went is never told."""
        story = Story()
        story.silence("*", 30)
        assert story.rounds(3, Flask="stopped") + story.rounds(10) == []

    def test_silenced_recovery_is_told_later(self) -> None:
        """A recovery during a silence is told at its end, with its own time."""
        story = Story()
        story.cycle(Flask="stopped")
        story.silence("Flask", 30)
        assert story.cycle(Flask="stopped") + story.rounds(4) == []
        assert story.cycle() == ["recovered Flask []"]
        assert story.events[0].lasted_s == {"Flask": 600.0}

    def test_silence_end_repeats_nothing(self) -> None:
        """What was told before a silence, and is still so afterwards, is not repeated."""
        story = Story(rules=IncidentRules(reminder_s=0))
        story.cycle(Flask="stopped")
        story.silence("Flask", 30)
        assert story.rounds(2) + story.rounds(10, Flask="stopped") == []

    def test_silenced_check_is_not_mentioned(self) -> None:
        """A silenced check is neither reminded of nor named."""
        story = Story()
        story.cycle(Flask="stopped")
        story.silence("Flask", 120)
        assert story.rounds(15, Flask="stopped") == []
        assert story.cycle(Flask="stopped", Disk="slow") == ["joined Disk [Disk]"]
        assert story.cycle(Flask="stopped") == ["partly_recovered Disk []"]

    def test_silence_covers_consequences(self) -> None:
        """What follows from a silenced check is not told either."""
        story = Story()
        story.silence("Flask", 30)
        assert story.rounds(5, Flask="stopped", Django="502", Nginx="502") == []
        assert story.cycle(Flask="stopped", Django="502", Nginx="502") == ["opened Flask [Nginx*, Django*, Flask]"]

    def test_consequence_outliving_silenced_cause_is_told(self) -> None:
        story = Story()
        story.silence("Flask", 30)
        assert story.cycle(Flask="stopped", Django="502") == []
        assert story.cycle(Django="502") == ["opened Django [Django]"]

    def test_silenced_consequence_lets_incident_close(self) -> None:
        """A hidden consequence that is silenced does not keep the incident open."""
        story = Story()
        story.cycle(Flask="stopped")
        assert story.cycle(Flask="stopped", Django="502") == []
        story.silence("Django", 30)
        assert story.cycle(Django="502") == ["recovered Flask []"]
        assert story.rounds(4, Django="502") == []
        assert story.cycle(Django="502") == ["opened Django [Django]"]


class TestPartialCycle:
    def test_failure_told_but_consequences_hidden(self) -> None:
        """A failure is told at once, and its consequences stay hidden."""
        story = Story()
        story.cycle()
        assert story.partial(Flask="stopped") == ["opened Flask [Flask]"]
        assert story.cycle(Flask="stopped", Django="502", Nginx="502") == []

    def test_recovery_without_consequences_told_immediately(self) -> None:
        story = Story()
        story.cycle(Flask="stopped")
        assert story.partial(Flask="ok") == ["recovered Flask []"]

    @pytest.mark.parametrize("named", [True, False])
    def test_causes_recovery_awaits_complete_cycle(self, named: bool) -> None:
        story = Story()
        story.see({"Flask": "stopped", "Django": "502" if named else "ok"})
        story.cycle(Flask="stopped", Django="502")
        assert story.partial(Flask="ok") == []
        assert story.cycle() == ["recovered Django, Flask []" if named else "recovered Flask []"]

    def test_cause_failing_again_told_once(self) -> None:
        """A cause that fails again before the complete cycle is not told twice."""
        story = Story()
        story.cycle(Flask="stopped", Django="502")
        assert story.partial(Flask="ok") + story.partial(Flask="stopped") == []
        assert story.cycle(Flask="stopped", Django="502") == []

    def test_unseen_consequence_stays_a_consequence(self) -> None:
        """A consequence that was not looked at is still named as one."""
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
    def test_clock_set_back_ends_flapping(self) -> None:
        """A clock set back does not keep a check flapping."""
        story = Story()
        for _ in range(3):
            story.cycle()
            story.cycle(Disk="slow")
        assert story.state.checks["Disk"].notified is Belief.FLAPPING
        assert story.cycle(-86400, Disk="slow") == ["worsened Disk [Disk]"]

    def test_clock_set_back_hides_no_staleness(self) -> None:
        """A clock set back does not hide that a check is stale."""
        story = Story()
        story.cycle()
        assert story.cycle(-86400, Disk="nothing") + story.rounds(2, Disk="nothing") == []
        assert story.cycle(Disk="nothing") == ["blind Disk [Disk?]"]

    def test_clock_set_back_no_negative_duration(self) -> None:
        story = Story()
        story.cycle(Flask="stopped")
        assert story.cycle(-86400) == ["recovered Flask []"]
        assert story.events[0].lasted_s == {"Flask": 0.0}

    def test_a_long_sleep_is_no_outage(self) -> None:
        story = Story()
        story.cycle()
        assert story.cycle(8 * 3600) == []


class TestConfiguration:
    def test_removed_failing_check_recovers(self) -> None:
        """A failing check that is removed is reported as recovered."""
        story = Story()
        story.cycle(Disk="slow")
        story.policies = STACK[:3]
        assert story.cycle() == ["recovered Disk []"]
        assert "Disk" not in story.state.checks

    def test_removed_flapping_check_is_calm(self) -> None:
        """A flapping check that is removed is reported as calm."""
        story = Story()
        for _ in range(3):
            story.cycle()
            story.cycle(Disk="slow")
        story.policies = STACK[:3]
        assert story.cycle() == ["calm Disk []"]
        assert story.state.incident is None

    def test_removed_check_waits_for_silence(self) -> None:
        """A removed check is reported only when its silence is over."""
        story = Story()
        story.cycle(Disk="slow")
        story.silence("*", 30)
        story.policies = STACK[:3]
        assert story.rounds(5) == []
        assert story.cycle() == ["recovered Disk []"]

    def test_removed_cause_leaves_its_consequence(self) -> None:
        """What is left of a removed cause is told."""
        story = Story()
        story.cycle(Flask="stopped", Django="502")
        story.policies = (CheckPolicy("Django"),)
        assert story.cycle(Django="502") == ["partly_recovered Flask [Django]"]

    def test_new_check_may_fail_immediately(self) -> None:
        """A new check may fail at its first look."""
        story = Story(STACK[:3])
        story.cycle()
        story.policies = STACK
        assert story.cycle(Disk="slow") == ["opened Disk [Disk]"]

    def test_circular_dependencies_hide_nothing(self) -> None:
        story = Story([CheckPolicy("A", depends_on=("B",)), CheckPolicy("B", depends_on=("A",))])
        assert story.cycle(A="502", B="502") == ["opened A, B [A, B]"]
        assert story.cycle(A="502") == ["partly_recovered B [A]"]

    def test_an_unknown_dependency_is_ignored(self) -> None:
        assert Story([CheckPolicy("A", depends_on=("nobody",))]).cycle(A="502") == ["opened A [A]"]


class TestSince:
    """A failure began at the first moment at which it was not well, whoever knows that."""

    def test_confirmation_moves_no_beginning(self) -> None:
        story = Story([CheckPolicy("Flask", confirm=3)])
        story.cycle(Flask="slow")
        began = story.now
        assert story.rounds(2, Flask="slow") == ["opened Flask [Flask]"]
        (event,) = story.events
        assert (event.since, event.opened_at) == ({"Flask": began}, began)
        assert story.state.checks["Flask"].since == began

    def test_a_start_that_fails_began_with_the_start(self) -> None:
        """And what follows from it is dated no earlier."""
        story = Story()
        story.cycle()
        story.partial(Flask="starting")
        began = story.now
        assert story.partial(9, Flask="starting") == []
        assert story.cycle(1, Flask="starting", Django="502") == ["opened Flask [Django*, Flask]"]
        (event,) = story.events
        assert event.since == {"Flask": began, "Django": story.now}
        story.cycle(290)
        assert story.events[0].lasted_s == {"Flask": 300.0, "Django": 290.0}

    def test_the_target_knows_better(self) -> None:
        """systemd remembers when the unit went down, be it before anybody looked."""
        story = Story()
        story.cycle()
        went_down = story.now + timedelta(seconds=17)
        story.began_at = went_down
        assert story.cycle(Flask="stopped") == ["opened Flask [Flask]"]
        (event,) = story.events
        assert (event.since, event.opened_at, event.is_opening) == ({"Flask": went_down}, went_down, True)
        assert story.state.checks["Flask"].since == went_down

    def test_what_was_seen_well_has_not_been_down(self) -> None:
        """Whatever the target says: it may be another one by now."""
        story = Story()
        story.cycle()
        last_well = story.now
        story.began_at = story.now - timedelta(days=58)
        story.cycle(Disk="slow")
        assert story.events[0].since == {"Disk": last_well}

    def test_what_is_counted_began_before_it_was_too_much(self) -> None:
        """A look in between found it well: not enough had happened yet."""
        story = Story()
        story.is_counted = True
        story.cycle()
        story.began_at = story.now - timedelta(seconds=100)
        story.cycle(Disk="slow")
        assert story.events[0].since == {"Disk": story.began_at}

    def test_at_first_sight_the_target_is_believed(self) -> None:
        story = Story()
        story.began_at = START - timedelta(days=58)
        story.cycle(Disk="slow")
        assert story.events[0].since == {"Disk": story.began_at}

    def test_no_failure_begins_in_the_future(self) -> None:
        story = Story()
        story.began_at = START + timedelta(days=3)
        story.cycle(Flask="stopped")
        assert story.events[0].since == {"Flask": story.now}

    def test_a_consequence_is_no_older_than_its_cause(self) -> None:
        story = Story()
        story.cycle(Django="502")
        story.cycle(Django="502", Flask="stopped")
        (event,) = story.events
        assert event.since == {"Flask": story.now, "Django": story.now}

    def test_what_recovered_in_between_begins_anew(self) -> None:
        story = Story([CheckPolicy("Flask", confirm=2)])
        story.cycle(Flask="slow")
        story.cycle()
        story.cycle(Flask="slow")
        began = story.now
        story.cycle(Flask="slow")
        assert story.events[0].since == {"Flask": began}


class TestTogether:
    """What comes back with one start is told once; a failure never waits."""

    def test_recovery_waits_for_what_is_starting(self) -> None:
        story = Story()
        story.cycle(Nginx="stopped", Django="stopped", Flask="stopped")
        assert story.partial(Nginx="ok", Django="starting", Flask="starting") == []
        assert story.partial(0.5, Django="ok") == []
        assert story.partial(0.6, Flask="ok") == ["recovered Nginx, Django, Flask []"]
        assert story.cycle() == []

    def test_it_waits_a_few_seconds(self) -> None:
        story = Story(grace_s=60)
        story.cycle(Disk="stopped", Flask="stopped")
        assert story.partial(Disk="ok", Flask="starting") == []
        assert story.partial(9.9, Flask="starting") == []
        assert story.partial(0.1, Disk="ok", Flask="starting") == ["partly_recovered Disk [Flask]"]

    def test_it_waits_for_nobody_who_stays_down(self) -> None:
        story = Story()
        story.cycle(Disk="stopped", Flask="stopped")
        assert story.partial(Disk="ok", Flask="starting") == []
        assert story.partial(Flask="stopped") == ["partly_recovered Disk [Flask]"]

    def test_what_fails_again_was_never_well(self) -> None:
        story = Story()
        story.cycle(Disk="stopped", Flask="stopped")
        assert story.partial(Disk="ok", Flask="starting") + story.partial(Disk="stopped") == []
        assert story.cycle(Disk="stopped") == ["partly_recovered Flask [Disk]"]

    def test_a_failure_waits_for_nobody(self) -> None:
        story = Story()
        story.cycle(Disk="stopped", Flask="stopped")
        assert story.partial(Disk="ok", Flask="starting", Nginx="stopped") == ["joined Nginx [Nginx, Flask, Disk]"]

    def test_a_consequence_was_not_down_by_itself(self) -> None:
        story = Story()
        story.cycle(Flask="stopped", Django="502")
        story.cycle()
        assert story.events[0].due_to == {"Django": ("Flask",)}
        story.cycle(Flask="stopped", Django="502")
        story.cycle(Flask="stopped", Django="stopped")
        story.cycle()
        assert story.events[0].due_to == {}

    def test_new_failures_are_told_apart_from_a_recovery(self) -> None:
        story = Story()
        story.cycle(Flask="stopped")
        assert story.cycle(Disk="slow") == ["partly_recovered Flask [Disk]", "joined Disk [Disk]"]
        assert [event.told_apart for event in story.events] == [("Disk",), ()]
        assert [event.is_opening for event in story.events] == [False, False]


def test_calm_precedes_the_final_recovery() -> None:
    """Calm is told before the recovery that ends the incident."""
    story = Story()
    for _ in range(3):
        story.cycle()
        story.cycle(Disk="slow")
    story.cycle()
    story.rounds(2, Flask="stopped")
    assert story.cycle() == ["calm Disk []", "recovered Flask []"]


def test_untold_failure_leaves_no_trace() -> None:
    story = Story()
    story.cycle(Disk="unknown")
    story.cycle()
    check = story.state.checks["Disk"]
    assert (check.failing_since, check.status, check.notified) == (None, Status.OK, Belief.FINE)


def test_blindness_keeps_the_hysteresis() -> None:
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


class TestSelfReport:
    """What a target says of itself is the cause of what others see of it."""

    policies = (
        CheckPolicy("Nginx", depends_on=("Django",)),
        CheckPolicy("Django", depends_on=("Flask",), explained_by=("Body",)),
        CheckPolicy("Flask"),
        CheckPolicy("Body", depends_on=("Django", "Flask")),
    )

    def test_its_own_word_is_the_cause(self) -> None:
        """One alert, cause first, and one recovery."""
        story = Story(self.policies)
        assert story.cycle(Django="502", Nginx="502", Body="ill") == ["opened Body [Nginx*, Django*, Body]"]
        assert story.events[0].consequences == {"Nginx": ("Body",), "Django": ("Body",)}
        assert story.events[0].apart == ()
        assert story.cycle() == ["recovered Nginx, Django, Body []"]

    def test_what_it_may_put_down_to_others_is_awaited(self) -> None:
        """It blames another one, which may be starting; nobody is told of the consequence first."""
        story = Story(self.policies)
        assert story.cycle(Django="502", Body="blaming") == []
        assert story.partial(11, Django="502", Body="blaming") == ["opened Body [Django*, Body]"]

    def test_who_is_blamed_rightly_is_the_cause(self) -> None:
        story = Story(self.policies)
        told = story.cycle(Flask="stopped", Django="502", Body="blaming")
        assert told == ["opened Flask [Django*, Flask]"]
        assert story.cycle(11, Flask="stopped", Django="502", Body="blaming") == []
        assert story.cycle() == ["recovered Django, Flask []"]

    def test_who_is_silent_explains_nothing(self) -> None:
        """It is not answered either: then the service is the cause, as it always was."""
        story = Story(self.policies)
        assert story.cycle(Django="502", Body="502") == ["opened Django [Django, Body*]"]
        assert story.cycle(Django="stopped", Body="502") == []
        assert story.cycle() == ["recovered Django, Body []"]

    def test_who_stops_after_its_word_has_stopped(self) -> None:
        story = Story(self.policies)
        story.cycle(Django="502", Body="ill")
        assert story.cycle(Django="stopped", Body="502") == ["worsened Django [Django, Body*]"]
        assert story.cycle() == ["recovered Django, Body []"]

    def test_a_consequence_waits_for_its_cause_to_be_looked_at(self) -> None:
        story = Story(self.policies)
        story.cycle(Django="502", Body="ill")
        assert story.partial(Django="ok", Body="ok") == ["recovered Django, Body []"]


class TestSinceOfAnIncident:
    """It is the earliest of its members', whatever came to be told first."""

    def test_who_joins_may_be_older(self) -> None:
        story = Story([CheckPolicy("Disk", confirm=3), CheckPolicy("Flask")])
        story.cycle(Disk="slow")
        began = story.now
        story.cycle(Disk="slow", Flask="stopped")
        assert story.events[0].opened_at > began
        assert story.cycle(Disk="slow", Flask="stopped") == ["joined Disk [Disk, Flask]"]
        assert story.events[0].opened_at == began
        assert story.state.incident is not None
        assert story.state.incident.opened_at == min(story.events[0].since.values())

    def test_a_consequence_makes_it_no_older(self) -> None:
        story = Story()
        story.cycle(Flask="stopped")
        began = story.now
        story.cycle(Flask="stopped", Django="502", Disk="slow")
        assert story.events[0].opened_at == began


class TestDuration:
    """It is the difference of the moments that are shown, and the same wherever it is shown."""

    def test_a_recovery_that_waits_makes_it_no_longer(self) -> None:
        """It ended when it was well, not when that was told."""
        story = Story()
        story.cycle(Disk="stopped", Flask="stopped")
        story.partial(30.7, Disk="ok", Flask="starting")
        well = story.now
        story.partial(9, Flask="ok")
        (event,) = story.events
        assert event.lasted_s == {"Flask": 39.0, "Disk": 30.0}
        assert (event.ended_at, event.at > well) == (story.now, True)

    def test_an_incident_ends_with_its_last(self) -> None:
        story = Story()
        story.cycle(Disk="slow")
        assert [event.ended_at for event in story.events] == [None]
        story.silence("Disk", 11)
        story.cycle()
        well = story.now
        assert story.rounds(2) == ["recovered Disk []"]
        assert (story.events[0].ended_at, story.events[0].lasted_s) == (well, {"Disk": 300.0})


class TestApart:
    """What has nothing in common is one message, and is said to be apart."""

    def test_unrelated_failures_are_told_apart(self) -> None:
        story = Story()
        assert story.cycle(Nginx="stopped", Disk="slow") == ["opened Nginx, Disk [Nginx, Disk]"]
        assert story.events[0].apart == (("Nginx",), ("Disk",))

    def test_who_joins_finds_its_own(self) -> None:
        story = Story()
        story.cycle(Nginx="stopped", Disk="slow")
        story.cycle(Nginx="stopped", Disk="slow", Flask="stopped")
        assert story.events[0].apart == (("Nginx", "Flask"), ("Disk",))

    def test_what_depends_on_each_other_is_not(self) -> None:
        """Three services that are stopped at once are one alert and one recovery, as they always were."""
        story = Story()
        story.cycle(Nginx="stopped", Django="stopped", Flask="stopped")
        assert story.events[0].apart == ()

    def test_a_consequence_belongs_to_its_cause(self) -> None:
        story = Story()
        story.cycle(Flask="stopped", Django="502", Disk="slow")
        assert story.events[0].apart == (("Django", "Flask"), ("Disk",))

    def test_what_is_about_one_thing_belongs_together(self) -> None:
        shares = frozenset({"path /"})
        story = Story([CheckPolicy("Disk", shares=shares), CheckPolicy("Flask"), CheckPolicy("Inodes", shares=shares)])
        story.cycle(Disk="slow", Inodes="slow", Flask="stopped")
        assert story.events[0].apart == (("Disk", "Inodes"), ("Flask",))

    def test_a_check_of_many_is_about_whom_it_names(self) -> None:
        flask, nginx = (CheckPolicy(name, shares=frozenset({f"unit {name.lower()}"})) for name in ("Flask", "Nginx"))
        story = Story([flask, nginx, CheckPolicy("Restarts")])
        story.cycle(Nginx="slow", Flask="slow", Restarts="naming")
        assert story.events[0].apart == (("Flask", "Restarts"), ("Nginx",))

    def test_the_unseen_is_nobodys(self) -> None:
        story = Story()
        story.rounds(2, Disk="unknown")
        story.cycle(Disk="unknown", Flask="stopped")
        assert [event.apart for event in story.events] == [(), ()]


def test_nobody_recovers_before_who_is_awaited() -> None:
    """Django's recovery would say that Flask, which is well, is failing still; it waits for Flask's consequences as well."""
    story = Story((CheckPolicy("Django"), CheckPolicy("Flask"), CheckPolicy("Golden", depends_on=("Flask",))))
    story.cycle(Django="stopped", Flask="stopped", Golden="502")
    assert story.partial(Django="ok", Flask="ok") == []
    assert story.partial(after_s=5, Django="ok") == []
    assert story.cycle(after_s=2) == ["recovered Django, Flask, Golden []"]


def test_a_slow_look_tells_nothing_of_the_past() -> None:
    """It began before the others, which were quicker, and ends after them."""
    story = Story()
    story.cycle(Flask="stopped")
    (opened,) = story.events
    assert story.partial(after_s=-0.7, Disk="stopped") == ["joined Disk [Flask, Disk]"]
    (joined,) = story.events
    assert joined.at >= opened.at
    assert story.partial(after_s=30.0, Flask="ok") == ["partly_recovered Flask [Disk]"]
    (first,) = story.events
    assert story.cycle(after_s=-4.0, Flask="nothing") == ["recovered Disk []"]
    (last,) = story.events
    assert last.at == first.at
