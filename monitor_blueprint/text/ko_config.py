"""The Korean catalogue's lines of a configuration that cannot be used, or is not in use yet."""

from __future__ import annotations

import re

from monitor_blueprint.domain.language import said

# Of every command but `check-config`, before all else.
FAULT_RUNNING = (
    "경고: 설정에 오류가 있음: {fault} - 모니터는 {since}의 설정으로 계속 실행 중이고 이 명령도 그 설정을 씀."
    " 확인: sudo neuronova-monitor check-config"
)
FAULT_STOPPED = (
    "경고: 설정에 오류가 있음: {fault} - 모니터가 마지막으로 쓰던 {since}의 설정을 씀. 고치기 전에는 모니터가 시작되지 않음."
    " 확인: sudo neuronova-monitor check-config"
)
# Of the monitor's own check.
NOT_USABLE = "설정 오류로 적용할 수 없음: {fault} - 모니터를 재시작하면 시작되지 않음. 확인: sudo neuronova-monitor check-config"
NOT_APPLIED = (
    "설정 파일이 바뀌었지만 적용되지 않음 ({path}). 확인: sudo neuronova-monitor check-config,"
    " 적용: sudo systemctl reload gunicorn_monitor"
)

WORDS = {
    "int": "정수",
    "float": "수",
    "str": '글자("...")',
    "bool": "true/false",
    "array": "목록([...])",
    "object": "표",
    "null": "null",
}
OR = " 또는 "
MOST = {"<=": "{limit} 이하", ">=": "{limit} 이상", "<": "{limit} 미만", ">": "{limit} 초과"}
BOUND = "{key} 값은 {most}이어야 함"
TYPE = "{key} 값은 {wanted} 형식이어야 함 (지금은 {given})"
EMPTY = "{key} 값이 비어 있음"
# The errors are written in English where the file is read; what is not here stays as it is.
SENTENCES = {
    r"^(environment: .*?)\b([A-Z_]+) is not known": r"\1\2은(는) 없는 변수",
    r"^environment: ": "환경 변수(monitor.env): ",
    r"not valid TOML: (.*?) ?\(at line (\d+), column (\d+)\)": r"TOML 형식 오류, \2번째 줄 \3번째 글자 (\1)",
    r"not valid TOML: (.*?) ?\(at end of document\)": r"TOML 형식 오류, 파일 끝 (\1)",
    r"not valid TOML: ": "TOML 형식 오류: ",
    r"cannot be read \((.*?)\); NEURONOVA_CONFIG must name a readable file": r"파일을 읽을 수 없음 (\1)",
    r'\bkey ("[^"]*"|\*\*\*|"\*\*\*") is not known': r"키 \1은(는) 없는 키",
    r'\b(\w+) ("[^"]*"|\*\*\*) is not known': r"\1의 값 \2은(는) 없는 값",
    r'did you mean ("[^"]*"|\w+)\?': r"혹시 \1?",
    r"; allowed: none$": "; 가능한 값: 없음",
    r"Invalid enum value ('[^']*'|\*\*\*) - at `\$\.([\w.\[\]]+)`": r"\2의 값 \1은(는) 없는 값",
    r"`?warning`? must not be above `?critical`?": "warning 값은 critical 값보다 클 수 없음",
    r": top level: ": ": 최상위: ",
    r"; allowed: ": "; 가능한 값: ",
    r"\b(\w+) is missing\b": r"\1 키가 없음",
    r"Object missing required field `(\w+)`": r"\1 키가 없음",
    r"the name is taken; every check needs a name of its own": "이미 쓰인 이름. 점검마다 다른 이름을 쓰십시오",
    r"must be written (\[\[\w+\]\]), with double brackets, once for each": r"항목은 \1 처럼 대괄호 두 개로 쓰십시오",
    r"must be a table of keys and values": "항목은 키와 값의 표여야 함",
    r"depends_on names the check itself": "depends_on이 자기 자신을 가리킴",
    r"is there twice; each kind can be there once": "두 번 있음. 종류마다 한 번만 쓰십시오",
    r"is no name of a systemd unit, such as": "은(는) systemd 유닛 이름이 아님. 예:",
    r"no \[\[check\]\] is configured.*": "[[check]]가 하나도 없음",
    r"\b(MONITOR_\w+) must be 16 to 256 letters, digits and \. _ ~ - \(or empty: one is made\)": (
        r"\1 값은 영문자, 숫자, . _ ~ - 16~256자여야 함 (비워 두면 자동으로 만듦)"
    ),
    r"\b(MONITOR_\w+) must be 16 to 256 letters, digits and \. _ ~ - \(or empty: there is none\)": (
        r"\1 값은 영문자, 숫자, . _ ~ - 16~256자여야 함 (비워 두면 없음)"
    ),
    r"\bMONITOR_STATS_TOKEN must be another one than MONITOR_ADMIN_TOKEN": (
        "MONITOR_STATS_TOKEN 값은 MONITOR_ADMIN_TOKEN과 달라야 함"
    ),
    r"\b(\w+) must be 127\.0\.0\.1:PORT or unix:/PATH \(or empty: ([^)]+)\)": (
        r"\1 값은 127.0.0.1:PORT 또는 unix:/PATH여야 함 (비워 두면 \2)"
    ),
    r"\b(\w+) must be an https:// URL \(http:// only to this machine itself\)": (
        r"\1 값은 https:// 주소여야 함 (http://는 이 서버 자신에게만)"
    ),
    r"\b(\w+) must be an http:// or https:// URL": r"\1 값은 http:// 또는 https:// 주소여야 함",
    r"\b(\w+) must be a number from 1 to 65535": r"\1 값은 1~65535의 수여야 함",
    r"\b(\w+) must be one of (\w+(?:, \w+)*) \(or not set: used where the server offers it\)": (
        r"\1 값은 \2 가운데 하나여야 함 (비워 두면 서버가 지원할 때 사용)"
    ),
    r"\b(\w+) must be a host name or an address \(HOST, HOST:PORT or \[ADDRESS\]:PORT\), without scheme": (
        r'\1 값은 호스트 이름이나 주소여야 함 (HOST, HOST:PORT 또는 "[ADDRESS]:PORT"), 앞에 ://를 붙이지 마십시오'
    ),
    r"\bSMTP_USER and SMTP_PASSWORD must both be set, or neither": "SMTP_USER와 SMTP_PASSWORD는 둘 다 쓰거나 둘 다 비우십시오",
    r"\b(\w+) goes on in the next line: is its closing quotation mark missing\?": (
        r"\1 값이 다음 줄로 이어짐. 닫는 따옴표가 빠졌는지 확인하십시오"
    ),
    r"\bALERT_EMAIL: number (\d+)": r"ALERT_EMAIL의 \1번째 주소",
    r" is no mail address \(several are separated by commas\)": ": 메일 주소가 아님, 여러 개는 쉼표로 구분",
    r"\bALERT_EMAIL holds no address \(several are separated by commas\)": "ALERT_EMAIL에 주소가 없음, 여러 개는 쉼표로 구분",
    " has no domain, and only a mail server of this machine itself knows whom it means": (
        ": @도메인이 없음. 이 서버 자신의 메일 서버만 누구인지 앎"
    ),
    r"\bSMTP_HOST and SMTP_PORT name different ports": "SMTP_HOST와 SMTP_PORT의 포트가 서로 다름",
    r"\bSMTP_TLS=none would send SMTP_PASSWORD in clear: use starttls or tls, or leave SMTP_USER out": (
        "SMTP_TLS=none이면 SMTP_PASSWORD가 암호화되지 않고 전송됨. starttls나 tls를 쓰거나 SMTP_USER를 비우십시오"
    ),
    r"\bthere is no file ([^;]+)": r"\1 위치에 파일이 없음",
    r"\b(MONITOR_URL) must be where people open the monitor's pages, as (\S+) or (\S+),"
    r" without user, query and fragment \(or empty: messages have no link\)": (
        r"\1 값은 사람들이 모니터 페이지를 여는 주소여야 함: \2 또는 \3, 사용자와 ?, # 없이 (비우면 알림에 링크 없음)"
    ),
    r'(\S+) and (\S+) must be two different local times such as ("[^"]*")': r"\1와 \2는 서로 다른 시각이어야 함. 예: \3",
    r"\ba service needs `unit`, `url` or both": "service 점검에는 unit이나 url이 필요함",
    '`body` needs `method = "POST"`': 'body를 쓰려면 method = "POST"가 필요함',
    r'(\S+) must be a local time such as ("[^"]*")': r"\1 값은 그 지역의 시각이어야 함. 예: \2",
    r"(\S+) must be a text of 1 to 40 characters without blanks, quotes and \*": r"\1 값은 공백, 따옴표, *가 없는 1~40자여야 함",
    r"(\S+) must be one line of 300 characters at most, or a link": r"\1 값은 300자 이하의 한 줄 또는 링크여야 함",
    r"\b(\w+) must be ([^;]+)": r"\1 값은 다음이어야 함: \2",
}
_TYPE = re.compile(r"Expected `([^`]+)`, got `([^`]+)` - at `\$\.([\w.\[\]]+)`")
_BOUND = re.compile(r"Expected `([^`]+)` (<=|>=|<|>) ([\d.]+) - at `\$\.([\w.\[\]]+)`")
_LENGTH = re.compile(r"Expected `[^`]+` of length >= (\d+) - at `\$\.([\w.\[\]]+)`")


def fault(error: str) -> str:
    """Return what is wrong with the configuration in words of ours, as far as there are any for it."""
    told = _BOUND.sub(_bound, error)
    told = _TYPE.sub(lambda found: said(TYPE).format(key=found[3], wanted=_types(found[1]), given=_types(found[2])), told)
    told = _LENGTH.sub(lambda found: said(EMPTY).format(key=found[2]), told)
    for pattern, sentence in SENTENCES.items():
        told = re.sub(pattern, said(sentence), told)
    return told


def _bound(found: re.Match[str]) -> str:
    return said(BOUND).format(key=found[4], most=said(MOST[found[2]]).format(limit=found[3]))


def _types(named: str) -> str:
    return said(OR).join(said(WORDS.get(each.strip(), each.strip())) for each in named.split("|"))
