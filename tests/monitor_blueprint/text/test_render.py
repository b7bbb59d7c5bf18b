"""Every line that a person reads, letter by letter."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor_blueprint import probes
from monitor_blueprint.alerts.channel_health import Health
from monitor_blueprint.domain.models import CheckResult, EventKind, Facts, Reading, Status, Thresholds
from monitor_blueprint.domain.text import NOTHING, Public, private
from monitor_blueprint.text import ko, ko_trials, render
from tests.monitor_blueprint.text.samples import AT, DISK_FULL, RESULTS, event

pytestmark = pytest.mark.usefixtures("seoul")


def said(kind: str, aspect: str, status: Status, value: float | None = None, unit: str = "", **facts: str | float) -> str:
    ours = {key: Public(fact) if isinstance(fact, str) else fact for key, fact in facts.items()}
    reading = Reading(aspect, status, value, unit, facts=ours)
    return render.line(CheckResult("Flask", kind, (reading,), AT), reading)


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (EventKind.OPENED, "발생"),
        (EventKind.JOINED, "추가"),
        (EventKind.WORSENED, "악화"),
        (EventKind.BLIND, "확인 불가"),
        (EventKind.FLAPPING, "불안정"),
        (EventKind.CALM, "안정"),
        (EventKind.REMINDER, "계속"),
        (EventKind.PARTLY_RECOVERED, "일부 복구"),
        (EventKind.RECOVERED, "복구"),
    ],
)
def test_what_is_sent_and_where(kind: EventKind, word: str) -> None:
    assert render.event_line(event(kind), ["email", "slack"]) == f"알림: 장애 7번 {word} - Django Flask (email, slack)"


def test_nothing_can_be_sent() -> None:
    assert render.event_line(event(), []) == "알림: 장애 7번 발생 - Django Flask (없음)"


@pytest.mark.parametrize(
    ("state", "answer", "expected"),
    [
        ("pending", "", "slack: 대기 중"),
        ("pending", "TimeoutError", "slack: 대기 중 (TimeoutError)"),
        ("delivered", "HTTP 200 ok", "slack: 전송됨"),
        ("refused", "HTTP 404 no_service", "slack: 거부됨 (HTTP 404 no_service)"),
    ],
)
def test_how_a_message_fared(state: str, answer: str, expected: str) -> None:
    """With the reason, if there is one."""
    assert render.delivery("slack", state, answer) == expected


def test_a_late_delivery_has_its_moment() -> None:
    assert render.delivery("slack", "delivered", "HTTP 200 ok", 10.0, AT) == "slack: 전송됨"
    late = render.delivery("slack", "delivered", "HTTP 200 ok", 47.0, AT)
    assert late == f"slack: {render.local(AT)}에 전송됨, 47초 늦음"


@pytest.mark.parametrize("health", [Health.FAILING, Health.REFUSED])
def test_what_is_wrong_with_a_channel(health: Health) -> None:
    assert render.channel_problem(health, Public("x")).endswith(": x")
    assert render.channel_problem(health, NOTHING).endswith(": 응답 없음")


# --- The log's lines


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("Nginx", "service", "1. Nginx 상태 확인 중..."),
        ("Flask", "service", "1. Flask ML 서버 상태 확인 중..."),
        ("Disk", "disk", "1. 디스크 사용량 확인 중..."),
        ("Memory", "memory", "1. 메모리 사용량 확인 중..."),
        ("CPU", "cpu", "1. CPU 로드 확인 중..."),
        ("Health", "health_body", "1. Django 자체 점검 확인 중..."),
        ("Golden", "golden", "1. ML 예측 검증 확인 중..."),
        ("Restarts", "restarts", "1. 서비스 재시작 확인 중..."),
        ("Oom", "oom", "1. 메모리 부족(OOM) 종료 확인 중..."),
        ("Journal", "journal", "1. 오류 로그 확인 중..."),
        ("NginxLog", "nginx_log", "1. Nginx 로그 확인 중..."),
        ("Tls", "tls", "1. TLS 인증서 확인 중..."),
        ("Inodes", "inodes", "1. 아이노드 사용량 확인 중..."),
        ("Swap", "swap", "1. 스왑 사용량 확인 중..."),
        ("Trend", "disk_trend", "1. 디스크 증가 추세 확인 중..."),
        ("Backup", "backup", "1. 백업 확인 중..."),
        ("Updates", "updates", "1. 보안 업데이트 확인 중..."),
        ("Rotation", "log_rotation", "1. 로그 로테이션 확인 중..."),
        ("Monitor", "monitor", "1. 모니터 자체 상태 확인 중..."),
        ("Anything", "new_kind", "1. Anything 확인 중..."),
    ],
)
def test_a_step_has_the_guides_name(name: str, kind: str, expected: str) -> None:
    assert render.step(1, name, kind) == expected


OK, WARNING, CRITICAL, UNKNOWN = Status
X = Public("x")
STOPPED = "Flask: 중지됨 (inactive/dead, systemctl stop 등으로 오류 없이 정지됨)"
REFUSED: Facts = {"reason": Public("refused")}


@pytest.mark.parametrize(
    ("kind", "reading", "expected"),
    [
        ("service", Reading("unit"), "Flask: 정상 실행 중"),
        ("service", Reading("unit", CRITICAL, facts={"state": Public("inactive/dead")}), STOPPED),
        ("service", Reading("unit", CRITICAL, facts={"state": Public("not-found")}), "Flask: 중지됨 (systemd 유닛 없음)"),
        ("service", Reading("http", facts={"http_status": 200}), "Flask API: 응답 정상 (HTTP 200)"),
        (
            "service",
            Reading("unit", CRITICAL, facts={"state": Public("failed/failed"), "result": Public("oom-kill")}),
            "Flask: 중지됨 (failed/failed, 메모리 부족으로 종료됨)",
        ),
        (
            "service",
            Reading("unit", CRITICAL, facts={"state": Public("activating/start"), "result": Public("success")}),
            "Flask: 시작이 끝나지 않음 (activating/start, 시작하는 중)",
        ),
        (
            "service",
            Reading("unit", CRITICAL, facts={"state": Public("not-found"), "result": Public("exit-code")}),
            "Flask: 중지됨 (systemd 유닛 없음)",
        ),
        ("service", Reading("http", CRITICAL, facts=REFUSED), "Flask API: 응답 이상 (연결 거부)"),
        ("service", Reading("absent", facts={"unit": Public("nginx")}), "Flask: systemd 유닛 nginx 없음 (점검 제외)"),
        ("service", Reading("no_unit", facts={"unit": Public("nginx")}), "Flask: systemd 유닛 nginx 없음 (주소만 점검)"),
        ("backup", Reading("absent"), "Flask: 이 서버에 없음 (점검 제외)"),
        (
            "service",
            Reading("http", Status.UNKNOWN, facts={"reason": Public("permission")}),
            "Flask: 확인 불가 (소켓에 접속할 권한이 없음."
            " systemctl edit gunicorn_monitor 로 SupplementaryGroups= 에 소켓의 그룹 추가)",
        ),
        ("service", Reading("http", CRITICAL, facts={"reason": Public("no_socket")}), "Flask API: 응답 이상 (소켓 파일 없음)"),
        ("http", Reading("http", facts={"http_status": 204}), "Flask: 응답 정상 (HTTP 204)"),
        ("http", Reading("http", CRITICAL, facts=REFUSED), "Flask: 응답 이상 (연결 거부)"),
        ("disk", Reading("usage", OK, 45.0), "디스크 사용량: 45% (정상)"),
        ("disk", Reading("usage", WARNING, 80.0), "디스크 사용량: 80% (경고)"),
        ("disk", Reading("usage", CRITICAL, 90.0), "디스크 사용량: 90% (위험)"),
        ("memory", Reading("usage", OK, 62.5), "메모리 사용량: 62% (정상)"),
        ("memory", Reading("usage", WARNING, 80.0), "메모리 사용량: 80% (경고)"),
        ("memory", Reading("usage", CRITICAL, 90.0), "메모리 사용량: 90% (위험)"),
        ("cpu", Reading("load", OK, 28, facts={"load": 0.45, "cores": 4}), "CPU 로드: 0.45 (28% of 4 cores)"),
        ("cpu", Reading("load", WARNING, 75, facts={"load": 3, "cores": 4}), "CPU 로드: 3.00 (75% of 4 cores, 경고)"),
        ("cpu", Reading("load", CRITICAL, 100, facts={"load": 4.0, "cores": 4}), "CPU 로드: 4.00 (100% of 4 cores, 위험)"),
        ("monitor", Reading("database"), "데이터베이스: 정상"),
        (
            "monitor",
            Reading("database", CRITICAL, facts={"reason": X}),
            "데이터베이스: 사용 불가, 메모리에 기록 중 (x)",
        ),
        ("monitor", Reading("log"), "로그 파일: 정상"),
        ("monitor", Reading("log", CRITICAL, facts={"reason": X}), "로그 파일: 기록 불가 (x)"),
        ("monitor", Reading("config"), "설정: 정상"),
        (
            "monitor",
            Reading("config", CRITICAL, facts={"reason": X}),
            "설정: 변경된 설정에 오류가 있어 이전 설정 사용 중 (x)",
        ),
        ("monitor", Reading("channel_slack"), "Slack 알림: 정상"),
        ("monitor", Reading("channel_slack", CRITICAL, facts={"reason": X}), "Slack 알림: 전송 실패 (x)"),
        ("monitor", Reading("channel_email"), "이메일 알림: 정상"),
        ("monitor", Reading("channel_email", CRITICAL, facts={"reason": X}), "이메일 알림: 전송 실패 (x)"),
        # A kind of check that has no text of its own is understood all the same.
        ("new_kind", Reading("age"), "Flask: age 정상"),
        ("new_kind", Reading("age", WARNING, 1.5, "h"), "Flask: age 경고 (1.5h)"),
        ("new_kind", Reading("age", WARNING, 2.0, "h"), "Flask: age 경고 (2h)"),
        ("new_kind", Reading("age", CRITICAL, 3, "h", facts={"reason": Public("old")}), "Flask: age 위험 (3h, old)"),
        # Who could not look blames nobody.
        ("service", Reading("probe", UNKNOWN, facts={"reason": Public("no system bus")}), "Flask: 확인 불가 (no system bus)"),
        # In transition.
        (
            "service",
            Reading("unit", OK, facts={"state": Public("activating/auto-restart")}, is_settling=True),
            "Flask: 재시작 중 (activating/auto-restart)",
        ),
        # What was told to be down is called by the same words, whether it is just being started or not.
        (
            "service",
            Reading("unit", CRITICAL, facts={"state": Public("activating/start"), "limit_s": 90}, is_settling=True),
            "Flask: 시작이 끝나지 않음 (activating/start, 시작하는 중)",
        ),
        (
            "service",
            Reading(
                "unit",
                CRITICAL,
                facts={"state": Public("activating/auto-restart"), "result": Public("exit-code")},
                is_settling=True,
            ),
            "Flask: 시작되지 않음 (activating/auto-restart, 오류 코드로 종료됨, 다시 시작하기를 기다리는 중)",
        ),
        (
            "service",
            Reading("unit", CRITICAL, facts={"state": Public("failed/failed"), "has_failed_to_start": True}),
            "Flask: 시작되지 않음 (failed/failed)",
        ),
        (
            "service",
            Reading("unit", OK, facts={"state": Public("activating/start"), "limit_s": 90}, is_settling=True),
            "Flask: 재시작 중 (activating/start) - 시작 제한 90초, 그때까지 준비되지 않으면 장애로 알림",
        ),
        (
            "service",
            Reading("http", CRITICAL, facts=REFUSED, is_settling=True),
            "Flask: 아직 정상 응답 없음 (연결 거부) - 곧 다시 확인",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_reading_is_one_line(kind: str, reading: Reading, expected: str) -> None:
    assert render.line(CheckResult("Flask", kind, (reading,), AT), reading) == expected


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("refused", "연결 거부"),
        ("timeout", "시간 초과"),
        ("reset", "연결 끊김"),
        ("certificate", "인증서 오류"),
        ("name", "주소를 찾을 수 없음"),
        ("status", "HTTP 502"),
        ("text", "예상한 내용 없음"),
        ("body", "HTTP 502이지만 상태 JSON이 아님"),
        ("SomeError", "SomeError"),
    ],
)
def test_a_reason_is_said_in_words(reason: str, expected: str) -> None:
    assert said("service", "http", CRITICAL, reason=reason, http_status=502) == f"Flask API: 응답 이상 ({expected})"


@pytest.mark.parametrize(
    ("reason", "facts", "expected"),
    [
        ("timeout", {"within_s": 5.0}, "5초 안에 응답 없음"),
        ("timeout", {"within_s": 0.5}, "0.5초 안에 응답 없음"),
        ("apt-get did not end in time (26 s)", {}, "apt-get 명령이 26초 안에 끝나지 않음"),
        ("no answer from the probe for 27 s", {}, "점검이 27초가 지나도 끝나지 않음"),
        ("not reached before the deadline of the round", {}, "앞선 점검이 오래 걸려 이번 차례에 점검하지 못함"),
        ("systemd did not answer: TimeoutError within 5 s", {}, "systemd가 5초 안에 응답하지 않음"),
        ("no system bus: No such file or directory", {}, "no system bus: No such file or directory"),
    ],
)
def test_a_time_limit_is_said(reason: str, facts: dict[str, float], expected: str) -> None:
    reading = Reading("http", CRITICAL, facts={"reason": Public(reason), **facts})
    assert render.line(CheckResult("Flask", "service", (reading,), AT), reading) == f"Flask API: 응답 이상 ({expected})"


def test_a_percentage_is_rounded_down() -> None:
    """No limit seems met that is not."""
    assert said("disk", "usage", WARNING, 89.99) == "디스크 사용량: 89% (경고)"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_no_number_is_a_question_mark(value: float | None) -> None:
    assert said("disk", "usage", CRITICAL, value) == "디스크 사용량: ?% (위험)"


LIMITS = Thresholds(80, 90, clear=5)


@pytest.mark.parametrize(
    ("status", "value", "expected"),
    [
        (OK, 45.0, "메모리 사용량: 45% (정상)"),
        (WARNING, 80.0, "메모리 사용량: 80% (경고) · 경고 기준 80%"),
        (CRITICAL, 92.0, "메모리 사용량: 92% (위험) · 위험 기준 90%"),
        # Still bad, though below the limit: it says why.
        (CRITICAL, 87.0, "메모리 사용량: 87% (위험) · 위험 기준 90% (85% 미만이면 해제)"),
        (WARNING, 79.0, "메모리 사용량: 79% (경고) · 경고 기준 80% (75% 미만이면 해제)"),
    ],
)
def test_a_judged_figure_shows_its_limit(status: Status, value: float, expected: str) -> None:
    """Behind the guide's words, and of what is well only to who looks closer."""
    reading = Reading("usage", status, value, "%", LIMITS)
    result = CheckResult("Memory", "memory", (reading,), AT)
    assert render.line(result, reading) == expected
    both = " · 경고 기준 80%, 위험 기준 90%" if status is OK else ""
    assert render.full_line(result, reading).text == f"{expected}{both}"


