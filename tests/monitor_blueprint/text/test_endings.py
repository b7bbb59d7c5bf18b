from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor_blueprint.domain.unit_runs import Ending, UnitRun
from monitor_blueprint.text.endings import of_run

AT = datetime(2025, 12, 6, 5, 35, 1, tzinfo=UTC)
GUNICORN = ("/srv/venv/bin/python", "/srv/venv/bin/gunicorn", "site.wsgi")
pytestmark = pytest.mark.usefixtures("seoul")


def lines(
    code: str, status: int, *, command: str = "ExecStart", result: str = "exit-code", program: tuple[str, ...] = ()
) -> list[str]:
    return of_run(UnitRun(Ending(AT, command, code, status), 2, result, program=program)).splitlines()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (lambda: lines("exited", 203, program=("/srv/gone", "x")), "실행 파일이 없거나 실행할 수 없음: /srv/gone"),
        (lambda: lines("exited", 3, program=GUNICORN), "gunicorn이 워커를 띄우지 못함: 앱이 시작하다가 끝남"),
        (lambda: lines("exited", 4, program=GUNICORN), "gunicorn이 앱을 불러오지 못함"),
        (lambda: lines("killed", 9, result="oom-kill"), "메모리 부족으로 종료됨"),
        (lambda: lines("killed", 6, result="watchdog"), "응답이 없어(watchdog) systemd가 종료함"),
        (lambda: lines("killed", 15, result="timeout"), None),
        (lambda: lines("exited", 78), "설정 오류: 서비스의 설정 파일을 확인"),
        (
            lambda: lines("exited", 78, program=("python:monitor_blueprint.gunicorn_conf",)),
            "설정 오류: /etc/neuronova/monitor.toml 를 확인",
        ),
    ],
)
def test_what_an_ending_means(said, expected: str | None) -> None:  # type: ignore[no-untyped-def]
    found = said()
    assert (found[1] if found else None) == expected


@pytest.mark.parametrize(
    ("code", "status", "shown"),
    [
        ("exited", 1, "종료 코드 1/FAILURE"),
        ("exited", 42, "종료 코드 42"),
        ("killed", 9, "신호 9/KILL"),
        ("dumped", 11, "신호 11/SEGV (코어 덤프)"),
    ],
)
def test_status_has_its_name(code: str, status: int, shown: str) -> None:
    assert lines(code, status) == [f"주 프로세스 종료: {shown} · 2025-12-06 14:35:01 KST · 자동 재시작 2회"]
    assert lines(code, status, command="ExecStartPre")[0].startswith(f"제어 프로세스(ExecStartPre) 종료: {shown} ·")


def test_a_clean_end_is_none() -> None:
    """A stop, and a status that the unit calls a success."""
    assert lines("exited", 0) == lines("killed", 15) == []
    stopped = UnitRun(Ending(AT, "ExecStart", "exited", 143), result="success", is_stopped=True)
    assert of_run(stopped) == ""
    assert of_run(UnitRun(result="resources", environment_files=("/etc/x.env",))).endswith("- /etc/x.env")
