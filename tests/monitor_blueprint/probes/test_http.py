from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from monitor_blueprint.adapters.http import MAX_BODY_BYTES, fetch
from monitor_blueprint.domain.models import EMPTY, CheckResult, ProbeError, Reading, Status
from monitor_blueprint.probes import http
from monitor_blueprint.probes.http import Options
from monitor_blueprint.text import render
from tests.monitor_blueprint.probes.looking import NOW, Site, answering, looking, nobody
from tests.monitor_blueprint.shortage import no_descriptors
from tests.monitor_blueprint.standins import EndlessServer


def look(url: str, deadline_s: float = 20.0, environ: Mapping[str, str] = EMPTY, **options: object) -> Reading:
    chosen = msgspec.convert({"url": url, "retry_delay_s": 0.0, **options}, Options)
    (reading,) = http.probe(chosen, looking(deadline_s=deadline_s, environ=environ)).readings
    assert reading.aspect == "http"
    return reading


def test_expected_answer_is_well(site: Site) -> None:
    """An address that answers as configured is well."""
    site.answers = [b'{"ok": true}']
    reading = look(site.url)
    assert (reading.status, reading.facts["http_status"], reading.facts["attempts"]) == (Status.OK, 200, 1)
    assert float(str(reading.facts["latency_ms"])) > 0
    assert not reading.is_symptom


def test_unexpected_status_may_be_consequence(site: Site) -> None:
    """Another status than expected is a failure that something else may have brought about."""
    site.answers, site.status = [b""], 502
    reading = look(site.url)
    assert reading.status is Status.CRITICAL
    assert (reading.facts["reason"], reading.facts["http_status"], reading.facts["attempts"]) == ("status", 502, 3)
    assert reading.is_symptom


def test_expected_status_may_be_configured(site: Site) -> None:
    """The status that is expected may be another than 200."""
    site.answers, site.status = [b""], 401
    assert look(site.url, expect_status=401).status is Status.OK


def test_several_statuses_may_be_expected(site: Site) -> None:
    for status, expected in ((204, Status.OK), (401, Status.OK), (200, Status.CRITICAL)):
        site.answers, site.status = [b""], status
        assert look(site.url, expect_status=[204, 401]).status is expected


def test_answer_that_drips_is_its_status() -> None:
    """What it has said, it has said: it is not out of time but unwell."""
    with EndlessServer(0, b"x", pause_s=0.02, first=b"HTTP/1.1 503 x\r\nContent-Length: 1000\r\n\r\n") as server:
        reading = look(server.url, timeout_s=0.3, attempts=1)
    assert (reading.status, reading.facts["reason"], reading.facts["http_status"]) == (Status.CRITICAL, "status", 503)


def test_our_own_want_is_unknown(site: Site) -> None:
    site.answers = [b""]
    with no_descriptors(), pytest.raises(ProbeError, match="no_descriptors"):
        look(site.url)


def test_text_is_found_in_its_charset() -> None:
    body = "상태: 정상".encode("euc-kr")
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=EUC-KR\r\nContent-Length: {len(body)}\r\n\r\n"
    with answering(head.encode() + body) as (url, _):
        assert look(url, expect_text="정상").status is Status.OK


def test_body_must_contain_expected_text(site: Site) -> None:
    site.answers = ['{"상태": "정상"}'.encode()]
    assert look(site.url, expect_text="정상").status is Status.OK
    assert look(site.url, expect_text="이상").facts["reason"] == "text"


def test_later_attempt_may_succeed(site: Site) -> None:
    """A failure counts only when the next attempts fail, too."""
    site.answers = [b"no", b"no", b"fine"]
    reading = look(site.url, expect_text="fine")
    assert (reading.status, reading.facts["attempts"]) == (Status.OK, 3)
    assert "reason" not in reading.facts


def test_attempts_are_limited(site: Site) -> None:
    """It is asked no more often than configured."""
    site.answers = [b"no"]
    assert look(site.url, expect_text="fine", attempts=2).facts["attempts"] == 2
    assert len(site.bodies) == 2


def test_attempts_are_spaced(site: Site) -> None:
    """Between the attempts there is the pause that was asked for."""
    site.answers = [b"no", b"fine"]
    before = time.monotonic()
    assert look(site.url, expect_text="fine", retry_delay_s=0.2).status is Status.OK
    assert time.monotonic() - before >= 0.2


def test_deadline_allows_no_late_attempt(site: Site) -> None:
    """No attempt is begun that could not end before the deadline."""
    site.answers = [b"no"]
    reading = look(site.url, deadline_s=4.0, expect_text="fine", timeout_s=5.0)
    assert (reading.facts["attempts"], len(site.bodies)) == (1, 1)


def test_nobody_there_is_a_refused_connection() -> None:
    reading = look(nobody())
    assert (reading.status, reading.facts["reason"], reading.facts["http_status"]) == (Status.CRITICAL, "refused", 0)