def test_a_limit_has_its_unit() -> None:
    reading = Reading("latency", WARNING, 1500.0, "ms", Thresholds(1000, 5000))
    assert render.line(CheckResult("P", "golden", (reading,), AT), reading) == "ML 응답 시간: 1500ms (경고) · 경고 기준 1000ms"


def test_a_missing_fact_is_unknown() -> None:
    assert said("cpu", "load", OK, 28.0, cores=4) == "CPU 로드: ? (28% of 4 cores)"


def test_hostile_text_stays_text() -> None:
    """It is not taken for a place to fill."""
    hostile = "{name.__class__} {0} {"
    assert said("service", "http", CRITICAL, reason=hostile) == f"Flask API: 응답 이상 ({hostile})"
    assert said("service", "unit", CRITICAL, state=hostile) == f"Flask: 중지됨 ({hostile})"


def test_the_worst_reading_speaks() -> None:
    assert render.worst_line("Django", RESULTS) == ("Django API: 응답 이상 (HTTP 502)", False)
    unseen = Reading("probe", Status.UNKNOWN, facts={"reason": X})
    disk = CheckResult("Disk", "disk", (unseen, *DISK_FULL.readings), AT)
    assert render.worst_line("Disk", {"Disk": disk}) == ("디스크 사용량: 91% (위험)", False)


