"""The Django example, served by gunicorn, with local HTTP servers in the place of its two neighbours."""

import http.server
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.programs import kill_all

SITE = Path(__file__).resolve().parents[2] / "examples" / "django"
TOKEN = "token-of-the-monitor"
API_KEY = "key-of-the-ml-server"
JSON = {"Content-Type": "application/json"}
STATS = {
    "cpu": {"percent": 28.5, "count": 4, "load_avg": [0.45, 0.52, 0.48]},
    "memory": {"total": 8589934592, "available": 3221225472, "percent": 62.5},
    "disk": {"total": 107374182400, "used": 48318382080, "free": 59055800320, "percent": 45.0},
}
Answer = Callable[["Handler"], object]


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the test has said, and remembers what it was asked."""

    protocol_version = "HTTP/1.1"
    server: "Neighbour"

    def do_GET(self) -> None:
        self.server.answer_to(self)

    def do_POST(self) -> None:
        self.server.answer_to(self)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def say(self, status: int, body: bytes | dict[str, object]) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Neighbour(http.server.ThreadingHTTPServer):
    """A local HTTP server in the place of the ML server or the monitor."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.clients: set[tuple[str, int]] = set()
        self.answer: Answer = lambda handler: handler.say(200, {"ok": True})
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def answer_to(self, handler: Handler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        self.asked.append((handler.path, dict(handler.headers), body))
        self.clients.add(handler.client_address)
        self.answer(handler)


@pytest.fixture(scope="session")
def ml_server() -> Iterator[Neighbour]:
    with Neighbour() as server:
        yield server
        server.shutdown()


@pytest.fixture(scope="session")
def monitor() -> Iterator[Neighbour]:
    with Neighbour() as server:
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def _neighbours_are_well(ml_server: Neighbour, monitor: Neighbour) -> None:
    ml_server.answer = lambda handler: handler.say(200, {"ok": True})
    monitor.answer = lambda handler: handler.say(200, dict(STATS))
    ml_server.asked.clear()
    monitor.asked.clear()
    ml_server.clients.clear()


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="session")
def site(ml_server: Neighbour, monitor: Neighbour, media: Path, state: Path) -> Iterator[str]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
        "DJANGO_SECRET_KEY": "secret-of-the-site" * 3,
        "STATE_DIRECTORY": str(state),
        "DJANGO_MEDIA_ROOT": str(media),
        "ML_SERVER_URL": ml_server.url,
        "ML_API_KEY": API_KEY,
        "ML_READ_TIMEOUT_S": "0.5",
        "MONITOR_URL": monitor.url,
        "MONITOR_STATS_TOKEN": TOKEN,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    users = (
        "from django.contrib.auth.models import User;"
        "User.objects.create_user('nurse', password='pw');"
        "User.objects.create_superuser('admin', password='pw')"
    )
    for command in (["migrate", "--verbosity", "0"], ["shell", "--verbosity", "0", "--command", users]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=SITE, env=environment, check=True, timeout=60)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        listener.set_inheritable(True)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        gunicorn = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", "--threads", "4",
             "--worker-tmp-dir", "/dev/shm", "--no-control-socket", "neuronova_site.wsgi:application"],
            cwd=SITE, env=environment, pass_fds=[listener.fileno()],
        )  # fmt: skip
    try:
        requests.get(f"{url}/api/health/", timeout=30)
        yield url
    finally:
        kill_all(gunicorn)


def behind_tls(site: str) -> dict[str, str]:
    """What comes with a request of this site's own page by way of Nginx."""
    return {"X-Forwarded-Proto": "https", "Referer": f"{site.replace('http:', 'https:')}/"}


def as_over_tls(browser: requests.Session) -> None:
    """Send the site's cookies, which are for TLS only, to gunicorn, which has none."""
    for cookie in browser.cookies:
        cookie.secure = False


