"""Every message that is sent, letter by letter."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import jinja2
import pytest

from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import CheckResult, Event, EventKind, Facts, Reading, Status
from monitor_blueprint.domain.receivers import Logged
from monitor_blueprint.domain.text import Public, private
from monitor_blueprint.text import backlog, ko_messages, message_templates, messages
from tests.monitor_blueprint import guide
from tests.monitor_blueprint.text.samples import AT, RESULTS, event

ZONE = "시간대: KST (UTC+09:00)"
SERVER = f"서버: {socket.gethostname()}"
LOOK = "  확인: systemctl status ml.service · sudo journalctl -u ml.service -n 50 · sudo systemctl restart ml.service"
LOOK_AT_SITE = (
    "  확인: systemctl status site.service · sudo journalctl -u site.service -n 50 · sudo systemctl restart site.service"
)
LOOK_AT_DISK = (
    "  확인: df -h / · sudo du -xh -d2 / | sort -h | tail"
    " · sudo find / -xdev -type f -size +100M -exec du -h {} + | sort -h | tail"
    " · sudo find /proc -maxdepth 3 -path '/proc/[0-9]*/fd/*' -lname '/* (deleted)' -exec stat -Lc '%s %n' {} + | sort -n | tail"
)
FOOT = ["", "장애 번호: 7", "담당하기: sudo neuronova-monitor ack · 경과: sudo neuronova-monitor history 7"]
ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.usefixtures("seoul")


def body(notified: Event, results: Mapping[str, CheckResult] = RESULTS) -> list[str]:
    return messages.alert(notified, "nn-7", results).body.splitlines()


# --- Alerts


def test_an_alert_begins_as_the_guides() -> None:
    """To the letter."""
    assert body(event())[:3] == guide.ALERT


@pytest.mark.parametrize("kind", [EventKind.OPENED, EventKind.JOINED, EventKind.WORSENED])
def test_new_failures_begin_as_the_guides(kind: EventKind) -> None:
    assert body(event(kind))[:3] == guide.ALERT


def test_each_failed_check_has_a_line() -> None:
    """What, since when, the measured value, on which server, and what to do next."""
    notified = replace(event(checks=("Django", "Flask", "Disk")), since={"Flask": AT - timedelta(seconds=61)})
    assert body(notified)[3:] == [
        ZONE,
        SERVER,
        "- Django API: 응답 이상 (HTTP 502) · 2025-12-06 14:35:01 KST부터",
        LOOK_AT_SITE,
        "- Flask: 중지됨 (failed/failed) · 2025-12-06 14:34:00 KST부터",
        LOOK,
        "- 디스크 사용량: 91% (위험) · 2025-12-06 14:35:01 KST부터",
        LOOK_AT_DISK,
        *FOOT,
    ]


def test_the_first_line_is_the_subject() -> None:
    """With the names of the checks."""
    message = messages.alert(event(), "nn-7", RESULTS)
    assert message.subject == "[CRITICAL] NeuroNova 서비스 장애 발생! Django Flask"
    assert (message.id, message.incident, message.kind, message.at) == ("nn-7", 7, "opened", AT)


def test_a_consequence_names_its_cause() -> None:
    """And stands below it, though the configuration has it first."""
    assert body(replace(event(), consequences={"Django": ("Flask",)}))[5:8] == [
        "- Flask: 중지됨 (failed/failed) · 2025-12-06 14:35:01 KST부터",
        LOOK,
        "- Django API: 응답 이상 (HTTP 502) · 2025-12-06 14:35:01 KST부터 · 원인: Flask",
    ]


def test_an_unstable_service_that_is_well_now_has_not_failed() -> None:
    """Its line among those that have is not taken for one of them."""
    joined = replace(event(EventKind.JOINED, ("Disk",)), flapping={"Flask": 5})
    assert body(joined)[3:8] == [
        ZONE,
        SERVER,
        "아직 불안정함: Flask (지금 정상)",
        "- 디스크 사용량: 91% (위험) · 2025-12-06 14:35:01 KST부터",
        LOOK_AT_DISK,
    ]


def test_what_an_unstable_service_takes_along_is_named() -> None:
    consequences = {"Django": ("Flask",)}
    unstable = replace(
        event(EventKind.FLAPPING, ("Flask",)), failing=("Django", "Flask"), flapping={"Flask": 5}, consequences=consequences
    )
    assert body(unstable) == [
        "[CRITICAL] NeuroNova 서비스 불안정 - 지금 중단 (장애와 복구 반복)",
        "불안정한 서비스: Flask",
        "시각: 2025-12-06 14:35:01 KST",
        SERVER,
        "함께 실패 중: Django",
        "- Flask: 중지됨 (failed/failed) · 2025-12-06 14:35:01 KST부터 · 최근 5번 상태가 바뀜",
        LOOK,
        "- Django API: 응답 이상 (HTTP 502) · 2025-12-06 14:35:01 KST부터 · 원인: Flask",
        *FOOT,
    ]


def test_a_coincidence_is_no_cause() -> None:
    """Another check fails at the same time."""
    notified = replace(event(checks=("Django", "Flask", "Disk")), consequences={"Django": ("Flask",)})
    assert [line for line in body(notified) if "Disk" in line and "원인" in line] == []


def test_what_has_nothing_in_common_is_told_apart() -> None:
    """Who has repaired the one has not repaired the other; where very much fails, the machine itself is to be looked at."""
    two = replace(event(checks=("Django", "Flask", "Disk")), apart=(("Django", "Flask"), ("Disk",)))
    head, _, details = "\n".join(body(two)).partition("\n- ")
    assert head.splitlines()[-1] == "서로 별개인 장애 2건 (알려진 공통 원인 없음): (1) Django Flask (2) Disk"
    assert details
    four = replace(event(checks=("A", "B", "C", "D")), apart=(("A",), ("B",), ("C",), ("D",)))
    assert [line for line in body(four) if line.endswith("확인: uptime · df -h · free -h")]
    assert not any("별개" in line for line in body(replace(two, kind=EventKind.BLIND)))


def test_a_joining_failure_names_the_new() -> None:
    """After all that fails."""
    notified = replace(event(EventKind.JOINED), checks=("Flask",))
    assert body(notified)[:6] == [*guide.ALERT, ZONE, SERVER, "새로 실패: Flask"]


def test_the_unseen_is_not_called_failed() -> None:
    notified = replace(event(checks=("Django", "Flask")), blind=("Django",))
    assert body(notified)[1] == "실패한 서비스: Flask"
    assert [line.partition(":")[0] for line in body(notified) if line[0:1] == "-"] == ["- Django API", "- Flask"]


def test_a_check_without_a_result() -> None:
    assert body(event(checks=("Backup",)))[5:7] == [
        "- Backup: 결과 없음 · 2025-12-06 14:35:01 KST부터",
        "  확인: sudo neuronova-monitor history 7",
    ]


def test_what_two_checks_say_alike_is_said_once() -> None:
    facts: Facts = {"target": Public("/data"), "source": private("nas:/x"), "was": Public("nfs4")}
    gone = Reading("unmounted", Status.CRITICAL, facts=facts)
    results = {name: CheckResult(name, kind, (gone,), AT) for name, kind in (("Data", "disk"), ("Trend", "disk_trend"))}
    assert messages.alert(event(checks=("Data", "Trend")), "nn-7", results).body.splitlines()[5:7] == [
        "- 파일 시스템 /data: 마운트되어 있지 않음 (이전: 비공개, nfs4) · 2025-12-06 14:35:01 KST부터",
        "  확인: findmnt /data · sudo mount /data · lsblk -f · sudo dmesg | tail · sudo neuronova-monitor status",
    ]


def test_evidence_follows_under_its_title() -> None:
    text = messages.alert(
        event(checks=("Flask",)),
        "nn-7",
        RESULTS,
        [("journal nginx", Public("one\ntwo")), ("oom", Public("x")), ("new", Public("y"))],
    ).body
    assert text.splitlines()[7:] == [
        "",
        "[저널 nginx]",
        "one",
        "two",
        "",
        "[메모리 부족(OOM) 종료]",
        "x",
        "",
        "[new]",
        "y",
        *FOOT,
    ]


@pytest.mark.parametrize(
    ("notified", "expected"),
    [
        (
            event(EventKind.REMINDER, ("Flask",)),
            [
                "[CRITICAL] NeuroNova 서비스 장애 계속 중 (1시간 5분째)",
                "실패한 서비스: Flask",
                "시각: 2025-12-06 14:35:01 KST",
                SERVER,
                "- Flask: 중지됨 (failed/failed) · 2025-12-06 14:35:01 KST부터",
                LOOK,
            ],
        ),
        (
            replace(event(EventKind.RECOVERED, ("Flask", "Gone")), failing=(), lasted_s={"Flask": 3700.0, "Gone": 1.0}),
            [
                "[OK] NeuroNova 서비스 복구",
                "복구된 서비스: Flask Gone",
                "시각: 2025-12-06 14:35:01 KST",
                SERVER,
                "- Flask: 1시간 1분 동안 중단됨 (2025-12-06 13:33:21 ~ 14:35:01 KST)",
                "- Gone: 더 이상 점검하지 않음",
            ],
        ),
        (
            replace(event(EventKind.PARTLY_RECOVERED, ("Flask",)), failing=("Disk",), lasted_s={"Flask": 59.9}),
            [
                "[CRITICAL] NeuroNova 서비스 일부 복구",
                "복구된 서비스: Flask",
                "시각: 2025-12-06 14:35:01 KST",
                SERVER,
                "- Flask: 59초 동안 중단됨 (2025-12-06 14:34:01 ~ 14:35:01 KST)",
                "계속 실패 중: Disk",
                "- 디스크 사용량: 91% (위험) · 2025-12-06 14:35:01 KST부터",
                LOOK_AT_DISK,
            ],
        ),
        (
            replace(
                event(EventKind.PARTLY_RECOVERED, ("Flask",)),
                failing=(),
                flapping={"Disk": 6},
                silenced=("Nginx",),
                lasted_s={"Flask": 59.9},
            ),
            [
                "[OK] NeuroNova 서비스 일부 복구",
                "복구된 서비스: Flask",
                "시각: 2025-12-06 14:35:01 KST",
                SERVER,
                "- Flask: 59초 동안 중단됨 (2025-12-06 14:34:01 ~ 14:35:01 KST)",
                "아직 불안정함: Disk (지금 정상)",
                "알림 중지 중인 장애: Nginx",
                "- 디스크 사용량: 91% (위험) · 2025-12-06 14:35:01 KST부터 · 최근 6번 상태가 바뀜",
            ],
        ),
        (
            replace(event(EventKind.FLAPPING, ("Flask",)), flapping={"Flask": 5}),
            [
                "[CRITICAL] NeuroNova 서비스 불안정 - 지금 중단 (장애와 복구 반복)",
                "불안정한 서비스: Flask",
                "시각: 2025-12-06 14:35:01 KST",
                SERVER,
                "- Flask: 중지됨 (failed/failed) · 2025-12-06 14:35:01 KST부터 · 최근 5번 상태가 바뀜",
                LOOK,
            ],
        ),
        (
            replace(event(EventKind.REMINDER, ("Flask",)), failing=(), flapping={"Flask": 5}),
            [
                "[CRITICAL] NeuroNova 서비스 불안정 계속 중 (1시간 5분째) - 지금 정상",
                "불안정한 서비스: Flask",
                "시각: 2025-12-06 14:35:01 KST",
                SERVER,
                "- Flask: 중지됨 (failed/failed) · 2025-12-06 14:35:01 KST부터 · 최근 5번 상태가 바뀜",
            ],
        ),
        (
            replace(event(EventKind.REMINDER, ("Flask", "Disk")), failing=("Disk",), flapping={"Flask": 5}),
            [
                "[CRITICAL] NeuroNova 서비스 장애 계속 중 (1시간 5분째)",
                "실패한 서비스: Disk",
                "시각: 2025-12-06 14:35:01 KST",
                SERVER,
                "- Flask: 중지됨 (failed/failed) · 2025-12-06 14:35:01 KST부터 · 최근 5번 상태가 바뀜",
                "- 디스크 사용량: 91% (위험) · 2025-12-06 14:35:01 KST부터",
                LOOK_AT_DISK,
            ],
        ),
        (
            replace(event(EventKind.CALM, ("Flask",)), failing=(), lasted_s={"Flask": 3700.0}),
            [
                "[OK] NeuroNova 서비스 복구 (불안정 상태 끝남, 지금 정상)",
                "복구된 서비스: Flask",
                "시각: 2025-12-06 14:35:01 KST",
                SERVER,
                "- Flask: 1시간 1분 동안 장애와 복구를 반복함 (2025-12-06 13:33:21 ~ 14:35:01 KST)",
            ],
        ),
        (
            event(EventKind.BLIND, ("Flask",)),
            [
                "[UNKNOWN] NeuroNova 모니터가 상태를 확인할 수 없음",
                "확인할 수 없는 항목: Flask",
                "시각: 2025-12-06 14:35:01 KST",
                SERVER,
                "- Flask: 중지됨 (failed/failed) · 2025-12-06 14:35:01 KST부터",
                LOOK,
            ],
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, Event) else "",
)
def test_every_other_event(notified: Event, expected: list[str]) -> None:
    is_end = bool(notified.lasted_s)
    assert body(notified) == [*expected, *(FOOT[:2] if is_end else FOOT)]


def test_the_cause_is_named_first() -> None:
    """In the first lines, which have the guide's words, and in the subject."""
    notified = replace(event(), consequences={"Django": ("Flask",)})
    message = messages.alert(notified, "nn-7", RESULTS)
    assert message.body.splitlines()[:2] == [guide.ALERT[0], "실패한 서비스: Flask Django"]
    assert message.subject == "[CRITICAL] NeuroNova 서비스 장애 발생! Flask Django"


