"""The Django example beside what is there: a site of somebody else is left alone, an earlier one of ours is taken over."""

import json
import re

import pytest

from tests.box.box import Box
from tests.box.conftest import setting

pytestmark = pytest.mark.box

INSTALL = "bash ~/NeuroNova/examples/django/install.sh"
UNIT = "/etc/systemd/system/gunicorn_django.service"
SETTINGS = "/etc/neuronova-django.env"
STATE = "/var/lib/neuronova-django"
EVERYTHING = (
    f"find /srv {STATE} {UNIT} {SETTINGS} /etc/passwd /etc/group -xdev -not -name '*.sqlite3*' "
    "-printf '%p %u:%g %m %s %T@\\n' | sort | md5sum; systemctl show -p MainPID,UnitFileState gunicorn_django"
)


def token_in(box: Box, name: str) -> str:
    return box.output(f"sed -n 's/^{name}=//p' {SETTINGS}")


def test_site_is_hardened(box: Box) -> None:
    """It has no user that anything else has, and none of the monitor's secrets."""
    assert box.output("systemctl show -p User --value gunicorn_django") == "neuronova-django"
    line = box.output("systemd-analyze security gunicorn_django --no-pager | grep 'Overall exposure'")
    assert float(line.split(":")[1].split()[0]) <= 2.0, line
    pid = box.output("systemctl show -p MainPID --value gunicorn_django")
    environment = box.output(f"tr '\\0' '\\n' < /proc/{pid}/environ")
    assert setting(box, "monitor.env", "MONITOR_STATS_TOKEN") in environment
    assert setting(box, "monitor.env", "MONITOR_ADMIN_TOKEN") not in environment
    assert box.output(f"stat -c '%a %U:%G' {SETTINGS}") == "600 root:root"
    as_site = f"nsenter --target {pid} --mount setpriv --reuid neuronova-django --regid neuronova-django --clear-groups"
    nginx = box.output("pgrep -u www-data -f 'nginx: worker' | head -n 1")
    box.run(f"setpriv --reuid www-data --regid www-data --clear-groups cat /proc/{nginx}/environ")
    for secret in (f"/proc/{nginx}/environ", "/etc/neuronova/monitor.env", "/etc/neuronova/nginx_admin_token.conf", SETTINGS):
        box.run(f"{as_site} cat {secret}", expect=1)


def test_http_health_needs_no_tls(box: Box) -> None:
    answer = "curl -s -o /dev/null -w '%{http_code} %{redirect_url}' http://127.0.0.1:8000"
    assert box.output(f"{answer}/api/health/").strip() == "200"
    assert box.output(f"{answer}/accounts/login/") == "301 https://127.0.0.1:8000/accounts/login/"


def test_foreign_site_is_left_alone(box: Box) -> None:
    """Whatever else is under the unit's name, or on the site's port, is refused with words."""
    box.run(f"cp {UNIT} /root/ours.service && systemctl stop gunicorn_django")
    box.write(UNIT, "[Service]\nUser=nobody\nExecStart=/usr/bin/python3 -m http.server -b 127.0.0.1 8000\n")
    box.run("systemctl daemon-reload && systemctl start gunicorn_django")
    before = box.output(EVERYTHING)
    refused = box.run(INSTALL, expect=1)
    assert f"There is a gunicorn_django that is not this example's ({UNIT})." in refused.output
    assert refused.output.endswith("Nothing was changed.\n")
    assert box.output(EVERYTHING) == before
    # The same program under a name of its own.
    box.run(f"mv {UNIT} /etc/systemd/system/clinic.service && cp /root/ours.service {UNIT} && systemctl daemon-reload")
    box.run("systemctl stop gunicorn_django && systemctl start clinic")
    box.wait_until("it listens", lambda: box.run("ss -Hltn | grep -q :8000", expect=None).code == 0)
    before = box.output(EVERYTHING)
    refused = box.run(INSTALL, expect=1)
    assert "Something else answers on 127.0.0.1:8000" in refused.output
    assert box.output(EVERYTHING) == before
    box.run("systemctl stop clinic && rm /etc/systemd/system/clinic.service && systemctl daemon-reload")


def test_earlier_site_is_taken_over(box: Box) -> None:
    """One that ran as www-data, with the administrators' token: what is in its database stays, what others put there too."""
    box.run(f"sed -i -E 's/^(User|Group)=.*/\\1=www-data/; /^PrivateUsers=/d' {UNIT}; systemctl daemon-reload")
    box.run(
        f"systemctl stop gunicorn_django; mkdir -p {STATE}/media; touch {STATE}/media/scan; "
        f"ln -s /etc/passwd {STATE}/media/link; chown -Rh www-data:www-data {STATE}; "
        f"install -o backup -m 0600 /dev/null {STATE}/media/of-backup; "
        f"sed -i '/^MONITOR_STATS_TOKEN=/d' {SETTINGS}; printf MONITOR_ADMIN_TOKEN=of-the-administrators >> {SETTINGS}; "
        f"chown root:www-data {SETTINGS}; chmod 0640 {SETTINGS}; systemctl start gunicorn_django"
    )
    assert box.output("systemctl show -p User --value gunicorn_django") == "www-data"
    key = token_in(box, "DJANGO_SECRET_KEY")
    result = box.run(INSTALL, timeout_s=180)
    assert json.loads(box.output("curl -s http://127.0.0.1:8000/api/health/"))["status"] == "healthy"
    owners = dict(re.findall(r"^(\S+) (\S+)$", box.output(f"find {STATE} -printf '%P %u:%g\\n'"), re.M))
    assert owners.pop("media/of-backup").startswith("backup:")
    assert set(owners.values()) == {"neuronova-django:neuronova-django"}
    assert box.output("stat -c %U /etc/passwd") == "root"
    assert box.output(f"stat -c '%a %U:%G' {SETTINGS}") == "600 root:root"
    assert token_in(box, "MONITOR_ADMIN_TOKEN") == ""
    token = setting(box, "monitor.env", "MONITOR_STATS_TOKEN")
    assert (token_in(box, "MONITOR_STATS_TOKEN"), token_in(box, "DJANGO_SECRET_KEY")) == (token, key)
    assert token not in result.output
    # The login of before is still known.
    shell = "/srv/neuronova-django/venv/bin/python manage.py shell --verbosity 0 --command"
    ask = "\"from django.contrib.auth.models import User; print(User.objects.filter(username='nurse').count())\""
    run = (
        f"systemd-run --quiet --pipe --wait --collect --uid=neuronova-django -p EnvironmentFile={SETTINGS} "
        f"--setenv=STATE_DIRECTORY={STATE} --working-directory=/srv/neuronova-django/code {shell} {ask}"
    )
    assert box.output(run).splitlines()[-1] == "1"
    before = box.output(f"md5sum {SETTINGS}")
    again = box.run(INSTALL, timeout_s=180)
    assert "www-data" not in again.output
    assert box.output(f"md5sum {SETTINGS}") == before
