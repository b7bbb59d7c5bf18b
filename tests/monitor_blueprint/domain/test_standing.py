"""Why a check stands as it does: a story each, and what is written beside it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor_blueprint.domain.models import CheckPolicy, Status
from monitor_blueprint.domain.standing import Why, in_order, standings
from tests.monitor_blueprint.domain.story import STACK, Story

FLAPPING = ["Disk=slow", "", "Disk=slow", "", "Disk=slow"]


def told(how: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in how.split())


@pytest.mark.parametrize(
    ("rounds", "check", "why", "is_told"),
    [
        ([""], "Flask", None, False),
        (["Flask=stopped"], "Flask", Why.FAILING, True),
        (["Flask=stopped Django=502"], "Django", Why.CONSEQUENCE, True),
        (["Flask=stopped", "Flask=stopped Django=502"], "Django", Why.CONSEQUENCE, True),
        (["Disk=slow", "Disk=warning"], "Disk", Why.IMPROVED, True),
        (["Disk=slow", "Disk=unknown"], "Disk", Why.UNSEEN, True),
        (["Flask=starting"], "Flask", Why.SETTLING, False),
        (["", *FLAPPING], "Disk", Why.UNSTABLE_DOWN, True),
        (["", *FLAPPING, ""], "Disk", Why.UNSTABLE_UP, True),
        (["Slow=slow"], "Slow", Why.UNCONFIRMED, False),
        (["Disk=warning"], "Disk", Why.WARNED, False),
        (["Disk=unknown"], "Disk", Why.UNSEEN, False),
    ],
)
def test_why(rounds: list[str], check: str, why: Why | None, is_told: bool) -> None:
    story = Story([*STACK, CheckPolicy("Slow", confirm=3)])
    for how in rounds:
        story.see(told(how))
    standing = standings(story.state, story.silences, story.now)[check]
    assert (standing.why, standing.is_told) == (why, is_told)


def test_recovery_that_waits_for_others_says_so() -> None:
    story = Story()
    story.cycle(Flask="stopped", Django="502")
    story.partial(Flask="ok")
    assert standings(story.state, (), story.now)["Flask"].why is Why.AWAITED


def test_every_open_incident_has_a_reason() -> None:
    """However green it looks: as long as it is open, something is said of it."""
    for rounds in (["", *FLAPPING, ""], ["Disk=slow", "Disk=warning"], ["Flask=stopped Django=502", "Django=502"]):
        story = Story()
        for how in rounds:
            story.see(told(how))
            parts = [each for each in standings(story.state, (), story.now).values() if each.is_told]
            assert bool(parts) == (story.state.incident is not None)
            assert all(part.why is not None for part in parts)


def test_what_may_be_a_consequence_names_its_cause() -> None:
    """It is well as far as anybody was told, and reads like a fault."""
    story = Story()
    story.cycle(Flask="stopped")
    story.partial(Django="warming")
    found = standings(story.state, (), story.now)["Django"]
    assert (found.why, found.causes, found.since) == (Why.SETTLING, ("Flask",), story.now)
    assert story.state.checks["Django"].status is Status.OK


def test_causes_are_looked_at_first() -> None:
    story = Story()
    story.cycle(Flask="stopped", Django="502", Nginx="502", Disk="slow")
    found = standings(story.state, (), story.now)
    assert [each.check for each in in_order(found.values())] == ["Flask", "Disk", "Nginx", "Django"]
    assert found["Django"].since == found["Flask"].since


def test_the_longest_silence_counts() -> None:
    story = Story()
    story.silence("Flask", 10)
    story.silence("*", 30)
    began = story.now
    story.cycle(Flask="stopped")
    found = standings(story.state, story.silences, story.now)
    assert found["Flask"].silenced_until == began + timedelta(minutes=30)
    assert (found["Flask"].why, found["Flask"].is_told) == (Why.FAILING, False)
    assert standings(story.state, (), story.now)["Flask"].silenced_until is None


def test_a_start_has_a_beginning_of_its_own() -> None:
    """However long all was well before."""
    story = Story()
    story.cycle()
    story.cycle(Flask="starting")
    began = story.state.checks["Flask"].settling_since
    assert began is not None
    assert standings(story.state, (), story.now)["Flask"].since == began