def test_a_consequence_was_not_down_itself() -> None:
    names = ("Django", "Flask")
    lasted_s = dict.fromkeys(names, 24.0)
    over = replace(event(EventKind.RECOVERED, names), failing=(), lasted_s=lasted_s, due_to={"Django": ("Flask",)})
    assert body(over)[1:6] == [
        "복구된 서비스: Flask Django",
        "시각: 2025-12-06 14:35:01 KST",
        SERVER,
        "- Flask: 24초 동안 중단됨 (2025-12-06 14:34:37 ~ 14:35:01 KST)",
        "- Django: 24초 동안 정상 응답 없음 (2025-12-06 14:34:37 ~ 14:35:01 KST) · 원인: Flask",
    ]


UP = CheckResult("Flask", "service", (Reading("unit"), Reading("http", facts={"http_status": 200})), AT)
WARMING = replace(
    UP, readings=(Reading("unit"), Reading("http", Status.CRITICAL, facts={"reason": Public("gone")}, is_settling=True))
)


@pytest.mark.parametrize("flask", [UP, WARMING])
def test_who_runs_again_does_not_go_on_failing(flask: CheckResult) -> None:
    """Its answer, or what hangs on it, is still to be looked at: there is nothing to restart."""
    partly = replace(event(EventKind.PARTLY_RECOVERED, ("Django",)), failing=("Flask", "Disk"), lasted_s={"Django": 3.0})
    lines = body(partly, {**RESULTS, "Flask": flask})
    assert "계속 실패 중: Disk" in lines
    assert "응답 확인 중: Flask" in lines
    assert LOOK not in lines
    assert not any("정상 실행 중 ·" in line for line in lines)


