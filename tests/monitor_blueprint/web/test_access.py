"""Who is let in to the API and the pages, and who is not: tokens, roles, sessions, other sites, and those who try."""

from __future__ import annotations

import base64
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

import wsgi
from monitor_blueprint import Monitor
from monitor_blueprint.console.gate import ADMIN, STATS, Gate, digest_of, is_token_name, new_token
from monitor_blueprint.console.orders import Order, add_token, revoke_token
from monitor_blueprint.console.throttle import MOST_FAILURES, WITHIN_S, Throttle
from monitor_blueprint.domain.access import Role, Visitor
from monitor_blueprint.storage.store import Store
from tests.monitor_blueprint.conftest import StartMonitor
from tests.monitor_blueprint.running import TOKEN, Running, configure
from tests.monitor_blueprint.web.asking import PREFIX, Api, conforms

BY = Visitor("lee", Role.OPERATE)
SILENCE = {"checks": ["Disk"], "minutes": 5, "why": "deployment"}


@pytest.fixture
def well(start_monitor: StartMonitor) -> Running:
    return start_monitor()


def add(running: Running, name: str, role: Role) -> str:
    token, record = new_token(name, role, "lee", datetime.now(UTC))
    assert running.monitor.store.run(lambda tx: add_token(Order(tx, BY, datetime.now(UTC)), record))
    return token


def revoke(running: Running, name: str) -> None:
    assert running.monitor.store.run(lambda tx: revoke_token(Order(tx, BY, datetime.now(UTC)), name))


# --- Tokens


@pytest.mark.parametrize("role", list(Role))
def test_a_role_opens_pages_too(well: Running, role: Role) -> None:
    headers = {"Authorization": f"Bearer {add(well, 'kim', role)}"}
    needed = {
        "/health": 0,
        "/api/system/stats/": Role.STATS,
        "/metrics": Role.READ,
        "/": Role.READ,
        "/incidents/1": Role.READ,
        "/silences": Role.OPERATE,
        "/trials/1": Role.OPERATE,
    }
    for address, needs in needed.items():
        status = well.anybody.get(address, headers=headers).status_code
        assert (status == 401) == (role < needs), address


@pytest.mark.parametrize("role", [Role.STATS, Role.READ])
def test_readers_change_nothing(well: Running, role: Role) -> None:
    api = Api(well.app, add(well, "kim", role))
    for path, body in (("/silences", SILENCE), ("/run", {}), ("/trials", {}), ("/incidents/1/notes", {"text": "x"})):
        assert api.post(path, body, 403)["code"] == "forbidden"
    assert api.delete("/silences/1", 403)["code"] == "forbidden"
    assert Api(well.app).get("/silences")["silences"] == []


def test_a_name_stands_by_what_it_did(well: Running) -> None:
    Api(well.app, add(well, "django", Role.OPERATE)).post("/silences", SILENCE, 201)
    (silence,) = Api(well.app).get("/silences")["silences"]
    assert silence["by"] == "django"
    newest, added = Api(well.app).get("/audit")["entries"]
    assert (newest["kind"], newest["by"], newest["token"]) == ("silenced", "django", "django")
    assert (added["kind"], added["by"], added["token"], added["facts"]["name"]) == ("token_added", "lee", None, "django")
    assert "Disk 알림 중지: " in newest["sentence"]
    assert "django: deployment" in well.admin.get("/").text


def test_a_revoked_token_opens_nothing(well: Running) -> None:
    token = add(well, "django", Role.OPERATE)
    Api(well.app, token).get("/checks")
    revoke(well, "django")
    Api(well.app, token).get("/checks", 401)
    assert Api(well.app).get("/audit")["entries"][0]["kind"] == "token_revoked"


def test_last_use_is_noted(well: Running) -> None:
    token = add(well, "django", Role.READ)
    assert well.monitor.store.reads.access.tokens()[0].used_at is None
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    Api(well.app, token).get("/checks")
    used_at = well.monitor.store.reads.access.tokens()[0].used_at
    assert used_at is not None
    assert before <= used_at <= datetime.now(UTC)
    Api(well.app, token).get("/checks")
    assert well.monitor.store.reads.access.tokens()[0].used_at == used_at, "once a minute is enough"


def test_a_token_is_kept_as_digest(well: Running) -> None:
    token = add(well, "django", Role.READ)
    for path in (well.monitor.config.state_dir).iterdir():
        assert token.encode() not in path.read_bytes(), path
    (record,) = well.monitor.store.reads.access.tokens()
    assert record.digest == digest_of(token)
    assert len(token) >= 43


