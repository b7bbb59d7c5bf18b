from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor_blueprint.cli import main
from monitor_blueprint.domain.models import Silence, Status
from monitor_blueprint.storage.store import Store
from tests.monitor_blueprint.conftest import StartMonitor
from tests.monitor_blueprint.probes.looking import nobody
from tests.monitor_blueprint.running import configure
from tests.monitor_blueprint.terminal import ROOT, Terminal

PROGRAM = ("-m", "monitor_blueprint.cli", "watch")
SERVER = socket.gethostname()
HOSTILE = "배포 \x1b[31mred \x1b]0;owned\x07 \x9b2J \u202e <b> [bold]x[/] :bomb:"
RARELY = ("--interval", "3600")
Watch = Callable[..., Terminal]


def down(url: str, more: str = "") -> str:
    """Flask does not answer, Django depends on it, Memory is well."""
    return f"""
[[check]]
name = "Flask"
kind = "http"
url = "{url}/health"

[[check]]
name = "Django"
kind = "http"
url = "{url}/"
depends_on = ["Flask"]

[[check]]
name = "Inodes"
kind = "inodes"
{more}
"""


@pytest.fixture
def url() -> str:
    return nobody().rstrip("/")


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """Runs `neuronova-monitor watch` in a terminal."""
    monkeypatch.setenv("SUDO_USER", "lee")
    terminals: list[Terminal] = []

    def start(*options: str, rows: int = 24, columns: int = 80, **environ: str) -> Terminal:
        environ = {"NEURONOVA_CONFIG": str(tmp_path / "monitor.toml"), "TZ": "Asia/Seoul", "LANG": "C.UTF-8", **environ}
        terminals.append(Terminal(*PROGRAM, *options, rows=rows, columns=columns, **environ))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def test_a_failure_is_seen_first(start_monitor: StartMonitor, watch: Watch, url: str) -> None:
    """On 24 rows of 80: what, since when with its zone, why, where, what to type, who takes care; the rest by its names."""
    start_monitor(down(url), "grace_s = 0")
    terminal = watch()
    text = terminal.until_seen("q 끝내기")
    lines = terminal.lines
    assert lines[0] == f"CRITICAL Flask · 함께 영향: Django · 서버 {SERVER}"
    assert re.match(r"마지막 헬스 체크: 20[0-9-]+ [0-9:]+ KST \(.*초 전\) · 지금 [0-9:]{8} KST$", lines[1])
    assert re.search(r"진행 중인 장애 1번 \(20[0-9-]+ [0-9:]+ KST부터\) · 담당자 없음 \(a: 맡기\)", text)
    at = next(at for at, line in enumerate(lines) if line.startswith("CRITICAL Flask · 20"))
    assert re.fullmatch(r"CRITICAL Flask · 20[0-9-]+ [0-9:]+ KST부터 장애", lines[at])
    assert lines[at + 1].startswith("         Flask: 응답 이상 (연결 거부)")
    assert "확인: curl -i -m 10" in text
    assert text.index("확인: curl") < text.index("CRITICAL Django · 20") < text.index("정상 2개: Inodes Monitor")
    assert len(lines) == 24
    assert lines[-1] == "q 끝내기 · a 장애 맡기 · ? 도움말"
    terminal.type("q")
    assert terminal.code() == 2


def test_news_is_seen_at_once(start_monitor: StartMonitor, watch: Watch, url: str) -> None:
    """As soon as it is recorded, however seldom it looks otherwise."""
    running = start_monitor(down(url), "grace_s = 0")
    terminal = watch(*RARELY)
    terminal.until_seen("담당자 없음")
    now = datetime.now(UTC)
    running.monitor.store.run(lambda tx: tx.add_silence(Silence("Flask", now, now + timedelta(hours=1), "deployment")))
    text = terminal.until_seen("까지 - deployment")
    assert text.index("CRITICAL Django · 20") < text.index("알림 중지 CRITICAL Flask")


def test_an_incident_is_acknowledged(start_monitor: StartMonitor, watch: Watch, url: str) -> None:
    """Only when the question has been answered."""
    running = start_monitor(down(url), "grace_s = 0")

    def owner() -> str:
        incident = running.monitor.store.reads.state().incident
        return incident.acked_by if incident is not None else "nobody: it is over"

    terminal = watch(*RARELY)
    terminal.until_seen("담당자 없음")
    terminal.type("ay")
    terminal.until_seen("장애 1번을 lee 이름으로 맡겠습니까? y: 예")
    terminal.type("n")
    terminal.until_seen("맡지 않았습니다")
    assert not owner()
    terminal.type("a")
    terminal.until_seen("맡겠습니까?")
    terminal.type("ㅛ")
    assert "담당: lee (20" in terminal.until_seen("장애 1번 담당: lee · q 끝내기")
    assert owner() == "lee"
    terminal.type("a")
    terminal.until_seen("장애 1번은 이미 lee 담당입니다")


