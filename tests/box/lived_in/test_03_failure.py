"""The installer fails at any of its steps, or is killed there: everything is what it was."""

import pytest

from tests.box.box import Box
from tests.box.faults import Faults, Step
from tests.box.lived_in.conftest import RELEASES, SETUP, STEPS, beside, sample, wait_until_as_before
from tests.box.lived_in.server import assert_answers, assert_lives
from tests.box.snapshot import Camera, Snapshot, differences

pytestmark = [pytest.mark.box, pytest.mark.timeout(15 * STEPS + 600)]


@pytest.fixture(scope="module")
def steps(lived_in: Box, faults: Faults) -> list[Step]:
    """Everything that an installation does, where its release has been built before."""
    lived_in.run(SETUP, timeout_s=400)
    faults.keep_releases()
    lived_in.run(f"{SETUP} --uninstall --purge")
    faults.put_releases_back()
    outcome = faults.run(SETUP)
    assert outcome.code == 0, outcome.output
    lived_in.run(f"{SETUP} --uninstall --purge")
    assert len(outcome.steps) > 50
    return outcome.steps


def is_installed_after_all(lived_in: Box) -> bool:
    """Tell whether a run that was killed had done everything, once nobody is taking anything back."""
    guard = "systemctl is-active --quiet 'neuronova-setup-guard*'"
    lived_in.wait_until("the guard has done its work", lambda: lived_in.run(guard, expect=None).code != 0, 60)
    done = "test ! -e /var/lib/neuronova/before/run && systemctl is-active --quiet gunicorn_monitor"
    return lived_in.run(f"{done} && ! crontab -l | grep -q neuronova-health-check", expect=None).code == 0


@pytest.mark.parametrize(("mode", "size"), [("fail", STEPS or 6), ("exit", STEPS or 5)])
def test_failure_changes_nothing(
    lived_in: Box, camera: Camera, faults: Faults, steps: list[Step], subtests: pytest.Subtests, mode: str, size: int
) -> None:
    """A step is refused by the system, or a command fails: what the run had changed is taken back before it ends."""
    commands = [step for step in steps if step.event == "subprocess.Popen"]
    for step in sample(steps if mode == "fail" else commands, size):
        with subtests.test(mode=mode, step=str(step)):
            faults.put_releases_back()
            before = camera.take()
            outcome = faults.run(SETUP, mode, step.number)
            assert "Traceback" not in outcome.output, outcome.output
            if outcome.code == 0:  # it can do without
                lived_in.run(f"{SETUP} --uninstall --purge")
                faults.put_releases_back()
            assert beside(RELEASES, differences(before, camera.take())) == [], outcome.output
            assert_answers(lived_in)


@pytest.mark.parametrize("mode", ["kill", "soon"])
def test_kill_changes_nothing(
    lived_in: Box, camera: Camera, faults: Faults, steps: list[Step], subtests: pytest.Subtests, mode: str
) -> None:
    """kill -9, in the place of a step and in the midst of it: what the run had changed is taken back by itself.

    At the very end, when nothing but its notes is left to be put away, the installation stands.
    """
    for step in sample(steps, STEPS or 3):
        with subtests.test(mode=mode, step=str(step)):
            faults.put_releases_back()
            before = camera.take()
            outcome = faults.run(SETUP, mode, step.number)
            assert outcome.code != 0, outcome.output
            if is_installed_after_all(lived_in):
                lived_in.run(f"{SETUP} --uninstall --purge")
                faults.put_releases_back()
            wait_until_as_before(camera, before, RELEASES)
            assert_answers(lived_in)


@pytest.mark.parametrize("mode", ["exit", "soon"])
def test_unfinished_release_is_removed(lived_in: Box, camera: Camera, faults: Faults, steps: list[Step], mode: str) -> None:
    """pip fails, or the installer is killed while pip is at work."""
    lived_in.run("rm -rf /opt/neuronova")
    before = camera.take()
    outcome = faults.run(SETUP, mode, "pip install")
    assert outcome.code != 0, outcome.output
    wait_until_as_before(camera, before)


def test_installation_after_all_that(lived_in: Box, camera: Camera, untouched: Snapshot) -> None:
    """It can be installed as if nothing had been, and be removed."""
    lived_in.run(SETUP, timeout_s=400)
    assert_lives(lived_in)
    lived_in.run(f"{SETUP} --uninstall --purge")
    assert [str(each) for each in differences(untouched, camera.take(), are_same_processes=False)] == []