def test_the_settling_reading_speaks() -> None:
    """Of two that are OK, the one that is not ready yet."""
    starting = Reading("http", facts={"reason": Public("refused")}, is_settling=True)
    results = {"Flask": CheckResult("Flask", "service", (Reading("unit"), starting), AT)}
    assert render.worst_line("Flask", results) == ("Flask: 응답 대기 중 (연결 거부) - 곧 다시 확인", False)


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (Reading("refused", facts=REFUSED, is_settling=True), "ML 예측 검증: 응답 이상 (연결 거부) - 곧 다시 확인"),
        (Reading("refused", CRITICAL, facts=REFUSED, is_settling=True), "ML 예측 검증: 응답 이상 (연결 거부)"),
    ],
)
def test_what_depends_on_another_is_not_starting(reading: Reading, expected: str) -> None:
    """Whether the other one is being restarted, this one does not know."""
    assert render.line(CheckResult("Prediction", "golden", (reading,), AT), reading) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (said("backup", "age", OK, hours=0, file="x"), "백업: 1시간 이내 (x)"),
        (said("backup", "age", OK, hours=3, file="x"), "백업: 3시간 전 (x)"),
        (said("backup", "size", OK, bytes=3 * 1024**3), "백업 크기: 3.0G (정상)"),
        (said("tls", "expiry", CRITICAL, days=0, where="x", place="", until="y"), "TLS 인증서: 하루 안에 만료 (x, y까지)"),
        (said("updates", "lists", OK, days=0), "패키지 목록: 오늘 갱신"),
        (said("disk_trend", "trend", CRITICAL, hours=0.4, free_percent=2), "디스크 증가 추세: 1시간 안에 가득 참 (여유 2%)"),
        (said("disk", "usage", CRITICAL, 91.0, free_bytes=5 * 1024**3), "디스크 사용량: 91% (위험), 여유 5.0G"),
        (said("disk", "usage", OK, 45.0, free_bytes=5 * 1024**3), "디스크 사용량: 45% (정상)"),
        (said("memory", "usage", CRITICAL, 91.0, available_bytes=1024**3), "메모리 사용량: 91% (위험), 여유 1.0G"),
        (said("http", "http", CRITICAL, reason="refused", address="http://x/"), "Flask: 응답 이상 (연결 거부) - http://x/"),
    ],
)
def test_figures_are_for_people(said: str, expected: str) -> None:
    assert said == expected