def logged_in(site: str, name: str) -> requests.Session:
    browser = requests.Session()
    browser.trust_env = False
    browser.headers.update(behind_tls(site))
    browser.get(f"{site}/accounts/login/", timeout=10)
    as_over_tls(browser)
    form = {"username": name, "password": "pw", "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    browser.post(f"{site}/accounts/login/", data=form, timeout=10, allow_redirects=False)
    as_over_tls(browser)
    assert "sessionid" in browser.cookies
    browser.headers["X-CSRFToken"] = browser.cookies["csrftoken"] or ""
    return browser


@pytest.fixture(scope="session")
def nurse(site: str) -> Iterator[requests.Session]:
    with logged_in(site, "nurse") as browser:
        yield browser


@pytest.fixture(scope="session")
def admin(site: str) -> Iterator[requests.Session]:
    with logged_in(site, "admin") as browser:
        yield browser


def predict(site: str, browser: requests.Session, body: dict[str, Any] | None = None) -> requests.Response:
    return browser.post(f"{site}/api/predict/", json=body or {"clinical_features": {"age": 0.9866}}, timeout=10)


def test_health_has_guides_shape(site: str) -> None:
    """The health answer has the shape of the guide."""
    answer = requests.get(f"{site}/api/health/", timeout=10)
    body = answer.json()
    assert answer.status_code == 200
    assert list(body) == ["status", "service", "version", "checks"]
    assert (body["status"], body["service"], body["version"]) == ("healthy", "NeuroNova Django API", "1.0.0")
    assert list(body["checks"]) == ["database", "ml_server", "disk", "media_storage"]
    disk = body["checks"].pop("disk")
    assert disk.startswith("ok: ")
    assert disk.endswith("% free")
    assert set(body["checks"].values()) == {"ok"}


def test_unhealthy_with_ml_server(site: str, ml_server: Neighbour) -> None:
    """The site is unhealthy while the ML server is."""
    ml_server.answer = lambda handler: handler.say(503, {"ok": False, "status": "loading"})
    answer = requests.get(f"{site}/api/health/", timeout=10)
    assert answer.status_code == 503
    assert answer.json()["status"] == "unhealthy"
    assert answer.json()["checks"]["ml_server"] == "error: HTTP 503"
    assert answer.json()["checks"]["database"] == "ok"


def test_unhealthy_without_storage(site: str, media: Path) -> None:
    """The site is unhealthy when uploads cannot be stored."""
    media.rename(media.with_name("away"))
    media.touch()
    try:
        answer = requests.get(f"{site}/api/health/", timeout=10)
    finally:
        media.unlink()
        media.with_name("away").rename(media)
    assert answer.status_code == 503
    assert answer.json()["checks"]["media_storage"] == "error: FileExistsError"


def test_prediction_is_handed_through(site: str, nurse: requests.Session, ml_server: Neighbour) -> None:
    """A prediction is handed through with key and request ID."""
    ml_server.answer = lambda handler: handler.say(200, {"ok": True, "prediction": "Control"})
    answer = nurse.post(f"{site}/api/predict/", json={"features": {"age": 0.9866}}, headers={"X-Request-ID": "abc-1"}, timeout=10)
    assert answer.status_code == 200
    assert answer.json() == {"ok": True, "prediction": "Control"}
    assert answer.headers["X-Request-ID"] == "abc-1"
    path, headers, body = ml_server.asked[-1]
    assert path == "/predict"
    assert headers["X-API-Key"] == API_KEY
    assert headers["X-Request-ID"] == "abc-1"
    assert json.loads(body) == {"features": {"age": 0.9866}}


def test_names_do_not_leave_the_site(site: str, nurse: requests.Session, ml_server: Neighbour) -> None:
    predict(site, nurse, {"clinical_features": {"age": 0.9866}, "patient_name": "홍길동", "doctor_name": "김의사"})
    assert json.loads(ml_server.asked[-1][2]) == {"clinical_features": {"age": 0.9866}}


def test_ml_server_connection_is_kept(site: str, nurse: requests.Session, ml_server: Neighbour) -> None:
    for _ in range(5):
        assert predict(site, nurse).status_code == 200
    assert len(ml_server.clients) == 1


def test_closed_connection_costs_no_prediction(site: str, nurse: requests.Session, ml_server: Neighbour) -> None:
    """A connection that was closed meanwhile costs no prediction."""
    answers = iter([True])

    def hang_up_once(handler: Handler) -> None:
        if next(answers, False):
            handler.close_connection = True
        else:
            handler.say(200, {"ok": True})

    ml_server.answer = hang_up_once
    assert predict(site, nurse).status_code == 200


def test_callers_mistake_is_passed_on(site: str, nurse: requests.Session, ml_server: Neighbour) -> None:
    """The caller's mistake is told in the ML server's words."""
    problem = {"ok": False, "code": "invalid_features", "details": [{"field": "age", "problem": "missing"}]}
    ml_server.answer = lambda handler: handler.say(422, dict(problem))
    answer = predict(site, nurse)
    assert answer.status_code == 422
    assert answer.json() == problem


def test_unknown_model_is_passed_on(site: str, nurse: requests.Session, ml_server: Neighbour) -> None:
    """A model that there is not is told in the ML server's words."""
    problem = {"ok": False, "code": "unknown_model", "error": "no such model", "request_id": "a"}
    ml_server.answer = lambda handler: handler.say(404, dict(problem))
    answer = predict(site, nurse, {"features": {}, "model_name": "nope", "model_version": "9.9.9"})
    assert (answer.status_code, answer.json()) == (404, problem)
    assert json.loads(ml_server.asked[-1][2]) == {"features": {}, "model_name": "nope", "model_version": "9.9.9"}


def assert_problem(answer: requests.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json"), answer.text
    body = answer.json()
    assert list(body) == ["ok", "code", "error", "request_id"]
    assert (body["ok"], body["code"], body["request_id"]) == (False, code, answer.headers["X-Request-ID"])


def test_form_is_unsupported_type(site: str, nurse: requests.Session, ml_server: Neighbour) -> None:
    """A form is refused as the wrong type."""
    for form in ({"files": {"features": (None, "{}")}}, {"files": {"scan": ("scan", "x" * 3_000_000)}}, {"data": {"age": "1"}}):
        assert_problem(nurse.post(f"{site}/api/predict/", timeout=10, **form), 415, "unsupported_media_type")
    assert ml_server.asked == []


def test_large_body_is_refused(site: str, nurse: requests.Session, ml_server: Neighbour) -> None:
    """A body that is too large is refused with the limit, and the connection goes on."""
    for _ in range(20):
        answer = predict(site, nurse, {"features": {}, "note": "x" * 3_000_000})
        assert_problem(answer, 413, "request_entity_too_large")
        assert answer.json()["error"] == "the body is larger than 2621440 bytes"
    assert ml_server.asked == []


def test_large_form_is_refused_in_json(site: str, nurse: requests.Session) -> None:
    """A form that is too large is refused in JSON too."""
    answer = nurse.post(f"{site}/api/predict/", data={"note": "x" * 3_000_000}, timeout=10)
    assert_problem(answer, 400, "bad_request")


def test_program_is_told_to_log_in(site: str) -> None:
    """A program that has not logged in is told so, rather than of CSRF."""
    answer = requests.post(f"{site}/api/predict/", json={}, headers=behind_tls(site), timeout=10)
    assert_problem(answer, 401, "login_required")


def test_missing_csrf_token_is_named(site: str, nurse: requests.Session) -> None:
    """A request without the CSRF token is told what is missing."""
    answer = nurse.post(f"{site}/api/predict/", json={}, headers={"X-CSRFToken": None, "X-Request-ID": "abc-2"}, timeout=10)
    assert_problem(answer, 403, "csrf_failed")
    assert "X-CSRFToken" in answer.json()["error"]
    assert answer.json()["request_id"] == "abc-2"


def test_api_refusals_are_json(site: str, nurse: requests.Session) -> None:
    """What Django refuses by itself is JSON under /api/, and a page elsewhere."""
    wrong_method = nurse.get(f"{site}/api/predict/", headers={"X-Request-ID": "abc-3"}, timeout=10)
    assert_problem(wrong_method, 405, "method_not_allowed")
    assert (wrong_method.headers["Allow"], wrong_method.json()["request_id"]) == ("POST", "abc-3")
    assert_problem(nurse.post(f"{site}/api/health/", timeout=10), 405, "method_not_allowed")
    assert_problem(nurse.get(f"{site}/api/nothing/", timeout=10), 404, "not_found")
    assert_problem(nurse.get(f"{site}/api/health/", headers={"Host": "elsewhere.example"}, timeout=10), 400, "bad_request")
    head = nurse.head(f"{site}/api/predict/", timeout=10)
    assert (head.status_code, head.content) == (405, b"")
    sign_in = requests.post(f"{site}/accounts/login/", headers=behind_tls(site), timeout=10)
    for page in (nurse.get(f"{site}/nothing/", timeout=10), sign_in):
        assert page.headers["Content-Type"].startswith("text/html")


def test_crash_hides_its_reason(site: str, nurse: requests.Session, state: Path) -> None:
    """A crash is answered in JSON, without its reason."""
    database = state / "db.sqlite3"
    database.rename(state / "away")
    try:
        answer = predict(site, nurse)
    finally:
        (state / "away").replace(database)
    assert_problem(answer, 500, "internal_error")
    assert answer.json()["error"] == "Internal Server Error"
    assert predict(site, nurse).status_code == 200


def test_broken_json_is_not_passed_on(site: str, nurse: requests.Session, ml_server: Neighbour) -> None:
    """A body that is not JSON is refused without asking anybody."""
    for body in (b"{", b"[1]", b"\xff"):
        answer = nurse.post(f"{site}/api/predict/", data=body, headers=JSON, timeout=10)
        assert answer.status_code == 400
        assert answer.json()["code"] == "not_json"
    assert ml_server.asked == []


def nested(levels: int) -> bytes:
    return b'{"features": ' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"features": {"age": 0.98, "age": 0.99}}', "an object of the body has the same key twice"),
        (b'{"features": {"age": 0.98}, "features": {}}', "an object of the body has the same key twice"),
        (b'{"features": {"age": NaN}}', "the body has NaN or Infinity, which are not JSON"),
        (b'{"features": {"age": -Infinity}}', "the body has NaN or Infinity, which are not JSON"),
        (b'{"features": {"age": 1e999}}', "the body has a number that is too large"),
        (b'{"features": {"age": ' + b"9" * 5000 + b"}}", "the body is not JSON"),
        (nested(17), "the body is nested too deeply"),
        (nested(900), "the body is nested too deeply"),
        (nested(100_000), "the body is nested too deeply"),
        (b"[" * 100_000, "the body is nested too deeply"),
    ],
)
def test_ambiguous_json_is_not_passed_on(
    site: str, nurse: requests.Session, ml_server: Neighbour, body: bytes, problem: str
) -> None:
    """JSON that could be read in two ways is refused without asking anybody."""
    answer = nurse.post(f"{site}/api/predict/", data=body, headers=JSON, timeout=10)
    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["error"]) == ("not_json", problem)
    assert ml_server.asked == []


