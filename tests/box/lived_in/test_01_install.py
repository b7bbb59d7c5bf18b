"""The guide's two commands, on a server that lives: the monitor comes, and nothing else changes."""

import json

import pytest

from tests.box.box import Box
from tests.box.conftest import check_often, setting
from tests.box.lived_in.conftest import KEPT, PROGRAMS, beside, failures
from tests.box.lived_in.server import ACCESS_LOG, as_ubuntu, assert_lives
from tests.box.snapshot import Camera, Snapshot, differences

pytestmark = pytest.mark.box

GUIDE = "cd ~/NeuroNova/deploy/monitoring; sudo bash setup_monitoring.sh"
LOG = "/var/log/neuronova/health_check.log"
TRUE_RESULTS = [
    "SUCCESS: Nginx: 정상 실행 중",
    "SUCCESS: Django: 정상 실행 중",
    "SUCCESS: Django API: 응답 정상 (HTTP 200)",
    "SUCCESS: Flask: 정상 실행 중",
    "SUCCESS: Flask API: 응답 정상 (HTTP 200)",
]


def test_dry_run_changes_nothing(lived_in: Box, camera: Camera, untouched: Snapshot) -> None:
    """It names what is somebody else's, as text and as JSON, and touches nothing."""
    text = lived_in.run(as_ubuntu(f"{GUIDE} --dry-run")).output
    for found in (
        "gunicorn_flask",
        "/srv/sequence-server",
        "/api/v1/health/",
        "monitor.toml",
        "ubuntu",
        "ALERT_EMAIL",
        "SLACK_WEBHOOK",
    ):
        assert found in text, text
    assert "secret" not in text
    answer = lived_in.run(as_ubuntu(f"{GUIDE} --dry-run --json")).output
    assert isinstance(json.loads(answer), dict)
    assert "T0/B0/secret" not in answer
    assert differences(untouched, camera.take()) == []


def test_install_leaves_others_alone(lived_in: Box, camera: Camera, untouched: Snapshot) -> None:
    """The same processes run, and every difference is of ours."""
    output = lived_in.run(as_ubuntu(GUIDE), timeout_s=400).output
    for line in TRUE_RESULTS:
        assert line in output, output
    found = differences(untouched, camera.take())
    assert beside(f"{PROGRAMS}|{KEPT}", found) == []
    assert_lives(lived_in)


def test_others_jobs_and_lines_stay(lived_in: Box) -> None:
    """Of the crontab one line is gone; the backup's is there; both rotations are."""
    assert "certbot -q renew" in lived_in.output("crontab -l")
    assert "neuronova-health-check" not in lived_in.output("crontab -l")
    assert lived_in.output("systemctl is-enabled gunicorn_flask") == "enabled"
    rotated = lived_in.output("logrotate --debug /etc/logrotate.conf 2>&1")
    assert "error:" not in rotated
    for log in ("health_check.log", "cron.log", "django_access.log"):
        assert f"considering log /var/log/neuronova/{log}" in rotated, rotated


def test_earlier_settings_are_taken_over(lived_in: Box) -> None:
    assert setting(lived_in, "monitor.env", "ALERT_EMAIL") == "ops@example.com"
    assert setting(lived_in, "monitor.env", "SLACK_WEBHOOK") == "http://127.0.0.1:8099/services/T0/B0/secret"
    since = lived_in.notified()
    lived_in.run("neuronova-monitor test-alert")
    assert [len(lived_in.news(since, channel)) for channel in ("mail", "slack")] == [1, 1]


def test_earlier_log_goes_on(lived_in: Box) -> None:
    text = lived_in.path(LOG).read_text(encoding="utf-8")
    assert text.startswith("[2025-12-06 14:35:01] INFO: ===")
    assert lived_in.output(f"stat -c %U {LOG} {ACCESS_LOG} /var/log/neuronova").split() == ["neuronova", "ubuntu", "ubuntu"]


def test_scheduled_check_is_true(lived_in: Box) -> None:
    """The schedule itself looks, and finds everything as it is: no false CRITICAL."""
    check_often(lived_in)
    seen = lived_in.path(LOG).stat().st_size
    lived_in.wait_for_next_check()
    text = lived_in.path(LOG).read_bytes()[seen:].decode()
    for line in TRUE_RESULTS:
        assert line in text, text
    assert failures(text) == []


def test_outage_of_others_is_told(lived_in: Box) -> None:
    """A foreign server that is stopped is told, with its name, and so is its return."""
    since = lived_in.notified()
    lived_in.run("systemctl stop gunicorn_flask")
    lived_in.wait_for_news(since, "[CRITICAL] NeuroNova 서비스 장애 발생!\n실패한 서비스: Flask")
    lived_in.run("systemctl start gunicorn_flask")
    lived_in.wait_for_news(since, "[OK] NeuroNova 서비스 복구")


def test_upgrade_leaves_others_alone(lived_in: Box, camera: Camera) -> None:
    """Another version of ours comes and goes; everybody else notices nothing."""
    before = camera.take()
    release = lived_in.output("readlink /opt/neuronova/current")
    lived_in.run(as_ubuntu("cp -a ~/NeuroNova ~/NeuroNova-2; echo >> ~/NeuroNova-2/README.md"))
    lived_in.run("bash /home/ubuntu/NeuroNova-2/deploy/monitoring/setup_monitoring.sh", timeout_s=400)
    assert lived_in.output("readlink /opt/neuronova/current") != release
    lived_in.run("rm -r /home/ubuntu/NeuroNova-2")
    assert beside(f"{PROGRAMS}|{KEPT}", differences(before, camera.take())) == []
    assert_lives(lived_in)
