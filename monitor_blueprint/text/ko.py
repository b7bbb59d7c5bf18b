"""The Korean catalogue: every line that is said, in the order in which an operator meets it: log, messages, commands.

What is sent is longer than a line: the messages are templates, in `templates/ko/`. The pages' words stand in the pages.
"""

from __future__ import annotations

from monitor_blueprint.domain.models import EventKind, Status
from monitor_blueprint.domain.story import StoryKind
from monitor_blueprint.text import ko_access, ko_models, ko_resources, ko_services
from monitor_blueprint.text.texts import Texts

# --- Words that stand in many places

UNITS = ((86400, "일"), (3600, "시간"), (60, "분"), (1, "초"))
NEVER = "없음"
# Units that a probe measures in, where Korean has a word.
MEASURES = {"d": "일", "h": "시간", "min": "분", "/min": "/분"}
SMALLER_MEASURES = {"d": ("h", 24), "h": ("min", 60)}


# --- The log of a health check: its frame and its steps

RULE = "========================================="
START = "NeuroNova 헬스 체크 시작"
END = "헬스 체크 완료: {overall}"
UNCHANGED = "헬스 체크 완료: {overall} (점검 {count}개, 변화 없음)"
UNCHANGED_BAD = " - 문제: {names}"
UNCHANGED_OPEN = " - 진행 중인 장애 {number}번"
STEP = "{number}. {title} 확인 중..."
SHARED_TITLE = "{title} ({name})"
# What a step is called; a check that is not here is called by its kind, then by its name.
TITLES = {
    "Flask": "Flask ML 서버 상태",
    "disk": "디스크 사용량",
    "memory": "메모리 사용량",
    "cpu": "CPU 로드",
    "service": "{name} 상태",
    "health_body": "Django 자체 점검",
    "golden": "ML 예측 검증",
    "restarts": "서비스 재시작",
    "oom": "메모리 부족(OOM) 종료",
    "journal": "오류 로그",
    "nginx_log": "Nginx 로그",
    "tls": "TLS 인증서",
    "inodes": "아이노드 사용량",
    "swap": "스왑 사용량",
    "disk_trend": "디스크 증가 추세",
    "backup": "백업",
    "updates": "보안 업데이트",
    "log_rotation": "로그 로테이션",
    "monitor": "모니터 자체 상태",
} | ko_models.TITLES


# --- The log: what a reading says

# By (kind, aspect), filled from the reading's facts. What is not here gets the general text: a new probe needs no entry.
LINES = ko_resources.LINES | ko_services.LINES | ko_models.LINES
GENERAL = Texts("{name}: {aspect} 정상{shown}", "{name}: {aspect} 경고{shown}", "{name}: {aspect} 위험{shown}")
ABSENT = Texts("{name}: 이 서버에 없음 (점검 제외)")
STATES = {
    "not-found": "systemd 유닛 없음",
    "masked": "시작이 막혀 있음. 조치: systemctl unmask {unit}",
    "bad-setting": "유닛 파일 오류. 조치: systemd-analyze verify {unit}",
    "error": "유닛 파일을 읽을 수 없음. 조치: systemctl status {unit}",
}
REASONS = ko_resources.REASONS | ko_services.REASONS
# What came from outside is not repeated where others read it.
WITHHELD = "비공개"
LOOK = "{line} - 자세히: sudo neuronova-monitor status"
AND_OTHERS = "{names} 외 {count}개"
ONLY_OTHERS = "이름 비공개 항목 {count}개"
# After what is judged bad: from where on. What has come down a little stays bad until it is clearly below.
LIMITS = {Status.WARNING: " · 경고 기준 {limit}", Status.CRITICAL: " · 위험 기준 {limit}"}
CLEARED = "{limit} ({clear} 미만이면 해제)"
MEASURED_LIMIT = "{at}"
BOTH_LIMITS = " · 경고 기준 {warning}, 위험 기준 {critical}"
UNKNOWN = "{name}: 확인 불가 ({reason})"
SETTLING = "{name}: 재시작 중 ({state}){limit}"
LIMIT = " - 시작 제한 {limit_s}초, 그때까지 준비되지 않으면 장애로 알림"
WARMING_UP = "{name}: 응답 대기 중 ({reason}) - 곧 다시 확인"
# Of one that has been told to be down.
NOT_READY = "{name}: 아직 정상 응답 없음 ({reason}) - 곧 다시 확인"
# Of what depends on something else: whether that is being restarted is not known here.
LOOKED_AT_AGAIN = " - 곧 다시 확인"
UNCONFIRMED = "{line} - 재확인 대기"
NOT_DUE = "{line} - 이전 결과 ({at})"
NOTHING_SEEN = "{name}: 결과 없음"
# What a private text is that had no place in the sentence, where the text itself does not say it.
SAID = {"model_name_text": "모델: {said}", "entries_text": "항목: {said}"}
AT_ADDRESS = " - {address}"


