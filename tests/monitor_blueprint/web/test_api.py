"""The API's questions, and what it says of itself."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from monitor_blueprint.console.gate import new_token
from monitor_blueprint.console.orders import Order, add_token, note, silence
from monitor_blueprint.domain.access import Role, Visitor
from monitor_blueprint.domain.models import CheckResult, Reading, Status
from monitor_blueprint.domain.story import StoryKind
from monitor_blueprint.domain.text import Private, Public
from monitor_blueprint.probes import Observation
from monitor_blueprint.web.routes import ROUTES
from tests.monitor_blueprint.conftest import Script, StartMonitor
from tests.monitor_blueprint.running import ENDED, UNIT, Running
from tests.monitor_blueprint.standins import HttpStandIn, Reply
from tests.monitor_blueprint.web.asking import Api, description

HOSTILE = "홍길동 \x1b[31m<script>alert(1)</script>\u202e\x9b2J\r\n{{7*7}}"
SECRET = "said by the site"
OPERATOR = Visitor("<b>lee</b>", Role.OPERATE)
DOWN = Observation(
    (
        Reading(
            "thing",
            Status.CRITICAL,
            value=7.5,
            facts={
                "reason": Public("gone"),
                "reason_text": Private(f"{SECRET} {HOSTILE}"),
                "entry": Private(f"{SECRET} {HOSTILE}"),
            },
        ),
    )
)
READS = [route for route in ROUTES if route.method == "GET" and "{id}" not in route.path]
PLACES = {"name": "Flask", "number": "1"}


def address(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: PLACES[found[1]], path)


@pytest.fixture
def well(start_monitor: StartMonitor) -> Running:
    return start_monitor()


@pytest.fixture
def ailing(start_monitor: StartMonitor, script: Script) -> Running:
    """Flask is down, with a hostile site behind it and a hostile operator before it."""
    script["Flask"] = lambda context: DOWN
    with HttpStandIn(lambda post: Reply(404, f"{SECRET} \x1b[31m<script>")) as slack:
        running = start_monitor(SLACK_WEBHOOK=slack.url, checks=CHECKS)
        slack.next_post()
        running.monitor.outbox.deliver_due()
    now = datetime.now(UTC)

    def operate(order: Order) -> None:
        silence(order, ["Disk"], now, now + timedelta(hours=1), f"{SECRET} <script>")
        note(order, 1, f"{SECRET} <script>\u202e")

    running.monitor.store.run(lambda tx: operate(Order(tx, OPERATOR, now)))
    return running


CHECKS = """
[[check]]
name = "Flask"
kind = "scripted"
line = "Flask"

[[check]]
name = "Disk"
kind = "scripted"
line = "Disk"

[[check]]
name = "Site"
kind = "http"
url = "http://127.0.0.1:1/?token=hunter2"
method = "POST"
body = "said by the site"
expect_text = "said by the site"
attempts = 1

