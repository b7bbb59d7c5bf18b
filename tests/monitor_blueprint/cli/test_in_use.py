"""The commands while the file, or the environment, is not what the monitor runs by."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor_blueprint.cli import main
from monitor_blueprint.domain.models import Reading, Status
from monitor_blueprint.domain.text import Public
from monitor_blueprint.probes import Observation
from tests.monitor_blueprint.conftest import Reports, Script, StartMonitor
from tests.monitor_blueprint.running import SCRIPTED, configure

DOWN = Observation((Reading("thing", Status.CRITICAL, facts={"reason": Public("gone")}),))
CHECK = "확인: sudo neuronova-monitor check-config"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("NEURONOVA_CONFIG", str(tmp_path / "monitor.toml"))
    return lambda *arguments: CliRunner().invoke(main, [str(each) for each in arguments])


MISTAKES = {
    "no TOML": ('reminder_minutes = "', "TOML 형식 오류"),
    "an unknown key": ("every_minute = 5", '키 "every_minute"은(는) 없는 키 (혹시 "every_minutes"?); 가능한 값: every_minutes'),
    "a wrong type": ('reminder_minutes = "60"', 'reminder_minutes 값은 정수 형식이어야 함 (지금은 글자("..."))'),
    "too much": ("every_minutes = 31", "every_minutes 값은 30 이하이어야 함"),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_typo_leaves_status_usable(start_monitor: StartMonitor, run: Run, tmp_path: Path, mistake: tuple[str, str]) -> None:
    """The first line says what is wrong, and what the monitor runs by."""
    start_monitor()
    configure(tmp_path, settings=mistake[0])
    done = run("status")
    first, second, *others = done.output.splitlines()
    assert done.exit_code == 1
    assert first.startswith(f"경고: 설정에 오류가 있음: {tmp_path}/monitor.toml: ")
    assert mistake[1] in first
    assert "모니터는 20" in first
    assert first.endswith(CHECK)
    assert second.startswith("WARNING: 모니터 자체에 문제가 있음")
    assert any(line.startswith("OK       Flask ") for line in others)
    assert sum("오류" in line for line in done.output.splitlines()) == 1


@pytest.mark.parametrize("checks", ["", SCRIPTED])
def test_a_lost_file_is_no_end(
    start_monitor: StartMonitor, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checks: str
) -> None:
    """Nor one whose state directory is what is wrong; the unit says where that is."""
    start_monitor()
    path = configure(tmp_path)
    if checks:
        path.write_text(f'[monitor]\nstate_dri = "{tmp_path}/state"\n{checks}')
    else:
        path.unlink()
    assert run("status").exit_code == 3
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    done = run("status")
    assert done.exit_code == 1
    assert done.output.startswith(f"경고: 설정에 오류가 있음: {path}: ")


def test_every_command_works_by_what_is_in_use(start_monitor: StartMonitor, run: Run, script: Script, tmp_path: Path) -> None:
    script["Flask"] = lambda context: DOWN
    start_monitor()
    configure(tmp_path, settings="every_minute = 5")
    said = {
        ("ack", "--by", "minsu"): "장애 1번 담당: minsu",
        ("history",): "1번 ",
        ("history", 1): "1번 ",
        ("silence", "Flask", "30m", "--why", "x"): "1번: Flask 알림을 ",
        ("silences",): "1번: Flask, ",
        ("unsilence", 1): "1번 알림 중지를 끝냈습니다",
        ("note", 1, "x"): "장애 1번에 메모를 남겼습니다",
        ("token", "list"): "이름 있는 토큰이 없습니다",
        ("unack",): "장애 1번 담당 해제",
    }
    for command, line in said.items():
        done = run(*command)
        assert (done.exit_code, done.stdout.startswith(line)) == (0, True), command
        assert done.stderr.startswith("경고: 설정에 오류가 있음: "), command
    assert run("health-check").exit_code == 2


def test_json_carries_the_warning(start_monitor: StartMonitor, run: Run, tmp_path: Path) -> None:
    start_monitor()
    assert "warning" not in json.loads(run("status", "--json").stdout)
    configure(tmp_path, settings="every_minute = 5")
    for command in (("status",), ("history",), ("silences",), ("health-check",)):
        done = run(*command, "--json")
        assert json.loads(done.output)["warning"].startswith("경고: 설정에 오류가 있음: "), command
        assert done.exit_code == (1 if command[0] in ("status", "health-check") else 0)


def test_check_by_hand_is_no_better_than_warning(start_monitor: StartMonitor, run: Run, tmp_path: Path) -> None:
    start_monitor()
    assert run("health-check").exit_code == 0
    configure(tmp_path, settings="every_minute = 5")
    done = run("health-check")
    assert done.exit_code == 1
    assert "WARNING: 설정: 설정 오류로 적용할 수 없음: " in done.output


def test_check_config_stays_strict(start_monitor: StartMonitor, run: Run, tmp_path: Path) -> None:
    start_monitor()
    configure(tmp_path, settings='every_minutes = "five"')
    done = run("check-config")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr == f'{tmp_path}/monitor.toml: [monitor]: every_minutes 값은 정수 형식이어야 함 (지금은 글자("..."))\n'


def test_a_wrong_variable_leaves_status_usable(start_monitor: StartMonitor, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    start_monitor()
    monkeypatch.setenv("ALERT_EMAIL", "operator@example.com")
    monkeypatch.setenv("SMTP_PORT", "x")
    done = run("status")
    assert done.exit_code == 1
    assert done.output.startswith("경고: 설정에 오류가 있음: 환경 변수(monitor.env): SMTP_PORT ")


def test_a_stopped_monitor_is_not_said_to_run(start_monitor: StartMonitor, run: Run, tmp_path: Path) -> None:
    """`status` says UNKNOWN then, and the first line that nothing will start."""
    start_monitor()
    kept = tmp_path / "state" / "config_in_use.json"
    configure(tmp_path, settings=f'every_minute = 5\n# state_dir = "{tmp_path}/other"')
    (tmp_path / "elsewhere").mkdir()
    text = json.loads(kept.read_text())
    text["text"] = text["text"].replace(f"{tmp_path}/state", f"{tmp_path}/elsewhere")
    kept.write_text(json.dumps(text))
    done = run("status")
    assert done.exit_code == 3
    assert "고치기 전에는 모니터가 시작되지 않음" in done.output.splitlines()[0]


def test_what_is_in_use_is_kept_privately(start_monitor: StartMonitor, tmp_path: Path) -> None:
    """With the mode of the database, and once."""
    start_monitor()
    kept = tmp_path / "state" / "config_in_use.json"
    assert stat.S_IMODE(kept.stat().st_mode) & 0o007 == 0
    assert json.loads(kept.read_text())["text"] == (tmp_path / "monitor.toml").read_text()
    assert [each.name for each in kept.parent.iterdir() if each.name.startswith("config")] == [kept.name]


@pytest.mark.parametrize(("change", "is_told"), [("reminder_minutes = 7", True), ("# nothing but a word", False)])
def test_a_change_that_is_not_in_use_is_told(
    start_monitor: StartMonitor, run: Run, reports: Reports, tmp_path: Path, change: str, is_told: bool
) -> None:
    """By the command, the page, /health and the next health check."""
    running = start_monitor()
    configure(tmp_path, settings=change)
    told = f"설정: 설정 파일이 바뀌었지만 적용되지 않음 ({tmp_path}/monitor.toml). {CHECK}, "
    told += "적용: sudo systemctl reload gunicorn_monitor"
    done = run("status")
    assert (done.exit_code, f"모니터: {told}\n" in done.output) == (int(is_told), is_told)
    assert (told in running.admin.get("/").text) is is_told
    problems = running.anybody.get("/health").get_json()["problems"]
    assert (f"{tmp_path}/monitor.toml was changed and is not in use yet" in problems) is is_told
    running.monitor.schedule.run_soon("test")
    reports.until_checked()
    assert (running.monitor.store.reads.state().checks["Monitor"].status is Status.WARNING) is is_told


def test_page_names_the_wrong_key(start_monitor: StartMonitor, tmp_path: Path) -> None:
    running = start_monitor()
    configure(tmp_path, settings="every_minute = 5")
    assert "every_minute" in running.admin.get("/").text
    # It is right again, and the same as before.
    configure(tmp_path)
    assert "every_minute" not in running.admin.get("/").text