# --- The page and `status`: why a check stands as it does

STANDINGS = {
    "failing": "{since}부터 장애",
    "consequence": "{since}부터 · 원인: {causes}",
    "unseen": "{since}부터 확인할 수 없음",
    "unstable_down": "불안정 (최근 {changes}번 상태가 바뀜) · {since}부터 중단",
    "unstable_up": "불안정 (최근 {changes}번 상태가 바뀜) · {since}부터 정상, 더 지켜보는 중",
    "improved": "{since}부터 경고 수준 · 정상이 되면 복구로 알림",
    "awaited": "{since}부터 정상 · 관련 항목을 다시 확인한 뒤 복구로 알림",
    "unconfirmed": "{since}부터 이상 감지 · 한 번 더 확인되면 장애로 알림",
    "settling": "{since}부터 지켜보는 중 · 곧 다시 확인",
    "warned": "{since}부터 경고 · 알림 없이 기록만",
}
# Of what is not told of yet: what may have brought it about.
LIKELY_CAUSE = "원인으로 보이는 항목: {causes}"
# The first words of the status and the page: what is not well, the cause first, and since when.
NOT_WELL = "{name} ({since}부터)"
NOT_WELL_TOO = "함께 영향: {names}"
NO_REASON = "이유 없음"
WATCHED = "{share} (관찰 {known})"
SILENCED_NOTE = "알림 중지 중 ({until}까지, {why})"


# --- The log: what a health check says besides

# What `systemctl status gunicorn_monitor` shows.
SYSTEMD_STATUS = "{overall} · 점검 {count}개 · 마지막 헬스 체크 {at}"
SYSTEMD_FAILED = "헬스 체크를 하지 못함: journalctl -u gunicorn_monitor 확인"
SYSTEMD_WAITING = "대기 중: 다른 모니터가 실행 중 (PID {pid})"
TRIGGERED = "systemd 알림: {names} 상태 변경 - 즉시 점검"
NOTE = "모니터: {note}"
SILENCED_LINE = "알림 중지 중: {check}, {until}까지 - 이유: sudo neuronova-monitor silences"
EVENT = "알림: 장애 {incident}번 {kind} - {names} ({channels})"
EVENT_KINDS = {
    EventKind.OPENED: "발생",
    EventKind.JOINED: "추가",
    EventKind.WORSENED: "악화",
    EventKind.BLIND: "확인 불가",
    EventKind.FLAPPING: "불안정",
    EventKind.CALM: "안정",
    EventKind.REMINDER: "계속",
    EventKind.PARTLY_RECOVERED: "일부 복구",
    EventKind.RECOVERED: "복구",
}


# --- The log: what is the matter with the monitor itself

NO_CHANNEL = "알림 채널이 설정되지 않음: SLACK_WEBHOOK 또는 ALERT_EMAIL 을 설정하십시오"
ALL_CHANNELS_FAILING = "모든 알림 채널이 전송에 실패하고 있음: {names}"
CHANNEL_FAULT = "사용할 수 없는 알림 채널 파일: {reason}"
GIVEN_UP = "수신 확인이 끝내 오지 않아 새로운 일만 알림, 다시 확인하려면: sudo neuronova-monitor check-config --send"
CHANNEL_HEALTH = {"failing": "재시도 중", "refused": "거부됨", "in_doubt": "수신 확인 없음", "given_up": GIVEN_UP}
CHANNEL_REMARK = "{name} 알림은 전송되지만 주의가 필요함: {remark}"
REPLACED_KEY = "설정 [[channel]] {kind}: {key} 은(는) 더 이상 쓰이지 않아 무시됨. {remedy} 그 줄을 지우십시오"
NO_ANSWER = "응답 없음"
CHECK_CONFIG = "{path}, 확인: sudo neuronova-monitor check-config"
LOG_CURE = " - 소유자가 바뀜. 조치: systemctl restart gunicorn_monitor"
NOBODY_LET_IN = "관리자 토큰이 없음: 아무도 접속할 수 없음"
NO_LOCK = "잠금 파일을 만들 수 없음 ({reason}) - 파일 없이 잠금"
WAITING_FOR_LOCK = "다른 모니터가 실행 중 (PID {pid}) - 대기"
WATCHING = "systemd 상태 변경 감시 시작: {units}"
NO_SYSTEMD = "systemd 없음 ({reason}) - 정기 점검만 함"
WATCH_LOST = "systemd 상태 변경 감시 끊김 ({reason}) - 재연결, 정기 점검은 계속됨"


