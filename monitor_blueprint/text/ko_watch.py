"""The Korean catalogue: `neuronova-monitor watch`, the picture in a terminal."""

from __future__ import annotations

HELP = {
    "watch": "상태를 터미널에서 계속 보여 줍니다. 키: q 끝내기, a 장애 맡기, ? 도움말. 종료 코드는 status와 같음 (Ctrl-C: 0).",
    "interval": "새로 읽는 간격 (초). 기록이 바뀌면 바로 다시 읽습니다.",
}

# Where it cannot be live.
NOT_A_TERMINAL = "터미널이 아니므로 한 번만 보여 줍니다. 계속 보려면 터미널에서: sudo neuronova-monitor watch"
DUMB_TERMINAL = (
    "이 터미널({name})은 화면을 지울 수 없어 한 번만 보여 줍니다. 계속 보려면: export TERM=xterm; sudo neuronova-monitor watch"
)

# The first lines: how it is, and how fresh that is.
HEAD = "{what} · 서버 {server}"
WELL = "서버 {server}"
STALE = "{why} · 서버 {server}"
STALE_CURE = "아래는 마지막 점검 때의 상태입니다. 확인: systemctl status gunicorn_monitor"
FIRST_UNDER_WAY = "아래는 마지막 점검 때의 상태입니다"
FRESH = "마지막 헬스 체크: {at} ({age} 전) · 지금 {now}"
NEVER_CHECKED = "헬스 체크를 한 적이 없습니다 · 지금 {now}"
WITH_CONSEQUENCES = "{names} · 함께 영향: {others}"

# The open incident.
INCIDENT = "진행 중인 장애 {number}번 ({at}부터) · {owner} · 경과: sudo neuronova-monitor history {number}"
OWNER = "담당: {by} ({at}부터)"
NO_OWNER = "담당자 없음 (a: 맡기)"

# A check that is not well, and the others.
COMMANDS = "확인: {commands}"
RUNBOOK = "지침: {runbook}"
SILENCED = "알림 중지"
CHECK_SILENCE = "{number}번: {check}, {until}까지 - {why}"
PLANNED_SILENCE = "{number}번: {check}, {since} ~ {until} - {why}"
WELL_CHECKS = "정상 {count}개: {names}"
LEFT_OUT = "제외 {count}개 (이 서버에 없음): {names}"
NOTHING_SEEN = "아직 점검 결과가 없습니다"

# The channels.
CHANNEL_OK = "알림 채널 {name}: 정상"
CHANNEL_BAD = "알림 채널 {name}: {sentence}"
CHANNEL_REMARK = "알림 채널 {name}: 정상 ({remark})"

# The last line.
KEYS_LINE = "q 끝내기 · a 장애 맡기 · ? 도움말"
MORE_BELOW = "▼ {count}줄 더 (↓)"
MORE_ABOVE = "▲ {count}줄 위 (↑)"
HELP_LINES = (
    "q        끝내기 (종료 코드: 0 OK, 1 WARNING, 2 CRITICAL, 3 확인 불가). Ctrl-C: 종료 코드 0",
    "a        진행 중인 장애를 맡습니다. 먼저 묻습니다. 새로운 일이 생길 때까지 반복 알림이 없습니다",
    "↓ j  ↑ k 한 줄씩, 스페이스 PageDown PageUp 한 화면씩, Home 처음으로",
    "?        이 도움말을 열고 닫습니다",
)
ASK = "장애 {number}번을 {by} 이름으로 맡겠습니까? y: 예, 다른 키: 아니오"
NOT_TAKEN = "맡지 않았습니다"
GONE_MEANWHILE = "장애 {number}번은 그사이 끝났습니다"
OWNED_ALREADY = "장애 {number}번은 이미 {by} 담당입니다"

# What the keys of a Korean keyboard write where the Latin ones are meant.
LATIN_KEYS = {"ㅂ": "q", "ㅁ": "a", "ㅛ": "y", "ㅓ": "j", "ㅏ": "k"}
