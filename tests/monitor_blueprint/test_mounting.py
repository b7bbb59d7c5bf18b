"""The monitor mounted in somebody else's application: what it shows there, and what it leaves alone."""

from __future__ import annotations

import fcntl
import os
import queue
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import psutil
import pytest
import requests
from flask import Flask, Response, session
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

import wsgi
from ml_server.card import read_card
from ml_server.config import BUNDLED_MODELS
from monitor_blueprint import Monitor, create_monitor
from monitor_blueprint.config import ConfigError
from monitor_blueprint.domain.models import Reading, Status
from monitor_blueprint.domain.text import Public
from monitor_blueprint.probes import Observation
from tests.ml_server.load import Load
from tests.monitor_blueprint import guide
from tests.monitor_blueprint.conftest import Reports, Script, StartMonitor
from tests.monitor_blueprint.running import SCRIPTED, TOKEN, configure
from tests.monitor_blueprint.standins import HttpStandIn

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60
DOWN = Observation((Reading("thing", Status.CRITICAL, facts={"reason": Public("gone")}),))
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
NO_TOKEN = {"ok": False, "error": "the administrators' token is needed"}
NO_ADDRESS = {"ok": False, "error": "there is no such address"}
ONLY_READ = {"ok": False, "error": "this address is only read"}


class Shouting(DefaultJSONProvider):
    """A provider of JSON answers that nobody else could read."""

    def response(self, *args: Any, **kwargs: Any) -> Response:
        return Response(super().response(*args, **kwargs).data.upper(), mimetype="application/json")  # type: ignore[attr-defined]


@pytest.fixture
def host() -> Flask:
    """An application with habits of its own."""
    app = Flask("host")
    app.secret_key = "of the host"
    app.json = Shouting(app)
    app.jinja_env.block_start_string = "<%"

    @app.get("/")
    def front() -> dict[str, int]:
        session["visits"] = session.get("visits", 0) + 1
        return {"visits": session["visits"]}

    @app.post("/orders/")
    def order() -> str:
        return "ordered"

    @app.errorhandler(404)
    @app.errorhandler(405)
    def refuse(error: Exception) -> tuple[str, int]:
        return "the host's refusal", getattr(error, "code", 500)

    return app


@pytest.fixture
def environ(tmp_path: Path, script: Script) -> Mapping[str, str]:
    return {"NEURONOVA_CONFIG": str(configure(tmp_path)), "MONITOR_ADMIN_TOKEN": TOKEN}


class Mount(Protocol):
    """Makes a monitor, with the arguments of `Monitor`, that is closed when the test is over."""

    def __call__(self, app: Flask | None = None, **options: Any) -> Monitor: ...


@pytest.fixture
def mount(environ: Mapping[str, str]) -> Iterator[Mount]:
    monitors: list[Monitor] = []

    def make(app: Flask | None = None, **options: Any) -> Monitor:
        monitors.append(Monitor(app, **{"environ": environ, **options}))
        return monitors[-1]

    yield make
    for monitor in monitors:
        close(monitor)


@pytest.fixture
def whole(environ: Mapping[str, str]) -> Iterator[Flask]:
    """The application that is all monitor."""
    app = create_monitor(environ)
    yield app
    close(app.extensions["neuronova_monitor"])


def close(monitor: Monitor) -> None:
    monitor.stop()
    monitor.store.close()
    monitor.log.close()


@pytest.fixture
def past(start_monitor: StartMonitor, script: Script) -> None:
    """What another process has found and stored: Flask is down."""
    script["Flask"] = lambda context: DOWN
    start_monitor()


def links(page: str) -> list[str]:
    return re.findall(r'(?:href|src)="([^"]+)"', page)


def follow(client: Client, page: str, site: str = "http://localhost") -> None:
    """Go from the page wherever it leads, and back."""
    answer = client.get(page, site, headers=ADMIN)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    found = [link for link in links(answer.text) if link[0] not in "#?"]
    assert all(link.startswith(page) for link in found)
    with closing(client.get(found[0], site)) as styles:
        assert styles.mimetype == "text/css"
    (incident,) = {link for link in found if link.endswith("/incidents/1")}
    answer = client.get(incident, site, headers=ADMIN)
    assert "장애 1번" in answer.text
    assert {found[0], page} <= set(links(answer.text))


