from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from monitor_blueprint import notifiers
from monitor_blueprint.alerts import attempt
from monitor_blueprint.cli import main
from monitor_blueprint.domain.models import ProbeError, Reading, Status, Thresholds
from monitor_blueprint.domain.text import Public
from monitor_blueprint.probes import Observation, ProbeContext
from monitor_blueprint.storage.store import Store
from tests.monitor_blueprint.conftest import Script
from tests.monitor_blueprint.guide import without_time
from tests.monitor_blueprint.probes.looking import nobody, serve
from tests.monitor_blueprint.running import configure
from tests.monitor_blueprint.standins import HttpStandIn, MailStandIn, Reply

DOWN = Observation((Reading("thing", Status.CRITICAL, facts={"reason": Public("gone")}),))
FULL = Observation((Reading("usage", value=85.0, unit="%", thresholds=Thresholds(80, 90)),))
Run = Callable[..., Result]

pytestmark = pytest.mark.usefixtures("script")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command of `neuronova-monitor` with a configuration of scripted checks."""
    monkeypatch.setenv("NEURONOVA_CONFIG", str(configure(tmp_path)))
    return lambda *arguments: CliRunner().invoke(main, [str(each) for each in arguments])


def without_moment(line: str) -> str:
    """A line without its date, time and zone."""
    return line.split(" ", 3)[3]


def unable(context: ProbeContext) -> Observation:
    raise ProbeError(Public("no system bus"))


# --- neuronova-health-check


@pytest.mark.parametrize(
    ("look", "exit_code", "overall"),
    [
        (lambda context: Observation((Reading("thing"),)), 0, "OK"),
        (lambda context: FULL, 1, "WARNING"),
        (lambda context: DOWN, 2, "CRITICAL"),
        (unable, 3, "UNKNOWN"),
    ],
    ids=["OK", "WARNING", "CRITICAL", "UNKNOWN"],
)
def test_exit_code_is_overall_status(
    run: Run, script: Script, look: Callable[[ProbeContext], Observation], exit_code: int, overall: str
) -> None:
    script["Flask"] = look
    done = run("health-check")
    assert done.exit_code == exit_code
    lines = [without_time(line) for line in done.output.splitlines()]
    assert lines[1] == "INFO: NeuroNova 헬스 체크 시작"
    assert lines[-2] == f"INFO: 헬스 체크 완료: {overall}"


def test_manual_check_is_recorded(run: Run, tmp_path: Path) -> None:
    """A check by hand is in the log and in the history, like any other."""
    done = run("health-check")
    assert (tmp_path / "log" / "health_check.log").read_text(encoding="utf-8") == done.output
    with Store(tmp_path / "state" / "monitor.db") as store:
        (cycle,) = store.reads.rounds()
    assert (cycle.overall, cycle.reason) == (Status.OK, "manual")


def test_manual_check_alerts_once(run: Run, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check by hand sends the alert itself, and only once."""
    script["Flask"] = lambda context: DOWN
    with HttpStandIn() as slack:
        monkeypatch.setenv("SLACK_WEBHOOK", slack.url)
        for _ in range(2):
            assert run("health-check").exit_code == 2
        assert slack.posts.qsize() == 1


def test_json_output_is_only_json(run: Run, script: Script, tmp_path: Path) -> None:
    script["Disk"] = lambda context: FULL
    done = run("health-check", "--json")
    assert done.exit_code == 1
    found = json.loads(done.output)
    assert list(found) == ["overall", "started_at", "duration_ms", "checks"]
    assert found["overall"] == "WARNING"
    assert datetime.fromisoformat(found["started_at"]).tzinfo is not None
    assert [(check["name"], check["kind"], check["status"]) for check in found["checks"]] == [
        ("Flask", "scripted", "OK"),
        ("Disk", "scripted", "WARNING"),
        ("Monitor", "monitor", "OK"),
    ]
    assert found["checks"][1]["readings"] == [
        {
            "aspect": "usage",
            "status": "WARNING",
            "value": 85.0,
            "unit": "%",
            "facts": {},
            "text": "Disk: usage 경고 (85%) · 경고 기준 80%",
        }
    ]
    assert "헬스 체크 시작" in (tmp_path / "log" / "health_check.log").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "command",
    [
        ["health-check"],
        ["health-check", "--json"],
        ["status"],
        ["silence", "Flask", "30m", "--why", "x"],
        ["silences"],
        ["unsilence", "1"],
        ["ack"],
        ["history"],
        ["check-config"],
        ["test-alert"],
    ],
    ids=lambda command: command[0],
)
def test_wrong_configuration_exits_with_3(run: Run, tmp_path: Path, command: list[str]) -> None:
    """With a wrong configuration, every command says so in one line and ends with 3."""
    configure(tmp_path, settings="every_minute = 5")
    done = run(*command)
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.startswith(f'{tmp_path}/monitor.toml: [monitor]: 키 "every_minute"은(는) 없는 키 (혹시 "every_minutes"?)')
    assert len(done.stderr.splitlines()) == 1