def test_who_is_awaited_is_said_to_run() -> None:
    joined = replace(event(EventKind.JOINED, ("Disk",)), failing=("Flask", "Disk"))
    lines = body(joined, {**RESULTS, "Flask": UP})
    assert "- Flask: 정상 실행 중, 응답 확인 중 · 2025-12-06 14:35:01 KST부터" in lines


def test_a_reminder_counts_from_what_it_names() -> None:
    """The incident may have begun with something else that has long been well."""
    late = replace(event(EventKind.REMINDER, ("Flask",)), since={"Flask": AT - timedelta(minutes=7)})
    assert body(late)[0] == "[CRITICAL] NeuroNova 서비스 장애 계속 중 (7분째)"


def test_a_recovery_says_what_is_over() -> None:
    """A standstill, a fault, or that nobody could see."""
    names = ("Flask", "Disk", "Django")
    notified = replace(event(EventKind.RECOVERED, names), failing=(), blind=("Django",), lasted_s=dict.fromkeys(names, 60.0))
    assert body(notified)[4:7] == [
        "- Flask: 1분 동안 중단됨 (2025-12-06 14:34:01 ~ 14:35:01 KST)",
        "- Disk: 1분 동안 장애 상태였음 (2025-12-06 14:34:01 ~ 14:35:01 KST)",
        "- Django: 1분 동안 확인할 수 없었음 (2025-12-06 14:34:01 ~ 14:35:01 KST)",
    ]


