from __future__ import annotations

import queue
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor_blueprint import config
from monitor_blueprint.config import ConfigError
from monitor_blueprint.domain.models import Reading, Status
from monitor_blueprint.domain.text import Public
from monitor_blueprint.engine import monitor
from monitor_blueprint.engine.monitor import Monitor, admin_token
from monitor_blueprint.probes import Observation
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text import ko
from tests.monitor_blueprint.bus import Systemd
from tests.monitor_blueprint.conftest import Reports, Script, StartMonitor
from tests.monitor_blueprint.guide import without_time
from tests.monitor_blueprint.running import Running, configure
from tests.monitor_blueprint.standins import HttpStandIn, Post, Reply

DOWN = Observation((Reading("thing", Status.CRITICAL, facts={"reason": Public("gone")}),))


def lines(path: Path) -> list[str]:
    return [without_time(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_start_checks_immediately(start_monitor: StartMonitor, tmp_path: Path) -> None:
    """A monitor that begins checks at once, and says so."""
    running = start_monitor()
    written = lines(tmp_path / "log" / "health_check.log")
    assert f"INFO: {ko.START}" in written
    assert any(line.startswith("INFO: 헬스 체크 완료: ") for line in written)
    assert any(line.startswith("INFO: 점검 일정을 맡음 (PID ") for line in lines(tmp_path / "log" / "cron.log"))
    assert running.monitor.schedule.is_running


def test_missing_systemd_is_logged_once(start_monitor: StartMonitor, reports: Reports, tmp_path: Path) -> None:
    """Without systemd, it says once that it cannot listen, and polls on."""
    running = start_monitor('[[check]]\nname = "Flask"\nkind = "scripted"\nunit = "gunicorn_flask"\n')
    written: list[str] = []
    while not (lost := [line for line in written if "systemd 상태 변경 감시 끊김 (no system bus: " in line]):
        running.monitor.schedule.run_soon("test")
        reports.until_checked()
        written = lines(tmp_path / "log" / "health_check.log")
    assert len(lost) == 1
    assert lost[0].startswith("WARNING: ")


def test_no_units_no_listening(systemd: Systemd, start_monitor: StartMonitor, tmp_path: Path) -> None:
    """With no unit to watch, nobody listens to systemd."""
    start_monitor()
    assert not systemd.asked
    assert "감시" not in (tmp_path / "log" / "health_check.log").read_text()


def test_alert_arrives_at_slack(start_monitor: StartMonitor, script: Script) -> None:
    script["Flask"] = lambda context: DOWN
    with HttpStandIn() as slack:
        start_monitor(SLACK_WEBHOOK=slack.url)
        assert slack.next_post().text.splitlines()[:2] == ["[CRITICAL] NeuroNova 서비스 장애 발생!", "실패한 서비스: Flask"]


def test_changed_unit_is_checked_immediately(
    systemd: Systemd, start_monitor: StartMonitor, reports: Reports, tmp_path: Path
) -> None:
    systemd.has("gunicorn_flask.service")
    checks = '[[check]]\nname = "Flask"\nkind = "service"\nunit = "gunicorn_flask"\n'
    with HttpStandIn() as slack:
        running = start_monitor(checks, SLACK_WEBHOOK=slack.url)
        while "systemd 상태 변경 감시 시작: gunicorn_flask" not in (tmp_path / "log" / "health_check.log").read_text():
            running.monitor.schedule.run_soon("test")
            reports.until_checked()
        systemd.change("gunicorn_flask.service", active="failed", sub="failed", Result="signal")
        assert slack.next_post().text.splitlines()[:2] == ["[CRITICAL] NeuroNova 서비스 장애 발생!", "실패한 서비스: Flask"]
    written = lines(tmp_path / "log" / "health_check.log")
    assert "INFO: systemd 알림: Flask 상태 변경 - 즉시 점검" in written
    assert "ERROR: Flask: 중지됨 (failed/failed, 강제 종료됨(signal))" in written


def test_heartbeat_for_every_health_check(start_monitor: StartMonitor, script: Script) -> None:
    """The dead man's switch elsewhere hears of every health check."""
    script["Flask"] = lambda context: DOWN
    with HttpStandIn() as switch:
        start_monitor(HEARTBEAT_URL=switch.url)
        posts = [switch.next_post() for _ in range(2)]
    assert [(post.path.rpartition("/")[2], post.body) for post in posts] == [("start", ""), ("fail", "CRITICAL")]


def test_heartbeat_says_that_no_channel_works(start_monitor: StartMonitor, script: Script, reports: Reports) -> None:
    """The only way left: it fails then, whatever the checks say."""
    script["Flask"] = lambda context: DOWN
    with HttpStandIn() as switch, HttpStandIn(lambda post: Reply(404, "no_service")) as slack:
        running = start_monitor(HEARTBEAT_URL=switch.url, SLACK_WEBHOOK=slack.url)
        slack.next_post()
        running.monitor.outbox.deliver_due()
        script.clear()
        running.monitor.schedule.run_soon("test")
        posts: list[Post] = []
        while not posts or "no alert channel works" not in posts[-1].body:
            posts.append(switch.next_post())
    assert posts[-1].path.endswith("/fail")
    assert posts[-1].body.endswith(": no alert channel works (slack)")


def test_old_records_are_deleted(start_monitor: StartMonitor, reports: Reports) -> None:
    """A health check forgets what is older than configured."""
    running = start_monitor(settings="keep_days = 1")
    store = running.monitor.store
    last = store.reads.last_round()
    assert last is not None
    old = last.started_at.replace(year=last.started_at.year - 1)
    store.run(lambda transaction: transaction.record_round(old, 1.0, Status.OK, ()))
    for _ in range(2):
        # The second one's report says that the first one is over, tidying included.
        running.monitor.schedule.run_soon("test")
        reports.until_checked()
    assert all(record.started_at > old for record in store.reads.rounds())


def test_watchdog_bears_two_missed_checks(tmp_path: Path, script: Script, reports: Reports) -> None:
    with closing(Running(configure(tmp_path, settings="every_minutes = 10"), {})):
        assert "WATCHDOG_USEC=1260000000" in reports.until_ready().splitlines()


def test_broken_configuration_keeps_the_old(tmp_path: Path, script: Script, caplog: pytest.LogCaptureFixture) -> None:
    """A configuration that has become wrong is reported, and the old one stays in use."""
    path = configure(tmp_path)
    monitor = Monitor({"NEURONOVA_CONFIG": str(path)})
    path.write_text("[monitor]\nevery_minute = 5")
    states = queue.Queue[str]()
    monitor.start(states.put)
    while states.get(timeout=60) != "WATCHDOG=1":
        pass
    written = lines(tmp_path / "log" / "health_check.log")
    assert any(line.startswith("ERROR: 설정: 변경된 설정에 오류가 있어 이전 설정 사용 중 (") for line in written)
    assert "(the configuration from before stays in use)" in caplog.text
    assert [check.name for check in monitor.config.checks] == ["Flask", "Disk"]
    (problem,) = [each for each in monitor.self_check.problems(datetime.now(UTC)) if each.aspect == "config"]
    assert problem.status is Status.CRITICAL
    # As it was: nothing is left to be said.
    configure(tmp_path)
    assert "config" not in [each.aspect for each in monitor.self_check.problems(datetime.now(UTC))]
    monitor.stop()
    monitor.store.close()
    monitor.log.close()


def test_unusable_configuration_is_refused_first(tmp_path: Path) -> None:
    """A configuration that cannot be used is refused before anything begins."""
    path = configure(tmp_path, checks="[[check]]")
    with pytest.raises(ConfigError):
        Monitor({"NEURONOVA_CONFIG": str(path)})
    assert list(tmp_path.iterdir()) == [path]


def test_unusable_state_directory_stops_nothing(start_monitor: StartMonitor, tmp_path: Path, script: Script) -> None:
    """A state directory that cannot be had keeps no check from running."""
    (tmp_path / "state").write_text("a file is in the way")
    start_monitor()
    written = lines(tmp_path / "log" / "health_check.log")
    assert any(line.startswith("ERROR: 잠금 파일을 만들 수 없음 (") for line in written)
    assert any(line.startswith("ERROR: 데이터베이스: 사용 불가") for line in written)
    assert "INFO: 헬스 체크 완료: CRITICAL" in written


# --- The administrators' token


MEMORY = '[[check]]\nname = "Memory"\nkind = "memory"\n'


def settings(directory: Path) -> config.Config:
    return config.load({"NEURONOVA_CONFIG": str(configure(directory, checks=MEMORY))})


def test_environments_token_is_taken(tmp_path: Path) -> None:
    assert admin_token(settings(tmp_path), {"MONITOR_ADMIN_TOKEN": " secret "}) == "secret"
    assert not (tmp_path / "state").exists()


def test_generated_token_is_private(tmp_path: Path) -> None:
    """Without one in the environment, a token is made that only its owner can read."""
    made = admin_token(settings(tmp_path), {})
    path = tmp_path / "state" / "admin_token"
    assert len(made) >= 40
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == (f"{made}\n", 0o600)
    assert admin_token(settings(tmp_path), {}) == made
    assert [each.name for each in (tmp_path / "state").iterdir()] == ["admin_token"]


def test_token_is_there_before_anybody_asks(start_monitor: StartMonitor, tmp_path: Path) -> None:
    running = start_monitor(MONITOR_ADMIN_TOKEN="")
    assert (tmp_path / "state" / "admin_token").read_text() == f"{running.monitor.admin_token}\n"


def test_concurrent_starts_share_a_token(tmp_path: Path) -> None:
    """Of many that begin at once, all have the same token."""
    found = settings(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: admin_token(found, {}), range(8)))) == 1


