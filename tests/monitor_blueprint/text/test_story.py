from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from monitor_blueprint.domain.models import CheckResult, Facts, Reading, Status
from monitor_blueprint.domain.story import StoryEntry, StoryKind
from monitor_blueprint.domain.text import Public
from monitor_blueprint.text import ko, story
from tests.monitor_blueprint.text.samples import AT

pytestmark = pytest.mark.usefixtures("seoul")


@pytest.mark.parametrize(
    ("kind", "facts", "expected"),
    [
        (StoryKind.ACKED, {"by": "lee", "number": "7"}, "장애 7번 담당: lee"),
        (
            StoryKind.SILENCED,
            {"by": "lee", "number": "2", "check": "*", "until": (AT + timedelta(hours=1)).isoformat(), "why": "배포"},
            "* 알림 중지: 2025-12-06 15:35:01 KST까지 (2번, lee: 배포)",
        ),
        (StoryKind.UNSILENCED, {"by": "lee", "number": "2"}, "알림 중지 2번 해제: lee"),
        (StoryKind.STARTED, {"digest": "a", "checks": "Flask", "cut": ""}, "모니터 시작됨"),
        (StoryKind.STARTED, {"digest": "a", "checks": "Flask", "cut": "1"}, "모니터 시작됨 (이전 실행이 비정상 종료됨)"),
        (StoryKind.STOPPED, {}, "모니터 종료됨"),
        (StoryKind.RESTARTED, {}, "모니터 다시 시작됨"),
        (
            StoryKind.RESTARTED,
            {"digest": "a", "added": "CPU", "removed": "", "configured": "1"},
            "모니터 다시 시작됨, 설정이 바뀜, 추가된 점검: CPU",
        ),
        (StoryKind.RESTARTED, {"reread": "1"}, "모니터가 설정을 다시 읽음"),
        (
            StoryKind.RESTARTED,
            {"digest": "a", "added": "CPU", "removed": "", "configured": "1", "reread": "1"},
            "모니터가 설정을 다시 읽음, 설정이 바뀜, 추가된 점검: CPU",
        ),
        (
            StoryKind.CONFIGURED,
            {"digest": "a", "added": "CPU", "removed": "Disk"},
            "설정이 바뀜, 추가된 점검: CPU, 빠진 점검: Disk",
        ),
        (StoryKind.CONFIGURED, {"digest": "a", "added": "", "removed": ""}, "설정이 바뀜"),
        (StoryKind.UNACKED, {"by": "lee", "number": "7"}, "장애 7번 담당 해제: lee"),
        (StoryKind.NOTED, {"by": "lee", "number": "7", "text": "{케이블}"}, "장애 7번 메모 (lee): {케이블}"),
        (StoryKind.CHECKED, {"by": "lee", "checks": "*", "token": "admin"}, "수동 점검: * (lee)"),
        (StoryKind.TRIED, {"by": "lee"}, "테스트 알림 발송: lee"),
        (StoryKind.ADMITTED, {"by": "lee", "name": "django", "role": "read"}, "토큰 django 추가, 권한 read: lee"),
        (StoryKind.DISMISSED, {"by": "lee", "name": "django"}, "토큰 django 폐기: lee"),
        (
            StoryKind.TURNED_AWAY,
            {"address": "10.0.0.1", "count": "20"},
            "틀린 토큰으로 접속 시도 20번 (주소 10.0.0.1) - 잠시 거절",
        ),
    ],
)
def test_sentences(kind: StoryKind, facts: dict[str, str], expected: str) -> None:
    assert story.sentence(StoryEntry(AT, kind, facts)) == expected
    assert story.line(StoryEntry(AT, kind, facts)) == f"2025-12-06 14:35:01 KST {expected}"


def test_measured_values_are_exact() -> None:
    """Not only rounded down, as the sentence has them."""
    facts: Facts = {"path": Public("/"), "free_bytes": 2_000_000, "is_odd": True}
    result = CheckResult("Disk", "disk", (Reading("usage", Status.CRITICAL, 91.73, "%", facts=facts), Reading("other")), AT)
    assert story.measured(result) == ["디스크 사용량: 91% (위험), 여유 1.9M [usage 91.73%, free_bytes 1.9M]", "Disk: other 정상"]


def test_another_incidents_owner_is_no_part_of_it() -> None:
    kinds = ((StoryKind.ACKED, "6"), (StoryKind.ACKED, "7"), (StoryKind.SILENCED, "6"))
    entries = [StoryEntry(AT, kind, {"number": number}) for kind, number in kinds]
    assert story.of_incident(entries, 7, AT) == entries[1:]


def test_how_the_monitor_came_and_went_is_no_part() -> None:
    """Before it opened; but what was configured is, a monitor that was cut short, and one that had just begun."""
    start = {"digest": "a", "checks": "Flask", "cut": ""}
    before = [
        StoryEntry(AT - timedelta(minutes=9), StoryKind.STARTED, start),
        StoryEntry(AT - timedelta(minutes=8), StoryKind.STOPPED),
        StoryEntry(AT - timedelta(minutes=7), StoryKind.STARTED, start),
    ]
    kept = [
        StoryEntry(AT - timedelta(minutes=7), StoryKind.CONFIGURED, {"digest": "b"}),
        StoryEntry(AT - timedelta(minutes=6), StoryKind.SILENCED, {"number": "2"}),
        StoryEntry(AT - timedelta(minutes=5), StoryKind.STARTED, {**start, "cut": "1"}),
        StoryEntry(AT - timedelta(seconds=9), StoryKind.STARTED, start),
        StoryEntry(AT, StoryKind.STOPPED),
        StoryEntry(AT + timedelta(minutes=1), StoryKind.STARTED, start),
    ]
    assert story.of_incident([*before, *kept], 7, AT) == kept


@dataclass
class Lasting:
    opened_at: datetime
    closed_at: datetime | None


def test_what_was_done_just_before_belongs_to_it() -> None:
    assert story.span(Lasting(AT, None), AT + timedelta(hours=5)) == (AT - timedelta(minutes=30), AT + timedelta(hours=5))
    assert story.span(Lasting(AT, AT + timedelta(hours=1)), AT + timedelta(hours=5))[1] == AT + timedelta(hours=1)


def test_every_kind_has_a_sentence() -> None:
    assert set(ko.STORY) == set(StoryKind)
