"""What is kept is written in groups, in order, and waits where the disk does."""

import threading

import pytest

from ml_server import grouping
from ml_server.grouping import Groups
from ml_server.storage.database import StorageError

DEADLINE_S = 20


class Disk:
    """Takes what is written; while `is_full`, nothing."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.lost = 0
        self.is_full = False
        self.tries = 0
        self.written = threading.Event()
        self.tried = threading.Event()

    def write(self, group: list[int]) -> None:
        self.tries += 1
        self.tried.set()
        if self.is_full:
            raise StorageError("the disk is full")
        self.groups.append(group)
        self.written.set()

    def lose(self, count: int) -> None:
        self.lost += count


def _groups(disk: Disk, most: int = 100) -> Groups[int]:
    return Groups("test", disk.write, most, disk.lose)


def test_what_comes_together_is_written_together() -> None:
    disk = Disk()
    groups = _groups(disk)
    for number in range(10):
        groups.add(number)
    assert disk.written.wait(DEADLINE_S)
    groups.flush()
    assert [number for group in disk.groups for number in group] == list(range(10))
    assert len(disk.groups) < 10


def test_full_disk_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    disk = Disk()
    disk.is_full = True
    groups = _groups(disk)
    groups.add(1)
    assert disk.tried.wait(DEADLINE_S)
    groups.add(2)
    disk.is_full = False
    assert disk.written.wait(DEADLINE_S)
    groups.flush()
    assert [number for group in disk.groups for number in group] == [1, 2]
    assert disk.lost == 0
    assert caplog.text.count("the disk is full") <= 1


def test_too_much_is_counted_and_lost() -> None:
    disk = Disk()
    disk.is_full = True
    groups = _groups(disk, most=3)
    for number in range(10):
        groups.add(number)
    assert disk.lost == 7
    disk.is_full = False
    groups.flush()
    assert [number for group in disk.groups for number in group] == [0, 1, 2]
    groups.add(3, size=3)
    groups.add(4)
    assert disk.lost == 8


def test_wrong_group_spoils_no_other() -> None:
    disk = Disk()

    def write(group: list[int]) -> None:
        if 0 in group:
            _ = 1 / group[0]
        disk.write(group)

    groups: Groups[int] = Groups("test", write, 100, disk.lose)
    groups.add(0)
    groups.flush()
    groups.add(1)
    groups.flush()
    assert disk.lost == 1
    assert [1] in disk.groups


def test_many_threads_lose_nothing() -> None:
    disk = Disk()
    groups = _groups(disk, most=100_000)

    def add(first: int) -> None:
        for number in range(first, first + 2000):
            groups.add(number)

    threads = [threading.Thread(target=add, args=(first,)) for first in range(0, 8000, 2000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    groups.flush()
    assert sorted(number for group in disk.groups for number in group) == list(range(8000))


def test_idle_thread_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what comes after starts another, however close to the end it comes."""
    monkeypatch.setattr(grouping, "_IDLE_S", 0.0)
    disk = Disk()
    groups = Groups("ends", disk.write, 100_000, disk.lose, 0.0)
    for number in range(200):
        groups.add(number)
        for thread in threading.enumerate():
            if thread.name == "ends" and number % 2:
                thread.join(DEADLINE_S)
                assert not thread.is_alive()
    groups.flush()
    assert [number for group in disk.groups for number in group] == list(range(200))
