from __future__ import annotations

import io
import logging
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from monitor_blueprint.domain.models import Status
from monitor_blueprint.domain.text import Public
from monitor_blueprint.text.health_log import LEVELS, SUCCESS, HealthLog
from tests.monitor_blueprint.guide import without_time
from tests.monitor_blueprint.standins import UNPRIVILEGED

ROOT = Path(__file__).parents[3]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(directory: Path, screen: io.StringIO) -> Iterator[HealthLog]:
    log = HealthLog(directory, screen)
    yield log
    log.close()


def lines(path: Path) -> list[str]:
    return [without_time(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("level", "word"), [(logging.INFO, "INFO"), (SUCCESS, "SUCCESS"), (logging.WARNING, "WARNING"), (logging.ERROR, "ERROR")]
)
def test_a_line_has_the_guides_form(log: HealthLog, directory: Path, screen: io.StringIO, level: int, word: str) -> None:
    """In the file and on standard output alike."""
    before = datetime.now().astimezone().replace(microsecond=0)
    log.write(level, Public("Django: 정상 실행 중"))
    after = datetime.now().astimezone()
    written = (directory / "health_check.log").read_text(encoding="utf-8")
    assert written == screen.getvalue()
    moment = datetime.strptime(written[:21], "[%Y-%m-%d %H:%M:%S]").astimezone()
    assert before <= moment <= after
    assert written[21:] == f" {word}: Django: 정상 실행 중\n"


def test_grep_error_finds_the_critical() -> None:
    """And nothing else."""
    assert [status for status, level in LEVELS.items() if logging.getLevelName(level) == "ERROR"] == [Status.CRITICAL]
    assert LEVELS[Status.OK] == SUCCESS


def test_runs_are_in_cron_log(log: HealthLog, directory: Path, screen: io.StringIO) -> None:
    """The guide's name, though no cron runs them."""
    log.write_run(logging.INFO, Public("헬스 체크 실행 (schedule)"))
    assert lines(directory / "cron.log") == ["INFO: 헬스 체크 실행 (schedule)"]
    assert not (directory / "health_check.log").exists()
    assert not screen.getvalue()


def test_a_rotation_begins_a_new_file(log: HealthLog, directory: Path) -> None:
    path = directory / "health_check.log"
    log.write(logging.INFO, Public("one"))
    path.rename(directory / "health_check.log.1")
    log.write(logging.INFO, Public("two"))
    assert lines(directory / "health_check.log.1") == ["INFO: one"]
    assert lines(path) == ["INFO: two"]


def test_a_truncated_file_begins_anew(log: HealthLog, directory: Path) -> None:
    """As the guide empties it."""
    path = directory / "health_check.log"
    log.write(logging.INFO, Public("one"))
    os.truncate(path, 0)
    log.write(logging.INFO, Public("two"))
    assert lines(path) == ["INFO: two"]


def test_a_deleted_directory_is_made_again(log: HealthLog, directory: Path) -> None:
    log.write(logging.INFO, Public("one"))
    (directory / "health_check.log").unlink()
    directory.rmdir()
    log.write(logging.INFO, Public("two"))
    assert lines(directory / "health_check.log") == ["INFO: two"]
    assert not log.problem


def test_two_processes_write_whole_lines(log: HealthLog, directory: Path) -> None:
    other = HealthLog(directory, io.StringIO())
    for number in range(50):
        log.write(logging.INFO, Public(f"one {number}"))
        other.write(logging.INFO, Public(f"two {number}"))
    other.close()
    expected = [f"INFO: {who} {number}" for number in range(50) for who in ("one", "two")]
    assert lines(directory / "health_check.log") == expected


def test_without_a_directory_the_screen_remains(log: HealthLog, directory: Path, screen: io.StringIO) -> None:
    """Standard output has every line, and the problem is known until it is over."""
    directory.write_text("a file is in the way")
    log.write(logging.ERROR, Public("one"))
    assert screen.getvalue().endswith("ERROR: one\n")
    # Python 3.13 no longer looks at the file before the directory is made.
    assert log.problem in {f"{directory}/health_check.log: {reason}" for reason in ("Not a directory", "File exists")}
    directory.unlink()
    log.write(logging.ERROR, Public("two"))
    assert not log.problem
    assert lines(directory / "health_check.log") == ["ERROR: two"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, the device that is always full")
def test_a_full_disk_is_known(log: HealthLog, directory: Path, screen: io.StringIO) -> None:
    """And forgotten once there is room."""
    directory.mkdir()
    path = directory / "health_check.log"
    path.symlink_to("/dev/full")
    for text in ("one", "two"):
        log.write(logging.INFO, Public(text))
        assert log.problem == f"{path}: No space left on device"
    path.unlink()
    log.write(logging.INFO, Public("three"))
    assert not log.problem
    assert lines(path) == ["INFO: three"]
    assert len(screen.getvalue().splitlines()) == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, the device that is always full")
def test_a_full_disk_below_cron_log(log: HealthLog, directory: Path) -> None:
    directory.mkdir()
    (directory / "cron.log").symlink_to("/dev/full")
    log.write_run(logging.INFO, Public("one"))
    assert log.problem == f"{directory}/cron.log: No space left on device"


is_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
NOBODY = 65534


@is_root
@pytest.mark.parametrize("name", ["health_check.log", "cron.log"])
def test_anothers_link_leads_nowhere(log: HealthLog, directory: Path, name: str) -> None:
    """Whoever owns the directory cannot make the monitor write into its own files."""
    directory.mkdir()
    target = directory.parent / "monitor.db"
    target.write_bytes(b"x")
    (directory / name).symlink_to(target)
    os.lchown(directory / name, NOBODY, NOBODY)
    log.write(logging.INFO, Public("one"))
    log.write_run(logging.INFO, Public("one"))
    assert (log.problem, log.is_refused) == (f"{directory}/{name}: Permission denied", True)
    assert target.read_bytes() == b"x"


def test_a_pipe_is_not_waited_for(log: HealthLog, directory: Path) -> None:
    directory.mkdir()
    os.mkfifo(directory / "health_check.log")
    log.write(logging.INFO, Public("one"))
    assert (log.problem, log.is_refused) == (f"{directory}/health_check.log: No such device or address", False)


@is_root
def test_a_file_given_away_is_told(directory: Path) -> None:
    """It is written as long as it is open, and told at once: nobody can open it again. Given back, all is well."""
    program = """
import os, pathlib
log = HealthLog(pathlib.Path(os.environ['LOG_DIR']))
for line in sys.stdin:
    log.write(logging.INFO, line.strip())
    print(log.check(), log.is_refused, flush=True)
"""
    command = [*UNPRIVILEGED, sys.executable, "-c", IMPORTS + program]
    environ = {"PATH": os.environ["PATH"], "LOG_DIR": str(directory)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, env=environ, text=True, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdin is not None
        assert process.stdout is not None

        def write(text: str) -> str:
            print(text, file=process.stdin, flush=True)
            lines: list[str] = [process.stdout.readline() for _ in range(2)]
            return lines[1].strip()

        path = directory / "health_check.log"
        assert write("one") == "False"
        os.chown(path, NOBODY, NOBODY)
        assert write("two") == f"{path}: Permission denied True"
        os.chown(path, 0, 0)
        assert write("three") == "False"
        process.stdin.close()
    assert lines(path) == ["INFO: one", "INFO: two", "INFO: three"]


def test_a_closed_log_stays_closed(log: HealthLog, directory: Path) -> None:
    """Whoever still writes or asks."""
    log.write(logging.INFO, Public("one"))
    log.close()
    (directory / "health_check.log").unlink()
    log.write(logging.INFO, Public("two"))
    assert not log.check()
    assert not list(directory.iterdir())


def test_no_text_can_forge_a_line(log: HealthLog, directory: Path, screen: io.StringIO) -> None:
    """Nor send commands to a terminal."""
    log.write(logging.WARNING, Public("a\n[2025-12-06 14:35:01] ERROR: forged\r\x1b[31mred\x9b\u2028b\x00"))
    assert lines(directory / "health_check.log") == ["WARNING: a [2025-12-06 14:35:01] ERROR: forged red b"]
    assert "\x1b" not in screen.getvalue()


def test_an_endless_text_is_cut(log: HealthLog, directory: Path) -> None:
    log.write(logging.INFO, Public("x" * 100_000))
    (line,) = lines(directory / "health_check.log")
    assert line == "INFO: " + "x" * 1999 + "…"


@pytest.mark.parametrize(
    ("level", "colour"), [(SUCCESS, "32"), (logging.WARNING, "33"), (logging.ERROR, "31"), (logging.INFO, "")]
)
def test_a_terminal_has_colours(directory: Path, level: int, colour: str) -> None:
    """The file has none."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        log = HealthLog(directory, terminal)
        log.write(level, Public("text"))
        log.close()
        shown = os.read(ours, 1000).decode()
    os.close(ours)
    assert (f"\x1b[{colour}m[" in shown) is bool(colour)
    assert (shown.endswith("text\x1b[0m\r\n")) is bool(colour)
    assert "\x1b" not in (directory / "health_check.log").read_text()


IMPORTS = "import logging, sys\nfrom monitor_blueprint.text.health_log import HealthLog\n"


def run_with(directory: Path, program: str, **environ: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", IMPORTS + program],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "LOG_DIR": str(directory), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_a_terminal_without_korean(directory: Path) -> None:
    """It gets question marks, and the file the text."""
    program = "import os, pathlib\nHealthLog(pathlib.Path(os.environ['LOG_DIR'])).write(logging.INFO, '정상')"
    out, err = run_with(directory, program, PYTHONIOENCODING="ascii").communicate(timeout=60)
    assert (out[22:], err) == (b"INFO: ??\n", b"")
    assert lines(directory / "health_check.log") == ["INFO: 정상"]


def test_a_closed_pipe_disturbs_nothing(directory: Path) -> None:
    """`| head` stops reading."""
    program = """
import os, pathlib
sys.stdin.readline()
log = HealthLog(pathlib.Path(os.environ['LOG_DIR']))
for number in range(3):
    log.write(logging.INFO, str(number))
sys.exit(2)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", IMPORTS + program],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "LOG_DIR": str(directory)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(b"go\n", timeout=60)
    assert (process.returncode, err) == (2, b"")
    assert lines(directory / "health_check.log") == ["INFO: 0", "INFO: 1", "INFO: 2"]
