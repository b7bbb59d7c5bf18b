"""What somebody is told who types wrongly at three in the morning: in Korean, which field it is, and what to type instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor_blueprint.cli import program
from monitor_blueprint.domain.models import Reading, Status
from monitor_blueprint.domain.text import Public
from monitor_blueprint.probes import Observation
from tests.monitor_blueprint.conftest import Script
from tests.monitor_blueprint.running import configure

DOWN = Observation((Reading("thing", Status.CRITICAL, facts={"reason": Public("gone")}),))
# What may stand in a Korean sentence: commands, fields, units, and what was typed.
ENGLISH = re.compile(r"\b(Error|Usage|Try|Missing|Invalid|No such|unexpected|requires|not a valid)\b")
Said = Callable[..., tuple[int, str]]

pytestmark = pytest.mark.usefixtures("script")


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    """Runs the program as it is; returns its exit code and what it says of errors."""
    monkeypatch.setenv("NEURONOVA_CONFIG", str(configure(tmp_path)))

    def run(*arguments: str) -> tuple[int, str]:
        code = 0
        try:
            program.run(list(arguments))
        except SystemExit as ended:
            code = int(str(ended.code or 0))
        return code, capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("typed", "code", "told"),
    [
        (("statsu",), 3, "'statsu' 명령은 없습니다 (혹시 status?). 가능한 명령: ack, "),
        (("token", "ad", "x"), 3, "'ad' 명령은 없습니다 (혹시 add?). 가능한 명령: add, list, revoke"),
        (("status", "--jsn"), 3, "'--jsn' 옵션은 없습니다 (혹시 --json?)"),
        (("silence", "flask", "30m", "--why", "x"), 3, "CHECK: 'flask'은(는) 없는 점검 항목입니다. 가능한 값: Flask, Disk"),
        (("silence", "flask", "30m", "--why", "x"), 3, "(혹시 Flask?)"),
        (("silence", "Flask", "30", "--why", "x"), 3, "DURATION: '30'은(는) 기간이 아닙니다. 30m, 2h"),
        (("silence", "Flask", "--why", "x"), 3, "DURATION 값이 빠졌습니다: 알림을 중지할 기간. 30m, 2h"),
        (("silence",), 3, "CHECK 값이 빠졌습니다: 점검 이름"),
        (("silence", "Flask", "30m"), 3, "--why 옵션이 빠졌습니다: "),
        (("silence", "Flask", "30m", "--why"), 3, "--why 옵션 뒤에 값이 없습니다"),
        (
            ("silence", "Flask", "30m", "--why", "a", "word"),
            3,
            "'word'은(는) 이 명령이 받지 않는 인자입니다. 띄어쓰기가 있는 글은",
        ),
        (("silence", "Flask", "30m", "--why", " "), 3, "--why: 비워 둘 수 없습니다"),
        (("unsilence", "abc"), 3, "NUMBER: 'abc'은(는) 번호가 아닙니다. 1 이상의 정수를"),
        (("unsilence", "99"), 1, "조치: 번호 보기: sudo neuronova-monitor silences"),
        (("history", "0"), 3, "NUMBER: '0'은(는) 번호가 아닙니다"),
        (("history", "77"), 1, "장애 77번은 없습니다\n조치: 번호 보기: sudo neuronova-monitor history"),
        (("note", "1", "a", "b"), 3, "'b'은(는) 이 명령이 받지 않는 인자입니다. 띄어쓰기가 있는 글은 따옴표로"),
        (("note", "hi"), 3, "NUMBER: 'hi'은(는) 번호가 아닙니다"),
        (("note", "1", "x"), 1, "장애 1번은 없습니다\n조치: "),
        (("token", "add", "x", "--role", "admin"), 3, "--role: 'admin'은(는) 쓸 수 없는 값입니다. 가능한 값: stats, read"),
        (("token", "add", "x"), 3, "--role 옵션이 빠졌습니다: stats, read, operate"),
        (("token", "revoke", "nobody"), 1, "조치: 이름 보기: sudo neuronova-monitor token list"),
        (("deadman", "--url", "foo"), 3, "--url: 'foo'은(는) 주소가 아닙니다. http://"),
        (("watch", "--interval", "0.1"), 3, "--interval: '0.1'은(는) 쓸 수 없는 값입니다. 0.5에서 3600 사이의 초를"),
        (("health-check", "Flask"), 3, "'Flask'은(는) 이 명령이 받지 않는 인자입니다. 빼고"),
        (("ack",), 1, "진행 중인 장애가 없습니다\n조치: 지난 장애 보기: sudo neuronova-monitor history"),
        (("ack", "7"), 1, "장애 7번은 없습니다\n조치: 진행 중인 장애가 없습니다"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_mistake_is_told(said: Said, typed: tuple[str, ...], code: int, told: str) -> None:
    found, text = said(*typed)
    assert (found, text.startswith("오류: "), told in text) == (code, True, True), text
    assert not ENGLISH.search(text), text


def test_usage_and_an_example_follow(said: Said) -> None:
    assert said("silence", "Flask", "30", "--why", "x")[1].splitlines()[1:] == [
        "사용법: neuronova-monitor silence [옵션] CHECK DURATION",
        "예: sudo neuronova-monitor silence Flask 30m --why '배포'",
        "도움말: sudo neuronova-monitor silence --help",
    ]


def test_a_closed_incident_is_said_to_be_over(said: Said, script: Script) -> None:
    """With the one that is open, if any."""
    script["Flask"] = lambda context: DOWN
    said("health-check")
    assert said("ack", "1") == (0, "")
    assert said("unack", "1") == (0, "")
    script.clear()
    said("health-check")
    code, text = said("ack", "1")
    assert code == 1
    assert text.startswith("오류: 장애 1번은 20")
    assert text.endswith(
        "에 끝났습니다. 맡을 것이 없습니다\n조치: 진행 중인 장애가 없습니다. 지난 장애 보기: sudo neuronova-monitor history\n"
    )
    script["Flask"] = lambda context: DOWN
    said("health-check")
    assert said("unack", "1")[1].endswith("조치: 진행 중인 장애는 2번입니다: sudo neuronova-monitor unack 2\n")
