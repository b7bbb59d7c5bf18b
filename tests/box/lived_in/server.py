"""A server as the guide has it, that has been running for a year without us: everything on it is somebody else's.

`tree` holds its files as they lie on the disk, `make.sh` does the rest. It is kept under `build/box`, as the base is.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.box.box import CACHE, Box, Result, call, digest

HERE = Path(__file__).resolve().parent
SERVICES = ("nginx", "gunicorn_django", "gunicorn_flask", "cron")
HEALTH = "http://127.0.0.1:8000/api/v1/health/"
ACCESS_LOG = "/var/log/neuronova/django_access.log"
SITE = "https://clinic.example.com --cacert /etc/ssl/certs/clinic.pem --resolve clinic.example.com:443:127.0.0.1"
UPLOAD_MB = 20


def system(base: Path, wheels: Path) -> Path:
    """Return the tree of the lived-in server, made from the base when that has not been done yet."""
    files = sorted(path for path in [*(HERE / "tree").rglob("*"), HERE / "make.sh"] if path.is_file())
    contents = [part for path in files for part in (str(path.relative_to(HERE)), path.read_text("utf-8"))]
    made = CACHE / f"lived-in-{digest(base.name, wheels.name, *contents)}"
    if not made.exists():
        partial = made.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        call("cp", "-a", "--reflink=auto", str(base), str(partial))
        for path in files:
            target = partial / path.relative_to(HERE / "tree") if path.name != "make.sh" else partial / "make.sh"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        inside = 'mkdir "$1/opt/wheels"; mount --bind "$2" "$1/opt/wheels" && chroot "$1" /make.sh'
        call("unshare", "--mount", "--propagation", "private", "bash", "-c", inside, "bash", str(partial), str(wheels))
        (partial / "make.sh").unlink()
        partial.rename(made)
    return made


def as_ubuntu(script: str) -> str:
    """Say a shell script as somebody who is logged in on the server, and may use sudo."""
    return f"runuser -l ubuntu -c '{script}'"


def main_pids(box: Box) -> dict[str, str]:
    """Return the first process of each service."""
    return {unit: box.output(f"systemctl show -p MainPID --value {unit}") for unit in SERVICES}


def use_unix_socket(box: Box) -> None:
    """Let Django listen on a unix socket, and Nginx pass to it."""
    socket = "unix:/run/django/gunicorn.sock"
    box.run(
        f"sed -i 's|127.0.0.1:8000|{socket}|; /^User=/i RuntimeDirectory=django' /etc/systemd/system/gunicorn_django.service && "
        f"sed -i 's|http://127.0.0.1:8000;|http://{socket};|' /etc/nginx/sites-available/neuronova && "
        'sed -i \'s|^DJANGO_URL=.*|DJANGO_URL="--unix-socket /run/django/gunicorn.sock http://localhost/api/v1/health/"|; '
        's|10 "$2")|10 $2)|\' /usr/local/bin/neuronova-health-check && '
        "systemctl daemon-reload && systemctl restart gunicorn_django && systemctl reload nginx"
    )
    box.wait_until("Django answers by way of Nginx", lambda: fetch(box, "/").code == 0)


def fetch(box: Box, path: str, options: str = "") -> Result:
    """Ask the site, as the world does."""
    address, _, certificate = SITE.partition(" ")
    return box.run(f"curl -sS --fail --max-time 30 {certificate} {options} {address}{path}", expect=None)


def assert_lives(box: Box) -> None:
    """Fail unless every service that is not ours does its work, and can be restarted."""
    for unit in SERVICES:
        assert box.is_active(unit), box.run(f"systemctl status --no-pager {unit}", expect=None)
    assert_answers(box)
    assert_can_log(box)
    assert "/usr/local/sbin/neuronova-backup" in box.path("/etc/cron.d/neuronova").read_text(encoding="utf-8")
    box.run("test -s /var/backups/neuronova/clinic-*.tar.gz")


def assert_answers(box: Box) -> None:
    """Fail unless the site and the two servers behind it give the answers that they have always given."""
    # A service that is not of Type=notify is called active before it listens.
    ask = "curl -sS --fail http://127.0.0.1:9000/health"
    box.wait_until("Flask answers", lambda: box.run(ask, expect=None).code == 0, 30)
    flask = json.loads(box.output(ask))
    assert flask == {"ok": True, "status": "alive", "model_version": "3.2.0"}
    health = json.loads(fetch(box, "/api/v1/health/").output)
    assert health["status"] == "healthy", health
    assert set(health["checks"]) == {"database", "ml_server", "disk", "media_storage"}
    assert fetch(box, "/api/health/").code != 0
    # Longer than the server would take without its drop-in.
    question = json.dumps({"sequence": "MFVFLVLLPLVSSQCV" * 128})
    answer = json.loads(fetch(box, "/api/v1/predict/", f"-d '{question}'").output)
    assert (answer["ok"], answer["length"]) == (True, 2048)
    refused = box.output(
        """curl -s -w '%{http_code}' -H 'Content-Type: application/json' -d '{"features": {}}' 127.0.0.1:9000/predict"""
    )
    assert refused.endswith("400"), refused
    assert "font-family" in fetch(box, "/static/site.css").output
    box.run(f"head -c {UPLOAD_MB}M /dev/zero > /tmp/scan")
    uploaded = fetch(box, "/api/v1/upload/", "--data-binary @/tmp/scan -H 'Content-Type: application/octet-stream'")
    assert json.loads(uploaded.output)["bytes"] == UPLOAD_MB * 1024 * 1024


def assert_can_log(box: Box) -> None:
    """Fail unless Django writes its access log, also when it is started anew."""
    log = box.path(ACCESS_LOG)
    before = log.stat().st_size
    fetch(box, "/api/v1/health/?who=asked")
    box.wait_until("Django logs the request", lambda: log.stat().st_size > before, 10)
    box.run("systemctl restart gunicorn_django")
    box.wait_until("Django answers", lambda: fetch(box, "/api/v1/health/?who=again").code == 0, 30)
    box.wait_until("Django logs again", lambda: "who=again" in log.read_text(encoding="utf-8"), 10)