def test_the_long_cure_is_for_who_looks_closer() -> None:
    reading = Reading(
        "unmounted", CRITICAL, facts={"target": Public("/data"), "source": Public("/dev/sdb1"), "was": Public("ext4")}
    )
    result = CheckResult("Data", "disk", (reading,), AT)
    line = "파일 시스템 /data: 마운트되어 있지 않음 (이전: /dev/sdb1, ext4)"
    assert render.line(result, reading) == line
    assert render.full_line(result, reading).text == f"{line} (의도한 것이면 설정에서 Data 점검을 지우십시오)"


def test_which_file_it_is_administrators_know() -> None:
    facts: Facts = {"where": Public("/etc/*.pem"), "place": Public(""), "days": 3, "until": Public("2025-12-09")}
    reading = Reading("expiry", CRITICAL, facts={**facts, "where_text": private("/etc/b.pem")})
    result = CheckResult("Certificate", "tls", (reading,), AT)
    assert render.line(result, reading).endswith(" (/etc/*.pem, 2025-12-09까지) - 자세히: sudo neuronova-monitor status")
    assert render.full_line(result, reading).text == "TLS 인증서: 3일 후 만료 (/etc/b.pem, 2025-12-09까지)"
    told = replace(reading, facts={**reading.facts, "where": Public("/etc/b.pem")})
    assert render.line(result, told) == "TLS 인증서: 3일 후 만료 (/etc/b.pem, 2025-12-09까지)"


