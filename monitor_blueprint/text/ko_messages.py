"""The Korean catalogue: what the parts of a message are called, and what one says that comes late."""

from __future__ import annotations

from monitor_blueprint.domain.models import Status

ZONE_LABEL = "시간대"
# Lines that stand once in a message that tells several.
SAID_ONCE = (f"{ZONE_LABEL}: ", "서버: ", "  확인: ", "담당하기: ")
LOOK_LABEL = "확인"
SINCE = "{since}부터"
NUMBERED = "장애 번호: {number}"
LINK_LABEL = "장애 화면"
LINK = f"{LINK_LABEL}: {{url}}"
COMMAND_LABELS = ("담당하기", "경과")

# Of one that comes late: when it was to be sent, when it was, and how its checks are by now.
LATE = "늦게 전달됨: {at}의 알림을 {now}에 보냄 ({late} 지연)"
NOW = "지금 상태: {states}"
LATE_LABELS = (LATE.partition(":")[0], NOW.partition(":")[0])
NOW_STATE = "{state} {names}"
NOW_SEEN = " (마지막 점검 {at})"
NOW_STATES = {Status.CRITICAL: "장애", Status.UNKNOWN: "확인 불가", Status.WARNING: "경고", Status.OK: "정상"}
NOW_NOTHING = "결과 없음"
# What such a message says of its own moment.
THEN = {"지금 중단": "당시 중단", "지금 정상": "당시 정상"}
# Up again, as far as is seen; whether it answers, and all that hangs on it does, is just being looked at.
AWAITED = "{line}, 응답 확인 중"
