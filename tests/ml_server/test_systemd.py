import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_server.systemd import Watchdog

HOUR_US = "3600000000"


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A socket in the place of systemd's."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", listening.getsockname())
        yield listening


def watchdog() -> Watchdog:
    return Watchdog(logging.getLogger(__name__))


def test_watchdog_is_fed_at_half_time(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watchdog is fed once in half its time."""
    monkeypatch.setenv("WATCHDOG_USEC", HOUR_US)
    fed = watchdog()
    fed.ping(100.0)
    assert manager.recv(100) == b"WATCHDOG=1"
    fed.ping(1899.0)
    with pytest.raises(BlockingIOError):
        manager.recv(100)
    fed.ping(1900.0)
    assert manager.recv(100) == b"WATCHDOG=1"


def test_the_abstract_namespace_is_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", HOUR_US)
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{tmp_path}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{tmp_path}")
        listening.setblocking(False)
        watchdog().ping(100.0)
        assert listening.recv(100) == b"WATCHDOG=1"


def test_without_systemd_nothing_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", HOUR_US)
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    watchdog().ping(100.0)


def test_without_a_watchdog_nothing_is_fed(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    watchdog().ping(100.0)
    with pytest.raises(BlockingIOError):
        manager.recv(100)