def test_no_time_is_below_nothing() -> None:
    """A clock may be set back."""
    assert render.duration(-5) == "0초"


def test_the_entry_that_fails_is_named() -> None:
    """That the whole body is unhealthy says less, and comes first."""
    summary = Reading("status", Status.CRITICAL, facts={"body_status": Public("unhealthy")})
    entries = Reading("entries", Status.CRITICAL, facts={"entries": Public("database")})
    results = {"Site": CheckResult("Site", "health_body", (summary, entries), AT)}
    assert render.worst_line("Site", results) == ("Django 자체 점검 실패: database", False)
    alone = {"Site": CheckResult("Site", "health_body", (summary,), AT)}
    assert render.worst_line("Site", alone) == ("Django 상태 본문: unhealthy", False)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("prediction", "예측이 틀림"),
        ("predictions.Control", "예측이 틀림"),
        ("model_version", "다른 버전의 모델이 응답함"),
        ("model_name", "다른 모델이 응답함"),
        ("body", "응답을 읽을 수 없음"),
        ("ok", "예측이 거부됨"),
    ],
)
def test_another_model_is_no_wrong_prediction(field: str, expected: str) -> None:
    facts: Facts = {"sample": 1, "field": Public(field), "got": Public("a"), "expected": Public("b")}
    reading = Reading("answer", Status.CRITICAL, facts=facts)
    line = render.line(CheckResult("Prediction", "golden", (reading,), AT), reading)
    assert line == f"ML 예측 검증: {expected} (표본 1, {field}: a, 기대값 b)"


def test_what_stands_in_the_sentence_is_not_said_again() -> None:
    reading = Reading("channel_slack", Status.CRITICAL, facts={"reason": Public("HTTP 404"), "reason_text": private("HTTP 404")})
    full = render.full_line(CheckResult("Monitor", "monitor", (reading,), AT), reading)
    assert full.text == "Slack 알림: 전송 실패 (HTTP 404)"