# --- neuronova-monitor


def test_silence_begun_listed_and_ended(run: Run) -> None:
    done = run("silence", "Flask", "1h30m", "--why", "배포")
    assert (done.exit_code, done.output[:6]) == (0, "1번: Fl")
    assert done.output.endswith("까지 보내지 않습니다\n")
    assert run("silences").output.rstrip().endswith("까지 - 배포")
    assert run("unsilence", 1).output == "1번 알림 중지를 끝냈습니다\n"
    assert run("silences").output == "중지된 알림이 없습니다\n"
    done = run("unsilence", 1)
    assert (done.exit_code, done.stderr) == (1, "Error: 1번 알림 중지는 없거나 이미 끝났습니다\n")


def test_silence_lasts_as_requested(run: Run, tmp_path: Path) -> None:
    run("silence", "*", "1h30m", "--why", "x")
    with Store(tmp_path / "state" / "monitor.db") as store:
        (silence,) = store.reads.silences(datetime.now(UTC))
    assert (silence.ends_at - silence.starts_at).total_seconds() == 5400
    assert silence.check == "*"


@pytest.mark.parametrize("duration", ["30", "m", "30 m", "1.5h", "-30m", "0s", "31d", "30m ", "1h30", "９m9", ""])
def test_what_is_no_duration_is_told(run: Run, duration: str) -> None:
    done = run("silence", "--why", "x", "--", "Flask", duration)
    assert done.exit_code == 2
    assert f"'{duration}'은(는) 기간이 아닙니다. 30m, 2h, 1h30m 처럼 쓰십시오 (최대 30일)" in done.stderr


def test_silence_needs_check_and_reason(run: Run) -> None:
    """A silence needs a check that exists, and a reason."""
    done = run("silence", "Flsk", "30m", "--why", "x")
    assert done.exit_code == 2
    assert "'Flsk'은(는) 없는 점검 항목입니다. 가능한 값: Flask, Disk, Monitor, *" in done.stderr
    assert "--why" in run("silence", "Flask", "30m").stderr


@pytest.mark.parametrize("nothing", ["", "  ", "\x1b\n"])
@pytest.mark.parametrize("command", [("silence", "Flask", "30m", "--why"), ("ack", "--by")])
def test_empty_reason_or_name_is_refused(run: Run, script: Script, command: tuple[str, ...], nothing: str) -> None:
    """Whoever gives a reason or a name must say something."""
    script["Flask"] = lambda context: DOWN
    run("health-check")
    done = run(*command, nothing)
    assert done.exit_code == 2
    assert f"Invalid value for '{command[-1]}': 비워 둘 수 없습니다." in done.stderr
    assert run("silences").output == "중지된 알림이 없습니다\n"
    assert "번 담당: " not in run("history", 1).output


def test_an_incident_is_acknowledged_by_name(run: Run, script: Script, tmp_path: Path) -> None:
    done = run("ack", "--by", "minsu")
    assert (done.exit_code, done.stderr) == (1, "Error: 진행 중인 장애가 없습니다\n")
    script["Flask"] = lambda context: DOWN
    run("health-check")
    assert run("ack", "--by", "minsu").output == "장애 1번 담당: minsu\n"
    with Store(tmp_path / "state" / "monitor.db") as store:
        assert store.reads.incidents()[0].acked_by == "minsu"


def test_ack_says_since_when(run: Run, script: Script, tmp_path: Path) -> None:
    script["Flask"] = lambda context: DOWN
    run("health-check")
    before = datetime.now(UTC)
    run("ack", "--by", "minsu")
    with Store(tmp_path / "state" / "monitor.db") as store:
        incident = store.reads.state().incident
    assert incident is not None
    assert incident.acked_at is not None
    assert before <= incident.acked_at <= datetime.now(UTC)
    assert "담당: minsu (20" in run("status").output


def test_history_lists_and_shows_incidents(run: Run, script: Script) -> None:
    """The history lists the incidents, and shows all about one."""
    assert run("history").output == "기록된 장애가 없습니다\n"
    script["Flask"] = lambda context: DOWN
    run("health-check")
    assert run("history").output.rstrip().endswith("진행 중  Flask")
    shown = run("history", 1).output
    assert re.fullmatch(r"1번  20[0-9: -]+ [A-Z]+ ~ 진행 중  Flask", shown.splitlines()[0])
    assert shown.splitlines()[1].endswith("발생 Flask (알림 채널 없음)")
    assert "[메모리 상위 프로세스]" in shown
    done = run("history", 2)
    assert (done.exit_code, done.stderr) == (1, "Error: 장애 2번은 없습니다\n")