def test_unknown_host_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown host is told as such."""

    def resolve(*question: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    # No name server is on this machine's loopback.
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert look("http://host.invalid/").facts["reason"] == "name"


def test_hang_up_is_told() -> None:
    """A server that hangs up without an answer is told as such."""
    with answering(b"") as (url, _):
        assert look(url).facts["reason"] == "reset"


def test_truncated_answer_is_failure() -> None:
    """An answer that breaks off is a failure."""
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") as (url, _):
        assert look(url).status is Status.CRITICAL


def test_foreign_protocol_is_failure() -> None:
    """What is no HTTP is a failure."""
    with answering(b"220 mail.example.org ESMTP\r\n") as (url, _):
        assert look(url).status is Status.CRITICAL


def test_silent_server_times_out() -> None:
    """A server that says nothing costs its own deadline only."""
    with answering(b"", pause_s=60) as (url, _):
        reading = look(url, timeout_s=0.2, attempts=1)
        assert (reading.facts["reason"], reading.facts["http_status"]) == ("timeout", 0)
        assert float(str(reading.facts["latency_ms"])) >= 200


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"], ids=["head", "body"]
)
def test_dripping_server_times_out(head: bytes) -> None:
    """A server that drips its answer costs its own deadline only."""
    # No single read takes long; all together would take until the test is given up.
    with answering(head, *[b"x"] * 10_000, pause_s=0.05) as (url, _):
        assert look(url, timeout_s=0.3, attempts=1).facts["reason"] == "timeout"


def test_endless_body_is_cut(site: Site) -> None:
    """Of an endless body no more is read than enough."""
    site.answers = [b"x" * (MAX_BODY_BYTES + 100_000) + b"the end"]
    answer = fetch(site.url, 20.0)
    assert (answer.status, len(answer.body)) == (200, MAX_BODY_BYTES)
    assert look(site.url, expect_text="the end", attempts=1).facts["reason"] == "text"


def test_redirection_is_not_followed() -> None:
    """A redirection is an answer, and not followed."""
    with answering(b"HTTP/1.1 302 Found\r\nLocation: http://host.invalid/\r\nContent-Length: 0\r\n\r\n") as (url, _):
        assert look(url, attempts=1).facts["http_status"] == 302


def test_environment_proxy_is_ignored(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy of somebody's environment stands in between."""
    monkeypatch.setenv("HTTP_PROXY", nobody())
    monkeypatch.delenv("NO_PROXY", raising=False)
    site.answers = [b""]
    assert look(site.url).status is Status.OK


def test_starting_monitor_waits_for_answer() -> None:
    """While the monitor itself has just begun, no answer is a transition."""
    options = Options(url=nobody())
    (reading,) = http.probe(options, replace(looking(), is_starting=True)).readings
    assert reading.is_settling
    # The grace time is what it is given; it is not asked again in the same breath.
    assert reading.facts["attempts"] == 1


def test_the_target_is_told_who_asks() -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (url, asked):
        look(url)
        assert b"User-Agent: neuronova-monitor\r\n" in asked[0]
        assert asked[0].startswith(b"GET /health HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:9000",
        "ftp://127.0.0.1/",
        "",
        "http://",
        "http:///health",
        "http://:80/",
        "http://?a",
        "http://a b/",
        "http://a/b c",
        "http://a\n",
        "http://a\x00/",
        "http://a:/",
        "http://a:0/",
        "http://a:65536/",
        "http://a:http/",
        "http://a:-1/",
        "http://a:80:80/",
        "http://user@a/",
        "http://user:secret@a/",
        "http://a..b/",
        "http://.a/",
        f"http://{'a' * 64}/",
        "http://[::1/",
        "http://::1/",
        "http://[::1]x/",
        "http://[]/",
        "http://[1.2.3.4]/",
        "http://[:::1]/",
        "http://[1::2::3]/",
        "http://[a.example]/",
        "http://a]/",
        "http://a\\b/",
        "http://a%2Fb/",
        "http+unix://run/x.sock",
        "http+unix:///run/x.sock",
        "http+unix://%2Frun%2Fx.sock%/",
        f"http+unix://%2F{'a' * 107}/",
    ],
)
def test_bad_address_is_refused(url: str) -> None:
    """What is no HTTP address is refused at start, and is not repeated: a password may be in it."""
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert({"url": url}, Options)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost",
        "http://a-b.c_d.example.:8080?a=[b]#c",
        "https://127.0.0.1:65535/a@b:c",
        "http://[::1]:9000/",
        "http://[fe80::1%25eth0]/",
        "http://[::ffff:1.2.3.4]",
        "https://병원.example/상태",
        "http+unix://%2Frun%2FThe%20Site.sock/health?a",
        f"http+unix://%2f{'a' * 106}",
    ],
)
def test_good_address_is_taken(url: str) -> None:
    assert msgspec.convert({"url": url}, Options).url == url


def said(reading: Reading) -> str:
    return render.line(CheckResult("Site", "http", (reading,), NOW), reading)