# --- Anywhere


@pytest.mark.parametrize(
    ("place", "page"),
    [
        ({}, "/monitor/"),
        ({"url_prefix": "/ops"}, "/ops/"),
        ({"url_prefix": "/ops/"}, "/ops/"),
        ({"url_prefix": "/staff/only"}, "/staff/only/"),
        ({"url_prefix": "/감시"}, "/%EA%B0%90%EC%8B%9C/"),
        ({"url_prefix": "/"}, "/"),
        ({"url_prefix": ""}, "/"),
        ({"url_prefix": "/ops", "name": "watch"}, "/ops/"),
    ],
)
def test_any_prefix_and_name(past: None, mount: Mount, place: dict[str, str], page: str) -> None:
    app = Flask("host")
    mount(app, **place)
    follow(app.test_client(), page)


@pytest.mark.parametrize(("prefix", "page"), [("/", "/"), ("/ops", "/ops/")])
def test_a_subdomain(past: None, mount: Mount, prefix: str, page: str) -> None:
    app = Flask("host", subdomain_matching=True)
    app.config["SERVER_NAME"] = "clinic.example"
    app.add_url_rule("/", view_func=lambda: "the clinic")
    mount(app, url_prefix=prefix, subdomain="watch")
    client, site = app.test_client(), "http://watch.clinic.example"
    follow(client, page, site)
    assert client.get(page + "nowhere", site, headers=ADMIN).json == NO_ADDRESS
    assert client.get("/").text == "the clinic"
    assert client.get("/health").status_code == 404


def test_below_a_script_name(past: None, mount: Mount, whole: Flask) -> None:
    app = Flask("host")
    mount(app, url_prefix="/ops")
    client = Client(DispatcherMiddleware(NotFound(), {"/clinic": app, "/whole": whole}))
    follow(client, "/clinic/ops/")
    follow(client, "/whole/")


def test_name_that_the_host_has_too(past: None, mount: Mount, tmp_path: Path) -> None:
    """The host's templates and rules for them do not come into the monitor's pages."""
    (tmp_path / "templates").mkdir()
    for name in ("base.html", "monitor.html"):
        (tmp_path / "templates" / name).write_text("the host's")
    app = Flask("host", template_folder=str(tmp_path / "templates"))
    app.jinja_options = {"variable_start_string": "[[", "variable_end_string": "]]"}
    app.jinja_env.autoescape = False
    mount(app)
    follow(app.test_client(), "/monitor/")