[[maintenance]]
days = ["mon"]
start = "02:00:00"
end = "03:00:00"
timezone = "Asia/Seoul"
why = "said by the site"
"""


def reader(running: Running, role: Role = Role.READ) -> Api:
    token, record = new_token(f"a-{role.word}", role, "test", datetime.now(UTC))
    assert running.monitor.store.run(lambda tx: add_token(Order(tx, OPERATOR, datetime.now(UTC)), record))
    return Api(running.app, token)


# --- The description


def test_every_route_is_described(well: Running) -> None:
    described = {(method.upper(), path) for path, methods in description()["paths"].items() for method in methods}
    served = {
        (method, re.sub(r"<(?:[^:>]*:)?(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1")))
        for rule in well.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
        for method in (rule.methods or ())
        if method not in ("HEAD", "OPTIONS")
    }
    assert described == served - {("GET", "/openapi.json")}


def test_description_is_sound() -> None:
    document = description()
    assert document["openapi"] == "3.1.0"
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document))) <= known
    for path, methods in document["paths"].items():
        for operation in methods.values():
            places = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
            assert places == re.findall(r"\{(\w+)\}", path)


def test_description_says_where_it_is(well: Running) -> None:
    answer = well.admin.get("/api/v1/openapi.json")
    assert answer.json["servers"] == [{"url": "/api/v1"}]  # type: ignore[index]
    assert well.anybody.get("/api/v1/openapi.json").status_code == 401


# --- Who may ask


@pytest.mark.parametrize("route", READS, ids=lambda route: route.name)
def test_questions_are_answered_by_role(ailing: Running, route: Any) -> None:
    for role in Role:
        status = 200 if role >= route.needs else 403
        Api.ask(reader(ailing, role), "GET", address(route.path), status)
    assert Api(ailing.app, "").get(address(route.path), 401)["code"] == "unauthorized"
    assert Api(ailing.app, "wrong").get(address(route.path), 401)["code"] == "unauthorized"


@pytest.mark.parametrize("route", READS, ids=lambda route: route.name)
def test_readers_see_nothing_from_outside(ailing: Running, route: Any) -> None:
    """Neither what a site or a channel has said, nor what people have typed, nor who they are."""
    if route.needs > Role.READ:
        return
    text = reader(ailing).send("GET", address(route.path)).text
    for word in (SECRET, "alert(1)", "hunter2", "lee", "홍길동"):
        assert word not in text


def test_a_cause_is_for_operators(start_monitor: StartMonitor, script: Script) -> None:
    script["Flask"] = lambda context: Observation((Reading("thing", Status.CRITICAL),))
    running = start_monitor(UNIT)
    running.find()
    flask, disk, *_ = Api(running.app).get("/status")["checks"]
    assert (flask["evidence"], disk["evidence"]) == ([f"[종료 원인 flask] {ENDED[0]}", *ENDED[1:]], [])
    assert reader(running).get("/status")["checks"][0]["evidence"] == []


def test_operators_see_what_came_from_outside(ailing: Running) -> None:
    api = Api(ailing.app)
    check = api.get("/checks/Flask")["check"]
    assert SECRET in check["readings"][0]["text"]
    assert SECRET in check["readings"][0]["facts"]["entry"]
    assert "<script>" in check["readings"][0]["text"], "data is not mark-up: nosniff, and no page"
    detail = api.get("/incidents/1")
    assert detail["notes"][0]["text"] == f"{SECRET} <script>\u202e"
    assert detail["events"][0]["measured"]
    assert any(each["text"] for each in detail["evidence"])
    assert detail["events"][0]["deliveries"][0]["answer"] == "HTTP 404"
    assert api.get("/silences")["silences"][0] | {"starts_at": "", "ends_at": ""} == {
        "number": 1,
        "check": "Disk",
        "starts_at": "",
        "ends_at": "",
        "is_active": True,
        "why": f"{SECRET} <script>",
        "by": "<b>lee</b>",
    }
    (channel,) = api.get("/channels")["channels"]
    assert (channel["health"], channel["pending"]) == ("refused", 1)
    assert "HTTP 404" in channel["receivers"][0]["reason"]


# --- What is answered


def test_status_says_all_five_facts(ailing: Running) -> None:
    """What, since when, why, on which server, and what to do next."""
    status = Api(ailing.app).get("/status")
    assert (status["overall"], status["stale"]) == ("CRITICAL", None)
    assert status["server"]
    assert status["incident"]["number"] == 1
    parts = {each["check"]: each["note"] for each in status["incident"]["checks"]}
    assert "부터 장애" in parts["Flask"]
    (flask,) = [each for each in status["checks"] if each["name"] == "Flask"]
    assert (flask["status"], flask["why"], flask["is_told"]) == ("CRITICAL", "failing", True)
    assert datetime.fromisoformat(flask["since"]) <= datetime.now(UTC)
    assert flask["next_commands"] == ["sudo neuronova-monitor history 1"]
    (disk,) = [each for each in status["checks"] if each["name"] == "Disk"]
    assert disk["silenced_why"] == f"{SECRET} <script>"
    assert status["next_check_at"] is not None


def test_status_says_that_nobody_looks(well: Running) -> None:
    well.monitor.store.run(lambda tx: tx.prune(datetime.now(UTC) + timedelta(days=2), 1))
    status = Api(well.app).get("/status")
    assert (status["overall"], status["stale"]) == ("UNKNOWN", "stalled")


def test_configuration_has_no_secret(ailing: Running) -> None:
    for api in (Api(ailing.app), reader(ailing)):
        answer = api.get("/configuration")
        assert answer["variables"] == ["MONITOR_ADMIN_TOKEN", "NEURONOVA_CONFIG", "SLACK_WEBHOOK"]
        assert "hunter2" not in json.dumps(answer)
        assert "the-administrators-token" not in json.dumps(answer)
    own = Api(ailing.app).get("/checks/Site")
    assert own["configuration"]["url"].startswith("http://127.0.0.1:1/")
    assert own["configuration"]["body"] == SECRET
    assert reader_of(ailing).get("/checks/Site")["configuration"]["body"] == "***"
    assert Api(ailing.app).get("/checks/Monitor")["configuration"] == {}


def reader_of(running: Running) -> Api:
    token, record = new_token("another", Role.READ, "test", datetime.now(UTC))
    running.monitor.store.run(lambda tx: add_token(Order(tx, OPERATOR, datetime.now(UTC)), record))
    return Api(running.app, token)


def record(running: Running, now: datetime, hours: int, step: timedelta = timedelta(minutes=5)) -> None:
    at = now - timedelta(hours=hours)
    while at < now:
        value = float((at.minute // 5) % 4)
        result = CheckResult("Disk", "disk", (Reading("usage", Status.OK if at.hour else Status.CRITICAL, value=value),), at)
        running.monitor.store.run(lambda tx, result=result: tx.record_round(result.at, 1.0, result.status, [result]))  # type: ignore[misc]
        at += step


def test_series_are_in_buckets(well: Running) -> None:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    record(well, now, 30)
    api = Api(well.app)
    since = (now - timedelta(hours=24)).isoformat().replace("+", "%2B")
    until = now.isoformat().replace("+", "%2B")
    answer = api.get(f"/series?check=Disk&aspect=usage&since={since}&until={until}&step_s=1800")
    (series,) = answer["series"]
    assert (answer["step_s"], series["check"], series["aspect"]) == (1800, "Disk", "usage")
    assert series["at"][:2] == [(now - timedelta(hours=24)).timestamp(), (now - timedelta(hours=23.5)).timestamp()]
    assert set(series["count"]) == {6}
    assert (series["min"][0], series["max"][0]) == (0, 3)
    whole = api.get(f"/series?check=Disk&since={since}&until={until}&step_s=3600")
    assert set(whole["series"][0]["count"]) == {12}
    assert api.get("/series?check=Disk&aspect=nothing")["series"] == []


def test_long_series_are_made_to_fit(well: Running) -> None:
    record(well, datetime.now(UTC), 3)
    answer = Api(well.app).get("/series?since=2017-01-01T00:00:00Z&step_s=60")
    assert answer["step_s"] == 2 * 86400
    recent = (datetime.now(UTC) - timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert Api(well.app).get(f"/series?check=Disk&since={recent}")["step_s"] == 360


def test_availability_is_honest(well: Running) -> None:
    """Of a day on which nobody looked nothing is said."""
    now = datetime.now(UTC)
    record(well, now, 30)
    answer = Api(well.app).get("/availability?check=Disk&days=4")
    (disk,) = answer["checks"]
    assert [day["availability"] for day in disk["days"][:2]] == [None, None]
    assert disk["days"][0]["unwatched_s"] == 86400
    assert disk["total"]["down_s"] > 0
    assert 0 < disk["total"]["availability"] < 1
    for day in disk["days"]:
        assert sum(day[key] for key in ("up_s", "down_s", "unknown_s", "unwatched_s")) <= 86401
    refusal = Api(well.app).get("/availability?days=400" + "".join(f"&check={name}" for name in ("Disk", "Flask", "Monitor")))
    assert len(refusal["checks"]) == 3
    names = "&check=Disk" * 1
    assert Api(well.app).get(f"/availability?days=401{names}", 422)["details"][0]["field"] == "days"


def test_story_has_the_marks(well: Running) -> None:
    (started,) = Api(well.app).get("/story")["story"]
    assert (started["kind"], started["sentence"]) == ("started", "모니터 시작됨")


def test_restarted_services_are_marks(start_monitor: StartMonitor, script: Script) -> None:
    """By hand, as a deployment does it: nobody is told, and it is there beside what came of it."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=3)
    renewed = Reading("renewed", facts={"units": Public("gunicorn_flask, nginx")}, began_at=at)
    script["Flask"] = lambda context: Observation((Reading("thing"), renewed))
    found = Api(start_monitor().app).get("/story")["story"]
    assert [(each["kind"], each["sentence"]) for each in found if each["kind"] == "renewed"] == [
        ("renewed", "서비스 수동 재시작: gunicorn_flask, nginx")
    ]
    assert [datetime.fromisoformat(each["at"]) for each in found if each["kind"] == "renewed"] == [at]


