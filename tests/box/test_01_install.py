"""A server is set up by the script, as the guide says, and everything is green."""

import json

import pytest

from tests.box.box import Box
from tests.box.conftest import check_often, setting

pytestmark = pytest.mark.box

SETUP = "cd ~/NeuroNova/deploy/monitoring && bash setup_monitoring.sh"
EARLIER_SCRIPT = """#!/bin/bash
ALERT_EMAIL="ops@example.com"
SLACK_WEBHOOK=""
echo "NeuroNova 헬스 체크 시작"
"""
# A package archive of one package, which is not on the machine, as on a fresh Ubuntu. It notes what it is installed with.
ARCHIVE = """
set -e
mkdir -p /opt/archive/venv/DEBIAN; cd /opt/archive
printf 'Package: python3-venv\\nVersion: 99\\nArchitecture: all\\nMaintainer: us\\nDescription: none\\n' > venv/DEBIAN/control
printf '#!/bin/sh\\nenv > /root/installed-with\\n' > venv/DEBIAN/postinst; chmod 755 venv/DEBIAN/postinst
dpkg-deb --build venv venv.deb
cat venv/DEBIAN/control > Packages
stat -c 'Size: %s' venv.deb >> Packages
sha256sum venv.deb | sed -E 's/(.*)  (.*)/SHA256: \\1\\nFilename: .\\/\\2/' >> Packages
echo 'deb [trusted=yes] file:/opt/archive ./' > /etc/apt/sources.list
dpkg --remove python3-venv
"""


def test_a_dry_run_changes_nothing(box: Box) -> None:
    before = box.output("ls -R /etc /usr/local /opt | sha256sum")
    result = box.run(f"{SETUP} --dry-run")
    assert "Dry run: nothing is changed." in result.output
    assert "Release 1.0.0-" in result.output
    assert "/etc/neuronova/monitor.toml: new" in result.output
    assert box.output("ls -R /etc /usr/local /opt | sha256sum") == before
    box.run("id neuronova", expect=1)


def test_a_dry_run_as_json(box: Box) -> None:
    told = json.loads(box.output(f"{SETUP} --dry-run --json"))
    assert told["stock"]["units"]["nginx.service"]["whose"] == "somebody else's"
    assert told["plan"]["ml_unit"] == "gunicorn_flask.service"
    assert told["plan"]["refusals"] == []


def test_health_check_before_installation(box: Box) -> None:
    """Before anything is installed, the health check says what to do."""
    result = box.run("bash ~/NeuroNova/deploy/monitoring/health_check.sh", expect=3)
    assert "sudo bash /root/NeuroNova/deploy/monitoring/setup_monitoring.sh" in result.output


def test_setup_installs_everything(box: Box) -> None:
    """Setup installs everything and shows one health check."""
    # What an earlier installation by the guide has left behind.
    box.path("/usr/local/bin/neuronova-health-check").write_text(EARLIER_SCRIPT)
    box.run("chmod +x /usr/local/bin/neuronova-health-check")
    box.run("printf '*/5 * * * * /usr/local/bin/neuronova-health-check\\n0 3 * * * true\\n' | crontab -")
    box.run(ARCHIVE)

    result = box.run(SETUP, timeout_s=300)

    assert "Installing python3-venv\n" in result.output
    # needrestart of Ubuntu would restart other services.
    assert "NEEDRESTART_SUSPEND=1" in box.path("/root/installed-with").read_text()
    assert "INFO: NeuroNova 헬스 체크 시작" in result.output
    assert "SUCCESS: Flask API: 응답 정상 (HTTP 200)" in result.output
    assert "INFO: 헬스 체크 완료: " in result.output
    assert box.is_active("gunicorn_flask")
    assert box.is_active("gunicorn_monitor")
    assert box.is_active("neuronova-deadman.timer")
    assert json.loads(box.output("curl -s http://127.0.0.1:9000/health")) == {
        "ok": True,
        "status": "alive",
        "model_version": "1.0.0",
    }


def test_the_earlier_installation_is_taken_over(box: Box) -> None:
    assert box.output("crontab -l") == "0 3 * * * true"
    assert setting(box, "monitor.env", "ALERT_EMAIL") == "ops@example.com"
    kept = box.output("ls /var/lib/neuronova/before/*-neuronova-health-check")
    assert box.path(kept).read_text() == EARLIER_SCRIPT