def test_made_first_and_mounted_later(past: None, environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monitor = Monitor()
    app = Flask("host")
    monitor.init_app(app, url_prefix="/ops")
    assert app.extensions["neuronova_monitor"] is monitor
    follow(app.test_client(), "/ops/")
    close(monitor)


def test_only_the_program_believes_nginx(
    past: None, environ: Mapping[str, str], whole: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delattr(wsgi, "monitor", raising=False)
    sidecar = wsgi.__getattr__("monitor")
    headers = {**ADMIN, "X-Forwarded-Prefix": "/monitor"}
    assert links(sidecar.test_client().get("/", headers=headers).text)[0] == "/monitor/static/monitor.css"
    assert links(whole.test_client().get("/", headers=headers).text)[0] == "/static/monitor.css"
    close(sidecar.extensions["neuronova_monitor"])
    del wsgi.monitor


# --- The host is left alone


def habits(app: Flask) -> list[object]:
    rules = [rule for rule in app.url_map.iter_rules() if not rule.endpoint.startswith("monitor.")]
    of_all = [app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs, app.template_context_processors]
    return [
        dict(app.config),
        app.json,
        app.session_interface,
        app.url_map.strict_slashes,
        app.url_map.merge_slashes,
        app.url_map.host_matching,
        *(list(functions.get(None, ())) for functions in of_all),  # type: ignore[attr-defined]
        {code: dict(handlers) for code, handlers in app.error_handler_spec[None].items()},
        [(rule.rule, rule.endpoint, rule.methods) for rule in rules],
        set(app.jinja_env.globals),
        app.jinja_env.list_templates(),
    ]


def test_the_host_keeps_its_habits(host: Flask, mount: Mount) -> None:
    before = habits(host)
    mount(host, url_prefix="/ops")
    assert habits(host) == before
    client = host.test_client()
    assert [client.get("/").text.strip() for _ in range(2)] == ['{"VISITS":1}', '{"VISITS":2}']
    assert client.post("/orders/").text == "ordered"
    assert client.post("/orders").status_code == 308
    for answer, code in ((client.get("/nowhere"), 404), (client.get("/orders/"), 405), (client.get("/opsimath"), 404)):
        assert (answer.status_code, answer.text) == (code, "the host's refusal")
    assert client.options("/orders/").allow.as_set() == {"post", "options"}


def test_without_a_prefix_the_host_refuses(host: Flask, mount: Mount, tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "host.css").write_text("the host's")
    host.static_folder = str(tmp_path / "static")
    mount(host, url_prefix="/")
    client = host.test_client()
    with closing(client.get("/static/host.css")) as answer:
        assert answer.text == "the host's"
    assert client.get("/").text.strip() == '{"VISITS":1}'
    assert client.get("/health").json.keys() >= {"ok", "status"}  # type: ignore[union-attr]
    assert client.get("/nowhere").text == client.post("/health").text == "the host's refusal"


def test_what_is_refused_below_the_prefix(host: Flask, mount: Mount) -> None:
    mount(host, url_prefix="/ops")
    client = host.test_client()
    for address in ("/ops/", "/ops/nowhere", "/ops/nowhere/", "/ops/a/b", "/ops/incidents/1", "/ops/incidents/x", "/ops/metrics"):
        answer = client.get(address)
        assert (answer.status_code, answer.json) == (401, NO_TOKEN), address
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert client.post(address).status_code == 401
    for address in ("/ops/nowhere", "/ops/nowhere/", "/ops/a/b", "/ops/incidents/x", "/ops/static/nothing.css"):
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            answer = client.open(address, method=method, headers=ADMIN)
            assert (answer.status_code, answer.json) == (404, NO_ADDRESS), (method, address)
    for path in ("", "health", "api/system/stats/", "metrics", "incidents/1", "static/monitor.css"):
        address = f"/ops/{path}"
        for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE"):
            answer = client.open(address, method=method, headers=ADMIN)
            assert (answer.status_code, answer.json) == (405, ONLY_READ), (method, address)
            assert answer.allow.as_set() == {"get", "head", "options"}
        assert client.options(address, headers=ADMIN).allow.as_set() == {"get", "head", "options"}


@pytest.mark.parametrize("prefix", ["/", "/ops"])
def test_the_order_of_the_keys(host: Flask, mount: Mount, prefix: str) -> None:
    mount(host, url_prefix=prefix)
    text = host.test_client().get(f"{prefix.rstrip('/')}/api/system/stats/", headers=ADMIN).text
    assert re.findall(r'"(\w+)":', text) == re.findall(r'"(\w+)":', guide.STATS)


def test_host_with_one_answer_for_everything(mount: Mount) -> None:
    """As a single-page application has it."""
    app = Flask("host")
    app.add_url_rule("/<path:anything>", view_func=lambda anything: Response("the host's", mimetype="text/plain"))
    mount(app, url_prefix="/ops")
    client = app.test_client()
    assert client.get("/opera").text == client.get("/health").text == "the host's"
    assert client.get("/ops/").status_code == 401
    assert client.get("/ops/nowhere", headers=ADMIN).json == NO_ADDRESS


# --- One application, one monitor


def test_an_application_is_not_mounted_twice(host: Flask, mount: Mount) -> None:
    first = mount(host, url_prefix="/ops")
    with pytest.raises(RuntimeError, match="has a monitor already"):
        mount().init_app(host, url_prefix="/other", name="other")
    assert host.extensions["neuronova_monitor"] is first
    assert host.test_client().get("/other/health").status_code == 404


def test_a_name_that_is_taken(mount: Mount) -> None:
    app = Flask("host")
    mount().init_app(app)
    del app.extensions["neuronova_monitor"]
    with pytest.raises(ValueError, match="'monitor' is already registered"):
        mount(app, url_prefix="/other")
    assert "neuronova_monitor" not in app.extensions


def test_a_configuration_that_cannot_be_used(host: Flask, tmp_path: Path) -> None:
    path = configure(tmp_path, checks="[[check]]")
    environ = {"NEURONOVA_CONFIG": str(path)}
    for mount in (lambda: Monitor(host, environ=environ), lambda: create_monitor(environ)):
        with pytest.raises(ConfigError, match=re.escape(f"{path}: [[check]] ")):
            mount()
    assert "neuronova_monitor" not in host.extensions
    assert list(tmp_path.iterdir()) == [path]


def test_two_applications_in_one_process(mount: Mount, tmp_path: Path) -> None:
    apps = {"North": Flask("North"), "South": Flask("South")}
    states = {name: queue.Queue[str]() for name in apps}
    for name, app in apps.items():
        (tmp_path / name).mkdir()
        path = configure(tmp_path / name, SCRIPTED.replace("Disk", name))
        mount(app, environ={"NEURONOVA_CONFIG": str(path), "MONITOR_ADMIN_TOKEN": TOKEN + name}).start(states[name].put)
    for name, other in (("North", "South"), ("South", "North")):
        until_checked(states[name])
        client = apps[name].test_client()
        page = client.get("/monitor/", headers={"Authorization": f"Bearer {TOKEN}{name}"})
        assert f'id="check-{name}"' in page.text
        assert f'id="check-{other}"' not in page.text
        assert client.get("/monitor/", headers={"Authorization": f"Bearer {TOKEN}{other}"}).status_code == 401
        assert health(apps[name], "/monitor")["scheduler"] == {"running": True, "pid": os.getpid()}


def until_checked(states: queue.Queue[str]) -> None:
    """Until a complete health check has come to its end."""
    while states.get(timeout=DEADLINE_S) != "WATCHDOG=1":
        pass


def health(app: Flask, prefix: str = "") -> dict[str, Any]:
    body = app.test_client().get(f"{prefix}/health").json
    assert isinstance(body, dict)
    return body


# --- Before and after


def test_before_start_it_shows_what_stored(past: None, whole: Flask) -> None:
    client = whole.test_client()
    assert '<strong id="overall">CRITICAL</strong>' in client.get("/", headers=ADMIN).text
    assert 'neuronova_check_status{check="Flask"} 2.0' in client.get("/metrics", headers=ADMIN).text
    body = health(whole)
    assert (body["ok"], body["last_check"], body["next_check_at"]) == (True, "CRITICAL", None)
    # The lock's holder is the other monitor, in this very process.
    assert body["scheduler"] == {"running": False, "pid": os.getpid()}


def test_before_start_with_nothing_stored(whole: Flask) -> None:
    assert "아직 점검 결과가 없습니다" in whole.test_client().get("/", headers=ADMIN).text
    assert health(whole)["status"] == "stalled"


def test_what_is_made_touches_nothing(tmp_path: Path, script: Script) -> None:
    """It may be made before a fork, in a process of another user."""
    path = configure(tmp_path)
    threads = threading.active_count()
    monitor = Monitor(Flask("host"), environ={"NEURONOVA_CONFIG": str(path), "HEARTBEAT_URL": "http://127.0.0.1:1/"})
    monitor.stop()
    assert list(tmp_path.iterdir()) == [path]
    assert threading.active_count() == threads


def test_stop_before_start_and_twice(mount: Mount) -> None:
    monitor = mount()
    monitor.stop()
    states = queue.Queue[str]()
    monitor.start(states.put)
    # Once more is not once too often: another hook of the same process may have done it.
    monitor.start()
    until_checked(states)
    monitor.stop()
    monitor.stop()
    assert not monitor.schedule.is_running
    with pytest.raises(RuntimeError, match="make a new one"):
        monitor.start()


def test_stopped_while_it_waits(mount: Mount, tmp_path: Path) -> None:
    """The lock that it gets afterwards begins nothing any more."""
    monitor = mount()
    states = queue.Queue[str]()
    before = set(threading.enumerate())
    (tmp_path / "state").mkdir()
    with (tmp_path / "state" / "monitor.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        monitor.start(states.put)
        assert "WATCHDOG_USEC=0" in states.get(timeout=DEADLINE_S)
        (waiting,) = set(threading.enumerate()) - before
        monitor.stop()
    waiting.join(DEADLINE_S)
    assert not waiting.is_alive()
    assert not monitor.schedule.is_running
    assert states.empty()


def test_only_the_program_tells_systemd(mount: Mount, environ: Mapping[str, str], reports: Reports) -> None:
    """Mounted, it would tell systemd about the unit of the host."""
    with HttpStandIn() as switch:
        mount(Flask("host"), environ={**environ, "HEARTBEAT_URL": switch.url}).start()
        # The dead man's switch is told after systemd that a check has come to its end.
        assert switch.next_post().path.endswith("/start")
        switch.next_post()
    assert reports.is_silent()


# --- Under a real gunicorn


README = (ROOT / "README.md").read_text(encoding="utf-8")
DISK = '[[check]]\nname = "Disk"\nkind = "disk"\nwarning = 100\ncritical = 100\n'
WEBSITE = """
def application(environ, start_response):
    found = environ["PATH_INFO"] == "/"
    start_response("200 OK" if found else "404 Not Found", [("Content-Type", "text/plain")])
    return [b"The clinic" if found else b"The clinic has no such page"]
"""
ML = """
from app import create_app
from monitor_blueprint import Monitor

app = create_app()
monitor = Monitor(app, url_prefix="/ops")
"""
ML_CONF = """
from ml_server.gunicorn_conf import *
from ml_server import gunicorn_conf


def post_worker_init(worker):
    from clinic import monitor

    gunicorn_conf.post_worker_init(worker)
    monitor.start()


def worker_exit(server, worker):
    from clinic import monitor

    monitor.stop()
"""


def blocks(name: str) -> list[str]:
    """What the README shows of a file."""
    return re.findall(rf"```python\n(# {re.escape(name)}\n.*?)```", README, re.DOTALL)


def wait_until(is_so: Callable[[], object]) -> None:
    """Until something is so that no event tells of."""
    end = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


class Gunicorn:
    """The command of the README, in a directory with these files, in the environment of somebody else's unit."""

    def __init__(self, directory: Path, files: Mapping[str, str], *options: str) -> None:
        self.directory = directory
        self.reports = Reports(directory / "notify")
        for name, text in files.items():
            (directory / name).write_text(text)
        (command,) = re.findall(r"`gunicorn (--workers .*?)`", README)
        self.stdout, self.stderr = directory / "stdout", directory / "stderr"
        with self.stdout.open("wb") as out, self.stderr.open("wb") as err:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "gunicorn",
                    *shlex.split(command),
                    "--bind",
                    "127.0.0.1:0",
                    "--log-level",
                    "info",
                    *options,
                ],
                cwd=directory,
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(ROOT),
                    "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere",
                    "NEURONOVA_CONFIG": str(configure(directory, DISK)),
                    "MONITOR_ADMIN_TOKEN": TOKEN,
                    "NOTIFY_SOCKET": str(self.reports.path),
                },
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def url(self) -> str:
        wait_until(lambda: "Listening at: " in self.stderr.read_text())
        found: list[str] = re.findall(r"Listening at: (http://\S+)", self.stderr.read_text())
        return found[0]

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, headers=ADMIN, timeout=DEADLINE_S)

    def workers(self) -> set[int]:
        pid = self.process.pid
        return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}

    @contextmanager
    def only(self, worker: int) -> Iterator[None]:
        """None of the other workers answers meanwhile."""
        others = [psutil.Process(pid) for pid in self.workers() - {worker}]
        for other in others:
            other.suspend()
        yield
        for other in others:
            other.resume()

    def has_stored(self) -> bool:
        return (self.directory / "state" / "monitor.db").exists() and bool(self.get("/ops/health").json()["last_check"])

    def takeovers(self) -> list[int]:
        """Who has taken over the schedule, one after the other."""
        log = self.directory / "log" / "cron.log"
        return [int(pid) for pid in re.findall(r"점검 일정을 맡음 \(PID (\d+)\)", log.read_text())] if log.exists() else []

    def waiting(self) -> int:
        """How many have found the schedule taken."""
        return self.stdout.read_text().count("다른 모니터가 실행 중")

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.reports.close()


