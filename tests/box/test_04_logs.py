"""Logs are rotated without losing a line, nothing of a patient is in them, and Nginx lets administrators in only."""

import json
import re

import pytest

from tests.box.box import ROOT, Box
from tests.box.conftest import setting

pytestmark = pytest.mark.box

LOG = "/var/log/neuronova/health_check.log"
PATIENT, DOCTOR = "홍길동-4711", "김의사-0815"
CURL = "curl -sk --max-time 20 -w '\\n%{http_code}'"


def test_log_rotation_loses_no_line(box: Box) -> None:
    """Log rotation loses no line and restarts nothing."""
    before = box.output("systemctl show -p MainPID --value gunicorn_monitor")
    written = int(box.output(f"cat {LOG} | grep -c '헬스 체크 시작'"))
    # Health checks are written while the file is moved away under them.
    box.run(
        "for i in 1 2 3 4 5 6; do neuronova-health-check > /dev/null || true; done & "
        "for i in 1 2 3; do logrotate -f /etc/logrotate.d/neuronova || exit 1; sleep 0.4; done; wait"
    )
    box.wait_for_next_check()
    assert box.output("systemctl show -p MainPID --value gunicorn_monitor") == before
    everything = box.output(f"zcat -f {LOG}.*.gz {LOG}.1 {LOG}")
    assert everything.count("헬스 체크 시작") >= written + 6
    assert everything.count("헬스 체크 시작") == everything.count("헬스 체크 완료")
    # The monitor writes to the new file, which belongs to it and can be read by everybody, as the guide has it.
    assert box.output(f"stat -c '%a %U' {LOG}") == "644 neuronova"
    assert "헬스 체크 완료" in box.output(f"cat {LOG}")


def test_thirty_compressed_logs_are_kept(box: Box) -> None:
    """Old logs are compressed, and thirty are kept."""
    for _ in range(34):
        box.run(f"echo x >> {LOG}; logrotate -f /etc/logrotate.d/neuronova")
    kept = box.output("ls /var/log/neuronova | grep 'health_check.log\\.'").splitlines()
    assert len(kept) == 30
    assert sorted(kept)[0] == "health_check.log.1"
    assert all(name.endswith(".gz") for name in kept if name != "health_check.log.1")


def test_emptying_the_log_works(box: Box) -> None:
    """The guide's way to empty the log works."""
    box.run(f"truncate -s 0 {LOG}")
    box.run("neuronova-health-check", expect=None)
    text = box.path(LOG).read_bytes()
    assert text.startswith(b"[20")
    assert b"\0" not in text


def test_logs_name_no_patient(box: Box, features: str, api_key: str) -> None:
    """A prediction is logged, and nothing of the patient."""
    body = {"clinical_features": json.loads(features), "patient_name": PATIENT, "doctor_name": DOCTOR}
    box.write("/root/asked.json", json.dumps(body, ensure_ascii=False))
    box.write("/root/key", f"X-API-Key: {api_key}\nX-Request-ID: box-test-1\nContent-Type: application/json\n")
    answer = box.output("curl -s -H @/root/key --data-binary @/root/asked.json http://127.0.0.1:9000/predict")
    assert json.loads(answer)["ok"] is True, answer
    line = box.output("journalctl -u gunicorn_flask | grep predict | grep box-test-1")
    assert "status=200" in line
    box.run("rm /root/asked.json")
    for secret in (PATIENT, DOCTOR, "12.8458"):
        assert secret not in answer
        assert secret not in box.output("journalctl --no-pager")
        places = "/var/log/neuronova /var/lib/neuronova /var/log/nginx"
        assert box.output(f"find {places} -type f -exec zgrep -a -q -e '{secret}' {{}} \\; -print") == ""


def commands_of(file: str) -> list[str]:
    """The commands in the comments of a file for Nginx, but for what needs a network or asks for a password."""
    lines = (ROOT / "deploy" / "nginx" / file).read_text(encoding="utf-8").splitlines()
    commands = [line.removeprefix("#   ") for line in lines if "sudo " in line and line.startswith("#   ")]
    return [command for command in commands if "apt-get" not in command and "htpasswd -B" not in command]