def test_names_of_tokens() -> None:
    assert all(map(is_token_name, ("django", "a", "Kim.Lee_2-x")))
    assert not any(map(is_token_name, ("", ADMIN, STATS, "a b", "<b>", "-x", "김", "x" * 41, "a\n")))


def test_a_token_without_the_file(tmp_path: Path) -> None:
    """What stands in for the file knows who is let in; what was revoked meanwhile does not come back with it."""
    path, now = tmp_path / "monitor.db", datetime.now(UTC)
    token, record = new_token("django", Role.READ, "lee", now)
    with Store(path, busy_timeout_s=0.1) as other, Store(path, busy_timeout_s=0.1) as store:
        other.run(lambda tx: tx.access.add_token(record))
        gate = Gate(store, "", "")
        assert gate.by_token(token, "", now) is not None
        other._connection.execute("BEGIN EXCLUSIVE")
        store.run(lambda tx: tx.access.note_use("django", now))
        assert store.problem
        assert gate.by_token(token, "", now) is not None
        other._connection.execute("ROLLBACK")
        other.run(lambda tx: tx.access.revoke_token("django"))
        store.try_to_heal(now)
        assert not store.problem
        assert gate.by_token(token, "", now) is None


# --- Who it is that has the administrators' token


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"Authorization": f"Bearer {TOKEN}"}, "admin"),
        ({"Authorization": f"Bearer {TOKEN}", "X-Remote-User": "lee"}, "lee"),
        ({"Authorization": f"Bearer {TOKEN}", "X-Remote-User": "이영희".encode().decode("latin-1")}, "이영희"),
        ({"Authorization": f"Bearer {TOKEN}", "X-Remote-User": "\x1b[31m" + "x" * 90}, "x" * 39 + "…"),
        (basic("kim", TOKEN), "kim"),
    ],
)
def test_nginx_says_who_it_is(well: Running, headers: dict[str, str], name: str) -> None:
    session = Api(well.app, "").get("/session", headers=headers)
    assert (session["name"], session["role"], session["token"]) == (name, "operate", "admin")


def test_a_named_token_is_nobody_else(well: Running) -> None:
    """Who has one cannot pass for another."""
    token = add(well, "django", Role.OPERATE)
    for headers in ({"Authorization": f"Bearer {token}", "X-Remote-User": "lee"}, basic("lee", token)):
        assert Api(well.app, "").get("/session", headers=headers)["name"] == "django"
    Api(well.app, "").get("/session", 401, headers={"X-Remote-User": "lee"})


# --- Sessions


def sign_in(api: Api, **body: str) -> TestResponse:
    answer = api.send("POST", "/session", json={"token": TOKEN, **body})
    assert answer.status_code == 201, answer.text
    return answer


def test_a_session_opens_all_that_its_token_does(well: Running) -> None:
    api = Api(well.app, "")
    answer = sign_in(api, name="lee")
    assert TOKEN not in answer.text + str(answer.headers)
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie
    session = api.get("/session")
    assert (session["name"], session["role"]) == ("lee", "operate")
    assert datetime.fromisoformat(session["ends_at"]) > datetime.now(UTC) + timedelta(hours=11)
    assert api.client.get("/").status_code == 200
    api.post("/silences", SILENCE, 201)
    assert api.get("/audit")["entries"][0]["by"] == "lee"
    api.delete("/session")
    api.get("/session", 401)
    assert api.client.get("/").status_code == 401


def test_a_session_ends_with_its_token(well: Running) -> None:
    token, api = add(well, "kim", Role.READ), Api(well.app, "")
    sign_in(api, token=token, name="admin")
    assert api.get("/session")["name"] == "kim"
    revoke(well, "kim")
    api.get("/session", 401)
    # Another of the same name does not bring it back.
    add(well, "kim", Role.OPERATE)
    api.get("/session", 401)


def test_a_session_ends_in_time(well: Running) -> None:
    gate, now = well.app.extensions["neuronova_monitor"].gate, datetime.now(UTC)
    key, _ = gate.sign_in(Visitor("admin", Role.OPERATE, ADMIN), TOKEN, now)
    assert gate.by_session(key, now + timedelta(hours=11.9)) is not None
    assert gate.by_session(key, now + timedelta(hours=12)) is None
    assert Gate(well.monitor.store, "another-token-of-the-environment", "").by_session(key, now) is None
    gate.sign_in(Visitor("admin", Role.OPERATE, ADMIN), TOKEN, now + timedelta(days=1))
    rows = well.monitor.store._connection.execute("SELECT count(*) FROM session").fetchone()
    assert rows == (1,), "what is over is forgotten"


