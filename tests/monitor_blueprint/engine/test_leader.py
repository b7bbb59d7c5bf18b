from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import IO

import pytest

from monitor_blueprint.engine.leader import ScheduleLock

ROOT = Path(__file__).parents[3]
PROGRAM = """
import pathlib, sys, threading
from monitor_blueprint.engine.leader import ScheduleLock
say = lambda *words: print(*words, flush=True)
ScheduleLock(pathlib.Path(sys.argv[1])).start(lambda: say("acquired"), lambda pid: say("waiting for", pid))
sys.stdin.read()
"""
STRANGER = """
import os, socket, sys
os.setuid(65534)
taken = socket.socket(socket.AF_UNIX)
taken.bind("\\0" + sys.argv[1])
taken.listen()
print("taken", flush=True)
sys.stdin.read()
"""
Start = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts processes that want the lock, and say so."""
    processes: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "state")],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def output_of(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def that_speak(processes: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    """Wait for the first, and return all that have said something."""
    ready = wait([output_of(process).fileno() for process in processes], 60)
    return [process for process in processes if output_of(process).fileno() in ready]


def said_by(process: subprocess.Popen[str]) -> str:
    return output_of(process).readline().strip()


def test_first_gets_the_lock(start: Start, tmp_path: Path) -> None:
    """The first has the lock at once, and makes the directory."""
    process = start()
    assert said_by(process) == "acquired"
    assert ScheduleLock(tmp_path / "state").holder() == process.pid


def test_second_takes_over_from_killed(start: Start, tmp_path: Path) -> None:
    """A second one says for whom it waits, and takes over when the first is killed."""
    first = start()
    assert said_by(first) == "acquired"
    second = start()
    assert said_by(second) == f"waiting for {first.pid}"
    first.send_signal(signal.SIGKILL)
    assert said_by(second) == "acquired"
    assert ScheduleLock(tmp_path / "state").holder() == second.pid


def test_many_hold_it_in_turn(start: Start, tmp_path: Path) -> None:
    """Of many, exactly one has the lock, and each in turn."""
    waiting = [start() for _ in range(4)]
    holder = next(process for process, words in [(process, said_by(process)) for process in waiting] if words == "acquired")
    waiting.remove(holder)
    while waiting:
        holder.kill()
        (holder,) = that_speak(waiting)
        assert said_by(holder) == "acquired"
        assert ScheduleLock(tmp_path / "state").holder() == holder.pid
        waiting.remove(holder)


def test_untaken_lock_has_no_holder(tmp_path: Path) -> None:
    assert ScheduleLock(tmp_path / "state").holder() == 0


def test_dead_holder_holds_nothing(start: Start, tmp_path: Path) -> None:
    process = start()
    assert said_by(process) == "acquired"
    process.kill()
    process.wait()
    assert ScheduleLock(tmp_path / "state").holder() == 0


def test_one_holder_without_directory(start: Start, tmp_path: Path) -> None:
    """Where the directory cannot be had, exactly one of many has the lock all the same."""
    (tmp_path / "state").write_text("a file is in the way")
    first = start()
    assert said_by(first) == "acquired"
    waiting = [start() for _ in range(3)]
    assert [said_by(process) for process in waiting] == [f"waiting for {first.pid}"] * 3
    first.kill()
    while waiting:
        (holder,) = that_speak(waiting)
        assert said_by(holder) == "acquired"
        waiting.remove(holder)
        holder.kill()


def test_one_holder_when_directory_vanishes(start: Start, tmp_path: Path) -> None:
    """One that found the directory usable and one that did not never both have the lock."""
    first = start()
    assert said_by(first) == "acquired"
    (tmp_path / "state").rename(tmp_path / "moved")
    (tmp_path / "state").write_text("a file is in the way")
    second = start()
    assert said_by(second) == f"waiting for {first.pid}"
    (tmp_path / "state").unlink()
    third = start()
    assert said_by(third) == f"waiting for {first.pid}"
    first.kill()
    assert len(that_speak([second, third])) == 1


def test_circular_directory_is_locked_too(start: Start, tmp_path: Path) -> None:
    """A directory that leads to itself is locked, too."""
    (tmp_path / "state").symlink_to(tmp_path / "state")
    first = start()
    assert said_by(first) == "acquired"
    assert said_by(start()) == f"waiting for {first.pid}"


def test_unusable_file_is_explained(tmp_path: Path) -> None:
    acquired = threading.Event()
    assert ScheduleLock(tmp_path / "state").start(acquired.set, lambda pid: None) == ""
    assert acquired.wait(60)
    acquired.clear()
    (tmp_path / "other").write_text("a file is in the way")
    assert ScheduleLock(tmp_path / "other").start(acquired.set, lambda pid: None) in ("File exists", "Not a directory")
    assert acquired.wait(60)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
def test_stranger_blocks_nobody(start: Start, tmp_path: Path) -> None:
    """A stranger who takes the name keeps nobody from running."""
    name = ScheduleLock(tmp_path / "state")._name
    stranger = subprocess.Popen(
        [sys.executable, "-c", STRANGER, name[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with stranger:
        output_of(stranger).readline()
        assert said_by(start()) == "acquired"
        stranger.kill()


def test_deaf_name_blocks_only_briefly(start: Start, tmp_path: Path) -> None:
    """A name that nobody listens to is waited for only a while."""
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(ScheduleLock(tmp_path / "state")._name)
        assert said_by(start()) == "acquired"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a file system that is full")
def test_full_disk_stops_no_schedule(tmp_path: Path) -> None:
    directory = tmp_path / "full"
    directory.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", directory], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        (directory / "monitor.lock").touch()
        (directory / "filling").write_bytes(b"x" * 4096)
        acquired = threading.Event()
        ScheduleLock(directory).start(acquired.set, lambda pid: None)
        assert acquired.wait(60)
    finally:
        subprocess.run(["umount", "-l", directory], check=True)