def test_no_token_without_state_directory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where no token can be had, there is none."""
    found = settings(tmp_path)
    (tmp_path / "state").write_text("a file is in the way")
    assert admin_token(found, {}) == ""
    assert "no administrators' token: " in caplog.text


def test_outbox_has_configured_channels(tmp_path: Path) -> None:
    environ = {
        "NEURONOVA_CONFIG": str(configure(tmp_path, checks=MEMORY)),
        "ALERT_EMAIL": "ops@example.com",
        "SLACK_WEBHOOK": "http://127.0.0.1:1/x",
    }
    found = config.load(environ)
    with Store(found.database) as store:
        assert monitor.make_outbox(found, store).channel_names == ("email", "slack")


def test_beginnings_and_ends_are_noted(start_monitor: StartMonitor, tmp_path: Path) -> None:
    """A restart, and a configuration that was changed meanwhile."""
    running = start_monitor()
    running.monitor.stop()
    # The lock ends with the process; what comes after it in another one is done here without it.
    with closing(Running(configure(tmp_path, settings="reminder_minutes = 7"), {})) as next_one:
        next_one.monitor.store.run(next_one.monitor._note_beginning)
        entries = next_one.monitor.store.reads.story.between(datetime.now(UTC) - timedelta(minutes=5), datetime.now(UTC))
    assert [entry.kind.value for entry in entries] == ["started", "stopped", "configured", "started"]
    assert entries[3].facts["cut"] == ""


def test_systemd_is_told_how_it_stands(tmp_path: Path, script: Script, reports: Reports) -> None:
    """For `systemctl status`."""
    script["Flask"] = lambda context: DOWN
    with closing(Running(configure(tmp_path), {})):
        reports.until_ready()
        while not (report := reports.next()).startswith("STATUS="):
            pass
    assert report.startswith("STATUS=CRITICAL · 점검 3개 · 마지막 헬스 체크 20")
    assert report.endswith(" - 문제: Flask")