def test_a_signed_in_key_is_new_each_time(well: Running) -> None:
    """Whoever knew the key before knows nothing after."""
    api = Api(well.app, "")
    sign_in(api)
    first = api.client.get_cookie("neuronova_session")
    sign_in(api)
    second = api.client.get_cookie("neuronova_session")
    assert first is not None
    assert second is not None
    assert first.value != second.value
    api.client.set_cookie("neuronova_session", first.value)
    api.get("/session", 401)


def test_a_wrong_token_signs_nobody_in(well: Running) -> None:
    api = Api(well.app, "")
    answer = api.send("POST", "/session", json={"token": "wrong", "name": "lee"})
    assert (answer.status_code, answer.json["code"]) == (401, "unauthorized")  # type: ignore[index]
    assert "Set-Cookie" not in answer.headers
    assert api.post("/session", {}, 422)["details"] == [{"field": "token", "problem": "is missing"}]


def test_a_wrong_token_is_not_saved_by_a_cookie(well: Running) -> None:
    api = Api(well.app, "")
    sign_in(api)
    api.get("/session", 401, headers={"Authorization": "Bearer wrong"})


# --- Who tries


def test_twenty_wrong_tokens_are_enough(well: Running, caplog: pytest.LogCaptureFixture) -> None:
    """They are told, without what was tried; the right one is let in all the same."""
    caplog.set_level(logging.WARNING)
    api = Api(well.app, "")
    for number in range(MOST_FAILURES):
        if number % 2:
            api.get("/checks", 401, headers={"Authorization": f"Bearer guess-{number}"})
        else:
            api.post("/session", {"token": f"guess-{number}"}, 401)
    for path in ("/checks", "/status"):
        answer = api.send("GET", path, headers={"Authorization": "Bearer guess-again"})
        assert (answer.status_code, answer.json["code"]) == (429, "too_many_wrong_tokens")  # type: ignore[index]
        assert 0 < int(answer.headers["Retry-After"]) <= WITHIN_S
    assert api.post("/session", {"token": "guess-again"}, 429)["code"] == "too_many_wrong_tokens"
    page = well.anybody.get("/", headers={"Authorization": "Bearer guess-again"})
    assert (page.status_code, page.json["ok"]) == (429, False)  # type: ignore[index]
    # Who has no token at all is asked for one, as before.
    api.get("/checks", 401)
    told = [each for each in Api(well.app).get("/audit")["entries"] if each["kind"] == "turned_away"]
    assert [each["facts"] for each in told] == [{"address": "127.0.0.1", "count": "20"}]
    assert "틀린 토큰으로 접속 시도 20번 (주소 127.0.0.1)" in well.admin.get("/").text
    assert caplog.text.count("a wrong token from 127.0.0.1") == MOST_FAILURES
    assert caplog.text.count("turned away for a while") == 1
    assert "guess" not in caplog.text


def test_after_a_minute_one_may_try_again() -> None:
    throttle = Throttle()
    assert [throttle.add("a", 0.0) for _ in range(MOST_FAILURES)] == [(0, False)] * MOST_FAILURES
    assert throttle.add("a", 0.5) == (60, True)
    assert throttle.add("a", 30.0) == (30, False)
    assert throttle.add("b", 30.0) == (0, False)
    assert throttle.add("a", WITHIN_S) == (0, False)


def test_addresses_do_not_pile_up() -> None:
    throttle = Throttle()
    for number in range(5000):
        throttle.add(str(number), 0.0)
    assert len(throttle._by_address) == 1000


# --- Other sites


FOREIGN = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://[broken"},
)


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("way", ["password", "session", "token"])
def test_another_site_changes_nothing(well: Running, headers: dict[str, str], way: str) -> None:
    api = Api(well.app, TOKEN if way == "token" else "")
    if way == "session":
        sign_in(api)
    more = basic("admin", TOKEN) if way == "password" else {}
    assert api.post("/silences", SILENCE, 403, headers={**headers, **more})["code"] == "cross_site"
    assert api.delete("/session", 403, headers={**headers, **more})["code"] == "cross_site"
    assert Api(well.app).get("/silences")["silences"] == []


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}, {"Origin": "https://localhost:8443"}, {}]
)
def test_the_own_site_may(well: Running, headers: dict[str, str]) -> None:
    Api(well.app).post("/silences", SILENCE, 201, headers=headers)