def test_settings_are_for_service_only(box: Box) -> None:
    """Settings and secrets are for root and the service only."""
    for file in ("monitor.toml", "monitor.env", "ml_server.env"):
        assert box.output(f"stat -c '%a %U:%G' /etc/neuronova/{file}") == "640 root:neuronova"
    key, token = setting(box, "ml_server.env", "ML_API_KEY"), setting(box, "monitor.env", "MONITOR_ADMIN_TOKEN")
    assert key == setting(box, "monitor.env", "ML_API_KEY")
    assert len(key) >= 32
    assert len(token) >= 32
    assert box.output("stat -c '%a %U:%G' /var/lib/neuronova-ml") == "700 neuronova-ml:neuronova-ml"
    journal, commands = box.output("journalctl --boot --no-pager"), box.output("cat /proc/*/cmdline | tr '\\0' ' '")
    for secret in (key, token):
        assert secret not in journal
        assert secret not in commands


@pytest.mark.parametrize("unit", ["gunicorn_flask", "gunicorn_monitor"])
def test_the_unit_is_hardened(box: Box, unit: str) -> None:
    line = box.output(f"systemd-analyze security {unit} --no-pager | grep 'Overall exposure'")
    assert float(line.split(":")[1].split()[0]) <= 2.0, line
    assert box.output(f"systemctl show -p User --value {unit}") in {"neuronova", "neuronova-ml"}


def test_nothing_listens_outside_of_loopback(box: Box) -> None:
    listening = box.output("ss -Hltn | awk '{print $4}'").split()
    ours = [address for address in listening if address.rpartition(":")[2] in {"9000", "9001"}]
    assert sorted(ours) == ["127.0.0.1:9000", "127.0.0.1:9001"]


def test_ml_server_cannot_read_monitor_secrets(box: Box) -> None:
    pid = box.output("systemctl show -p MainPID --value gunicorn_flask")
    inside = f"nsenter --target {pid} --mount setpriv --reuid neuronova-ml --regid neuronova-ml --clear-groups"
    box.run(f"{inside} cat /etc/neuronova/monitor.env", expect=1)
    monitor = box.output("systemctl show -p MainPID --value gunicorn_monitor")
    box.run(f"setpriv --reuid neuronova-ml --regid neuronova-ml --clear-groups cat /proc/{monitor}/environ", expect=1)


def test_setup_again_changes_nothing(box: Box) -> None:
    """Setup, run again, changes nothing and restarts nothing."""
    box.run("echo '# 병원 설정' >> /etc/neuronova/monitor.toml; echo '# ours' >> /etc/neuronova/monitor.env")
    what = "md5sum /etc/neuronova/*; systemctl show -p MainPID gunicorn_flask gunicorn_monitor; readlink /opt/neuronova/current"
    before = box.output(what)
    result = box.run(SETUP)
    assert box.output(what) == before
    assert "/etc/neuronova/monitor.toml: yours, unchanged" in result.output
    assert "is there already" in result.output


def test_simultaneous_setup_is_refused(box: Box) -> None:
    """A second setup at the same time is refused."""
    result = box.run(f"exec 8>/run/neuronova-setup/lock; flock 8; {SETUP}", expect=1)
    assert "Another setup_monitoring.sh is running" in result.output


def test_an_ordinary_user_cannot_lock(box: Box) -> None:
    """The lock cannot be held by an ordinary user."""
    box.run("setpriv --reuid nobody --clear-groups flock --nonblock /run/neuronova-setup/lock true", expect=66)


def test_django_site_is_installed(box: Box) -> None:
    """The Django site is installed beside it, and keeps its settings when it is installed again."""
    box.run("bash ~/NeuroNova/examples/django/install.sh", timeout_s=180)
    body = json.loads(box.output("curl -s http://127.0.0.1:8000/api/health/"))
    assert body["status"] == "healthy", body
    assert body["checks"]["ml_server"] == "ok"
    # Again, as after a change: the settings stay.
    before = box.output("md5sum /etc/neuronova-django.env")
    box.run("bash ~/NeuroNova/examples/django/install.sh", timeout_s=180)
    assert box.output("md5sum /etc/neuronova-django.env") == before


