from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from monitor_blueprint.domain.models import CheckResult, Facts, Reading, Status
from monitor_blueprint.domain.text import Public
from monitor_blueprint.probes import available
from monitor_blueprint.text import next_steps
from tests.monitor_blueprint.text.samples import AT, DISK_FULL, DJANGO_DOWN, FLASK_DOWN

SHORT = "openssl x509 -noout -subject -issuer -dates"
RELOAD = "sudo nginx -t && sudo systemctl reload nginx"
RENEWAL = "sudo certbot certificates · sudo certbot renew --cert-name clinic.example · sudo systemctl reload nginx"


def failing(kind: str, **facts: str) -> CheckResult:
    shown: Facts = {key: Public(fact) for key, fact in facts.items()}
    return CheckResult("Name", kind, (Reading("thing", Status.CRITICAL, facts=shown),), AT)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (FLASK_DOWN, "systemctl status ml.service · sudo journalctl -u ml.service -n 50 · sudo systemctl restart ml.service"),
        # The address does not answer; the unit is named by the reading beside it.
        (
            DJANGO_DOWN,
            "systemctl status site.service · sudo journalctl -u site.service -n 50 · sudo systemctl restart site.service",
        ),
        (
            DISK_FULL,
            "df -h / · sudo du -xh -d2 / | sort -h | tail"
            " · sudo find / -xdev -type f -size +100M -exec du -h {} + | sort -h | tail"
            " · sudo find /proc -maxdepth 3 -path '/proc/[0-9]*/fd/*' -lname '/* (deleted)'"
            " -exec stat -Lc '%s %n' {} + | sort -n | tail",
        ),
        (failing("http"), "sudo neuronova-monitor history 7"),
        (failing("http", address="https://clinic.example/health"), "curl -i -m 10 https://clinic.example/health"),
        (
            failing("http", address="http+unix://%2Frun%2Fmy%20site.sock/health"),
            "curl -i -m 10 --unix-socket '/run/my site.sock' http://localhost/health",
        ),
        (
            failing("service", unit="a.service", address="http://127.0.0.1:8000/"),
            "systemctl status a.service · sudo journalctl -u a.service -n 50 · curl -i -m 10 http://127.0.0.1:8000/"
            " · sudo systemctl restart a.service",
        ),
        (
            failing("service", unit="a.service", state="not-found"),
            "sudo neuronova-monitor check-config · systemctl list-unit-files --type=service",
        ),
        (
            failing("golden", address="http://127.0.0.1:9000/predict", health="http://127.0.0.1:9000/health"),
            "sudo neuronova-model status · sudo journalctl -u gunicorn_flask -n 50 · curl -i -m 10 http://127.0.0.1:9000/health",
        ),
        (
            failing("service", unit="nginx.service"),
            "sudo nginx -t · systemctl status nginx.service · sudo journalctl -u nginx.service -n 50"
            " · sudo systemctl restart nginx.service",
        ),
        (failing("restarts", unit="a.service"), "systemctl status a.service · sudo journalctl -u a.service -n 50"),
        (
            failing("tls", where="/etc/ssl/site.pem"),
            f"sudo openssl x509 -noout -subject -issuer -dates -ext subjectAltName -in /etc/ssl/site.pem · {RELOAD}",
        ),
        (failing("tls", where="/etc/ssl/*.pem"), f'for f in /etc/ssl/*.pem; do sudo {SHORT} -in "$f"; done · {RELOAD}'),
        (failing("tls", where="/etc/letsencrypt/live/*/fullchain.pem"), RENEWAL.replace(" --cert-name clinic.example", "")),
        (failing("tls", where="/etc/letsencrypt/live/clinic.example/fullchain.pem"), RENEWAL),
        (failing("tls", where="clinic.example:443", issuer="Let's Encrypt"), RENEWAL.replace(" --cert-name clinic.example", "")),
        (
            failing("tls", server="mail.example:465"),
            f"openssl s_client -connect mail.example:465 </dev/null 2>/dev/null | {SHORT}",
        ),
        (
            failing("tls", where="127.0.0.1:443"),
            f"openssl s_client -connect 127.0.0.1:443 </dev/null 2>/dev/null | {SHORT}"
            " · sudo nginx -T 2>/dev/null | grep ssl_certificate",
        ),
        (
            failing("golden", model_name="stroke", earlier_version="1.0.0"),
            "sudo neuronova-model status · sudo neuronova-model rollback stroke # 1.0.0: 최근에 모델을 바꿨다면 이전 버전으로"
            " · sudo journalctl -u gunicorn_flask -n 50",
        ),
        (
            # There may be none to go back to.
            failing("golden", model_name="stroke"),
            "sudo neuronova-model status · sudo journalctl -u gunicorn_flask -n 50",
        ),
        (
            failing("service", unit="a.service", state="masked"),
            "systemctl status a.service · sudo systemctl unmask a.service · sudo systemctl start a.service",
        ),
        (
            failing("http", address="http://127.0.0.1:8000/", reason="refused"),
            "curl -i -m 10 http://127.0.0.1:8000/ · sudo ss -ltnp",
        ),
        (
            failing("http", address="https://clinic.example/", reason="name"),
            "curl -i -m 10 https://clinic.example/ · getent ahosts clinic.example · resolvectl status",
        ),
        (
            failing("backup", pattern="/var/backups/my clinic/*.gz"),
            "ls -lht '/var/backups/my clinic' | head · systemctl list-timers --all · sudo crontab -l"
            " · df -h '/var/backups/my clinic'",
        ),
        (failing("service"), "sudo neuronova-monitor history 7"),
        (failing("health_body"), "sudo neuronova-monitor status · sudo journalctl -u gunicorn_django -n 50"),
        (None, "sudo neuronova-monitor history 7"),
    ],
)
def test_commands(result: CheckResult | None, expected: str) -> None:
    assert next_steps.commands(result, 7) == expected


