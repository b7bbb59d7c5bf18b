from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_blueprint.domain.models import Reading, Status
from monitor_blueprint.domain.text import Private
from monitor_blueprint.probes.health_body import Options, is_possible, judge, probe
from tests.monitor_blueprint.probes.looking import Site, looking, nobody, serve

HEALTHY: dict[str, object] = {
    "status": "healthy",
    "service": "NeuroNova Django API",
    "version": "1.0.0",
    "checks": {"database": "ok", "ml_server": "ok", "disk": "ok: 45.2% free", "media_storage": "ok"},
}


def unhealthy(**checks: object) -> dict[str, object]:
    return HEALTHY | {"status": "unhealthy", "checks": {"database": "ok", "ml_server": "ok"} | checks}


def look(site: Site, body: object, status: int = 200) -> dict[str, Reading]:
    site.answers, site.status = [body if isinstance(body, bytes) else json.dumps(body).encode()], status
    return {reading.aspect: reading for reading in probe(Options(url=site.url), looking()).readings}


def said(seen: dict[str, Reading]) -> tuple[object, object, str]:
    """What is told of the bad entries, how many others there are, and what only the administrators may read."""
    facts = seen["entries"].facts
    whole = facts["entries_text"]
    assert isinstance(whole, Private)
    return facts["entries"], facts["others"], whole.text


def test_healthy_body_is_fine(site: Site) -> None:
    """The healthy body of the guide is fine."""
    seen = look(site, HEALTHY)
    assert {reading.status for reading in seen.values()} == {Status.OK}
    assert seen["entries"].facts["count"] == 4


@pytest.mark.parametrize("said", ["ok", "OK", "ok: 45.2% free", "pass", "Pass", "UP", "alive", "healthy", "up : 3 days"])
def test_words_for_good(said: str) -> None:
    """OK, and what begins with it, is good; so is what other sites say in its place."""
    assert judge(said) is Status.OK


def test_warn_is_a_warning() -> None:
    assert judge("warn: slow") is Status.WARNING


@pytest.mark.parametrize("said", ["", "okay", "error: ok", "not ok", "error: 3% free", "fail", "DOWN", "unhealthy"])
def test_all_else_is_bad(said: str) -> None:
    assert judge(said) is Status.CRITICAL


@pytest.mark.parametrize("status", ["pass", "ok", "UP", "alive", True])
def test_foreign_status_is_fine(site: Site, status: object) -> None:
    assert {reading.status for reading in look(site, {"status": status}).values()} == {Status.OK}


def test_health_json_is_understood(site: Site) -> None:
    """The body of draft-inadarei-api-health-check: lists of objects, figures without a status."""
    checks = {
        "cassandra:responseTime": [{"observedValue": 250, "status": "pass"}, {"observedValue": 900, "status": "warn"}],
        "uptime": [{"observedValue": 1209600.245}],
        "disk": [],
    }
    seen = look(site, {"status": "warn", "checks": checks})
    assert (seen["status"].status, seen["entries"].status) == (Status.WARNING, Status.WARNING)
    assert said(seen) == ("", 1, "cassandra:responseTime (warn)")
    assert seen["entries"].facts["count"] == 3
    checks["memory"] = [{"status": "pass"}, {"status": "fail", "output": "Hong"}]
    seen = look(site, {"status": "fail", "checks": checks}, 503)
    assert (seen["status"].status, seen["entries"].status) == (Status.CRITICAL, Status.CRITICAL)
    assert said(seen) == ("memory", 1, "cassandra:responseTime (warn), memory (fail)")


@pytest.mark.parametrize("key", ["ok", "healthy"])
def test_entry_may_say_yes_or_no(site: Site, key: str) -> None:
    """One that says no is not well, whatever the site as a whole says."""
    seen = look(site, {"status": "ok", "checks": {"database": {key: False, "error": "x"}, "disk": {key: True}, "mail": {key: 5}}})
    assert (seen["entries"].status, seen["entries"].facts["entries"]) == (Status.CRITICAL, "database")
    assert seen["entries"].facts["others"] == 0


def test_checks_may_be_a_list(site: Site) -> None:
    """As MicroProfile Health has them."""
    body = {"status": "DOWN", "checks": [{"name": "db", "status": "UP"}, {"name": "mail", "status": "DOWN"}, "?"]}
    assert said(look(site, body)) == ("mail", 1, "mail (DOWN),  (?)")


def test_warning_explains_no_fault(site: Site) -> None:
    """What another's outage brings about is a consequence, whatever warning stands beside it."""
    seen = look(site, unhealthy(ml_server="error", disk="warn"), 503)
    assert seen["status"].is_symptom
    assert seen["entries"].status is Status.WARNING


