"""Every reading of these kinds has a sentence of its own, and the probe gives every fact that the sentence needs."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from monitor_blueprint.adapters import sample_files
from monitor_blueprint.adapters.certificates import Certificate
from monitor_blueprint.adapters.systemd import UnitState
from monitor_blueprint.domain.models import CheckResult, Reading, Status
from monitor_blueprint.domain.text import Private, Public
from monitor_blueprint.probes import (
    Observation,
    backup,
    drift,
    feedback,
    golden,
    health_body,
    http,
    inodes,
    journal,
    log_rotation,
    swap,
    tls,
)
from monitor_blueprint.text import ko, render
from tests.monitor_blueprint.probes import test_disk_trend, test_golden, test_health_body, test_nginx_log, test_oom
from tests.monitor_blueprint.probes import test_restarts as restarts_test
from tests.monitor_blueprint.probes.looking import NOW, Site, answering, looking, nobody


def say(kind: str, reading: Reading, status: Status | None = None) -> str:
    """Return the log line of a reading; a sentence with a hole, or the general one, is a failure."""
    said = replace(reading, status=reading.status if status is None else status, is_settling=False)
    if reading.is_settling:
        assert "?" not in render.line(CheckResult("Name", kind, (reading,), NOW), reading)
    line = render.line(CheckResult("Name", kind, (said,), NOW), said)
    assert (kind, reading.aspect) in ko.LINES
    assert "?" not in line.replace("?***", "")
    assert "Name:" not in line
    return line


def say_all(kind: str, seen: Observation) -> list[str]:
    return [say(kind, reading) for reading in seen.readings]


def test_django_says(site: Site) -> None:
    site.answers = [json.dumps(test_health_body.HEALTHY).encode()]
    options = health_body.Options(url=site.url)
    assert say_all("health_body", health_body.probe(options, looking())) == [
        "Django 상태 본문: healthy",
        "Django 자체 점검: 4개 항목 정상",
    ]
    site.answers = [json.dumps(test_health_body.unhealthy(database="error: x", ml_server="error: y")).encode()]
    assert say_all("health_body", health_body.probe(options, looking())) == [
        "Django 상태 본문: unhealthy",
        "Django 자체 점검 실패: database",
        "Django가 보고한 연결 서비스 장애: ml_server",
    ]
    site.answers = [b"{}"]
    assert say_all("health_body", health_body.probe(options, looking())) == [
        "Django 상태 본문: 응답 이상 (HTTP 200이지만 상태 JSON이 아님)"
    ]


def test_golden_samples(site: Site) -> None:
    for readings in (
        test_golden.look(site),
        test_golden.look(site, test_golden.right(test_golden.BUNDLED["samples"][0], prediction="Impaired")),
    ):
        said = [say("golden", reading) for reading in readings.values()]
    samples = f"버전 1.0.0, 표본 1 ({sample_files.BUNDLED})"
    assert said[0] == f"ML 예측 검증: 예측이 틀림 ({samples}, prediction: Impaired, 기대값 Control) - {site.url}"
    url = nobody()
    seen = golden.probe(golden.Options(url=url), looking())
    assert say_all("golden", seen) == [f"ML 예측 검증: 응답 이상 (연결 거부) - {url}"]
    site.status = 401
    seen = golden.probe(golden.Options(url=site.url, sample=str(sample_files.BUNDLED)), looking())
    assert say_all("golden", seen) == [f"ML 예측 검증: 응답 이상 (ML_API_KEY가 ML 서버와 다름, HTTP 401) - {site.url}"]


@pytest.mark.parametrize("due", ["2.1.0", "2.0.0"])
def test_golden_stand_in(site: Site, due: str) -> None:
    """An older version, and one whose files were changed."""
    seen = test_golden.look_at(site, test_golden.offer(due_version=due, is_due=False), test_golden.answer_of())
    assert any("제공 중" in line for line in say_all("golden", seen))


def test_restarts() -> None:
    watch = restarts_test.Watch()
    assert say("restarts", watch.look(restarts_test.unit(0))) == "서비스 재시작: 최근 5분간 없음"
    one = watch.look(restarts_test.unit(1, restarts_test.PID + 1), at=60)
    assert say("restarts", one) == "서비스 재시작: gunicorn_flask ×1 (최근 5분)"
    four = watch.look(UnitState("x", "loaded", "active", "running", restarts=4, main_pid=restarts_test.PID + 4), at=90)
    assert say("restarts", four) == "서비스가 자주 중단됨: gunicorn_flask ×4 (최근 5분) · 위험 기준 2회 초과"
    say("restarts", Reading("workers", facts={"workers": Public("nginx ×1")}))


def test_kills_for_want_of_memory(tmp_path: Path, journal: str) -> None:
    machine = test_oom.Machine(tmp_path, journal)
    say("oom", machine.look(0, test_oom.START))
    kills = machine.look(2, test_oom.START + 300)
    assert say("oom", kills, Status.WARNING) == "메모리 부족(OOM) 종료: 최근 60분간 2건 (gunicorn, python3) · 경고 기준 1건"


def test_errors_in_the_journal(request: pytest.FixtureRequest) -> None:
    folder: str = request.getfixturevalue("journal")
    (reading,) = journal.probe(journal.Options(directory=folder), looking(NOW.timestamp() - 61)).readings
    assert say("journal", reading) == "오류 로그: 최근 5분간 4건 (0.8/분)"
    # What a program prints may be about a patient: the log that everybody reads says where it is, not what it is.
    assert say("journal", reading, Status.CRITICAL) == (
        "오류 로그 급증: 최근 5분간 4건 (0.8/분, gunicorn_django), 자세히: journalctl -u gunicorn_django"
        " · 위험 기준 30/분 (29/분 미만이면 해제)"
    )


def test_nginx(tmp_path: Path) -> None:
    nginx = test_nginx_log.Nginx(tmp_path)
    quiet, _ = nginx.look()
    assert say("nginx_log", quiet) == "Nginx 5xx 비율: 요청 0건으로 판정하지 않음"
    nginx.write(test_nginx_log.request(200) * 30 + test_nginx_log.request(502) * 10, test_nginx_log.complaint("emerg", "x"))
    share, errors = nginx.look(60)
    told = "Nginx 5xx 비율: 25% (최근 5분간 10/40건, 위험) · HTTP 502 ×10 · 위험 기준 20%"
    assert say("nginx_log", share, Status.CRITICAL) == told
    complaint = "Nginx 오류 로그: 최근 5분간 1건 (emerg), 자세히: /var/log/nginx/error.log"
    assert say("nginx_log", errors) == f"{complaint} · 경고 기준 5분간 5건"


def test_certificates(site: Site, seoul: None) -> None:
    expiry = Certificate(Private("clinic.example"), 0, NOW.timestamp() + 8.5 * 86400)
    reading = tls._expiry(expiry, NOW.timestamp(), tls.Options())
    assert say("tls", reading) == "TLS 인증서: 8일 후 만료 (127.0.0.1:443, 2025-12-15 02:35 KST까지) · 경고 기준 21일"
    site.answers = [b""]
    for url in (site.url, nobody()):
        port = int(url.rstrip("/").rpartition(":")[2])
        assert say_all("tls", tls.probe(tls.Options(port=port), looking()))[0].startswith("TLS 연결: ")
    over = tls._expiry(expiry, NOW.timestamp() + 1e6, tls.Options())
    assert say("tls", over) == "TLS 인증서: 2025-12-15 02:35 KST 만료됨 (127.0.0.1:443)"
    assert (over.began_at, reading.began_at) == (NOW + timedelta(days=8.5), None)
    assert "유효하지" in say("tls", tls._expiry(expiry, -1e6, tls.Options()))
    assert "실패" in say("tls", tls._failure("trust", tls.Options(), Public("self-signed"), OSError(), is_symptom=False))


def test_resources() -> None:
    assert say_all("inodes", inodes.probe(inodes.Options(path="/dev/shm"), looking()))[0].startswith(
        "아이노드 사용량 (/dev/shm): "
    )
    assert say_all("swap", swap.probe(swap.Options(), looking()))[0].startswith("스왑 사용량: ")
    (trend,) = test_disk_trend.look(1 / 3, warning_free_percent=100, critical_free_percent=100).readings
    assert "시간 후 가득 참" in say("disk_trend", trend)
    assert "정상" in say("disk_trend", trend, Status.OK)


def test_backups(tmp_path: Path) -> None:
    options = backup.Options(pattern=f"{tmp_path}/*")
    assert say_all("backup", backup.probe(options, looking())) == [f"백업: 파일 없음 ({tmp_path}/*)"]
    for name, hours, size in (("old", 80, 100), ("new", 60, 5)):
        (tmp_path / name).write_bytes(b"x" * size)
        os.utime(tmp_path / name, (NOW.timestamp() - hours * 3600,) * 2)
    age, size_line = say_all("backup", backup.probe(options, looking()))
    assert age.startswith(f"백업: 60시간 동안 새 백업 없음 ({tmp_path}/*, 마지막 2025-12-0")
    assert size_line == f"백업 크기: 5바이트, 이전 백업의 5% ({tmp_path}/*) · 위험 기준 이전 백업의 10% 미만"


@pytest.mark.parametrize("entry", ["", '"/var/log/neuronova/health_check.log" 2025-12-1-0:0:0'])
def test_the_rotation_of_logs(tmp_path: Path, entry: str) -> None:
    status = tmp_path / "status"
    status.write_text(entry + "\n")
    seen = log_rotation.probe(log_rotation.Options(status=str(status)), looking())
    assert say_all("log_rotation", seen)[0].startswith("로그 로테이션: ")


def test_updates() -> None:
    pending = Reading(
        "pending", Status.WARNING, facts={"count": 2, "packages_text": Private("openssl, libssl3"), "needs_reboot": False}
    )
    assert say("updates", pending) == "보안 업데이트: 2개 대기 (apt list --upgradable)"
    assert say("updates", Reading("lists", facts={"days": 3})) == "패키지 목록: 3일 전 갱신"


def test_no_answer_says_in_what_time() -> None:
    """Whatever asks a server that says nothing."""
    with answering(b"", pause_s=60) as (url, _):
        port = urlsplit(url).port or 0
        asked: dict[str, Observation] = {
            "http": http.probe(http.Options(url=url, timeout_s=0.2, attempts=1), looking()),
            "health_body": health_body.probe(health_body.Options(url=url, timeout_s=0.2), looking()),
            "golden": golden.probe(golden.Options(url=url, timeout_s=0.2), looking()),
            "drift": drift.probe(drift.Options(url=url, timeout_s=0.2), looking()),
            "feedback": feedback.probe(feedback.Options(url=url, timeout_s=0.2), looking()),
            "tls": tls.probe(tls.Options(host="127.0.0.1", port=port, timeout_s=0.2), looking()),
        }
    for kind, seen in asked.items():
        lines = [render.line(CheckResult("Name", kind, (each,), NOW), each) for each in seen.readings]
        assert any("0.2초 안에 응답 없음" in line for line in lines), kind