@pytest.mark.parametrize("kind", available())
def test_every_kind_has_a_next_step(kind: str) -> None:
    assert next_steps.commands(failing(kind, path="/data", unit="a.service"), 7)


@pytest.mark.parametrize("kind", ["disk", "inodes", "disk_trend"])
@pytest.mark.parametrize("aspect", ["unmounted", "replaced", "device", "access", "read_only"])
def test_what_is_not_there_is_not_measured(kind: str, aspect: str) -> None:
    """At its place `df` and `du` would measure what lies below."""
    lost = Reading(aspect, Status.CRITICAL, facts={"path": Public("/data")})
    assert next_steps.commands(CheckResult("Data", kind, (lost,), AT), 7) == "lsblk -f · sudo dmesg | tail"


def test_who_could_not_look_is_looked_at() -> None:
    """Systemd did not say which unit it is; that is no fault of the service's."""
    unseen = CheckResult("Name", "service", (Reading("service", Status.UNKNOWN, facts={"reason": Public("x")}),), AT)
    expected = "systemctl status gunicorn_monitor · sudo journalctl -u gunicorn_monitor -n 50"
    assert next_steps.commands(unseen, 7, is_in_status=True) == expected


def test_a_lost_mount_is_looked_for_and_mounted() -> None:
    facts: Facts = {"path": Public("/data"), "target": Public("/data")}
    lost = CheckResult("Data", "disk", (Reading("unmounted", Status.CRITICAL, facts=facts),), AT)
    assert next_steps.commands(lost, 7) == "findmnt /data · sudo mount /data · lsblk -f · sudo dmesg | tail"


def test_the_status_does_not_send_to_itself() -> None:
    assert next_steps.commands(failing("health_body"), 7, is_in_status=True) == "sudo journalctl -u gunicorn_django -n 50"
    own = "systemctl status gunicorn_monitor · sudo journalctl -u gunicorn_monitor -n 50"
    assert next_steps.commands(failing("monitor"), 7, is_in_status=True) == own


def test_a_channel_that_fails_is_tried() -> None:
    """And not the command that has shown so; where more is wrong with the monitor, that comes first."""
    fine, failing_, worse = Reading("log"), Reading("channel_slack", Status.CRITICAL), Reading("database", Status.CRITICAL)
    one = CheckResult("Monitor", "monitor", (fine, failing_), AT)
    assert next_steps.commands(one, 7) == "sudo neuronova-monitor check-config --send"
    both = CheckResult("Monitor", "monitor", (worse, failing_), AT)
    assert next_steps.commands(both, 7).startswith("systemctl status gunicorn_monitor")


def test_without_an_incident_it_is_checked_again() -> None:
    assert next_steps.commands(None, 0) == "sudo neuronova-health-check"


def test_a_path_is_no_command() -> None:
    text = next_steps.commands(failing("disk", path="/a b; reboot"), 7)
    assert shlex.split(text.partition(" · ")[0]) == ["df", "-h", "/a b; reboot"]


@pytest.mark.parametrize("kind", available())
def test_every_command_is_one_for_a_shell(kind: str) -> None:
    """Whatever a fact says: it can be pasted as it is, and is what it looks like."""
    facts = dict.fromkeys(("path", "unit", "where", "pattern", "file", "server", "model_name", "target"), "/a b/$(reboot)'*")
    text = next_steps.commands(failing(kind, **facts), 7)
    for command in text.split(" · "):
        subprocess.run(["bash", "-n", "-c", command], check=True)
        assert "$(reboot)" not in command or "'/a b" in command, command


def test_a_unit_file_that_is_wrong_is_verified() -> None:
    text = next_steps.commands(failing("service", unit="a.service", state="bad-setting"), 7)
    assert text.startswith("sudo systemd-analyze verify a.service")


def test_a_slow_model_is_no_wrong_one() -> None:
    slow = CheckResult("Prediction", "golden", (Reading("answer"), Reading("latency", Status.CRITICAL)), AT)
    assert "rollback" not in next_steps.commands(slow, 7)
    assert next_steps.commands(slow, 7).startswith("uptime · ")


def test_a_held_file_is_found(tmp_path: Path) -> None:
    """The command finds a deleted file that a program holds open, without anything that has to be installed first."""
    command = next_steps.commands(DISK_FULL, 7).split(" · ")[-1].removeprefix("sudo ")
    path = tmp_path / "held"
    with path.open("wb") as held:
        held.truncate(123_456_789_012)
        path.unlink()
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert f"123456789012 /proc/{os.getpid()}/fd/" in done.stdout


@pytest.mark.parametrize("aspect", ["trying_email", "channel_email"])
def test_a_channel_has_its_own_server_asked(aspect: str) -> None:
    reading = Reading(aspect, Status.WARNING, facts={"reason": Public("x"), "email_server": Public("localhost:25")})
    told = next_steps.commands(CheckResult("Monitor", "monitor", (Reading("database"), reading), AT), 0)
    assert told == "sudo neuronova-monitor check-config --send · curl -v -m 10 telnet://localhost:25 </dev/null"
