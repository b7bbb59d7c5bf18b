from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from monitor_blueprint.adapters.connect import connect
from monitor_blueprint.adapters.http import fetch
from monitor_blueprint.adapters.shortage import ShortageError
from tests.monitor_blueprint.probes.looking import nobody, serve
from tests.monitor_blueprint.shortage import few_threads, no_descriptors

# Far above what a busy machine makes of it.
PLENTY_S = 20.0


@contextmanager
def listening(host: str, port: int = 0) -> Iterator[int]:
    with socket.create_server((host, port)) as listener:
        yield listener.getsockname()[1]


@contextmanager
def silent(host: str, port: int) -> Iterator[None]:
    """A listener whose queue is full: the kernel answers no SYN any more, as if the packets were dropped."""
    with ExitStack() as kept, socket.create_server((host, port), backlog=0) as listener:
        for _ in range(3):
            waiting = kept.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield


def name_of(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> str:
    """A name that has all these addresses: no name server is on this machine's loopback."""

    def resolve(host: str, port: int, *_: object) -> list[tuple[object, ...]]:
        assert host == "site.example"
        families = [(socket.AF_INET6 if ":" in each else socket.AF_INET, each) for each in hosts]
        return [(family, socket.SOCK_STREAM, 6, "", (each, port)) for family, each in families]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return "site.example"


def peer(host: str, port: int, timeout_s: float = PLENTY_S) -> str:
    with connect(host, port, time.monotonic() + timeout_s) as connected:
        return str(connected.getpeername()[0])


def test_a_dead_address_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one is tried beside it, long before there is no time left."""
    name = name_of(monkeypatch, "127.0.0.2", "127.0.0.1")
    with listening("127.0.0.1") as port, silent("127.0.0.2", port):
        before = time.monotonic()
        assert peer(name, port) == "127.0.0.1"
        assert 0.2 <= time.monotonic() - before < PLENTY_S / 2


def test_all_addresses_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last of many gets its turn within a deadline that is shorter than a head start for each."""
    dead = [f"127.0.0.{number}" for number in range(2, 8)]
    name = name_of(monkeypatch, *dead, "127.0.0.1")
    with listening("127.0.0.1") as port, ExitStack() as others:
        for host in dead:
            others.enter_context(silent(host, port))
        assert peer(name, port, 1.0) == "127.0.0.1"


def test_families_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 8305, 4: three addresses of the first family, and the second family is next but one."""
    name = name_of(monkeypatch, "127.0.0.2", "127.0.0.3", "127.0.0.4", "::1")
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener, ExitStack() as others:
        port = listener.getsockname()[1]
        for number in (2, 3, 4):
            others.enter_context(silent(f"127.0.0.{number}", port))
        before = time.monotonic()
        assert peer(name, port) == "::1"
        assert time.monotonic() - before < PLENTY_S / 2


def test_refusal_is_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    name = name_of(monkeypatch, "::1", "127.0.0.1")
    with listening("127.0.0.1") as port:
        assert peer(name, port) == "127.0.0.1"


def test_refusal_tells_more_than_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(nobody().rstrip("/").rpartition(":")[2])
    name = name_of(monkeypatch, "127.0.0.1", "127.0.0.2")
    with silent("127.0.0.2", port), pytest.raises(ConnectionRefusedError):
        peer(name, port, 0.3)


def test_silence_costs_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    name = name_of(monkeypatch, "127.0.0.2", "127.0.0.3")
    port = int(nobody().rstrip("/").rpartition(":")[2])
    with silent("127.0.0.2", port), silent("127.0.0.3", port):
        before = time.monotonic()
        assert fetch(f"http://{name}:{port}/", 0.3).failure == "timeout"
        assert 0.3 <= time.monotonic() - before < PLENTY_S


def test_silent_name_server_costs_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: is_over.wait(60))
    try:
        assert fetch("http://site.example/", 0.3).failure == "name"
    finally:
        is_over.set()


@pytest.mark.parametrize("host", ["a..b", "x" * 64])
def test_impossible_name_is_no_name(host: str) -> None:
    with pytest.raises(socket.gaierror):
        peer(host, 80)


def test_names_of_every_script_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a name server and a site know them (RFC 3490)."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, *_: [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port))])
    with serve() as site:
        site.answers = [b""]
        port = site.url.rstrip("/").rpartition(":")[2]
        assert fetch(f"http://병원.example:{port}/상태", PLENTY_S).status == 200
        assert site.headers[0]["Host"] == f"xn--om3bw6p.example:{port}"


def test_shortage_is_told_as_such() -> None:
    """Of descriptors and of threads; neither is a name that does not exist."""
    with listening("127.0.0.1") as port:
        for host in ("127.0.0.1", "localhost"):
            with no_descriptors(), pytest.raises(ShortageError, match="no_descriptors"):
                fetch(f"http://{host}:{port}/", PLENTY_S)
        with few_threads(0), pytest.raises(ShortageError, match="no_threads"):
            fetch(f"http://localhost:{port}/", PLENTY_S)