@pytest.mark.parametrize("kind", EventKind)
def test_every_event_has_a_head(kind: EventKind) -> None:
    assert body(event(kind))[0].startswith("[")


# --- The other messages


def logged(*events: Event) -> list[Logged]:
    return [Logged(n, each, messages.alert(each, f"nn-{n}", RESULTS)) for n, each in enumerate(events, 1)]


LATER = AT + timedelta(hours=2, minutes=1)
FAILED = event(checks=("Flask",))
RECOVERED = replace(event(EventKind.RECOVERED, ("Flask",)), at=AT + timedelta(minutes=2), failing=(), lasted_s={"Flask": 120.0})


def story(message: Message) -> list[str]:
    """The lines of a message as one that tells several has them: without what stands above already."""
    return [line for line in message.body.splitlines() if not line.startswith((*ko_messages.SAID_ONCE, "- "))]


def test_a_backlog_begins_with_how_things_stand() -> None:
    """Then it says what happened meanwhile, and how late that is told."""
    told = backlog.catch_up(logged(FAILED, RECOVERED), [], RESULTS, LATER)
    whole = messages.alert(FAILED, "nn-1", RESULTS)
    assert told.subject == "[OK] NeuroNova 서비스 복구 Flask"
    assert (told.at, told.incident, told.kind) == (RECOVERED.at, 7, "recovered")
    assert told.body.splitlines() == [
        "[OK] NeuroNova 서비스 복구",
        "복구된 서비스: Flask",
        "시각: 2025-12-06 16:36:01 KST",
        SERVER,
        "- Flask: 2분 동안 중단됨 (2025-12-06 14:35:01 ~ 14:37:01 KST)",
        "",
        "장애 번호: 7",
        "",
        "알림 채널 장애로 늦게 전달되는 알림 2건입니다 (최대 2시간 1분 지연). 오래된 순서입니다.",
        "",
        "--- 2025-12-06 14:35:01 KST · nn-1",
        *[line for line in whole.body.splitlines() if not line.startswith(ko_messages.SAID_ONCE)],
        "",
        "--- 2025-12-06 14:37:01 KST · nn-2",
        *story(messages.alert(RECOVERED, "nn-2", RESULTS)),
    ]
    assert told.body.count("서버: ") == 1
    assert "확인: " not in told.body