@pytest.mark.parametrize(
    "body", ["\ufeff".encode() + json.dumps(HEALTHY).encode(), b'{"status": "ok", "why": "\xb1\xe8"}'], ids=len
)
def test_mark_and_foreign_characters_are_no_fault(site: Site, body: bytes) -> None:
    """What can be read is read: a byte order mark, and an error's text in another charset."""
    assert {reading.status for reading in look(site, body).values()} == {Status.OK}


@pytest.mark.parametrize("key", ["components", "details"])
def test_spring_is_understood(site: Site, key: str) -> None:
    parts = {"db": {"status": "UP", "details": {"database": "x"}}, "discovery": {"status": "UNKNOWN"}}
    seen = look(site, {"status": "UP", key: parts})
    assert (seen["status"].status, seen["entries"].status, seen["entries"].facts["count"]) == (Status.OK, Status.WARNING, 2)
    seen = look(site, {"status": "DOWN", key: parts | {"redis": {"status": "OUT_OF_SERVICE"}}}, 503)
    assert (seen["status"].status, seen["entries"].status) == (Status.CRITICAL, Status.CRITICAL)
    assert said(seen) == ("redis", 1, "discovery (UNKNOWN), redis (OUT_OF_SERVICE)")


@pytest.mark.parametrize(
    "body",
    [
        {"status": "healthy ", "checks": {"database": "ok "}},
        {"status": "ok", "checks": "all systems go"},
        {"status": "ok", "checks": None},
        {"status": "ok", "checks": {"database": None, "disk": [None], "mail": {"status": None}}},
        {"status": "ok", "checks": [None, {"name": "db", "status": "up"}]},
    ],
    ids=str,
)
def test_what_says_nothing_bad_is_fine(site: Site, body: dict[str, object]) -> None:
    assert {reading.status for reading in look(site, body).values()} == {Status.OK}


def test_missing_address_is_told(site: Site) -> None:
    reading = look(site, b"", 404)["answer"]
    assert (reading.facts["reason"], reading.facts["config"]) == ("no_address", "NEURONOVA_CONFIG")


def test_bad_entry_is_critical(site: Site) -> None:
    """A bad entry is critical, and no consequence."""
    seen = look(site, unhealthy(database="error: OperationalError"), 503)
    assert seen["entries"].status is Status.CRITICAL
    assert said(seen) == ("database", 0, "database (error: OperationalError)")
    assert not seen["entries"].is_symptom
    assert seen["status"].status is Status.CRITICAL
    assert not seen["status"].is_symptom


def test_blaming_entry_is_consequence(site: Site) -> None:
    """An entry that blames another check is a consequence, and so is the status."""
    seen = look(site, unhealthy(ml_server="error: HTTP 503"), 503)
    assert seen["blamed"].status is Status.CRITICAL
    assert seen["blamed"].is_symptom
    assert seen["status"].is_symptom
    assert seen["entries"].status is Status.OK


def test_possible_restart_must_last(site: Site) -> None:
    """What may be another's restart counts only when it lasts."""
    blaming = look(site, unhealthy(ml_server="error"), 503)
    assert [aspect for aspect, reading in blaming.items() if reading.is_settling] == ["status", "blamed"]
    away = look(site, b"<html>502 Bad Gateway</html>", 502)
    assert away["answer"].is_settling


def test_own_fault_counts_at_once(site: Site) -> None:
    """A fault of its own counts at once."""
    seen = look(site, unhealthy(ml_server="error", database="error"), 503)
    assert not any(reading.is_settling for reading in seen.values())


def test_it_is_possible_where_somebody_listens(site: Site) -> None:
    assert is_possible(Options(url=site.url))
    assert not is_possible(Options(url=nobody(), unit="no_such_unit"))
    assert not is_possible(Options(url="http://127.0.0.1:99999/"))


def test_own_fault_is_no_consequence(site: Site) -> None:
    """With a fault of its own, the status is no consequence."""
    seen = look(site, unhealthy(ml_server="error", disk="error: 1.0% free"), 503)
    assert seen["blamed"].is_symptom
    assert not seen["status"].is_symptom


def test_healthy_status_hides_no_entry(site: Site) -> None:
    """A bad entry behind a healthy status is seen."""
    body = HEALTHY | {"checks": {"disk": "error: 0.1% free"}}
    assert look(site, body)["entries"].status is Status.CRITICAL


def test_unshown_names_hide_no_entry(site: Site) -> None:
    """A bad entry whose name is not shown is not hidden by a good one."""
    seen = look(site, HEALTHY | {"checks": {"데이터베이스": "error: gone", "미디어 저장소": "ok"}})
    assert seen["entries"].status is Status.CRITICAL
    assert said(seen) == ("", 1, "*** (error: gone)")
    assert seen["entries"].facts["count"] == 2