StartGunicorn = Callable[..., Gunicorn]


@pytest.fixture
def start_gunicorn(tmp_path: Path) -> Iterator[StartGunicorn]:
    started: list[Gunicorn] = []

    def start(files: Mapping[str, str], *options: str) -> Gunicorn:
        started.append(Gunicorn(tmp_path, files, *options))
        return started[-1]

    yield start
    for each in started:
        each.close()


def is_one_schedule(server: Gunicorn) -> int:
    """Every worker has started, one runs the schedule, and every one shows the pages; return which it is."""
    wait_until(lambda: len(server.takeovers()) == 1 and server.waiting() == 1 and server.has_stored())
    (holder,) = server.takeovers()
    assert len(server.workers()) == 2
    for worker in server.workers():
        with server.only(worker):
            page = server.get("/ops/").text
            assert 'id="check-Disk"' in page
            assert requests.get(server.url + links(page)[0], timeout=DEADLINE_S).headers["Content-Type"].startswith("text/css")
            assert server.get("/ops/nowhere").json() == NO_ADDRESS
            body = server.get("/ops/health").json()
            assert body["scheduler"] == {"running": worker == holder, "pid": holder}
    return holder


def ends_clean(server: Gunicorn) -> None:
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(DEADLINE_S) == 0
    assert "Traceback" not in server.stderr.read_text() + server.stdout.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1], ids=["blueprint", "dispatcher"])