def test_audit_is_paged(well: Running) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    for number in range(5):
        at = now - timedelta(seconds=number)
        well.monitor.store.run(lambda tx, at=at: Order(tx, OPERATOR, at).note(StoryKind.TRIED))  # type: ignore[misc]
    api, seen, path = Api(well.app), [], "/audit?limit=2&kind=tried"
    while path:
        page = api.get(path)
        seen += [each["at"] for each in page["entries"]]
        path = f"/audit?limit=2&kind=tried&before={page['next_before']}" if page["next_before"] else ""
    assert len(seen) == 5
    assert seen == sorted(seen, reverse=True)
    assert page["entries"][0]["by"] == "<b>lee</b>"


# --- What is refused


def test_every_wrong_field_is_named(well: Running) -> None:
    refusal = Api(well.app).get("/series?chek=Disk&step_s=1&since=yesterday&until=2026-01-01T00:00:00", 422)
    assert (refusal["ok"], refusal["code"]) == (False, "invalid")
    problems = {each["field"]: each["problem"] for each in refusal["details"]}
    assert set(problems) == {"chek", "step_s", "since", "until"}
    assert 'did you mean "check"?' in problems["chek"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/status?verbose=1", "verbose"),
        ("/series?check=Dsk", "check"),
        ("/series?aspect=a&aspect=b", "aspect"),
        ("/series?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", "since"),
        ("/series?since=0001-01-01T00:00:00Z", "since"),
        ("/incidents?limit=0", "limit"),
        ("/incidents?limit=9999", "limit"),
        ("/incidents?state=opened", "state"),
        ("/incidents?before=99999999999999999999", "before"),
        ("/audit?kind=nothing", "kind"),
        ("/audit?before=-1", "before"),
        ("/silences?past=perhaps", "past"),
        ("/availability?days=0", "days"),
    ],
)
def test_what_cannot_be_asked(well: Running, path: str, field: str) -> None:
    assert Api(well.app).get(path, 422)["details"][0]["field"] == field