def test_unhealthy_without_bad_entry_is_critical(site: Site) -> None:
    seen = look(site, HEALTHY | {"status": "unhealthy"})
    assert seen["status"].status is Status.CRITICAL
    assert not seen["status"].is_symptom


def test_entries_may_be_objects_and_booleans(site: Site) -> None:
    body = HEALTHY | {"checks": {"a": {"status": "ok"}, "b": True, "c": False, "d": {"status": "down"}}}
    assert said(look(site, body)) == ("", 2, "c (false), d (down)")


def test_entry_is_shown_without_secrets(site: Site) -> None:
    """What an entry says is shown without secrets."""
    seen = look(site, unhealthy(database="error: postgres://clinic:hunter2@db/x"), 503)
    assert "hunter2" not in str(said(seen))


def test_silent_site_is_consequence() -> None:
    """A site that does not answer is a consequence."""
    (reading,) = probe(Options(url=nobody()), looking()).readings
    assert (reading.aspect, reading.status, reading.is_symptom) == ("answer", Status.CRITICAL, True)
    assert reading.facts["reason"] == "refused"


def test_bad_gateway_is_consequence(site: Site) -> None:
    reading = look(site, b"<html>502 Bad Gateway</html>", 502)["answer"]
    assert (reading.status, reading.is_symptom, reading.facts["http_status"]) == (Status.CRITICAL, True, 502)


@pytest.mark.parametrize("body", [b"<html>It works!</html>", b"[]", b"{}", b"\xff", b"[" * 50_000], ids=len)
def test_foreign_body_is_critical(site: Site, body: bytes) -> None:
    """Something else behind HTTP 200 is critical, and no consequence."""
    reading = look(site, body)["answer"]
    assert (reading.status, reading.is_symptom, reading.facts["reason"]) == (Status.CRITICAL, False, "body")


Json = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def test_any_body_has_readings() -> None:
    """Whatever a site says, with no entries at all too; and what is not in order is CRITICAL."""
    with serve() as site:

        @given(Json | st.fixed_dictionaries({"status": Json, "checks": Json}))
        def look_at(body: object) -> None:
            seen = look(site, body)
            assert set(seen) in ({"answer"}, {"status", "entries"})
            if isinstance(body, dict) and "status" in body:
                is_well = body["status"] is True or str(body["status"]).lower() in ("healthy", "ok", "pass", "up", "alive")
                assert (seen["status"].status is Status.OK) is is_well, body

        look_at()


def test_healthy_without_entries_is_fine(site: Site) -> None:
    seen = look(site, {"status": "healthy", "checks": {}})
    assert [reading.status for reading in seen.values()] == [Status.OK, Status.OK]


def test_patient_data_is_not_repeated(site: Site) -> None:
    """What may be about a patient is not repeated."""
    seen = look(site, {"status": "환자 홍길동 010-1234-5678", "checks": {"patient Hong 900101-1234567": "error: timeout"}})
    assert seen["status"].facts["body_status"] == "other"
    names, others, _ = said(seen)
    assert (names, others) == ("", 1)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("홍길동 900101", "***"),
        ("홍길동", "***"),
        ("Hong Gildong", "***"),
        ("hong_19850302", "***"),
        ("MRN123456", "***"),
        ("patient_kim", "patient_***"),
        ("a" * 42, "***"),
        ("ct_scanner", "ct_scanner"),
        ("redis-cache.2", "redis-cache.2"),
        ("cassandra:responseTime", "cassandra:responseTime"),
        ("database", "database"),
    ],
)
def test_name_of_entry_may_be_somebody(site: Site, name: str, shown: str) -> None:
    """The administrators, too, read only what a program may call an entry."""
    whole = said(look(site, HEALTHY | {"checks": {name: "failed: /srv/uploads/홍길동_CT.dcm", "mail": "fail"}}))[2]
    assert whole == f"{shown} (failed: /srv/uploads/***.dcm), mail (fail)"


def test_configured_name_is_shown_whole(site: Site) -> None:
    site.answers = [json.dumps(unhealthy(**{"메일 서버": "fail"})).encode()]
    seen = {each.aspect: each for each in probe(Options(url=site.url, entries=("메일 서버",)), looking()).readings}
    assert said(seen) == ("메일 서버", 0, "메일 서버 (fail)")


def test_entries_of_the_configuration_are_named(site: Site) -> None:
    site.answers = [json.dumps(unhealthy(ct_scanner="error: x", unknown="error: y")).encode()]
    seen = {each.aspect: each for each in probe(Options(url=site.url, entries=("ct_scanner",)), looking()).readings}
    assert said(seen)[:2] == ("ct_scanner", 1)