def test_a_backlog_names_the_channel_that_failed() -> None:
    """With since when; an attempt that was soon repeated is no outage of the channel."""
    failing = ("email", AT + timedelta(seconds=1))
    told = backlog.catch_up(logged(FAILED, FAILED), [], RESULTS, FAILED.at + timedelta(seconds=9), failing=failing)
    assert "함께 전달되는 알림 2건입니다" in told.body
    told = backlog.catch_up(logged(FAILED, RECOVERED), [], RESULTS, FAILED.at + timedelta(seconds=47), failing=failing)
    assert (
        "알림 채널 장애로 늦게 전달되는 알림 2건입니다"
        " (최대 47초 지연, email: 2025-12-06 14:35:02 KST부터 전송 실패). 오래된 순서입니다.\n"
    ) in told.body


def test_a_backlog_in_an_outage_begins_as_the_guides() -> None:
    joined = replace(event(EventKind.JOINED, ("Flask",)), failing=("Django", "Flask"), consequences={"Django": ("Flask",)})
    told = backlog.catch_up(logged(FAILED, RECOVERED, joined), [], RESULTS, AT + timedelta(seconds=5))
    assert told.subject == "[CRITICAL] NeuroNova 서비스 장애 발생! Flask Django"
    assert told.body.splitlines()[:7] == [
        guide.ALERT[0],
        "실패한 서비스: Flask Django",
        "시각: 2025-12-06 14:35:06",
        ZONE,
        SERVER,
        "- Flask: 중지됨 (failed/failed) · 2025-12-06 14:35:01 KST부터",
        LOOK,
    ]
    assert "\n- Django API: 응답 이상 (HTTP 502) · 2025-12-06 14:35:01 KST부터 · 원인: Flask\n" in told.body
    assert "함께 전달되는 알림 3건입니다. 오래된 순서입니다." in told.body
    assert told.body.count("- Flask: 중지됨") == 1


