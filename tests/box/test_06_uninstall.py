"""What was installed is removed: the programs, and with --purge the settings, history and logs too."""

import pytest

from tests.box.box import Box
from tests.box.conftest import setting
from tests.box.test_01_install import EARLIER_SCRIPT

pytestmark = pytest.mark.box

SETUP = "bash ~/NeuroNova/deploy/monitoring/setup_monitoring.sh"
PROGRAMS = (
    "/opt/neuronova /usr/local/bin/neuronova-monitor /usr/local/bin/neuronova-model "
    "/etc/systemd/system/gunicorn_flask.service /etc/systemd/system/gunicorn_monitor.service "
    "/etc/systemd/system/neuronova-deadman.timer /etc/logrotate.d/neuronova "
    "/usr/share/bash-completion/completions/neuronova-monitor"
)
DATA = (
    "/etc/neuronova/monitor.env /var/lib/neuronova/monitor.db /var/log/neuronova/health_check.log "
    "/var/lib/neuronova-models/alzheimer_biomarkers/1.0.0/model.json /var/lib/neuronova-ml"
)


def is_there(box: Box, paths: str) -> list[str]:
    return [path for path in paths.split() if box.run(f"test -e {path} -o -L {path}", expect=None).code == 0]


def test_dry_run_removes_nothing(box: Box) -> None:
    box.run(f"{SETUP} --uninstall --purge --dry-run")
    assert is_there(box, f"{PROGRAMS} {DATA}") == f"{PROGRAMS} {DATA}".split()
    assert box.is_active("gunicorn_flask")


def test_wrong_options_are_refused(box: Box) -> None:
    """Purge alone and unknown options are refused."""
    assert "--purge goes with --uninstall" in box.run(f"{SETUP} --purge", expect=64).output
    assert "unrecognized arguments: --unistall" in box.run(f"{SETUP} --unistall", expect=64).output


def test_uninstall_keeps_settings_history_and_logs(box: Box) -> None:
    result = box.run(f"{SETUP} --uninstall")
    assert "Kept: /etc/neuronova /var/lib/neuronova /var/log/neuronova" in result.output
    assert is_there(box, PROGRAMS) == []
    assert is_there(box, DATA) == DATA.split()
    # What was there before us is there again.
    assert box.path("/usr/local/bin/neuronova-health-check").read_text() == EARLIER_SCRIPT
    assert "neuronova-health-check" in box.output("crontab -l")
    assert box.output("ss -Hltn | grep -cE ':900[01]' || true") == "0"
    for unit in ("gunicorn_flask", "gunicorn_monitor", "neuronova-deadman.timer"):
        assert not box.is_active(unit)
        assert box.run(f"systemctl is-enabled {unit}", expect=None).code != 0
    # The site is not ours.
    assert box.is_active("gunicorn_django")
    assert box.is_active("nginx")


def test_reinstallation_takes_up_settings(box: Box) -> None:
    """An installation after the removal takes up the settings again."""
    key = setting(box, "ml_server.env", "ML_API_KEY")
    box.run(SETUP, timeout_s=300)
    assert setting(box, "ml_server.env", "ML_API_KEY") == key
    assert "# 병원 설정" in box.output("cat /etc/neuronova/monitor.toml")
    assert box.is_active("gunicorn_flask")


def test_purge_removes_everything(box: Box) -> None:
    """Purge removes everything, and may be repeated."""
    box.run("echo 'include /etc/neuronova/nginx_admin_token.conf;' > /etc/nginx/neuronova-test.conf")
    result = box.run(f"{SETUP} --uninstall --purge")
    assert "/etc/nginx/neuronova-test.conf includes /etc/neuronova/nginx_admin_token.conf" in result.output
    box.run("rm /etc/nginx/neuronova-test.conf")
    # A site with our include in it, and without the monitor's token.
    box.run("nginx -T 2>&1 | grep 'location ^~ /monitor/' && systemctl restart nginx")
    assert (
        is_there(box, f"{PROGRAMS} {DATA} /etc/neuronova /var/lib/neuronova /var/lib/neuronova-models /var/log/neuronova") == []
    )
    box.run("id neuronova", expect=1)
    box.run("id neuronova-ml", expect=1)
    box.run(f"{SETUP} --uninstall --purge")
    # For those that come after: a machine where nobody has been.
    box.run("rm /usr/local/bin/neuronova-health-check; crontab -r")