def test_ordinary_depth_is_passed_on(site: str, nurse: requests.Session, ml_server: Neighbour) -> None:
    """JSON of an ordinary depth is passed on."""
    assert nurse.post(f"{site}/api/predict/", data=nested(16), headers=JSON, timeout=10).status_code == 200
    assert len(ml_server.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "expected", "code"),
    [
        (200, b"<html>", 502, "bad_answer"),
        (200, b"[]", 502, "bad_answer"),
        (500, b'{"ok": false}', 502, "bad_answer"),
        (401, b'{"ok": false}', 502, "bad_answer"),
        (404, b'{"ok": false, "code": "not_found"}', 502, "bad_answer"),
        (404, b"[]", 502, "bad_answer"),
        (503, b'{"ok": false}', 503, "not_ready"),
        (504, b"", 504, "too_slow"),
    ],
)
def test_wrong_ml_server_answer_is_named(
    site: str, nurse: requests.Session, ml_server: Neighbour, status: int, body: bytes, expected: int, code: str
) -> None:
    ml_server.answer = lambda handler: handler.say(status, body)
    answer = predict(site, nurse)
    assert answer.status_code == expected
    assert (answer.json()["ok"], answer.json()["code"]) == (False, code)
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


def test_slow_ml_server_costs_its_timeout(site: str, nurse: requests.Session, ml_server: Neighbour) -> None:
    """A slow ML server costs its time-out, and no more."""
    released = threading.Event()
    ml_server.answer = lambda _handler: released.wait(10)
    started = time.monotonic()
    answer = predict(site, nurse)
    took_s = time.monotonic() - started
    released.set()
    assert answer.status_code == 504
    assert answer.json()["code"] == "too_slow"
    assert took_s < 2


