"""The Korean catalogue: who may do what, and what people have done since."""

from __future__ import annotations

from monitor_blueprint.domain.story import StoryKind

STORY = {
    StoryKind.UNACKED: "장애 {number}번 담당 해제: {by}",
    StoryKind.NOTED: "장애 {number}번 메모 ({by}): {text}",
    StoryKind.CHECKED: "수동 점검: {checks} ({by})",
    StoryKind.TRIED: "테스트 알림 발송: {by}",
    StoryKind.ADMITTED: "토큰 {name} 추가, 권한 {role}: {by}",
    StoryKind.DISMISSED: "토큰 {name} 폐기: {by}",
    StoryKind.TURNED_AWAY: "틀린 토큰으로 접속 시도 {count}번 (주소 {address}) - 잠시 거절",
}
