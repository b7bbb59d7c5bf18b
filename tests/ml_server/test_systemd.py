import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_server.systemd import Watchdog, notify


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket in the place of systemd's."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


def test_a_report_arrives(manager: socket.socket) -> None:
    notify("READY=1\nSTATUS=serving", {"NOTIFY_SOCKET": manager.getsockname()})
    assert manager.recv(100) == b"READY=1\nSTATUS=serving"


def test_a_report_arrives_in_the_abstract_namespace(tmp_path: Path) -> None:
    name = str(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        notify("READY=1", {"NOTIFY_SOCKET": f"@{name}"})
        assert listening.recv(100) == b"READY=1"


def test_without_systemd_nothing_is_reported() -> None:
    notify("READY=1", {})


def test_the_watchdog_is_fed_once_in_half_its_time(manager: socket.socket) -> None:
    watchdog = Watchdog({"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "3600000000"})
    watchdog.ping()
    watchdog.ping()
    assert manager.recv(100) == b"WATCHDOG=1"
    with pytest.raises(BlockingIOError):
        manager.recv(100)


def test_without_a_watchdog_nothing_is_fed(manager: socket.socket) -> None:
    Watchdog({"NOTIFY_SOCKET": manager.getsockname()}).ping()
    with pytest.raises(BlockingIOError):
        manager.recv(100)
