"""The worker beside others, at its limits, and at its end."""

import contextlib
import json
import os
import signal
import threading
import time
from collections import Counter
from multiprocessing.connection import wait

import psutil
import pytest

from tests.serving.app import MAX_BODY
from tests.serving.conftest import StartServer
from tests.serving.server import DEADLINE_S, Client, Server, established, wait_until

pytestmark = pytest.mark.slow

BOTH_LOOPS = pytest.mark.parametrize("worker_class", ["tests.serving.app.AsyncioWorker", "tests.serving.app.UvloopWorker"])
CLOSE = "Connection: close\r\n"


def wait_request(name: str) -> bytes:
    return f"GET /wait?{name} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


@BOTH_LOOPS
def test_silent_clients_make_room(start_server: StartServer, worker_class: str) -> None:
    """With more silent connections than there may be, who asks is answered at once, and so is who was asking."""
    server = start_server(worker_connections=100, HEAD_S=600.0, worker_class=worker_class)
    with contextlib.ExitStack() as stack:
        asking = stack.enter_context(server.connect()).send(wait_request("room"))
        server.ask("/begun?room")
        silent = [stack.enter_context(server.connect()) for _ in range(300)]
        begin = time.monotonic()
        for _ in range(10):
            assert server.ask("/?other").body == b"other"
        assert time.monotonic() - begin < 5
        server.ask("/release?room")
        assert asking.answer().body == b"room"
        assert silent[0].rest() == b""
        assert silent[-1].ask("/?last").body == b"last"


@BOTH_LOOPS
def test_too_few_files_are_survived(start_server: StartServer, worker_class: str) -> None:
    """The log has it, the processor is not kept busy, and idle connections make room."""
    server = start_server(files=50, HEAD_S=600.0, worker_class=worker_class)
    (pid,) = server.workers()
    process = psutil.Process(pid)
    with contextlib.ExitStack() as stack:
        for number in range(60):  # not idle: they have begun to ask
            stack.enter_context(server.connect()).send(b"GET / HTTP/1.1\r\n" if number % 10 else b"")
        wait_until(lambda: "could not be accepted: EMFILE" in server.log)
        before = sum(process.cpu_times()[:2])
        time.sleep(0.5)
        assert sum(process.cpu_times()[:2]) - before < 0.25
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(server.connect())
        assert server.ask("/?next").body == b"next"  # sooner than the silent ones are given up
    assert server.workers() == [pid]


def test_many_waiting_are_503(start_server: StartServer) -> None:
    """At once, in the envelope, on a connection that goes on."""
    server = start_server(threads=1)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()).send(wait_request("many")) for _ in range(18)]
        readable = wait([each.socket for each in clients], DEADLINE_S)
        (refused,) = [each for each in clients if each.socket in readable]
        assert refused.answer().status == refused.ask("/", method="HEAD").status == 503
        answer = refused.ask("/")
        assert (answer.status, answer.is_kept) == (503, True)
        assert json.loads(answer.body) == {"refused": 503, "phrase": "Service Unavailable"}
        assert refused.ask("/release?many").status == 200
        assert [each.answer().body for each in clients if each is not refused] == [b"many"] * 17
        assert refused.ask("/?next").body == b"next"


class Load:
    """Clients that ask without a pause on kept connections, and anew as soon as they are told that one is the last."""

    def __init__(self, server: Server, count: int = 4) -> None:
        self._server = server
        self.answered: Counter[int] = Counter()
        self.failures: list[str] = []
        self._is_over = False
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(count)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        self.wait_for_more()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        client: Client | None = None
        while not self._is_over:
            try:
                client = client or self._server.connect()
                answer = client.ask("/", method="POST", body=b"load")
                assert (answer.status, answer.body) == (200, b"load")
                self.answered[number] += 1
                if not answer.is_kept:
                    client.close()
                    client = None
            except (OSError, AssertionError) as error:
                self.failures.append(repr(error))
                client = None
        if client is not None:
            client.close()

    def wait_for_more(self) -> None:
        """Until each client has been answered some more."""
        before = self.answered.copy()
        wait_until(
            lambda: bool(self.failures) or all(self.answered[each] > before[each] + 20 for each in range(len(self._threads)))
        )


@BOTH_LOOPS
def test_reloads_lose_no_request(start_server: StartServer, worker_class: str) -> None:
    """Neither those that are asked without a pause, nor those that take longer than the reload."""
    server = start_server(workers=2, worker_class=worker_class)
    with contextlib.ExitStack() as stack:
        load = stack.enter_context(Load(server))
        clients = [stack.enter_context(server.connect()) for _ in range(8)]
        pids = [client.ask("/pid").body for client in clients]
        slow, releasing, in_body, idle = [
            client for client, pid in zip(clients, pids, strict=True) if pid == max(pids, key=pids.count)
        ][:4]
        slow.send(wait_request("reload"))
        releasing.send(b"GET /release?reload HTTP/1.1\r\n")
        in_body.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo")
        reload(server)
        load.wait_for_more()
        assert idle.rest() == b""
        assert in_body.send(b"dy").answer().body == b"body"
        assert releasing.send(b"Host: x\r\n\r\n").answer().status == 200
        assert slow.answer().body == b"reload"
        reload(server)
        load.wait_for_more()
    assert load.failures == []