def test_test_alert_reaches_every_channel(box: Box) -> None:
    """The operator says who is told, and tries it."""
    box.run(
        "python3 -m venv /opt/stand-ins/venv && /opt/stand-ins/venv/bin/pip install -q aiosmtpd && "
        "systemd-run --quiet --unit=stand-ins --collect /opt/stand-ins/venv/bin/python /opt/stand-ins/stand_ins.py"
    )
    box.wait_until("the stand-ins listen", lambda: box.run("ss -Hltn | grep -q :8099", expect=None).code == 0)
    box.run(
        "sed -i 's|^SLACK_WEBHOOK=.*|SLACK_WEBHOOK=\"http://127.0.0.1:8099/services/T0/B0/secret\"|' "
        "/etc/neuronova/monitor.env && systemctl restart gunicorn_monitor"
    )
    since = box.notified()
    result = box.run("neuronova-monitor test-alert")
    assert "slack" in result.output
    assert "email" in result.output
    for channel in ("mail", "slack"):
        assert len([text for text in box.news(since, channel) if text.startswith("[TEST]")]) == 1
    assert box.records("mail")[-1]["to"] == ["ops@example.com"]
    assert box.records("slack")[-1]["path"] == "/services/T0/B0/secret"


def test_wrong_setting_is_refused(box: Box) -> None:
    """A wrong setting is refused before a reload, and by it."""
    box.run("cp -p /etc/neuronova/monitor.toml /root/good.toml")
    box.run("sed -i 's/^every_minutes/evry_minutes/' /etc/neuronova/monitor.toml")
    result = box.run("neuronova-monitor check-config", expect=3)
    assert '혹시 "every_minutes"' in result.output
    box.run("systemctl reload gunicorn_monitor", expect=1)
    assert box.is_active("gunicorn_monitor")
    box.run("cp -p /root/good.toml /etc/neuronova/monitor.toml && neuronova-monitor check-config")


def test_reload_takes_in_changed_setting(box: Box) -> None:
    check_often(box)
    box.wait_for_next_check()


def test_everything_is_green(box: Box) -> None:
    result = box.run("neuronova-health-check")
    wanted = [
        "SUCCESS: Nginx: 정상 실행 중",
        "SUCCESS: Django: 정상 실행 중",
        "SUCCESS: Django API: 응답 정상 (HTTP 200)",
        "SUCCESS: Flask: 정상 실행 중",
        "SUCCESS: Flask API: 응답 정상 (HTTP 200)",
        "INFO: 헬스 체크 완료: OK",
    ]
    for line in wanted:
        assert line in result.output, str(result)
    assert box.run("bash ~/NeuroNova/deploy/monitoring/health_check.sh").output.count("헬스 체크 완료: OK") == 1
    assert json.loads(box.output("neuronova-health-check --json"))["overall"] == "OK"


def test_impossible_check_is_no_warning(box: Box) -> None:
    """A health check that cannot be run is no warning."""
    result = box.run("DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent neuronova-health-check", expect=3)
    assert "The command could not be run" in result.output
    box.run("mv /etc/neuronova/monitor.env /root/")
    result = box.run("neuronova-health-check", expect=3)
    box.run("mv /root/monitor.env /etc/neuronova/")
    assert "/etc/neuronova/monitor.env is not there" in result.output
    assert "번 알림 중지는 없거나 이미 끝났습니다" in box.run("neuronova-monitor unsilence 999", expect=1).output


def test_user_is_told_of_sudo(box: Box) -> None:
    """An ordinary user can read the log, and is told to use sudo for a health check."""
    box.run("useradd --create-home nurse")
    box.run("runuser -u nurse -- tail -50 /var/log/neuronova/health_check.log")
    box.run("runuser -u nurse -- tail /var/log/neuronova/cron.log")
    result = box.run("runuser -u nurse -- neuronova-health-check", expect=3)
    assert "sudo neuronova-monitor health-check" in result.output


def test_tab_key_completes_commands(box: Box) -> None:
    script = (
        "source /usr/share/bash-completion/completions/neuronova-monitor; "
        "COMP_WORDS=(neuronova-monitor {0}); COMP_CWORD={1}; _neuronova; echo ${{COMPREPLY[*]}}"
    )
    assert box.output(script.format("sil", 1)) == "silence silences"
    assert "Flask" in box.output(script.format("silence Fl", 2))