# --- The log of the schedule's runs (cron.log)

TOOK_OVER = "점검 일정을 맡음 (PID {pid})"
RUN_STARTED = "헬스 체크 실행 ({reason})"
RUN_ENDED = "헬스 체크 종료: {overall} ({duration:.2f}초)"
RUN_FAILED = "헬스 체크 실패: {reason}"
RUN_MISSED = "예정된 헬스 체크를 건너뜀: {reason}"


# --- Messages: their subjects, and what is added to them (they themselves: `templates/ko/`, and their parts: `ko_messages`)

MORE_NAMES = "{names} 외 {count}개"
REPEATED = "(재전송: 이전 발송의 수신 확인을 받지 못했습니다)"
BRIEF = "(거부된 알림을 증거 없이 짧게 보냄: sudo neuronova-monitor history {number})"
UNSURE_EVENTS = "수신 확인을 받지 못한 앞선 알림 (이미 받으셨을 수 있음):"
UNSURE_EVENT = "- {at} · {id} · {subject}"
DEADMAN_SUBJECT = "[CRITICAL] NeuroNova 모니터 응답 없음"
DEADMAN_BACK_SUBJECT = "[OK] NeuroNova 모니터 복구"
TEST_SUBJECT = "[TEST] NeuroNova 테스트 알림"


# --- The story: what people did, and what befell the monitor

STORY = {
    StoryKind.ACKED: "장애 {number}번 담당: {by}",
    StoryKind.SILENCED: "{check} 알림 중지: {until}까지 ({number}번, {by}: {why})",
    StoryKind.UNSILENCED: "알림 중지 {number}번 해제: {by}",
    StoryKind.STARTED: "모니터 시작됨",
    StoryKind.STOPPED: "모니터 종료됨",
    StoryKind.RESTARTED: "모니터 다시 시작됨",
    StoryKind.CONFIGURED: "설정이 바뀜",
    StoryKind.RENEWED: "서비스 수동 재시작: {units}",
} | ko_access.STORY
STORY_REREAD = "모니터가 설정을 다시 읽음"
STORY_CUT = " (이전 실행이 비정상 종료됨)"
STORY_CONFIGURED = ", 설정이 바뀜"
STORY_CHANGES = {"added": ", 추가된 점검: {names}", "removed": ", 빠진 점검: {names}"}
MEASURED = "측정: {line}"


# --- How a message fared, on the page and in the history

DELIVERIES = {
    "pending": "대기 중",
    "delivered": "전송됨",
    "refused": "거부됨",
    "in_doubt": "보냈으나 수신 확인 없음",
    "expired": "오래되어 보내지 않음",
}
DELIVERED_LATE = "{channel}: {at}에 전송됨, {late} 늦음"
NOT_SENT = "알림 채널 없음"


# --- The commands

HELP = {
    "monitor": "NeuroNova 모니터 명령. 상태 확인, 알림 중지, 설정 점검.",
    "health-check": "헬스 체크를 한 번 실행합니다. 종료 코드: 0 OK, 1 WARNING, 2 CRITICAL, 3 확인 불가.",
    "json": "결과를 JSON으로 출력합니다.",
    "status": "마지막 결과를 보여 줍니다 (점검하지 않음). 종료 코드: 0 OK, 1 WARNING, 2 CRITICAL, 3 확인 불가 또는 점검 멈춤.",
    "silence": "CHECK의 알림을 DURATION 동안(예: 30m, 2h, 1h30m) 보내지 않습니다. CHECK가 '*'이면 전체.",
    "why": "알림을 중지하는 이유.",
    "silences": "알림 중지 목록.",
    "unsilence": "알림 중지를 끝냅니다.",
    "ack": "진행 중인 장애를 맡습니다. 새로운 일이 생길 때까지 반복 알림을 보내지 않습니다.",
    "by": "맡은 사람.",
    "history": "장애 기록. NUMBER를 주면 그 장애의 경과와 증거를 보여 줍니다.",
    "check-config": "설정 파일과 환경 변수를 점검하고, 유닛과 마운트 지점과 주소가 실제로 있는지 시험합니다.",
    "send": "실행 중인 모니터가 채널마다 테스트 메시지를 하나씩 보내게 합니다.",
    "test-alert": "채널마다 테스트 메시지를 하나씩 보내고 응답을 보여 줍니다.",
    "deadman": "모니터 자체가 살아 있는지 확인하고, 15분 동안 응답이 없으면 직접 알립니다 (타이머용).",
    "url": "모니터의 /health 주소 (기본값: MONITOR_BIND의 주소).",
} | ko_access.HELP
NO_ACCESS = "{path}에 쓸 권한이 없습니다 (사용자 {user}). sudo로 실행하십시오."
NOT_KEPT = "기록하지 못했습니다: {reason}"
NOT_READ = "기록을 읽지 못했습니다: {reason}. 확인: systemctl status gunicorn_monitor, {look}"

