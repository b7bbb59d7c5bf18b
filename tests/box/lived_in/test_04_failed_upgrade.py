"""An upgrade that fails, or is killed, goes back to what ran before; a removal that is killed is completed by the next one."""

import pytest

from tests.box.box import Box
from tests.box.faults import Faults, Step
from tests.box.lived_in.conftest import KEPT, RELEASES, SETUP, STEPS, beside, sample, wait_until_as_before
from tests.box.lived_in.server import as_ubuntu, assert_answers, assert_lives
from tests.box.snapshot import Camera, Snapshot, differences

pytestmark = [pytest.mark.box, pytest.mark.timeout(30 * STEPS + 600)]

NEXT = "bash /home/ubuntu/NeuroNova-2/deploy/monitoring/setup_monitoring.sh"
# Its processes are others, and what it has seen is kept.
MONITOR = rf"unit (gunicorn_monitor|neuronova-deadman)\.\w+|{KEPT}|{RELEASES}"


@pytest.fixture(scope="module")
def steps(lived_in: Box, faults: Faults) -> list[Step]:
    """Everything that an upgrade does, where both releases have been built before."""
    lived_in.run(as_ubuntu("cp -a ~/NeuroNova ~/NeuroNova-2; echo >> ~/NeuroNova-2/README.md"))
    lived_in.run(SETUP, timeout_s=400)
    lived_in.run(NEXT, timeout_s=400)
    faults.keep_releases()
    lived_in.run(SETUP, timeout_s=400)
    outcome = faults.run(NEXT)
    assert outcome.code == 0, outcome.output
    lived_in.run(SETUP, timeout_s=400)
    return outcome.steps


def release(box: Box) -> str:
    return box.output("readlink /opt/neuronova/current")


@pytest.mark.parametrize("mode", ["fail", "kill"])
def test_failed_upgrade_goes_back(
    lived_in: Box, camera: Camera, faults: Faults, steps: list[Step], subtests: pytest.Subtests, mode: str
) -> None:
    """The monitor of before runs, everybody else has noticed nothing."""
    # The last steps put the notes away: from there on the upgrade stands.
    for step in sample(steps[:-10], STEPS or 3):
        with subtests.test(mode=mode, step=str(step)):
            faults.put_releases_back()
            before, running = camera.take(), release(lived_in)
            outcome = faults.run(NEXT, mode, step.number)
            if outcome.code == 0:  # it can do without
                lived_in.run(SETUP, timeout_s=400)
            wait_until_as_before(camera, before, MONITOR)
            assert release(lived_in) == running
            lived_in.run("systemctl is-active gunicorn_monitor && curl -s http://127.0.0.1:9001/health")
            assert_answers(lived_in)


def test_killed_removal_is_completed(
    lived_in: Box, camera: Camera, untouched: Snapshot, faults: Faults, steps: list[Step], subtests: pytest.Subtests
) -> None:
    lived_in.run("rm -r /home/ubuntu/NeuroNova-2")
    outcome = faults.run(f"{SETUP} --uninstall --purge")
    assert outcome.code == 0, outcome.output
    for mode in ("fail", "kill"):
        for step in sample(outcome.steps, STEPS or 3):
            with subtests.test(mode=mode, step=str(step)):
                faults.put_releases_back()
                lived_in.run(SETUP, timeout_s=400)
                broken = faults.run(f"{SETUP} --uninstall --purge", mode, step.number)
                assert "Traceback" not in broken.output, broken.output
                assert_answers(lived_in)
                lived_in.run(f"{SETUP} --uninstall --purge")
                lived_in.run("rm -rf /opt/neuronova")
                assert beside("-", differences(untouched, camera.take(), are_same_processes=False)) == [], broken.output
    assert_lives(lived_in)