def test_what_recovered_meanwhile_is_told_with_what_fails() -> None:
    """Each once, though one moment has brought both."""
    names = ("Disk",)
    recovered = replace(
        event(EventKind.PARTLY_RECOVERED, names), failing=("Flask",), lasted_s={"Disk": 46.0}, told_apart=("Flask",)
    )
    joined = replace(event(EventKind.JOINED, ("Flask",)), failing=("Flask",))
    told = backlog.catch_up(logged(recovered, joined), [], RESULTS, AT + timedelta(seconds=5))
    assert told.body.splitlines()[:8] == [
        guide.ALERT[0],
        "실패한 서비스: Flask",
        "시각: 2025-12-06 14:35:06",
        ZONE,
        SERVER,
        "그동안 복구된 서비스: Disk",
        "- Disk: 46초 동안 장애 상태였음 (2025-12-06 14:34:15 ~ 14:35:01 KST)",
        "- Flask: 중지됨 (failed/failed) · 2025-12-06 14:35:01 KST부터",
    ]
    assert [told.body.count(line) for line in ("- Flask: ", "- Disk: ")] == [1, 1]
    assert "계속 실패 중" not in told.body
    assert "\n새로 실패 (별도 알림): Flask\n" in told.body


def test_what_is_only_unseen_is_not_failed() -> None:
    blind = replace(event(EventKind.BLIND, ("Flask",)), blind=("Flask",))
    told = backlog.catch_up(logged(FAILED, RECOVERED, blind), [], RESULTS, LATER)
    assert told.body.startswith("[UNKNOWN] NeuroNova 모니터가 상태를 확인할 수 없음\n확인할 수 없는 항목: Flask\n")


def test_a_single_event_is_its_own_message() -> None:
    (only,) = logged(FAILED)
    assert backlog.catch_up([only], [], {}, AT + timedelta(seconds=119)) == only.message