# Of status.
STATUS_HEAD = "{overall}: 서버 {server}"
STATUS_BAD = "{overall}: {what} · 서버 {server}"
# An incident that is open though nothing is critical any more, and why each of its checks still belongs to it.
STILL_OPEN = "진행 중인 장애 {number}번{why}"
STILL_WHY = " ({why})"
STILL = {
    "awaited": "{name} 복구 확인 중",
    "improved": "{name} 경고 수준",
    "unstable_up": "{name} 불안정",
    "unstable_down": "{name} 불안정, 중단",
    "unseen": "{name} 확인할 수 없음",
    "settling": "{name} 지켜보는 중",
    "unconfirmed": "{name} 이상 감지",
}
OWN_TROUBLE = "모니터 자체에 문제가 있음 (아래 '모니터:' 줄)"
STATUS_LAST = "마지막 헬스 체크: {at} (모니터 PID: {pid})"
STALLED = "점검이 멈춰 있습니다"
FIRST = "시작 후 첫 점검이 진행 중입니다"
STOPPED = "모니터가 실행되고 있지 않습니다"
STATUS_FIRST = "{overall}: {why} (서버 {server}). 아래는 마지막 점검 때의 상태입니다"
STATUS_OLD = "{overall}: {why} (서버 {server}). 아래는 마지막 점검 때의 상태입니다. 확인: systemctl status gunicorn_monitor"
REMAINING = " · 남은 항목은 {since}부터"
# What was not well when it was last looked at.
LAST_SEEN = "마지막으로 본 상태: {overall} · {what}"
STATUS_INCIDENT = "진행 중인 장애: {number}번 ({at}부터{remaining}) · {owner} · 경과: sudo neuronova-monitor history {number}"
OWNER = "담당: {by} ({at}부터)"
NO_OWNER = "담당자 없음, 맡으려면: sudo neuronova-monitor ack"
STATUS_SILENCE = "알림 중지 {silence}"
STATUS_PART = "  - {name}: {note}"
STATUS_FOUND = "{indent}{line}"
STATUS_COMMANDS = "{indent}확인: {command}"
STATUS_RUNBOOK = "{indent}지침: {runbook}"

# Of silence, silences, unsilence.
BAD_DURATION = "'{value}'은(는) 기간이 아닙니다. 30m, 2h, 1h30m 처럼 쓰십시오 (최대 30일)"
NO_WORDS = "비워 둘 수 없습니다. 나중에 보는 사람이 알 수 있게 쓰십시오"
UNKNOWN_CHECK = "'{check}'은(는) 없는 점검 항목입니다. 가능한 값: {names}"
SILENCED = "{number}번: {check} 알림을 {until}까지 보내지 않습니다"
SILENCE = "{number}번: {check}, {until}까지 - {why}"
NO_SILENCE = "중지된 알림이 없습니다"
NO_SUCH_SILENCE = "{number}번 알림 중지는 없거나 이미 끝났습니다"
UNSILENCED = "{number}번 알림 중지를 끝냈습니다"

# Of ack, history.
ACKNOWLEDGED = "장애 {number}번 담당: {by}"
NO_INCIDENT = "진행 중인 장애가 없습니다"
INCIDENT_LINE = "{number}번  {opened} ~ {closed}  {names}"
LASTED = "{closed} ({lasted})"
ONGOING = "진행 중"
NO_HISTORY = "기록된 장애가 없습니다"
NO_SUCH_INCIDENT = "장애 {number}번은 없습니다"

# Of deadman.
DEADMAN_WAITING = "모니터 응답 없음: {since}부터 (15분이 지나면 알림)"
DEADMAN_UNTOLD = "알리지 못함: {names}"
DEADMAN_FORGETFUL = "상태를 기록할 수 없음: {path}"
