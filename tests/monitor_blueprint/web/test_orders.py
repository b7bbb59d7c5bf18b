"""The API's orders: what becomes of them, and who stands by them."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor_blueprint import create_monitor
from monitor_blueprint.domain.models import Reading, Status
from monitor_blueprint.domain.text import Public
from monitor_blueprint.probes import Observation, ProbeContext
from tests.monitor_blueprint.conftest import Script, StartMonitor
from tests.monitor_blueprint.running import TOKEN, Running, configure
from tests.monitor_blueprint.standins import HttpStandIn
from tests.monitor_blueprint.web.asking import Api

DOWN = Observation((Reading("thing", Status.CRITICAL, facts={"reason": Public("gone")}),))
UP = Observation((Reading("thing"),))


@pytest.fixture
def well(start_monitor: StartMonitor) -> Running:
    return start_monitor()


@pytest.fixture
def ailing(start_monitor: StartMonitor, script: Script) -> Running:
    script["Flask"] = lambda context: DOWN
    return start_monitor()


def kinds(api: Api) -> list[str]:
    return [each["kind"] for each in api.get("/audit")["entries"]]


# --- Silences


def test_a_silence_begins_and_ends(well: Running) -> None:
    api = Api(well.app)
    made = api.post("/silences", {"checks": ["Disk", "Flask", "Disk"], "minutes": 30, "why": " deployment\n"}, 201)["silences"]
    assert [(each["check"], each["why"], each["is_active"], each["by"]) for each in made] == [
        ("Disk", "deployment", True, "admin"),
        ("Flask", "deployment", True, "admin"),
    ]
    for each in made:
        lasts = datetime.fromisoformat(each["ends_at"]) - datetime.fromisoformat(each["starts_at"])
        assert lasts == timedelta(minutes=30)
    assert api.get("/checks/Disk")["check"]["silenced_why"] == "deployment"
    assert api.delete(f"/silences/{made[0]['number']}")["silence"]["is_active"] is False
    assert api.delete(f"/silences/{made[0]['number']}", 409)["code"] == "ended"
    assert api.delete("/silences/77", 404)["code"] == "not_found"
    assert [each["check"] for each in api.get("/silences")["silences"]] == ["Flask"]
    assert [each["check"] for each in api.get("/silences?past=true")["silences"]] == ["Flask", "Disk"]
    assert kinds(api) == ["unsilenced", "silenced", "silenced"]


def test_maintenance_by_hand(well: Running) -> None:
    """Of everything, and to begin later."""
    api, now = Api(well.app), datetime.now(UTC).replace(microsecond=0)
    begin, end = (now + timedelta(hours=1)).isoformat(), (now + timedelta(hours=3)).isoformat()
    (made,) = api.post("/silences", {"checks": ["Disk", "*"], "starts_at": begin, "ends_at": end, "why": "upgrade"}, 201)[
        "silences"
    ]
    assert (made["check"], made["is_active"]) == ("*", False)
    assert [each["number"] for each in api.get("/maintenance")["silences"]] == [made["number"]]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"checks", "why"}),
        ({"checks": [], "minutes": 5, "why": "x"}, {"checks"}),
        ({"checks": "Disk", "minutes": "5", "why": 3}, {"checks", "minutes", "why"}),
        ({"checks": ["Dsk"], "minutes": 5, "why": "x"}, {"checks"}),
        ({"checks": ["Disk"], "minutes": 5, "why": "\x1b\u202e \n"}, {"why"}),
        ({"checks": ["Disk"], "why": "x"}, {"ends_at"}),
        ({"checks": ["Disk"], "minutes": 5, "ends_at": "2030-01-01T00:00:00Z", "why": "x"}, {"ends_at"}),
        ({"checks": ["Disk"], "ends_at": "2020-01-01T00:00:00Z", "why": "x"}, {"ends_at"}),
        ({"checks": ["Disk"], "ends_at": "9999-12-31T23:59:59Z", "why": "x"}, {"ends_at"}),
        ({"checks": ["Disk"], "starts_at": "0001-01-01T00:00:00+14:00", "minutes": 5, "why": "x"}, {"starts_at"}),
        ({"checks": ["Disk"], "starts_at": "9999-12-31T23:59:59-14:00", "minutes": 5, "why": "x"}, {"starts_at"}),
        ({"checks": ["Disk"], "starts_at": "9999-12-31T23:59:00Z", "minutes": 43200, "why": "x"}, {"starts_at"}),
        ({"checks": ["Disk"], "minutes": 43201, "why": "x"}, {"minutes"}),
        ({"checks": ["Disk"], "minutes": 5, "why": "x", "reason": "y"}, {"reason"}),
    ],
)
def test_a_silence_that_cannot_be(well: Running, body: object, fields: set[str]) -> None:
    refusal = Api(well.app).post("/silences", body, 422)
    assert {each["field"] for each in refusal["details"]} == fields
    assert Api(well.app).get("/silences")["silences"] == []


def test_what_is_meant_is_said(well: Running) -> None:
    refusal = Api(well.app).post("/silences", {"checks": ["Dsk"], "minuts": 5, "why": "x"}, 422)
    assert 'did you mean "minutes"?' in refusal["details"][0]["problem"]
    refusal = Api(well.app).post("/silences", {"checks": ["Dsk"], "minutes": 5, "why": "x"}, 422)
    assert 'did you mean "Disk"?' in refusal["details"][0]["problem"]


NO_OBJECTS = ("", "{", "[]", "null", "3", '"x"', b"\xff", '{"a": NaN}', "[" * 30_000, b'{"a":"\xed\xa0\x80"}')


@pytest.mark.parametrize("body", NO_OBJECTS, ids=lambda body: str(body)[:9])
def test_what_is_no_json_object(well: Running, body: str | bytes) -> None:
    answer = Api(well.app).send("POST", "/silences", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (400, "bad_json")  # type: ignore[index]


def test_a_body_may_not_be_large(well: Running) -> None:
    body = json.dumps({"checks": ["Disk"], "minutes": 5, "why": "x" * 70_000})
    answer = Api(well.app).send("POST", "/silences", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")  # type: ignore[index]


# --- Incidents


def test_somebody_takes_care(ailing: Running) -> None:
    api = Api(ailing.app)
    answer = api.post("/incidents/1/acknowledgement", headers={"X-Remote-User": "lee"})
    assert (answer["incident"]["is_acknowledged"], answer["incident"]["acknowledged_by"]) == (True, "lee")
    assert api.get("/status")["incident"]["acknowledged_by"] == "lee"
    assert [each["kind"] for each in answer["story"]] == ["started", "acked"]
    assert api.delete("/incidents/1/acknowledgement")["incident"]["is_acknowledged"] is False
    api.delete("/incidents/1/acknowledgement")
    assert kinds(api) == ["unacked", "acked"]


def test_only_the_open_incident_is_taken(ailing: Running, script: Script) -> None:
    api = Api(ailing.app)
    api.post("/incidents/2/acknowledgement", status=404)
    script["Flask"] = lambda context: UP
    api.post("/run")
    assert api.get("/incidents?state=open")["incidents"] == []
    assert api.post("/incidents/1/acknowledgement", status=409)["code"] == "not_open"
    assert api.delete("/incidents/1/acknowledgement", 409)["code"] == "not_open"
    assert "acked" not in kinds(api)


def test_notes_stay_with_the_incident(ailing: Running, script: Script) -> None:
    api = Api(ailing.app)
    first = api.post("/incidents/1/notes", {"text": "cable <b>pulled</b>\x1b[31m"}, 201)["note"]
    assert (first["by"], first["text"]) == ("admin", "cable <b>pulled</b>")
    script["Flask"] = lambda context: UP
    api.post("/run")
    api.post("/incidents/1/notes", {"text": "and put back"}, 201, headers={"X-Remote-User": "lee"})
    assert [(each["by"], each["text"]) for each in api.get("/incidents/1")["notes"]] == [
        ("admin", "cable <b>pulled</b>"),
        ("lee", "and put back"),
    ]
    assert "cable &lt;b&gt;pulled&lt;/b&gt;" in ailing.admin.get("/incidents/1").text
    api.post("/incidents/9/notes", {"text": "x"}, 404)
    assert api.post("/incidents/1/notes", {"text": "\n"}, 422)["details"][0]["field"] == "text"


# --- Checks by hand


def test_check_now_answers_with_the_result(well: Running, script: Script) -> None:
    api = Api(well.app)
    script["Flask"] = lambda context: DOWN
    answer = api.post("/checks/Flask/run")
    assert [(each["name"], each["status"]) for each in answer["checks"]] == [("Flask", "CRITICAL")]
    assert (answer["overall"], answer["told"]) == ("CRITICAL", ["opened"])
    script["Flask"] = lambda context: UP
    answer = api.post("/run")
    assert [each["name"] for each in answer["checks"]] == ["Flask", "Disk", "Monitor"]
    assert answer["overall"] == "OK"
    assert [each["facts"]["checks"] for each in api.get("/audit?kind=checked")["entries"]] == ["*", "Flask"]
    assert {each["name"] for each in api.post("/checks/Monitor/run")["checks"]} == {"Flask", "Disk", "Monitor"}
    api.post("/checks/Nothing/run", status=404)


def test_one_check_by_hand_at_a_time(well: Running, script: Script) -> None:
    """Whoever is impatient does not take all of the server's threads."""
    go_on, is_asked = threading.Event(), threading.Event()

    def wait(context: ProbeContext) -> Observation:
        is_asked.set()
        go_on.wait(60)
        return UP

    script["Flask"] = wait
    first = threading.Thread(target=lambda: Api(well.app).post("/checks/Flask/run"))
    first.start()
    try:
        assert is_asked.wait(60)
        answer = Api(well.app).send("POST", "/run", json={})
        assert (answer.status_code, answer.json["code"]) == (409, "busy")  # type: ignore[index]
        assert answer.headers["Retry-After"] == "5"
    finally:
        go_on.set()
        first.join(60)
    Api(well.app).post("/run")


# --- Test alerts


def test_a_test_alert(start_monitor: StartMonitor) -> None:
    with HttpStandIn() as slack:
        running = start_monitor(SLACK_WEBHOOK=slack.url)
        api = Api(running.app)
        asked = api.post("/trials?wait_s=0", status=202)
        assert asked["state"] == "pending"
        slack.next_post()
        done = api.post("/trials?wait_s=20")
        slack.next_post()
    assert (done["state"], done["is_current"]) == ("done", True)
    assert [(each["channel"], each["is_fine"]) for each in done["channels"]] == [("slack", True)]
    assert api.get(f"/trials/{asked['id']}")["state"] in ("done", "pending")
    assert kinds(api) == ["tried", "tried"]


def test_nobody_there_to_send(tmp_path: Path, script: Script) -> None:
    app = create_monitor({"NEURONOVA_CONFIG": str(configure(tmp_path)), "MONITOR_ADMIN_TOKEN": TOKEN})
    assert Api(app).post("/trials", status=409)["code"] == "not_running"
    own = app.extensions["neuronova_monitor"]
    own.store.close()
    own.log.close()