def test_missing_address_names_the_cure(site: Site) -> None:
    """What is to be changed, and where."""
    site.answers, site.status = [b""], 404
    reading = look(site.url, environ={"NEURONOVA_CONFIG": "/etc/neuronova/monitor.toml"})
    assert (reading.status, reading.is_symptom) == (Status.CRITICAL, True)
    text = "Site: 응답 이상 (HTTP 404: 없는 주소. {}에서 Site의 url을 고치십시오)"
    assert said(reading) == f"{text.format('/etc/neuronova/monitor.toml')} - {site.url}"
    assert said(look(site.url)) == f"{text.format('NEURONOVA_CONFIG')} - {site.url}"
    assert look(site.url, expect_status=404).status is Status.OK


# --- Alive, but wrong

ANSWER = b'{"ok": true, "predictions": {"Control": 0.7702, "Impaired": 1}, "results": [{"label": "A"}], "patient": "Hong"}'
QUESTION: dict[str, Any] = {"method": "POST", "body": '{"sequence": "ACGT"}'}


def test_the_question_is_sent(site: Site) -> None:
    site.answers = [ANSWER]
    look(site.url, **QUESTION, secret_headers={"X-API-Key": "SITE_KEY"}, environ={"SITE_KEY": " secret\n"})
    assert site.bodies == [b'{"sequence": "ACGT"}']
    sent = site.headers[0]
    assert (sent["Content-Type"], sent["X-API-Key"]) == ("application/json", "secret")
    look(site.url, **QUESTION, content_type="text/plain")
    assert site.headers[1]["Content-Type"] == "text/plain"


@pytest.mark.parametrize(
    "expected",
    [
        {"ok": True},
        {"predictions.Control": 0.77},
        {"predictions.Control": 0.77, "predictions.Impaired": 1.0, "results.0.label": "A"},
    ],
    ids=len,
)
def test_expected_values_are_well(site: Site, expected: dict[str, object]) -> None:
    site.answers = [ANSWER]
    assert look(site.url, expect_json=expected, tolerance=0.001).status is Status.OK


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("ok", False),
        ("ok", 1),
        ("ok", "true"),
        ("predictions.Impaired", True),
        ("predictions.Control", 0.7),
        ("predictions.Control", "0.7702"),
        ("predictions.Other", 0.5),
        ("predictions.Control.x", 0.5),
        ("results.1.label", "A"),
        ("results.label", "A"),
        ("patient", "Kim"),
        ("", "A"),
    ],
)
def test_wrong_value_is_own_fault(site: Site, field: str, expected: object) -> None:
    """It is told without what it is instead: that is somebody else's text."""
    site.answers = [ANSWER]
    reading = look(site.url, expect_json={"ok": True, field or "x": expected}, tolerance=0.001, attempts=2)
    assert (reading.status, reading.facts["reason"], reading.facts["attempts"]) == (Status.CRITICAL, "json", 2)
    assert not reading.is_symptom
    assert "Hong" not in str(reading.facts)
    assert "0.7702" not in said(reading).replace('"0.7702"', "")


def test_wrong_value_names_the_field(site: Site) -> None:
    site.answers = [ANSWER]
    wrong = look(site.url, expect_json={"predictions.Control": 0.5})
    assert said(wrong) == f"Site: 응답 이상 (predictions.Control 값이 0.5과(와) 다름) - {site.url}"
    assert said(look(site.url, expect_json={"ok": False})) == f"Site: 응답 이상 (ok 값이 false과(와) 다름) - {site.url}"


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff", b"[" * 50_000], ids=len)
def test_foreign_body_is_no_json(site: Site, body: bytes) -> None:
    site.answers = [body]
    reading = look(site.url, expect_json={"ok": True})
    assert (reading.status, reading.facts["reason"], reading.is_symptom) == (Status.CRITICAL, "no_json", False)


@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_json_may_begin_with_a_mark(site: Site, start: str) -> None:
    site.answers = [start.encode() + ANSWER]
    assert look(site.url, expect_json={"ok": True}).status is Status.OK


def test_wrong_value_is_no_transition(site: Site) -> None:
    """No start explains it."""
    site.answers = [ANSWER]
    options = Options(url=site.url, expect_json={"ok": False})
    (reading,) = http.probe(options, replace(looking(), is_starting=True)).readings
    assert not reading.is_settling


@pytest.mark.parametrize("value", ["", "two\nlines", "한글"])
def test_missing_secret_blames_nobody(site: Site, value: str) -> None:
    with pytest.raises(ProbeError, match=r"^SITE_KEY of the environment") as failed:
        look(site.url, secret_headers={"X-API-Key": "SITE_KEY"}, environ={"SITE_KEY": value})
    assert not value or value not in str(failed.value)
    assert not site.bodies


@pytest.mark.parametrize(
    "options", [{"body": "x"}, {"method": "PUT"}, {"secret_headers": {"X-API-Key": "Bearer x"}}, {"secret_headers": {"a:": "B"}}]
)
def test_senseless_question_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"url": "http://127.0.0.1/", **options}, Options)