def test_another_disk_is_named() -> None:
    assert said("disk", "usage", Status.CRITICAL, 93.0, "%", path="/srv") == "디스크 사용량 (/srv): 93% (위험)"
    assert said("disk", "usage", Status.OK, 45.0, "%", path="/") == "디스크 사용량: 45% (정상)"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0초"),
        (0.9, "0초"),
        (59, "59초"),
        (60, "1분"),
        (61, "1분 1초"),
        (3600, "1시간"),
        (3661, "1시간 1분"),
        (90061, "1일 1시간"),
        (86400 * 400, "400일"),
    ],
)
def test_a_duration_has_two_units(seconds: float, expected: str) -> None:
    """At most."""
    assert render.duration(seconds) == expected


def test_a_moment_is_local_time() -> None:
    """And none is said so."""
    assert render.local(AT) == "2025-12-06 14:35:01 KST"
    assert render.local(None) == "없음"


def test_an_incident_is_one_line() -> None:
    opened, closed = AT, AT + timedelta(minutes=1)
    assert render.incident_line(7, ["Flask", "Django"], opened, closed) == (
        "7번  2025-12-06 14:35:01 KST ~ 2025-12-06 14:36:01 KST (1분)  Flask Django"
    )
    assert render.incident_line(7, ["Flask"], opened, None) == "7번  2025-12-06 14:35:01 KST ~ 진행 중  Flask"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ko.TITLES["Flask"], "Flask ML 서버 상태"),
        (ko.NO_CHANNEL, "알림 채널이 설정되지 않음: SLACK_WEBHOOK 또는 ALERT_EMAIL 을 설정하십시오"),
        (ko.ALL_CHANNELS_FAILING, "모든 알림 채널이 전송에 실패하고 있음: {names}"),
        (ko.UNCONFIRMED, "{line} - 재확인 대기"),
        (ko.NOT_DUE, "{line} - 이전 결과 ({at})"),
        (ko.NOTE, "모니터: {note}"),
        (ko.TRIGGERED, "systemd 알림: {names} 상태 변경 - 즉시 점검"),
        (ko.NO_LOCK, "잠금 파일을 만들 수 없음 ({reason}) - 파일 없이 잠금"),
        (ko.WAITING_FOR_LOCK, "다른 모니터가 실행 중 (PID {pid}) - 대기"),
        (ko.TOOK_OVER, "점검 일정을 맡음 (PID {pid})"),
        (ko.RUN_STARTED, "헬스 체크 실행 ({reason})"),
        (ko.RUN_ENDED, "헬스 체크 종료: {overall} ({duration:.2f}초)"),
        (ko.RUN_FAILED, "헬스 체크 실패: {reason}"),
        (ko.RUN_MISSED, "예정된 헬스 체크를 건너뜀: {reason}"),
        (ko.WATCHING, "systemd 상태 변경 감시 시작: {units}"),
        (ko.WATCH_LOST, "systemd 상태 변경 감시 끊김 ({reason}) - 재연결, 정기 점검은 계속됨"),
        (ko.TEST_SUBJECT, "[TEST] NeuroNova 테스트 알림"),
    ],
)
def test_lines_are_as_documented(text: str, expected: str) -> None:
    assert text == expected


# --- The catalogue as a whole


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in ko.LINES} - {"monitor"}))
def test_no_text_without_a_check(kind: str) -> None:
    assert kind in probes.available()


@pytest.mark.parametrize(("kind", "aspect"), ko.LINES)
@pytest.mark.parametrize("status", list(Status))
def test_no_text_fails(kind: str, aspect: str, status: Status) -> None:
    """Whatever the probe left out."""
    for reading in (Reading(aspect, status), Reading(aspect, status, is_settling=True), Reading(aspect, status, 5.0, "%")):
        assert "{" not in render.line(CheckResult("Flask", kind, (reading,), AT), reading)


def test_every_event_is_called_something() -> None:
    assert set(ko.EVENT_KINDS) == set(EventKind)


def test_every_text_can_be_filled() -> None:
    for name, text in [*vars(ko).items(), *vars(ko_trials).items()]:
        if isinstance(text, str) and not name.startswith("__"):
            fields = {field.split(".")[0] for _, field, _, _ in string.Formatter().parse(text) if field}
            assert text.format(**dict.fromkeys(fields, 1)), name