def test_gone_ml_server_may_come_back(site: str, nurse: requests.Session, ml_server: Neighbour) -> None:
    """An ML server that is gone is named, and may come back."""
    ml_server.answer = lambda handler: setattr(handler, "close_connection", True)
    answer = predict(site, nurse)
    assert answer.status_code == 503
    assert answer.json()["code"] == "unreachable"
    assert answer.headers["Retry-After"] == "5"
    ml_server.answer = lambda handler: handler.say(200, {"ok": True})
    assert predict(site, nurse).status_code == 200


def test_predictions_and_statistics_need_a_login(site: str, monitor: Neighbour, ml_server: Neighbour) -> None:
    with requests.Session() as stranger:
        stranger.headers.update(behind_tls(site))
        stranger.get(f"{site}/accounts/login/", timeout=10)
        as_over_tls(stranger)
        stranger.headers["X-CSRFToken"] = stranger.cookies["csrftoken"] or ""
        assert predict(site, stranger).status_code == 401
        assert stranger.get(f"{site}/api/system/stats/", timeout=10).status_code == 401
    assert monitor.asked == ml_server.asked == []


def test_statistics_are_for_staff(site: str, nurse: requests.Session, admin: requests.Session, monitor: Neighbour) -> None:
    """Statistics are for staff, and come from the monitor."""
    assert nurse.get(f"{site}/api/system/stats/", timeout=10).status_code == 403
    assert monitor.asked == []
    answer = admin.get(f"{site}/api/system/stats/", timeout=10)
    assert answer.status_code == 200
    assert answer.json() == STATS
    path, headers, _body = monitor.asked[-1]
    assert path == "/api/system/stats/"
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in answer.text