def test_history_tells_the_whole_story(run: Run, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was said and measured, who did what and when, in the order in which it happened."""
    monkeypatch.setenv("SUDO_USER", "lee")
    script["Flask"] = lambda context: Observation(
        (Reading("thing", Status.CRITICAL, 93.46, "%", facts={"reason": Public("gone")}),)
    )
    run("health-check")
    assert run("ack").output == "장애 1번 담당: lee\n"
    run("silence", "Flask", "1h", "--why", "배포")
    run("unsilence", 1)
    script.clear()
    run("health-check")
    lines = run("history", 1).output.splitlines()
    shown = [without_moment(line) for line in lines if line.startswith("20")]
    assert shown[0] == "발생 Flask (알림 채널 없음)"
    assert shown[1] == "장애 1번 담당: lee"
    assert shown[2].startswith("Flask 알림 중지: 20")
    assert shown[3:5] == ["알림 중지 1번 해제: lee", "복구 Flask (알림 채널 없음)"]
    assert "    [CRITICAL] NeuroNova 서비스 장애 발생!" in lines
    assert "    [OK] NeuroNova 서비스 복구" in lines
    assert "    측정: Flask: thing 위험 (93.46%, gone) [thing 93.46%]" in lines


def test_history_shows_delivery_per_channel(run: Run, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """The history says how every channel took the alert."""
    script["Flask"] = lambda context: DOWN
    with HttpStandIn() as slack, MailStandIn() as mail:
        monkeypatch.setenv("SLACK_WEBHOOK", slack.url)
        for name, value in mail.environ.items():
            monkeypatch.setenv(name, value)
        run("health-check")
    assert run("history", 1).output.splitlines()[1].endswith("발생 Flask (email: 전송됨, slack: 전송됨)")


def test_check_config_says_what_is_configured(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run("check-config").output == (
        f"설정 정상: {tmp_path}/monitor.toml\n점검 항목: Flask, Disk, Monitor\n알림 채널: 없음\n"
    )
    monkeypatch.setenv("SLACK_WEBHOOK", nobody())
    assert run("check-config").output.endswith("알림 채널: slack\n")


def test_check_config_names_unusable_file(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`check-config` says which file of a channel cannot be used."""
    monkeypatch.setattr(notifiers, "__path__", [*notifiers.__path__, str(tmp_path)])
    (tmp_path / "half_written.py").write_text("import not_there")
    done = run("check-config")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "알림 채널: 없음")
    assert done.stderr == (
        f"사용할 수 없는 알림 채널 파일: {tmp_path}/half_written.py cannot be imported"
        " (ModuleNotFoundError: No module named 'not_there')\n"
    )