@pytest.mark.parametrize(
    "path",
    [
        "/story?since=0001-01-01T00:00:00Z&until=0001-01-02T00:00:00%2B14:00",
        "/story?until=0001-01-01T00:00:00Z",
        "/story?until=9999-12-31T23:59:59-14:00",
        "/audit?before=0001-01-01T00:00:00Z",
        "/incidents?since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59Z",
        "/series?since=9990-01-01T00:00:00Z&until=9999-12-31T23:59:59Z",
        "/incidents?check=%00%1b",
    ],
)
def test_odd_moments_do_no_harm(well: Running, path: str) -> None:
    Api(well.app).get(path)


def test_values_are_not_repeated(well: Running) -> None:
    """What is wrong may be a secret gone astray."""
    for path in ("/incidents?state=hunter2hunter2", "/audit?kind=hunter2hunter2", "/incidents?limit=hunter2"):
        assert "hunter2" not in Api(well.app).send("GET", path).text


def test_what_is_not_there(well: Running) -> None:
    api = Api(well.app)
    for path in ("/nothing", "/incidents/7", "/checks/Nothing", "/incidents/x", "/trials/1", "/trials/9223372036854775807"):
        assert api.get(path, 404)["code"] == "not_found"
    for method, path in (("DELETE", "/checks"), ("PUT", "/silences"), ("POST", "/status")):
        answer = api.send(method, path)
        assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")  # type: ignore[index]
        assert "GET" in answer.headers["Allow"]
        assert Api(well.app, "").ask(method, path, 401)["code"] == "unauthorized"


def test_head_and_options(well: Running) -> None:
    api = Api(well.app)
    head = api.send("HEAD", "/checks")
    assert (head.status_code, head.data) == (200, b"")
    options = well.admin.options("/api/v1/silences")
    assert options.allow.as_set() == {"get", "head", "options", "post"}
    assert not [name for name in options.headers if name[0].lower().startswith("access-control")]


def test_a_fault_says_nothing(well: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("홍길동")

    monkeypatch.setattr("monitor_blueprint.web.stats.read", fail)
    assert Api(well.app).get("/statistics", 500)["code"] == "internal"
    assert "홍길동" not in caplog.text


def test_templates_have_no_inline_code() -> None:
    folder = Path(__file__).parents[3] / "monitor_blueprint/web/templates"
    for path in folder.glob("*.html"):
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\son\w+=|javascript:", path.read_text("utf-8")), path
