"""Removal puts everything back that was there before us."""

import pytest

from tests.box.box import Box
from tests.box.lived_in.conftest import KEPT, SETUP, beside
from tests.box.lived_in.server import assert_lives
from tests.box.snapshot import Camera, Snapshot, differences

pytestmark = pytest.mark.box


def test_uninstall_puts_everything_back(lived_in: Box, camera: Camera, untouched: Snapshot) -> None:
    """Byte for byte, but for our settings, logs and history, and the users that they belong to."""
    before = camera.take()
    lived_in.run(f"{SETUP} --uninstall")
    now = camera.take()
    assert beside(KEPT, differences(untouched, now, are_same_processes=False)) == []
    changed = {each.where for each in differences(before, now)}
    assert not changed & {"unit gunicorn_django.service", "unit gunicorn_flask.service", "unit nginx.service"}
    lived_in.run("cat /etc/neuronova/monitor.toml /var/log/neuronova/health_check.log; ls /var/lib/neuronova/monitor.db")
    assert_lives(lived_in)


def test_earlier_script_works_again(lived_in: Box) -> None:
    """It writes its log as before, and tells whom it told before."""
    assert "neuronova-health-check" in lived_in.output("crontab -l")
    since = lived_in.notified()
    lived_in.run("systemctl stop gunicorn_flask; neuronova-health-check; systemctl start gunicorn_flask")
    lived_in.wait_for_news(since, "[CRITICAL] NeuroNova 서비스 장애 발생!", 10)


def test_purge_leaves_nothing(lived_in: Box, camera: Camera, untouched: Snapshot) -> None:
    lived_in.run(f"{SETUP} --uninstall --purge")
    assert [str(each) for each in differences(untouched, camera.take(), are_same_processes=False)] == []
    assert_lives(lived_in)