def test_test_alert_reaches_every_channel(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test alert goes to every channel, and says what each answered."""
    with HttpStandIn() as slack, MailStandIn() as mail:
        monkeypatch.setenv("SLACK_WEBHOOK", slack.url)
        for name, value in mail.environ.items():
            monkeypatch.setenv(name, value)
        done = run("test-alert")
        texts = [slack.next_post().text, mail.next_mail().text]
    assert done.exit_code == 0
    assert [line.split(" (")[0] for line in done.output.splitlines()] == ["email: 전송됨", "slack: 전송됨"]
    for text in texts:
        assert text.splitlines()[:2] == ["[TEST] NeuroNova 테스트 알림", "이 메시지가 보이면 알림 설정이 올바릅니다."]


def test_refused_test_alert_exits_with_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test alert that is not taken ends with 1, and says why."""
    with HttpStandIn(lambda post: Reply(404, "no_service")) as slack:
        monkeypatch.setenv("SLACK_WEBHOOK", slack.url)
        done = run("test-alert")
    assert (done.exit_code, done.output) == (1, "slack: 실패 (HTTP 404 no_service)\n")


def test_test_alert_waits_for_no_answer_without_end(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each channel is told about, the one that hangs too."""
    monkeypatch.setattr(attempt, "TOGETHER_S", 1.0)
    with HttpStandIn(lambda post: Reply(is_dripping=True)) as slack, MailStandIn() as mail:
        monkeypatch.setenv("SLACK_WEBHOOK", slack.url)
        for name, value in mail.environ.items():
            monkeypatch.setenv(name, value)
        done = run("test-alert")
        assert mail.next_mail().text.startswith("[TEST]")
    assert done.exit_code == 1
    assert done.output.splitlines()[-1] == "slack: 실패 (no end after 1 s)"


def test_test_alert_without_channel(run: Run) -> None:
    """A test alert without any channel says how to configure one."""
    done = run("test-alert")
    assert (done.exit_code, done.stderr) == (
        1,
        "Error: 알림 채널이 설정되지 않음: SLACK_WEBHOOK 또는 ALERT_EMAIL 을 설정하십시오\n",
    )


def test_deadman_checks_and_remembers(run: Run, tmp_path: Path) -> None:
    """The dead man's switch looks at the monitor, and remembers."""
    with serve() as site:
        site.answers = [b"{}"]
        assert run("deadman", "--url", site.url).output == ""
    assert run("deadman", "--url", nobody()).output.startswith("모니터 응답 없음: 20")
    assert (tmp_path / "state" / "deadman.json").exists()


@pytest.mark.parametrize("by_socket", [False, True])
def test_deadman_knows_the_address(run: Run, monkeypatch: pytest.MonkeyPatch, by_socket: bool) -> None:
    """That of the monitor's own pages."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "http.sock" if by_socket else None
        with serve(path) as site:
            site.answers = [b"{}"]
            bind = f"unix:{path}" if by_socket else site.url.removeprefix("http://").rstrip("/")
            monkeypatch.setenv("MONITOR_BIND", bind)
            assert run("deadman").output == ""
            assert len(site.bodies) == 1
        assert run("deadman").output.startswith("모니터 응답 없음: 20")


@pytest.mark.parametrize("wrong", ["the file", "a variable"])
def test_deadman_alerts_despite_wrong_configuration(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    """The dead man's switch sends its alert though the configuration is wrong."""
    if wrong == "the file":
        configure(tmp_path, settings="every_minute = 5")
    else:
        configure(tmp_path)
        monkeypatch.setenv("SMTP_PORT", "x")
        monkeypatch.setenv("ALERT_EMAIL", "operator@example.com")
    state = tmp_path / "state"
    state.mkdir(exist_ok=True)
    (state / "deadman.json").write_text('{"gone_since": "2025-12-06T05:00:00Z"}')
    with HttpStandIn() as slack:
        monkeypatch.setenv("STATE_DIRECTORY", str(state))
        monkeypatch.setenv("SLACK_WEBHOOK", slack.url)
        done = run("deadman", "--url", nobody())
    assert done.exit_code == 3
    assert ("every_minute" if wrong == "the file" else "SMTP_PORT") in done.stderr
    assert "[CRITICAL] NeuroNova 모니터 응답 없음" in json.loads(slack.posts.get_nowait().body)["text"]
    assert slack.posts.empty()


def test_every_command_explains_itself_in_korean() -> None:
    for name, command in main.commands.items():
        assert isinstance(command, click.Command)
        assert any("\uac00" <= char <= "\ud7a3" for char in command.get_short_help_str()), name
        assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0


def test_unsaved_silence_is_an_error(run: Run, tmp_path: Path) -> None:
    """What cannot be kept is not said to be done."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "monitor.db").mkdir()
    done = run("silence", "Flask", "30m", "--why", "deploy")
    assert done.exit_code == 1
    assert "기록하지 못했습니다: database cannot be used" in done.output


@pytest.mark.parametrize("command", [("status",), ("silences",), ("history",), ("history", 1)])
def test_unreadable_database_is_an_error(run: Run, tmp_path: Path, command: tuple[str | int, ...]) -> None:
    """What cannot be read is not said to be absent."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "monitor.db").mkdir()
    done = run(*command)
    assert done.exit_code == 3
    assert done.output.startswith("기록을 읽지 못했습니다: database cannot be used")


@pytest.mark.parametrize("command", ["history", "unsilence"])
def test_impossible_number_is_refused(run: Run, command: str) -> None:
    """A number that is no number of anything is refused."""
    assert run(command, "99999999999999999999").exit_code == 2


def test_control_characters_are_stripped(run: Run) -> None:
    """What a person typed is kept without control characters."""
    run("silence", "Flask", "30m", "--why", "\x1b[2Jdeploy\nINFO: forged")
    assert run("silences").output.endswith(" - deploy INFO: forged\n")


@pytest.mark.parametrize("token", ["too-short", "generate", "with a space in the middle"])
def test_invalid_token_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("MONITOR_ADMIN_TOKEN", token)
    done = run("check-config")
    assert done.exit_code == 3
    assert "MONITOR_ADMIN_TOKEN 값은 영문자, 숫자, . _ ~ - 16~256자여야 함 (비워 두면 자동으로 만듦)" in done.output
    assert token not in done.output
