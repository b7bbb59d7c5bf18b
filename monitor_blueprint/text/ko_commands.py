"""The Korean catalogue's lines of commands that were typed wrongly: what is wrong, and what to type instead."""

from __future__ import annotations

ERROR = "오류: {what}"
REMEDY = "조치: {remedy}"
USAGE = "사용법: {usage}"
EXAMPLE = "예: {example}"
MORE = "도움말: sudo {command} --help"
# The library's words in its line of usage.
USAGE_WORDS = {"Usage: ": "", "[OPTIONS]": "[옵션]", "COMMAND": "명령", "[ARGS]...": "[인자]..."}
NEEDS_ROOT = "root 권한이 필요합니다 (모니터의 설정을 읽습니다). 다시: sudo {command}"

NO_COMMAND = "'{name}' 명령은 없습니다{near}. 가능한 명령: {names}"
NO_OPTION = "'{name}' 옵션은 없습니다{near}"
NEAR = " (혹시 {names}?)"
MISSING = "{field} 값이 빠졌습니다{hint}"
MISSING_OPTION = "{field} 옵션이 빠졌습니다{hint}"
NO_VALUE = "{field} 옵션 뒤에 값이 없습니다{hint}"
BAD_VALUE = "{field}: {why}"
TOO_MANY = "'{words}'은(는) 이 명령이 받지 않는 인자입니다. 빼고 다시 입력하십시오"
# Several words where one was expected, of what is a sentence.
QUOTED = "'{words}'은(는) 이 명령이 받지 않는 인자입니다. 띄어쓰기가 있는 글은 따옴표로 묶으십시오"
OTHER = "명령을 이해할 수 없습니다: {what}"
FAULT = "{what}\n예상하지 못한 오류입니다. 확인: journalctl -u gunicorn_monitor -n 50"
# Of a field that is missing: what belongs there.
HINTS = {
    "check": ": 점검 이름, 전체는 '*' (이름 보기: sudo neuronova-monitor status)",
    "duration": ": 알림을 중지할 기간. 30m, 2h, 1h30m 처럼 쓰십시오 (최대 30일)",
    "why": ": 나중에 보는 사람을 위한 이유",
    "number": ": 번호",
    "words": ": 메모할 글",
    "name": ": 토큰 이름",
    "role": ": stats, read, operate 중 하나",
    "by": ": 맡은 사람",
    "interval": ": 새로 읽는 간격 (초)",
    "url": ": http:// 또는 https:// 주소",
}
EXAMPLES = {
    "silence": "sudo neuronova-monitor silence Flask 30m --why '배포'",
    "unsilence": "sudo neuronova-monitor unsilence 3 (번호 보기: sudo neuronova-monitor silences)",
    "ack": "sudo neuronova-monitor ack",
    "unack": "sudo neuronova-monitor unack",
    "history": "sudo neuronova-monitor history 12 (번호 보기: sudo neuronova-monitor history)",
    "note": "sudo neuronova-monitor note 12 '케이블 교체'",
    "add": "sudo neuronova-monitor token add django --role read",
    "revoke": "sudo neuronova-monitor token revoke django (이름 보기: sudo neuronova-monitor token list)",
}

# What the fields themselves refuse.
NO_NUMBER = "'{value}'은(는) 번호가 아닙니다. 1 이상의 정수를 쓰십시오"
NO_SECONDS = "'{value}'은(는) 쓸 수 없는 값입니다. {least:g}에서 {most:g} 사이의 초를 쓰십시오"
NOT_ONE_OF = "'{value}'은(는) 쓸 수 없는 값입니다. 가능한 값: {names}"
NO_ADDRESS = "'{value}'은(는) 주소가 아닙니다. http://127.0.0.1:9001/health 처럼 쓰십시오"

# Of what can be asked for, and is not there.
LOOK_INCIDENTS = "번호 보기: sudo neuronova-monitor history"
LOOK_BACK = "지난 장애 보기: sudo neuronova-monitor history"
LOOK_SILENCES = "번호 보기: sudo neuronova-monitor silences"
LOOK_TOKENS = "이름 보기: sudo neuronova-monitor token list"
INCIDENT_OVER = "장애 {number}번은 {at}에 끝났습니다. 맡을 것이 없습니다"
OPEN_NOW = "진행 중인 장애는 {number}번입니다: sudo neuronova-monitor {command} {number}"
NONE_OPEN = "진행 중인 장애가 없습니다. 지난 장애 보기: sudo neuronova-monitor history"