@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["", "preload"])
def test_the_readmes_lines_under_gunicorn(start_gunicorn: StartGunicorn, number: int, options: tuple[str, ...]) -> None:
    (conf,) = blocks("gunicorn.conf.py")
    files = {"clinic.py": blocks("clinic.py")[number], "gunicorn.conf.py": conf, "website.py": WEBSITE}
    server = start_gunicorn(files, *options)
    holder = is_one_schedule(server)
    for worker in server.workers():
        with server.only(worker):
            answer = requests.get(server.url, timeout=DEADLINE_S)
            assert (answer.status_code, answer.text) == (200, "The clinic")
            answer = requests.get(server.url + "/nowhere", timeout=DEADLINE_S)
            assert answer.status_code == 404
            assert "json" not in answer.headers["Content-Type"]
            assert requests.get(server.url + "/ops/", timeout=DEADLINE_S).json() == NO_TOKEN
    psutil.Process(holder).kill()
    wait_until(lambda: len(server.takeovers()) == 2)
    successor = server.takeovers()[1]
    assert successor in server.workers()
    assert server.get("/ops/health").json()["scheduler"]["pid"] == successor
    ends_clean(server)


@pytest.mark.slow
def test_mounted_in_the_ml_server(start_gunicorn: StartGunicorn) -> None:
    server = start_gunicorn({"clinic.py": ML, "gunicorn.conf.py": ML_CONF}, "--preload")
    card = read_card((BUNDLED_MODELS / "alzheimer_biomarkers" / "1.0.0" / "model.json").read_bytes())
    sample = card.golden_samples[1]
    for _ in range(2):
        assert server.reports.next().startswith("READY=1\nSTATUS=serving alzheimer_biomarkers")
    with Load(server.url, {"features": sample.features}) as load:
        holder = is_one_schedule(server)
        for worker in server.workers():
            with server.only(worker):
                answer = requests.get(server.url + "/health", timeout=DEADLINE_S)
                assert answer.text == '{"ok":true,"status":"alive","model_version":"1.0.0"}'
                answer = requests.post(server.url + "/predict", json={"features": sample.features}, timeout=DEADLINE_S)
                assert answer.json()["predictions"] == pytest.approx(sample.expected, abs=card.golden_tolerance)
                for path, status, code in (("/nowhere", 404, "not_found"), ("/predict", 405, "method_not_allowed")):
                    answer = server.get(path)
                    assert (answer.status_code, answer.json()["code"]) == (status, code)
                    assert answer.json().keys() == {"ok", "code", "error", "details", "request_id"}
        load.wait_for_more()
    assert load.failures == []
    psutil.Process(holder).kill()
    wait_until(lambda: len(server.takeovers()) == 2)
    assert server.reports.next().startswith("READY=1\nSTATUS=serving alzheimer_biomarkers")
    ends_clean(server)
    # What systemd has heard is the ML server's alone.
    assert server.reports.is_silent()
