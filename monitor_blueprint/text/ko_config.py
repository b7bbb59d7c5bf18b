"""The Korean catalogue's lines of a configuration that cannot be used, or is not in use yet."""

from __future__ import annotations

import re

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

_WORDS = {
    "int": "정수",
    "float": "수",
    "str": '글자("...")',
    "bool": "true/false",
    "array": "목록([...])",
    "object": "표",
    "null": "null",
}
_MOST = {"<=": "이하", ">=": "이상", "<": "미만", ">": "초과"}
# The errors are written in English where the file is read; what is not here stays as it is.
_SENTENCES = (
    (r"^environment: ", "환경 변수(monitor.env): "),
    (r"not valid TOML: (.*?) ?\(at line (\d+), column (\d+)\)", r"TOML 형식 오류, \2번째 줄 \3번째 글자 (\1)"),
    (r"not valid TOML: (.*?) ?\(at end of document\)", r"TOML 형식 오류, 파일 끝 (\1)"),
    (r"not valid TOML: ", "TOML 형식 오류: "),
    (r"cannot be read \((.*?)\); NEURONOVA_CONFIG must name a readable file", r"파일을 읽을 수 없음 (\1)"),
    (r'\bkey ("[^"]*"|\*\*\*|"\*\*\*") is not known', r"키 \1은(는) 없는 키"),
    (r'\b(\w+) ("[^"]*"|\*\*\*) is not known', r"\1의 값 \2은(는) 없는 값"),
    (r"^(환경 변수\(monitor\.env\): .*?)\b([A-Z_]+) is not known", r"\1\2은(는) 없는 변수"),
    (r'did you mean ("[^"]*"|\w+)\?', r"혹시 \1?"),
    (r"; allowed: none$", "; 가능한 값: 없음"),
    (r"Invalid enum value ('[^']*'|\*\*\*) - at `\$\.([\w.\[\]]+)`", r"\2의 값 \1은(는) 없는 값"),
    (r"`?warning`? must not be above `?critical`?", "warning 값은 critical 값보다 클 수 없음"),
    (r": top level: ", ": 최상위: "),
    (r"; allowed: ", "; 가능한 값: "),
    (r"\b(\w+) is missing\b", r"\1 키가 없음"),
    (r"Object missing required field `(\w+)`", r"\1 키가 없음"),
    (r"the name is taken; every check needs a name of its own", "이미 쓰인 이름. 점검마다 다른 이름을 쓰십시오"),
    (r"must be written (\[\[\w+\]\]), with double brackets, once for each", r"항목은 \1 처럼 대괄호 두 개로 쓰십시오"),
    (r"must be a table of keys and values", "항목은 키와 값의 표여야 함"),
    (r"depends_on names the check itself", "depends_on이 자기 자신을 가리킴"),
    (r"is there twice; each kind can be there once", "두 번 있음. 종류마다 한 번만 쓰십시오"),
    (r"is no name of a systemd unit, such as", "은(는) systemd 유닛 이름이 아님. 예:"),
    (r"no \[\[check\]\] is configured.*", "[[check]]가 하나도 없음"),
    (r"\b(\w+) must be ([^;]+)", r"\1 값은 다음이어야 함: \2"),
)
_TYPE = re.compile(r"Expected `([^`]+)`, got `([^`]+)` - at `\$\.([\w.\[\]]+)`")
_BOUND = re.compile(r"Expected `([^`]+)` (<=|>=|<|>) ([\d.]+) - at `\$\.([\w.\[\]]+)`")
_LENGTH = re.compile(r"Expected `[^`]+` of length >= (\d+) - at `\$\.([\w.\[\]]+)`")


def fault(error: str) -> str:
    """Return what is wrong with the configuration in Korean, as far as there are words for it."""
    said = _BOUND.sub(lambda found: f"{found[4]} 값은 {found[3]} {_MOST[found[2]]}이어야 함", error)
    said = _TYPE.sub(lambda found: f"{found[3]} 값은 {_types(found[1])} 형식이어야 함 (지금은 {_types(found[2])})", said)
    said = _LENGTH.sub(r"\2 값이 비어 있음", said)
    for pattern, sentence in _SENTENCES:
        said = re.sub(pattern, sentence, said)
    return said


def _types(named: str) -> str:
    return " 또는 ".join(_WORDS.get(each.strip(), each.strip()) for each in named.split("|"))
