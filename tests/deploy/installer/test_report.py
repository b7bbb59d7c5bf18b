"""What is shown tells everything but secrets."""

import json
from dataclasses import replace

import pytest

from deploy.installer import places, plan, report
from deploy.installer.earlier import CronText, Earlier
from deploy.installer.plan import Wanted
from deploy.installer.stock import CronFile, LogDirectory
from tests.deploy.installer.stocks import INSTALLED, LIVED_IN

SECRET = "https://hooks.slack.com/services/T0/B0/hidden"
FULL = replace(
    LIVED_IN,
    earlier_script="/usr/local/bin/neuronova-health-check",
    earlier=Earlier({"SLACK_WEBHOOK": SECRET, "ALERT_EMAIL": "ops@example.com"}),
    cron=(CronFile("/var/spool/cron/crontabs/root", CronText("", (f"* * * * * SLACK_WEBHOOK={SECRET} health_check.sh",))),),
    logs=LogDirectory({"django_access.log": "ubuntu", "cron.log": "root"}, {"django_access.log": "gunicorn"}),
    rotated_by=("/etc/logrotate.d/neuronova",),
    nginx_sites=("/etc/nginx/sites-enabled/neuronova",),
)


def test_everything_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    report.show(FULL, plan.make(FULL, Wanted()))
    told = capsys.readouterr().out
    for words in (
        "Unit gunicorn_flask.service: somebody else's, active, enabled, /srv/sequences/venv/bin/gunicorn",
        "Port 9000: 127.0.0.1:9000, gunicorn_flask.service",
        "Port 9001: free",
        "/api/health/ 404, http://127.0.0.1:8000/api/v1/health/ 200",
        "/var/log/neuronova: ubuntu, 0755",
        "django_access.log: ubuntu, open in gunicorn",
        "SLACK_WEBHOOK: taken over from /usr/local/bin/neuronova-health-check",
        "/var/spool/cron/crontabs/root: removed: * * * * * SLACK_WEBHOOK=*** health_check.sh",
        "by others: /etc/logrotate.d/neuronova",
        "/etc/nginx/sites-enabled/neuronova (never changed from here)",
        "20000 MB of disk, 2000 MB of memory",
        "ML server of ours: not installed",
        "/var/log/neuronova/cron.log: goes on, and belongs to neuronova instead of root",
    ):
        assert words in told
    assert SECRET not in told


def test_the_json_says_the_same() -> None:
    text = report.as_json(FULL, plan.make(FULL, Wanted()))
    told = json.loads(text)
    assert told["stock"]["units"][places.ML_UNIT]["whose"] == "somebody else's"
    assert told["stock"]["earlier"]["values"] == ["ALERT_EMAIL", "SLACK_WEBHOOK"]
    assert told["plan"]["units"] == ["gunicorn_monitor.service", "neuronova-deadman.service", "neuronova-deadman.timer"]
    assert told["plan"]["django"]["url"] == "http://127.0.0.1:8000/api/v1/health/"
    assert SECRET not in text


def test_whose_a_unit_is() -> None:
    assert report.whose(INSTALLED.units[places.ML_UNIT]) == "ours"
    assert report.whose(LIVED_IN.units[places.ML_UNIT]) == "somebody else's"
    assert report.whose(LIVED_IN.units[places.MONITOR_UNIT]) == "nobody's"