def test_statistics_say_when_the_monitor_refuses(site: str, admin: requests.Session, monitor: Neighbour) -> None:
    monitor.answer = lambda handler: handler.say(401, {"ok": False})
    answer = admin.get(f"{site}/api/system/stats/", timeout=10)
    assert answer.status_code == 502
    assert answer.json()["error"] == "monitor gave no usable answer (HTTP 401)"


def checked(*options: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """What Django's own checks say of the settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    return subprocess.run(
        [sys.executable, "manage.py", "check", *options],
        check=False,
        cwd=SITE,
        env=environment | settings,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_missing_secret_key_is_refused() -> None:
    """A deployment without a secret key is refused, with the remedy."""
    result = checked()
    assert result.returncode != 0
    assert "DJANGO_SECRET_KEY is not set; put one into /etc/neuronova-django.env" in result.stderr


def test_deployment_passes_djangos_check() -> None:
    """The settings of a deployment pass Django's own check of them; a developer's own machine needs none."""
    strict = ("--deploy", "--fail-level", "WARNING")
    result = checked(*strict, DJANGO_SECRET_KEY=secrets.token_urlsafe(50))
    assert result.returncode == 0, result.stderr
    assert checked(*strict, DJANGO_DEBUG="1").returncode != 0
    assert checked("--fail-level", "WARNING", DJANGO_DEBUG="1").returncode == 0


def test_http_is_sent_to_https(site: str) -> None:
    """All but the health, for which the monitor asks without TLS; a browser is told to remember it."""
    for path in ("/accounts/login/", "/api/system/stats/", "/api/health", "/api/health/more"):
        answer = requests.get(f"{site}{path}", allow_redirects=False, timeout=10)
        assert (answer.status_code, answer.headers["Location"]) == (301, f"{site.replace('http:', 'https:')}{path}")
    health = requests.get(f"{site}/api/health/", allow_redirects=False, timeout=10)
    assert (health.status_code, "Strict-Transport-Security" in health.headers) == (200, False)
    page = requests.get(f"{site}/accounts/login/", headers=behind_tls(site), timeout=10)
    assert (page.status_code, page.headers["Strict-Transport-Security"]) == (200, "max-age=3600")
    assert page.headers["X-Frame-Options"] == "DENY"


def test_readmes_blocks_make_a_site(tmp_path: Path, ml_server: Neighbour, monitor: Neighbour) -> None:
    """The README's blocks for one's own machine make a site with statistics."""
    section = (SITE / "README.md").read_text(encoding="utf-8").split("## On your own machine")[1].split("\n## ")[0]
    prepare, administrator, serve, ask = re.findall(r"```bash\n(.*?)```", section, re.DOTALL)
    # What asks something or never ends is alone in its block, so that every block can be pasted.
    assert [len(block.splitlines()) for block in (administrator, serve, ask)] == [1, 1, 1]
    of_the_developer = shutil.ignore_patterns(".venv", "db.sqlite3", "media")
    shutil.copytree(SITE, tmp_path / "examples" / "django", ignore=of_the_developer)
    (tmp_path / "var" / "lib").mkdir(parents=True)
    (tmp_path / "var" / "lib" / "admin_token").write_text(TOKEN)
    prepare = "".join(line for line in prepare.splitlines(keepends=True) if "pip install" not in line)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    script = f"set -e\n{prepare}{administrator.strip()} --noinput\nexec {serve.strip()} --noreload"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
        "DJANGO_SUPERUSER_USERNAME": "admin", "DJANGO_SUPERUSER_EMAIL": "", "DJANGO_SUPERUSER_PASSWORD": "pw",
        "ML_SERVER_URL": ml_server.url, "MONITOR_URL": monitor.url,
    }  # fmt: skip
    command = script.replace(".venv/bin/python", sys.executable).replace(":8000", f":{port}")
    with subprocess.Popen(["bash", "-c", command], cwd=tmp_path, env=environment) as shell:
        try:
            deadline = time.monotonic() + 60
            asked = ["bash", "-c", ask.replace("curl", "curl -fsS").replace(":8000", f":{port}")]
            while (health := subprocess.run(asked, check=False, capture_output=True)).returncode:
                assert shell.poll() is None
                assert time.monotonic() < deadline, health.stderr
                time.sleep(0.1)
            assert json.loads(health.stdout)["status"] == "healthy"
            with logged_in(f"http://127.0.0.1:{port}", "admin") as browser:
                assert browser.get(f"http://127.0.0.1:{port}/api/system/stats/", timeout=10).json() == STATS
        finally:
            kill_all(shell)
    assert monitor.asked[-1][1]["Authorization"] == f"Bearer {TOKEN}"