def test_nginx_admits_administrators_only(box: Box) -> None:
    """Nginx serves the monitor to administrators only."""
    box.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=clinic -keyout /etc/nginx/neuronova-key.pem "
        "-out /etc/nginx/neuronova-fullchain.pem 2>/dev/null && chmod 0600 /etc/nginx/neuronova-key.pem"
    )
    for file in ("neuronova-monitor/locations.conf", "neuronova-example-site.conf"):
        for command in commands_of(file):
            box.run(f"cd ~/NeuroNova && {command}")
            if "sites-available" in command:
                site = "/etc/nginx/sites-available/neuronova-example-site.conf"
                box.run(f"sed -i 's/neuronova.example.com/clinic/; s/# include/include/' {site}")
            if "htpasswd" in command:
                box.run('echo "admin:$(openssl passwd -apr1 pw)" > /etc/nginx/neuronova.htpasswd')
    assert box.output("stat -c '%a %U:%G' /etc/nginx/neuronova.htpasswd") == "640 root:www-data"
    assert box.output("stat -c '%a %U:%G' /etc/neuronova/nginx_admin_token.conf") == "600 root:root"
    for path in ("/monitor/", "/api/system/stats/"):
        assert box.output(f"{CURL} https://clinic{path}").endswith("401")
        assert box.output(f"{CURL} -u admin:wrong https://clinic{path}").endswith("401")
    stats = box.output(f"{CURL} -u admin:pw https://clinic/api/system/stats/")
    assert stats.endswith("200")
    assert set(json.loads(stats.rpartition("\n")[0])) == {"cpu", "memory", "disk"}
    page = box.output(f"{CURL} -u admin:pw https://clinic/monitor/")
    assert page.endswith("200")
    assert setting(box, "monitor.env", "MONITOR_ADMIN_TOKEN") not in page
    # Whatever the page refers to is found behind the prefix too.
    for address in re.findall(r'(?:href|src)="(/[^"#]*)"', page):
        assert address.startswith("/monitor/"), address
        assert box.output(f"{CURL} -u admin:pw -o /dev/null https://clinic{address}").endswith("200"), address


def test_predict_goes_through_site_only(box: Box, features: str) -> None:
    """The ML server's /predict is not reached from outside, and the request ID goes all the way to it."""
    assert box.output(f"{CURL} -d '{{}}' https://clinic/predict").endswith("404")
    # Without the slash it is Django's as well.
    assert box.output(f"{CURL} -d '{{}}' https://clinic/api/predict").endswith("301")
    box.run(
        "cd /srv/neuronova-django/code && set -a && . /etc/neuronova-django.env && "
        "STATE_DIRECTORY=/var/lib/neuronova-django setpriv --reuid neuronova-django --regid neuronova-django --clear-groups "
        "/srv/neuronova-django/venv/bin/python manage.py shell --verbosity 0 --command "
        "\"from django.contrib.auth.models import User; User.objects.create_user('nurse', password='pw')\""
    )
    box.write("/root/asked.json", json.dumps({"clinical_features": json.loads(features)}))
    answer = box.output(
        "cookies=$(mktemp); page=https://clinic/accounts/login/; "
        f"{CURL} -c $cookies -o /dev/null $page > /dev/null; token=$(awk '/csrftoken/ {{print $7}}' $cookies); "
        f"{CURL} -b $cookies -c $cookies -e $page -o /dev/null -d csrfmiddlewaretoken=$token -d username=nurse "
        "-d password=pw $page > /dev/null; token=$(awk '/csrftoken/ {print $7}' $cookies); "
        f"{CURL} -b $cookies -e https://clinic/ -H X-CSRFToken:$token -H X-Request-ID:all-the-way-7 "
        "-H Content-Type:application/json --data-binary @/root/asked.json https://clinic/api/predict/"
    )
    assert answer.endswith("200"), answer
    assert json.loads(answer.rpartition("\n")[0])["request_id"] == "all-the-way-7"
    box.run("journalctl -u gunicorn_flask | grep predict | grep -q all-the-way-7")
