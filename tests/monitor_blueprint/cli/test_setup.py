"""`check-config --send`: the message comes from the monitor that runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor_blueprint.cli import main, setup
from tests.monitor_blueprint.conftest import Script, StartMonitor
from tests.monitor_blueprint.running import TOKEN, configure
from tests.monitor_blueprint.standins import HttpStandIn, Reply


@pytest.fixture(autouse=True)
def _configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: Script) -> None:
    monkeypatch.setenv("NEURONOVA_CONFIG", str(configure(tmp_path)))
    monkeypatch.setenv("MONITOR_ADMIN_TOKEN", TOKEN)


def send() -> tuple[int, list[str], str]:
    done = CliRunner().invoke(main, ["check-config", "--send"])
    return done.exit_code, done.stdout.splitlines()[3:], done.stderr


def test_the_running_monitor_sends(start_monitor: StartMonitor, monkeypatch: pytest.MonkeyPatch) -> None:
    with HttpStandIn() as slack:
        monkeypatch.setenv("SLACK_WEBHOOK", slack.url)
        start_monitor(SLACK_WEBHOOK=slack.url)
        assert send() == (0, [f"실행 중인 모니터(PID {os.getpid()})가 보냄:", "slack: 전송됨 (HTTP 200 ok)"], "")
        assert slack.next_post().text.startswith("[TEST] NeuroNova 테스트 알림")
        assert slack.posts.empty()


def test_a_refusal_ends_with_1(start_monitor: StartMonitor, monkeypatch: pytest.MonkeyPatch) -> None:
    with HttpStandIn(lambda post: Reply(404, "no_service")) as slack:
        monkeypatch.setenv("SLACK_WEBHOOK", slack.url)
        start_monitor(SLACK_WEBHOOK=slack.url)
        code, lines, _ = send()
    assert (code, lines[1:]) == (1, ["slack: 실패 (HTTP 404 no_service)"])


def test_an_old_configuration_is_told(start_monitor: StartMonitor, tmp_path: Path) -> None:
    """What is tried is what the monitor uses, not what stands in the file."""
    start_monitor()
    configure(tmp_path, settings="reminder_minutes = 7")
    code, _, errors = send()
    assert code == 1
    assert "실행 중인 모니터는 아직 이전 설정을 씁니다. 적용: sudo systemctl reload gunicorn_monitor" in errors
    assert "알림 채널이 설정되지 않음" in errors


def test_without_a_monitor_nothing_is_sent() -> None:
    code, _, errors = send()
    assert (code, errors) == (3, "모니터가 실행되고 있지 않아 보낼 수 없습니다. 시작: sudo systemctl start gunicorn_monitor\n")


def test_no_answer_is_told(start_monitor: StartMonitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "_SEND_S", 0.0)
    start_monitor()
    code, _, errors = send()
    assert code == 3
    assert "초 안에 답하지 않았습니다" in errors