def reload(server: Server) -> None:
    """Reload, until each worker is a new one; old ones may still be there."""
    before = server.workers()
    os.kill(server.process.pid, signal.SIGHUP)
    wait_until(lambda: len(set(server.workers()) - set(before)) == 2)


def test_stops_lose_no_request(start_server: StartServer) -> None:
    """One of two workers stops under load: idle clients are closed within about a second, others are answered."""
    server = start_server(workers=2)
    with contextlib.ExitStack() as stack:
        load = stack.enter_context(Load(server))
        idle = [stack.enter_context(server.connect()) for _ in range(8)]
        pids = [int(client.ask("/pid").body) for client in idle]
        stopped = pids[0]
        begin = time.monotonic()
        os.kill(stopped, signal.SIGTERM)
        for client, pid in zip(idle, pids, strict=True):
            if pid == stopped:
                assert client.rest() == b""
        assert time.monotonic() - begin < 5
        wait_until(lambda: stopped not in server.workers())
        load.wait_for_more()
    assert load.failures == []


def test_stop_answers_what_was_asked(start_server: StartServer) -> None:
    """On a connection that is closed with the answer."""
    server = start_server()
    with server.connect() as asking, server.connect() as resting, server.connect() as releasing:
        asking.send(wait_request("stop"))
        assert resting.ask("/begun?stop").is_kept
        assert releasing.ask("/").is_kept
        releasing.send(b"GET /release?stop HTTP/1.1\r\n")
        os.kill(server.process.pid, signal.SIGTERM)
        assert resting.rest() == b""
        assert not releasing.send(b"Host: x\r\n\r\n").answer().is_kept
        answer = asking.answer()
        assert (answer.body, answer.is_kept) == (b"stop", False)
    assert server.process.wait(DEADLINE_S) == 0


@BOTH_LOOPS
def test_quit_ends_at_once(start_server: StartServer, worker_class: str) -> None:
    """Whatever the application is doing."""
    server = start_server(worker_class=worker_class)
    with server.connect() as client:
        client.send(wait_request("quit"))
        server.ask("/begun?quit")
        begin = time.monotonic()
        os.kill(server.process.pid, signal.SIGQUIT)
        server.process.wait(DEADLINE_S)
        assert time.monotonic() - begin < 5


@pytest.mark.parametrize("count", [4, 16])
@BOTH_LOOPS
def test_workers_share_connections(start_server: StartServer, count: int, worker_class: str) -> None:
    """Also one that took a killed worker's place."""
    server = start_server(workers=2, worker_class=worker_class)
    wait_until(lambda: len(served(server, 2)) == 2)
    assert max(served(server, count).values()) <= count // 2 + 1
    killed = server.workers()[0]
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: len(server.workers()) == 2 and killed not in server.workers())
    wait_until(lambda: len(served(server, 2)) == 2)
    shares = served(server, count)
    assert set(shares) == set(server.workers())
    assert max(shares.values()) <= count // 2 + 1


def served(server: Server, count: int) -> Counter[int]:
    """How many of as many connections, opened at once, each worker gets, when those before are gone."""
    wait_until(lambda: not any(established(pid) for pid in server.workers()))
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(count)]
        for client in clients:
            client.send(b"GET /pid HTTP/1.1\r\nHost: x\r\n\r\n")
        return Counter(int(client.answer().body) for client in clients)


@BOTH_LOOPS
def test_unix_socket_is_served(start_server: StartServer, tmp_path_factory: pytest.TempPathFactory, worker_class: str) -> None:
    server = start_server(path=str(tmp_path_factory.mktemp("s") / "s"), worker_class=worker_class)
    with server.connect() as client:
        for _ in range(2):
            assert client.ask("/", method="POST", body=b"x" * MAX_BODY).body == b"x" * MAX_BODY


@BOTH_LOOPS
def test_closed_connections_are_forgotten(start_server: StartServer, worker_class: str) -> None:
    """Without a garbage collector that would break cycles."""
    server = start_server(worker_class=worker_class)
    assert server.ask("/count").status == 200
    for number in range(2000):
        with server.connect() as client:
            if number % 4 == 0:
                client.ask("/", fields=CLOSE)
            elif number % 4 == 1:
                client.ask("/")
            elif number % 4 == 2:
                client.send(b"nonsense\r\n\r\n").answer()
            else:
                client.send(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 9000 + b"\r\n\r\n").answer()
    wait_until(lambda: int(server.ask("/count").body) < 20)
