"""Services are stopped, killed, hung and restarted, resources run out; the right people are told, once."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.box.box import Box

pytestmark = [pytest.mark.box, pytest.mark.usefixtures("impatient_watchdog", "fresh_history")]

CRITICAL = "[CRITICAL] NeuroNova 서비스 장애 발생!\n실패한 서비스: "
RECOVERED = "[OK] NeuroNova 서비스 복구"
SERVICES = ("nginx", "gunicorn_django", "gunicorn_flask")
GRACE_S = 11.0
DATABASE = "/var/lib/neuronova/monitor.db"
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


def restarts(box: Box) -> str:
    return box.output("systemctl show -p NRestarts --value gunicorn_flask")


def wait_for_restart(box: Box, before: str) -> None:
    box.wait_until(
        "systemd has brought it back",
        lambda: restarts(box) != before and box.is_active("gunicorn_flask"),
        timeout_s=60,
    )


@pytest.fixture(scope="module")
def impatient_watchdog(box: Box) -> Iterator[None]:
    """30 seconds instead of a minute, which is long for a test."""
    box.run("mkdir -p /run/systemd/system/gunicorn_flask.service.d")
    box.run("printf '[Service]\\nWatchdogSec=30\\n' > /run/systemd/system/gunicorn_flask.service.d/fast.conf")
    box.run("systemctl daemon-reload && systemctl restart gunicorn_flask")
    yield
    box.run("rm -r /run/systemd/system/gunicorn_flask.service.d && systemctl daemon-reload")


def check_until_well(box: Box) -> None:
    """Check by hand, rather than wait for the next minute."""
    box.wait_until("all is well", lambda: box.run("neuronova-health-check", expect=None).code == 0, timeout_s=60)


def least_uptime_s(box: Box) -> float:
    """For how long the service that was started last has been up."""
    starts = box.output(f"systemctl show -p ActiveEnterTimestampMonotonic --value {' '.join(SERVICES)}").split()
    return float(box.output("cut -d' ' -f1 /proc/uptime")) - max(int(start) for start in starts) / 1e6


@pytest.fixture
def fresh_history(box: Box, impatient_watchdog: None) -> None:
    """As if the tests were weeks apart: a service that fails in test after test would be called unstable, and one that
    was started a moment ago may still be silent.
    """
    for service in SERVICES:
        box.run(f"systemctl kill --signal=CONT {service}; systemctl start {service}")
    box.wait_until("every service is past its grace time", lambda: least_uptime_s(box) > GRACE_S)
    box.run("systemctl stop gunicorn_monitor && rm /var/lib/neuronova/monitor.db* && systemctl start gunicorn_monitor")
    box.wait_until("all is well", lambda: box.last_check()["last_check"] == "OK")


def test_stopped_ml_server_is_told(box: Box) -> None:
    """A stopped ML server is told at once, and once."""
    since = box.notified()
    stopped_at = float(box.output("systemctl stop gunicorn_flask; date +%s.%N"))
    text = box.wait_for_news(since, CRITICAL, timeout_s=20)
    assert re.match(rf"\[CRITICAL\] NeuroNova 서비스 장애 발생!\n실패한 서비스: .*Flask.*\n시각: {TIME}\n", text), text
    assert box.records("slack")[-1]["at"] - stopped_at < 5
    box.wait_for_next_check()
    assert [text for text in box.news(since) if "Flask" in text.splitlines()[1]] == [text]
    result = box.run("neuronova-health-check", expect=2)
    assert "ERROR: Flask: 중지됨" in result.output
    assert box.run("grep ERROR /var/log/neuronova/health_check.log").output.count("Flask") > 0
    assert "nurse" in box.run("SUDO_USER=nurse neuronova-monitor ack").output

    since = box.notified()
    box.run("systemctl start gunicorn_flask")
    assert "Flask" in box.wait_for_news(since, RECOVERED)


def test_healed_restarts_are_not_told(box: Box) -> None:
    """Restarts and a kill that heal by themselves are not told."""
    since = box.notified()
    box.run("systemctl restart gunicorn_flask && systemctl restart gunicorn_django && systemctl reload nginx")
    before = restarts(box)
    box.run("systemctl kill --kill-whom=main --signal=KILL gunicorn_flask")
    wait_for_restart(box, before)
    box.wait_for_next_check()
    assert box.news(since) == box.news(since, "mail") == []


@pytest.mark.parametrize("unit", ["nginx", "gunicorn_django"])
def test_stopped_service_is_named(box: Box, unit: str) -> None:
    """Another service that is stopped is told with its own name."""
    name = {"nginx": "Nginx", "gunicorn_django": "Django"}[unit]
    since = box.notified()
    box.run(f"systemctl stop {unit}")
    assert name in box.wait_for_news(since, CRITICAL).splitlines()[1]
    since = box.notified()
    box.run(f"systemctl start {unit}")
    assert name in box.wait_for_news(since, RECOVERED)


def test_killed_nginx_is_told(box: Box) -> None:
    """A killed Nginx, which stays down, is told."""
    since = box.notified()
    box.run("systemctl kill --signal=KILL nginx")
    assert "Nginx" in box.wait_for_news(since, CRITICAL).splitlines()[1]
    since = box.notified()
    box.run("systemctl start nginx")
    box.wait_for_news(since, RECOVERED)


def test_watchdog_restarts_hung_ml_server(box: Box) -> None:
    """A hung ML server is told, and brought back by the watchdog."""
    since = box.notified()
    before = restarts(box)
    box.run("systemctl kill --signal=STOP gunicorn_flask")
    result = box.run("neuronova-health-check", expect=2)
    assert "ERROR: Flask API: " in result.output, str(result)
    assert "Flask" in box.wait_for_news(since, CRITICAL).splitlines()[1]
    wait_for_restart(box, before)
    check_until_well(box)
    box.wait_for_news(since, RECOVERED)


def test_a_hung_django_is_told(box: Box) -> None:
    since = box.notified()
    box.run("systemctl kill --signal=STOP gunicorn_django")
    box.run("neuronova-health-check", expect=2)
    assert "Django" in box.wait_for_news(since, CRITICAL).splitlines()[1]
    box.run("systemctl kill --signal=CONT gunicorn_django")
    check_until_well(box)
    box.wait_for_news(since, RECOVERED)


def test_silenced_service_is_not_told(box: Box) -> None:
    """A silenced service is checked, but not told."""
    since = box.notified()
    box.run("neuronova-monitor silence '*' 30m --why 배포")
    box.run("systemctl stop nginx")
    assert "ERROR: Nginx: 중지됨" in box.run("neuronova-health-check", expect=2).output
    box.run("systemctl start nginx")
    box.run("neuronova-health-check")
    assert box.news(since) == box.news(since, "mail") == []
    number = box.output("neuronova-monitor silences").split("번")[0]
    box.run(f"neuronova-monitor unsilence {number}")
    box.run("neuronova-health-check")
    assert box.news(since) == []


def test_exhausted_resources_are_told(box: Box) -> None:
    """A full disk, much memory and load are told."""
    box.run("mkdir -p /srv/uploads && mount -t tmpfs -o size=10m uploads /srv/uploads")
    box.run("cp -p /etc/neuronova/monitor.toml /root/good.toml")
    box.run('printf \'[[check]]\\nname = "Uploads"\\nkind = "disk"\\npath = "/srv/uploads"\\n\' >> /etc/neuronova/monitor.toml')
    box.run("systemctl reload gunicorn_monitor")
    box.wait_for_next_check()

    since = box.notified()
    box.run("dd if=/dev/zero of=/srv/uploads/scans bs=1M count=9 status=none && fallocate -l 500K /srv/uploads/more")
    result = box.run("neuronova-health-check", expect=2)
    assert re.search(r"ERROR: .*9\d%", result.output), str(result)
    assert "Uploads" in box.wait_for_news(since, CRITICAL).splitlines()[1]
    box.run("rm /srv/uploads/*")
    check_until_well(box)
    box.wait_for_news(since, RECOVERED)

    # Limits that this machine is above: the monitor cannot tell the difference, and nobody has to eat 20 GB.
    since = box.notified()
    box.run(
        'cd /etc/neuronova && sed -i \'/^name = "Memory"/,/^critical/ s/^warning = .*/warning = 0.1/; '
        '/^name = "Memory"/,/^critical/ s/^critical = .*/critical = 0.2/; '
        '/^name = "CPU"/,/^critical/ s/^warning = .*/warning = 0.1/; '
        '/^name = "CPU"/,/^critical/ s/^critical = .*/critical = 0.2/\' monitor.toml && systemctl reload gunicorn_monitor'
    )
    box.wait_for_next_check()
    notified = box.wait_for_news(since, CRITICAL, timeout_s=90).splitlines()[1]
    assert "Memory" in notified
    assert "CPU" in notified
    box.run("cp -p /root/good.toml /etc/neuronova/monitor.toml && systemctl reload gunicorn_monitor && umount /srv/uploads")
    check_until_well(box)
    box.wait_for_news(since, RECOVERED)


def test_repeated_stops_are_told(box: Box) -> None:
    """A service that stops again and again is told."""
    since = box.notified()
    box.run("cp -p /etc/neuronova/monitor.toml /root/good.toml")
    box.run("sed -i 's/^most = 500/most = 2/' /etc/neuronova/monitor.toml && systemctl reload gunicorn_monitor")
    for _ in range(3):
        before = restarts(box)
        box.run("systemctl kill --signal=KILL gunicorn_flask")
        wait_for_restart(box, before)
    box.run("neuronova-health-check", expect=2)
    assert "서비스가 자주 중단됨: gunicorn_flask" in box.wait_for_news(since, CRITICAL, timeout_s=90)
    box.run("cp -p /root/good.toml /etc/neuronova/monitor.toml && systemctl reload gunicorn_monitor")
    check_until_well(box)
    box.wait_for_news(since, RECOVERED)


def test_killed_monitor_repeats_nothing(box: Box) -> None:
    """A killed monitor comes back and repeats nothing."""
    since = box.notified()
    box.run("systemctl stop nginx")
    box.wait_for_news(since, CRITICAL)
    before = box.output("systemctl show -p MainPID --value gunicorn_monitor")
    box.run("systemctl kill --signal=KILL gunicorn_monitor")
    box.wait_until(
        "systemd has brought the monitor back",
        lambda: (
            box.output("systemctl show -p MainPID --value gunicorn_monitor") not in {before, "0"}
            and box.is_active("gunicorn_monitor")
        ),
    )
    box.wait_for_next_check()
    assert len(box.news(since)) == len(box.news(since, "mail")) == 1
    since = box.notified()
    box.run("systemctl start nginx")
    box.wait_for_news(since, RECOVERED)


def test_timer_tells_of_gone_monitor(box: Box) -> None:
    """A monitor that is gone is told by the timer, once, and again when it is back; what it has stored is believed, too."""
    box.run("systemctl stop gunicorn_monitor")
    since = box.notified()
    box.run("systemctl start neuronova-deadman")
    assert box.news(since) == []
    # A quarter of an hour later:
    later = "UPDATE cycle SET started_at = started_at - 1800000"
    box.run(
        "runuser -u neuronova -- python3 -c "
        f"\"import sqlite3; c = sqlite3.connect('{DATABASE}'); c.execute('{later}'); c.commit()\""
    )
    checkpoint = box.path("/var/lib/neuronova/deadman.json")
    remembered = json.loads(checkpoint.read_text())
    remembered["gone_since"] = "2026-01-01T00:00:00Z"
    checkpoint.write_text(json.dumps(remembered))
    box.run("systemctl start neuronova-deadman && systemctl start neuronova-deadman")
    for channel in ("slack", "mail"):
        assert [text.splitlines()[0] for text in box.news(since, channel)] == ["[CRITICAL] NeuroNova 모니터 응답 없음!"]
    box.run("systemctl start gunicorn_monitor")
    box.wait_until("the monitor is well", lambda: box.last_check()["ok"])
    box.run("systemctl start neuronova-deadman && systemctl start neuronova-deadman")
    assert [text.splitlines()[0] for text in box.news(since)][1:] == ["[OK] NeuroNova 모니터 복구"]
    assert "neuronova-deadman.timer" in box.output("systemctl list-timers --no-pager")


def test_all_is_green_again(box: Box) -> None:
    box.run("neuronova-health-check")
    status = box.run("neuronova-monitor status", expect=None)
    assert status.code in (0, 1), str(status)
    assert "진행 중인 장애" not in status.output