def test_a_late_message_says_so() -> None:
    """When it was to be sent, when it is, how late that is, and how its checks are by now; the guide's lines stay."""
    results = {**RESULTS, "Flask": CheckResult("Flask", "service", (Reading("unit"),), LATER - timedelta(seconds=6))}
    (only,) = logged(event(checks=("Flask", "Disk", "Backup")))
    late = backlog.catch_up([only], [], results, LATER)
    assert late.body.splitlines() == [
        guide.ALERT[0],
        "실패한 서비스: Flask Disk Backup",
        guide.ALERT[2],
        "늦게 전달됨: 2025-12-06 14:35:01 KST의 알림을 2025-12-06 16:36:01 KST에 보냄 (2시간 1분 지연)",
        "지금 상태: 장애 Disk · 정상 Flask · 결과 없음 Backup (마지막 점검 2025-12-06 16:35:55 KST)",
        *only.message.body.splitlines()[3:],
    ]
    assert late.subject == only.message.subject
    unknown = backlog.catch_up([only], [], {}, LATER)
    assert unknown.body.splitlines()[4] == "지금 상태: 결과 없음 Flask Disk Backup"


def test_the_now_of_a_late_message_is_past() -> None:
    """In its first line and its subject, and in what a backlog tells of each moment."""
    unstable = replace(event(EventKind.FLAPPING, ("Flask",)), flapping={"Flask": 5})
    calm = replace(event(EventKind.CALM, ("Flask",)), failing=(), lasted_s={"Flask": 60.0})
    for each, said in ((unstable, "불안정 - 당시 중단"), (calm, "끝남, 당시 정상)")):
        late = backlog.catch_up(logged(each), [], RESULTS, LATER)
        assert said in late.subject
        assert said in late.body.splitlines()[0]
    both = backlog.catch_up(logged(unstable, calm), [], RESULTS, LATER)
    assert [line for line in both.body.splitlines() if "지금" in line] == []


def test_what_was_never_acknowledged_is_named() -> None:
    """Of the same incident only."""
    other = replace(FAILED, incident=3)
    first, unrelated, last = logged(FAILED, other, RECOVERED)
    told = backlog.catch_up([last], [first, unrelated], RESULTS, last.message.at)
    assert told.body.splitlines()[-2:] == [
        "수신 확인을 받지 못한 앞선 알림 (이미 받으셨을 수 있음):",
        "- 2025-12-06 14:35:01 KST · nn-1 · [CRITICAL] NeuroNova 서비스 장애 발생! Flask",
    ]
    assert told.body.startswith(last.message.body)


def test_a_repeat_says_so() -> None:
    """In its last line; nothing else is changed."""
    (only,) = logged(FAILED)
    again = messages.repeated(only.message)
    assert again == replace(
        only.message,
        body=Public(f"{only.message.body}\n\n(재전송: 이전 발송의 수신 확인을 받지 못했습니다)"),
        is_repeat=True,
    )


def test_a_brief_message_has_no_evidence() -> None:
    """It still says what has happened, and where to read the rest."""
    message = messages.alert(FAILED, "nn-1", RESULTS, [("oom", Public("Killed process 7"))])
    brief = backlog.catch_up([Logged(1, FAILED, message)], [], RESULTS, AT, is_brief=True)
    assert "Killed" not in brief.body
    assert brief.body.splitlines()[:4] == message.body.splitlines()[:4]
    assert brief.body.endswith("sudo neuronova-monitor history 7)")
    both = backlog.catch_up([Logged(1, FAILED, message), *logged(RECOVERED)], [], RESULTS, AT, is_brief=True)
    assert "Killed" not in both.body
    assert [line for line in both.body.splitlines() if line.startswith(("---", "[CRITICAL]"))] == [
        "--- 2025-12-06 14:35:01 KST · nn-1",
        "[CRITICAL] NeuroNova 서비스 장애 발생! Flask",
        "--- 2025-12-06 14:37:01 KST · nn-1",
    ]