@pytest.mark.parametrize(
    "options",
    [
        {"data": {"checks": "Disk", "why": "x", "minutes": "5"}},
        {"data": {"file": (b"", "x")}, "content_type": "multipart/form-data"},
        {"data": '{"checks": ["Disk"], "minutes": 5, "why": "x"}', "content_type": "text/plain"},
        {"data": '{"checks": ["Disk"], "minutes": 5, "why": "x"}'},
        {},
    ],
    ids=["form", "multipart", "text", "nothing said", "empty"],
)
def test_a_form_changes_nothing(well: Running, options: dict[str, Any]) -> None:
    """That is what another site can make a browser send with the password it knows."""
    for path in ("/silences", "/run", "/session"):
        answer = Api(well.app).send("POST", path, **options)
        assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")  # type: ignore[index]


# --- Under any address


def test_under_a_prefix(well: Running, tmp_path: Path) -> None:
    app = Flask("host")
    monitor = Monitor(
        app, environ={"NEURONOVA_CONFIG": str(configure(tmp_path)), "MONITOR_ADMIN_TOKEN": TOKEN}, url_prefix="/ops"
    )
    try:
        api = Api(app, "", prefix="/ops")
        assert "Path=/ops/" in sign_in(api).headers["Set-Cookie"]
        assert api.get("/session")["name"] == "admin"
        assert api.get("/nothing", 404)["code"] == "not_found"
        assert api.ask("DELETE", "/checks", 405)["code"] == "method_not_allowed"
        document = app.test_client().get(f"/ops{PREFIX}/openapi.json", headers=api.headers | {"Authorization": f"Bearer {TOKEN}"})
        assert document.json["servers"] == [{"url": "/ops/api/v1"}]  # type: ignore[index]
    finally:
        monitor.store.close()
        monitor.log.close()


def test_behind_nginx(well: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURONOVA_CONFIG", str(configure(tmp_path)))
    monkeypatch.setenv("MONITOR_ADMIN_TOKEN", TOKEN)
    monkeypatch.delattr(wsgi, "monitor", raising=False)
    sidecar = wsgi.__getattr__("monitor")
    try:
        headers = {"X-Forwarded-Prefix": "/monitor", "X-Forwarded-Proto": "https", "X-Remote-User": "lee"}
        api = Api(sidecar)
        answer = api.send("POST", "/session", json={"token": TOKEN}, headers=headers)
        conforms("POST", "/session", answer)
        cookie = answer.headers["Set-Cookie"]
        assert "Path=/monitor/" in cookie
        assert "Secure" in cookie
        assert api.get("/session", headers=headers)["name"] == "lee"
        document = sidecar.test_client().get(f"{PREFIX}/openapi.json", headers=headers | api.headers)
        assert document.json["servers"] == [{"url": "/monitor/api/v1"}]  # type: ignore[index]
    finally:
        own = sidecar.extensions["neuronova_monitor"]
        own.store.close()
        own.log.close()
        del wsgi.monitor


# --- What every answer has


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/incidents/1", 404),
        ("GET", "/health", 200),
        ("GET", "/metrics", 200),
        ("GET", "/api/system/stats/", 200),
        ("GET", "/api/system/stats", 308),
        ("GET", "/nowhere", 404),
        ("POST", "/", 405),
        ("OPTIONS", "/", 200),
        ("GET", "/static/monitor.css", 200),
        ("GET", f"{PREFIX}/checks", 200),
        ("GET", f"{PREFIX}/nothing", 404),
        ("PUT", f"{PREFIX}/checks", 405),
        ("POST", f"{PREFIX}/run", 415),
        ("GET", f"{PREFIX}/openapi.json", 200),
    ],
)
@pytest.mark.parametrize("is_known", [True, False])
def test_header_fields(well: Running, method: str, path: str, status: int, *, is_known: bool) -> None:
    client = well.admin if is_known else well.anybody
    answer = client.open(path, method=method)
    if is_known:
        assert answer.status_code == status
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert (answer.headers["Cache-Control"] == "no-store") == (not path.startswith("/static/"))
    assert "Access-Control-Allow-Origin" not in answer.headers
    answer.close()
