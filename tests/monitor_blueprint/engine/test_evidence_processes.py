from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from monitor_blueprint.engine import evidence_processes


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (
            ["/usr/bin/python3", "-m", "gunicorn", "--bind", "127.0.0.1:9000"],
            "/usr/bin/python3 -m gunicorn --bind 127.0.0.1:9000",
        ),
        (["x", "--password=abc", "--db-password", "abc", "y"], "x --password=*** --db-password *** y"),
        (["env", "API_KEY=abc", "MY_SECRET=d e"], "env API_KEY=*** MY_SECRET=***"),
        (["mysql", "-pabc"], "mysql -p***"),
        (["mysql", "-P3306"], "mysql -P3306"),
        (["psql", "postgres://kim:abc@db/clinic"], "psql postgres://***@db/clinic"),
        (["curl", "-H", "Authorization: Bearer abc"], "curl -H Authorization:***"),
        (["x\n", "\x1b[31m"], "x"),
        ([], ""),
    ],
)
def test_secrets_are_masked(words: list[str], shown: str) -> None:
    assert evidence_processes.command_line(words) == shown


def test_a_long_command_line_is_cut() -> None:
    assert len(evidence_processes.command_line(["x" * 100_000] * 1000)) <= 200


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/system.slice/gunicorn_flask.service\n", "gunicorn_flask.service"),
        ("0::/user.slice/user-0.slice/session-2.scope\n", "session-2.scope"),
        ("12:pids:/system.slice/nginx.service\n0::/system.slice/nginx.service\n", "nginx.service"),
        ("0::/system.slice/docker-abc.scope/x\n", "docker-abc.scope"),
        ("0::/system.slice\n", "system.slice"),
        ("0::/\n", ""),
    ],
)
def test_the_unit_is_in_the_cgroup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cgroup: str, unit: str) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cgroup").write_text(cgroup)
    monkeypatch.setattr(evidence_processes, "_PROC", tmp_path)
    assert evidence_processes.unit_of(7) == unit
    assert evidence_processes.unit_of(8) == ""


def test_threads_say_what_they_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a process that sleeps in two threads."""
    program = (
        "import sys, threading; threading.Thread(target=threading.Event().wait, daemon=True).start();"
        " print('ready', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        monkeypatch.setattr(evidence_processes, "unit_of", lambda pid: "ml.service" if pid == process.pid else "")
        text = evidence_processes.threads("ml")
        described = evidence_processes.described(psutil.Process(process.pid))
        process.communicate()
    assert text.startswith(f"{process.pid:>7}  {sys.executable} -c ")
    states = text.rpartition("  -  ")[2]
    assert "S (sleeping)" in states or "R (running)" in states
    assert sum(int(part.rsplit(" ", 1)[1]) for part in states.split(", ")) == 2
    assert described.startswith(f"ml.service  {sys.executable} -c ")


def test_a_unit_without_processes_has_no_threads() -> None:
    assert evidence_processes.threads(f"no-such-unit-{os.getpid()}") == ""