def test_very_many_names_are_cut_and_counted() -> None:
    """In a subject, and in the lines about single checks: Slack has an end."""
    names = tuple(f"check-{number}" for number in range(501))
    told = messages.alert(event(checks=names), "nn-7", RESULTS)
    assert told.subject.endswith(" check-11 외 489개")
    assert len(told.subject) < 200
    assert "- … 외 401개" in told.body.splitlines()
    assert told.body.splitlines()[1] == f"실패한 서비스: {' '.join(names)}"
    both = backlog.catch_up(logged(event(checks=names), event(checks=names)), [], RESULTS, LATER)
    assert both.subject == told.subject
    assert len(both.body) < 30_000


def test_the_dead_mans_switch() -> None:
    """It says since when, on which server, and where to look."""
    assert messages.deadman(is_gone=True, last=AT, now=AT + timedelta(minutes=20)) == (
        "[CRITICAL] NeuroNova 모니터 응답 없음",
        "[CRITICAL] NeuroNova 모니터 응답 없음!\n마지막 헬스 체크: 2025-12-06 14:35:01 KST\n시각: 2025-12-06 14:55:01 KST\n"
        f"{SERVER}\n확인: systemctl status gunicorn_monitor",
    )
    assert messages.deadman(is_gone=False, last=None, now=AT) == (
        "[OK] NeuroNova 모니터 복구",
        f"[OK] NeuroNova 모니터 복구\n마지막 헬스 체크: 없음\n시각: 2025-12-06 14:35:01 KST\n{SERVER}",
    )


def test_the_test_message_says_so() -> None:
    assert messages.test(AT) == (
        "[TEST] NeuroNova 테스트 알림",
        f"[TEST] NeuroNova 테스트 알림\n이 메시지가 보이면 알림 설정이 올바릅니다.\n시각: 2025-12-06 14:35:01 KST\n{SERVER}",
    )


# --- The templates


@pytest.mark.parametrize("hostile", ["{{ 7*7 }}", "{% raw %}", "{# x #}", "{0} {name}", "%s %(x)s", "<b>&amp;", r"\n \1"])
def test_hostile_text_stays_text(hostile: str) -> None:
    reading = Reading("unit", Status.CRITICAL, facts={"state": Public(hostile)})
    results = {hostile: CheckResult(hostile, "service", (reading,), AT)}
    notified = replace(event(checks=(hostile,)), consequences={hostile: (hostile,)})
    message = messages.alert(notified, "nn-7", results, [("journal " + hostile, Public(hostile))])
    assert message.body.splitlines() == [
        "[CRITICAL] NeuroNova 서비스 장애 발생!",
        f"실패한 서비스: {hostile}",
        guide.ALERT[2],
        ZONE,
        SERVER,
        f"- {hostile}: 중지됨 ({hostile}) · 2025-12-06 14:35:01 KST부터 · 원인: {hostile}",
        "",
        f"[저널 {hostile}]",
        hostile,
        *FOOT,
    ]
    told = [Logged(number, notified, message) for number in (1, 2)]
    assert backlog.catch_up(told, told, results, AT).body.count("\n".join(story(message))) == 2


def test_an_undefined_name_is_an_error() -> None:
    """A hole in an alert is seen by the tests, not by the operator."""
    with pytest.raises(jinja2.UndefinedError):
        message_templates.JINJA.from_string("{{ nothing }}").render()


def test_alerts_need_no_disk(tmp_path: Path) -> None:
    """Once the monitor runs, that is: the disk may be what has failed."""
    shutil.copytree(ROOT / "monitor_blueprint", tmp_path / "monitor_blueprint")
    program = (
        "import datetime, shutil\nfrom monitor_blueprint.text import messages\nshutil.rmtree('monitor_blueprint')\n"
        "for send in (lambda now: messages.deadman(is_gone=True, last=now, now=now), messages.test):\n"
        "    print(len(send(datetime.datetime.now(datetime.UTC))[1].splitlines()))\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("5\n4\n", "")