def test_nothing_to_acknowledge(start_monitor: StartMonitor, watch: Watch) -> None:
    start_monitor('[[check]]\nname = "Inodes"\nkind = "inodes"')
    terminal = watch()
    terminal.until_seen(f"OK 서버 {SERVER}", "정상 2개: Inodes Monitor")
    terminal.type("a")
    terminal.until_seen("진행 중인 장애가 없습니다")
    terminal.type("q")
    assert terminal.code() == 0


# Holds the schedule as long as it lives, and says when it has it.
HOLDER = """
import pathlib, sys, threading
from monitor_blueprint.engine.leader import ScheduleLock
ScheduleLock(pathlib.Path(sys.argv[1])).start(lambda: print("held", flush=True), lambda pid: None)
threading.Event().wait()
"""


def test_who_looks_on_alone_is_told(watch: Watch, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The monitor ends while somebody watches: what is seen is not how it is."""
    monkeypatch.setenv("NEURONOVA_CONFIG", str(configure(tmp_path, down(url))))
    CliRunner().invoke(main, ["health-check"])
    with Store(tmp_path / "state" / "monitor.db") as store:
        store.run(lambda tx: tx.record_round(datetime.now(UTC), 1.0, Status.CRITICAL, (), "schedule"))
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "state")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as monitor:
        try:
            assert monitor.stdout is not None
            assert monitor.stdout.readline() == "held\n"
            terminal = watch("--interval", "0.5")
            terminal.until_seen("CRITICAL Flask · 함께 영향: Django")
        finally:
            monitor.kill()
    text = terminal.until_seen("UNKNOWN 모니터가 실행되고 있지 않습니다")
    assert "확인: systemctl status gunicorn_monitor" in text
    assert "마지막으로 본 상태: CRITICAL · Flask" in text
    terminal.type("q")
    assert terminal.code() == 3


def test_a_standstill_is_seen(start_monitor: StartMonitor, watch: Watch, url: str) -> None:
    running = start_monitor(down(url), "grace_s = 0")
    running.monitor.store.run(lambda tx: tx.prune(datetime.now(UTC) + timedelta(days=2), 1))
    terminal = watch()
    terminal.until_seen("UNKNOWN 점검이 멈춰 있습니다")
    terminal.type("q")
    assert terminal.code() == 3


def test_what_others_wrote_does_nothing(start_monitor: StartMonitor, watch: Watch, url: str) -> None:
    """No terminal obeys it, and it is no mark-up."""
    running = start_monitor(down(url), "grace_s = 0")
    now = datetime.now(UTC)
    running.monitor.store.run(lambda tx: tx.add_silence(Silence("*", now, now + timedelta(hours=1), HOSTILE)))
    terminal = watch()
    terminal.until_seen("<b> [bold]x[/] :bomb:")
    terminal.type("q")
    terminal.code()
    assert set(re.findall(rb"\x1b.", terminal.written)) == {b"\x1b["}
    assert b"\x1b[2J" not in terminal.written.partition(b"\x1b[?1049h")[2].partition(b"\x1b[H")[2]
    assert not {"\x07", "\x9b", "\u202e"} & set(terminal.written.decode())


def test_a_small_screen_is_scrolled(start_monitor: StartMonitor, watch: Watch, url: str) -> None:
    """How much there is besides stands where it is seen."""
    start_monitor(down(url), "grace_s = 0")
    terminal = watch(rows=6, columns=40)
    terminal.until_seen("▼", "줄 더")
    assert terminal.lines[0].startswith("CRITICAL Flask")
    terminal.type("\x1b[B")
    terminal.until_seen("▲ 1줄 위")
    for _ in range(9):
        terminal.type(" ")
    terminal.until(lambda text: "정상 2개" in text and "▼" not in text)
    terminal.type("\x1b[H")
    terminal.until(lambda text: text.startswith("CRITICAL Flask") and "▲" not in text)


def test_the_screen_takes_another_size(start_monitor: StartMonitor, watch: Watch, url: str) -> None:
    start_monitor(down(url), "grace_s = 0")
    terminal = watch(*RARELY)
    terminal.until_seen("정상 2개", "q 끝내기")
    terminal.resize(5, 60)
    terminal.until(lambda text: "▼" in text and "정상 2개" not in text)
    assert len(terminal.lines) == 5
    terminal.resize(40, 160)
    terminal.until_seen("정상 2개", "q 끝내기")
    assert len(terminal.lines) == 40


def test_help_comes_and_goes(start_monitor: StartMonitor, watch: Watch, url: str) -> None:
    start_monitor(down(url), "grace_s = 0")
    terminal = watch()
    terminal.until_seen("q 끝내기")
    terminal.type("?")
    terminal.until(lambda text: "진행 중인 장애를 맡습니다" in text and "CRITICAL Flask" not in text)
    terminal.type("?")
    terminal.until_seen("CRITICAL Flask")


@pytest.mark.parametrize(("end", "code"), [("\x03", 0), (signal.SIGINT, 0), (signal.SIGTERM, 143)], ids=str)
def test_the_terminal_is_given_back(
    start_monitor: StartMonitor, watch: Watch, url: str, end: str | signal.Signals, code: int
) -> None:
    """With its cursor, its keys and what stood on it before."""
    start_monitor(down(url), "grace_s = 0")
    terminal = watch()
    terminal.until_seen("q 끝내기")
    assert terminal.attributes() != terminal.before
    terminal.type("\x1a\x13")  # neither Ctrl-Z nor Ctrl-S leaves it standing
    if isinstance(end, str):
        terminal.type(end)
    else:
        os.kill(terminal.pid, end)
    assert terminal.code() == code
    assert terminal.attributes() == terminal.before
    assert terminal.written.endswith((b"\x1b[?25h\x1b[?1049l", b"\x1b[?1049l\x1b[?25h"))
    assert b"Traceback" not in terminal.written


@pytest.mark.parametrize("is_ignored", [False, True], ids=["hang-up", "ignored"])
def test_a_lost_connection_ends_it(start_monitor: StartMonitor, tmp_path: Path, url: str, is_ignored: bool) -> None:
    start_monitor(down(url), "grace_s = 0")
    ignore = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); " if is_ignored else ""
    start = f"{ignore}from monitor_blueprint.cli import run; run(['watch'])"
    terminal = Terminal("-c", start, NEURONOVA_CONFIG=str(tmp_path / "monitor.toml"), LANG="C.UTF-8")
    try:
        terminal.until_seen("q 끝내기")
        code = terminal.hang_up()
    finally:
        terminal.close()
    assert is_ignored or code == -signal.SIGHUP


def test_no_terminal_is_shown_it_once(
    start_monitor: StartMonitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    start_monitor(down(url), "grace_s = 0")
    monkeypatch.setenv("NEURONOVA_CONFIG", str(tmp_path / "monitor.toml"))
    done = CliRunner().invoke(main, ["watch"])
    assert done.exit_code == 2
    assert done.stdout.startswith("CRITICAL Flask · 함께 영향: Django")
    assert "\x1b" not in done.stdout
    assert done.stderr.startswith("터미널이 아니므로 한 번만 보여 줍니다")


def test_a_dumb_terminal_is_shown_it_once(start_monitor: StartMonitor, watch: Watch, url: str) -> None:
    start_monitor(down(url), "grace_s = 0")
    terminal = watch(TERM="dumb")
    assert terminal.code() == 2
    assert "TERM=dumb" in terminal.text
    assert b"\x1b" not in terminal.written


def test_an_encoding_without_korean_is_refused(tmp_path: Path) -> None:
    environ = {**os.environ, "NEURONOVA_CONFIG": str(configure(tmp_path)), "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run([sys.executable, *PROGRAM], cwd=ROOT, env=environ, capture_output=True, timeout=60, check=False)
    assert done.returncode == 3
    assert done.stderr.isascii()
    assert b"LC_ALL=C.UTF-8" in done.stderr


def test_a_changed_configuration_is_followed(start_monitor: StartMonitor, watch: Watch, url: str, tmp_path: Path) -> None:
    """Of one that cannot be used it is told, and what the monitor goes by stays."""
    start_monitor(down(url), "grace_s = 0")
    terminal = watch("--interval", "0.5")
    terminal.until_seen("정상 2개: Inodes Monitor")
    configure(tmp_path, '[[check]]\nname = "Inodes"\nkind = "inodes"')
    terminal.until(lambda text: "정상 2개: Inodes Monitor" in text and "CRITICAL Flask" not in text)
    configure(tmp_path, '[[check]]\nname = "Inodes"\nkind = "innodes"')
    terminal.until_seen("CRITICAL Flask", 'kind의 값 "innodes"은(는) 없는 값', "정상 2개: Inodes Monitor", "q 끝내기")


def test_records_that_cannot_be_read(watch: Watch, tmp_path: Path, url: str) -> None:
    """It is not said that there is nothing."""
    configure(tmp_path, down(url))
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "monitor.db").mkdir()
    terminal = watch()
    terminal.until_seen("기록을 읽지 못했습니다", "확인: systemctl status gunicorn_monitor")
    terminal.type("q")
    assert terminal.code() == 3
