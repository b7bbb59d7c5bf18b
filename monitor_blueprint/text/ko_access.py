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

# Of the commands unack, note, token.
HELP = {
    "unack": "맡은 장애를 내려놓습니다. 반복 알림이 다시 나갑니다.",
    "note": "장애에 메모를 남깁니다. 기록과 페이지에 이름과 함께 남습니다.",
    "token": "페이지와 API에 들어오는 이름 있는 토큰.",
    "token add": "토큰을 만들어 한 번만 보여 줍니다. 저장되는 것은 해시뿐입니다.",
    "token list": "토큰 목록: 이름, 권한, 만든 사람, 마지막 사용.",
    "token revoke": "토큰을 폐기합니다. 그 토큰으로 연 세션도 끝납니다.",
    "role": "stats: 시스템 통계만. read: 읽기 (외부에서 온 글과 사람이 쓴 글은 제외). operate: 모두 보고 바꾸기.",
}
RELEASED = "장애 {number}번 담당 해제"
NOTED = "장애 {number}번에 메모를 남겼습니다"
BAD_NAME = "'{name}'은(는) 토큰 이름이 될 수 없습니다. 영문자, 숫자, . _ - 40자 이내 (admin, stats 제외)"
NAME_TAKEN = "{name}은(는) 이미 있거나, 토큰이 {most}개입니다. 먼저 폐기: neuronova-monitor token revoke {name}"
ADMITTED = "토큰 {name} (권한 {role}). 다시 볼 수 없으니 지금 보관하십시오:"
ENTRY = "{name}  {role}  만듦: {made} {by}  마지막 사용: {used}"
NOBODY = "이름 있는 토큰이 없습니다"
NO_SUCH_NAME = "{name} 토큰은 없습니다"
DISMISSED = "토큰 {name}을(를) 폐기했습니다"
