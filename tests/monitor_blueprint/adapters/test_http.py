from __future__ import annotations

import gzip
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from monitor_blueprint.adapters.http import MAX_BODY_BYTES, fetch, is_served
from monitor_blueprint.adapters.shortage import ShortageError
from tests.monitor_blueprint.certificates import cut_at_any_moment, make_certificate, server_context
from tests.monitor_blueprint.probes.looking import answering, nobody, serve
from tests.monitor_blueprint.shortage import no_descriptors
from tests.monitor_blueprint.standins import UNPRIVILEGED, EndlessServer, listening, unix_url

LIMIT_S = 0.3
# Far below what the server takes, far above what a busy machine makes of the limit.
MOST_S = 15.0


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("status", [0, 200], ids=["head", "body"])
@pytest.mark.parametrize("is_encrypted", [False, True], ids=["plain", "tls"])
def test_a_dripping_answer_costs_its_deadline(tmp_path: Path, status: int, is_encrypted: bool) -> None:
    tls = server_context(make_certificate(tmp_path)) if is_encrypted else None
    before = time.monotonic()
    with cut_at_any_moment(), EndlessServer(status, b"x", pause_s=0.05, tls=tls) as server:
        answer = fetch(server.url, LIMIT_S, verify=False)
        took_s = time.monotonic() - before
    assert (answer.status, answer.body, answer.failure) == (status, b"", "timeout")
    assert LIMIT_S <= took_s < MOST_S
    assert answer.latency_ms >= LIMIT_S * 1000


def test_dripping_handshake_costs_its_deadline() -> None:
    """The beginning of a long record, which is then awaited: each byte comes in time, and the whole would take an hour."""
    before = time.monotonic()
    with cut_at_any_moment(), EndlessServer(0, b"\x16\x03\x03\x3f\xff" + b"\x02", pause_s=0.05) as server:
        answer = fetch(server.url.replace("http:", "https:"), LIMIT_S)
        took_s = time.monotonic() - before
    assert answer.failure == "timeout"
    assert took_s < MOST_S


@contextmanager
def keeping_alive() -> Iterator[str]:
    """A server that does not hang up after its first answer though it is asked to, and drips the second one."""
    listener = socket.create_server(("127.0.0.1", 0))
    is_over = threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok")
            while connection.recv(65536) and not is_over.wait(0.05):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not is_over.wait(0.05):
                    connection.sendall(b"x")

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        is_over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_every_request_has_own_connection() -> None:
    """Nobody would watch over one that another request has left behind."""
    with keeping_alive() as url:
        assert [fetch(url, 20.0).body for _ in range(2)] == [b"ok", b"ok"]


def test_nobody_there_is_told_as_such() -> None:
    assert fetch(nobody(), 20.0).failure == "refused"


@pytest.mark.parametrize(
    ("head", "drip"),
    [
        (b"Content-Length: 1000000\r\n\r\n", b"x"),
        (b"Connection: keep-alive\r\nContent-Length: 1000000\r\n\r\n", b"x"),
        (b"Retry-After: 60\r\nContent-Length: 1000000\r\n\r\n", b"x"),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
        (b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n"),
        (b"\r\n", b"x"),
        (b"A: ", b"x"),
        (b"", b"A: b\r\n"),
    ],
)
def test_what_was_said_stays_said(head: bytes, drip: bytes) -> None:
    """Whatever a server does after its status line."""
    before = time.monotonic()
    with EndlessServer(0, drip, pause_s=0.02, first=b"HTTP/1.1 503 x\r\n" + head) as server:
        answer = fetch(server.url, LIMIT_S)
        took_s = time.monotonic() - before
    assert answer.status == 503
    # A server that sends too many headers is soon given up.
    assert answer.failure in ("timeout", "no_http")
    assert took_s < MOST_S


def test_what_comes_first_is_passed_over() -> None:
    """RFC 9110, 15.2: any number of answers 1xx may come before the answer itself."""
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 x\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    with answering(early + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as (url, _):
        answer = fetch(url, 20.0)
    assert (answer.status, answer.body, answer.failure) == (200, b"ok", "")


def test_nothing_but_hints_is_no_answer() -> None:
    with EndlessServer(0, b"HTTP/1.1 103 Early Hints\r\n\r\n", pause_s=0.02) as server:
        answer = fetch(server.url, LIMIT_S)
    assert (answer.status, answer.failure) == (0, "timeout")


@pytest.mark.parametrize(
    ("answered", "failure"),
    [
        (b"", "reset"),
        (b"220 mail.example.org ESMTP\r\n", "no_http"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "reset"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf", "reset"),
    ],
)
def test_what_is_no_answer_is_told(answered: bytes, failure: str) -> None:
    with answering(answered) as (url, _):
        assert fetch(url, 20.0).failure == failure


def test_early_refusal_is_heard() -> None:
    """A server may answer, and hang up, before it has read all that is sent."""
    with EndlessServer(0, b" ", pause_s=0.02, first=b"HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n") as server:
        assert fetch(server.url, 20.0, method="POST", body=b"x" * 100_000).status == 413


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html; charset=EUC-KR", "정상 똠".encode("cp949")),
        ("text/html; charset=utf-16", "정상 똠".encode("utf-16")),
        ("text/html", b"<html><meta charset='euc-kr'>" + "정상 똠".encode("cp949")),
        ("text/html", "정상 똠".encode()),
        ("text/html; charset=nonsense", "정상 똠".encode()),
        ("text/html; charset=hex", "정상 똠".encode()),
    ],
)
def test_text_is_read_in_its_charset(kind: str, body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    with answering(head.encode() + body) as (url, _):
        assert fetch(url, 20.0).text.endswith("정상 똠")


def test_packed_text_is_unpacked() -> None:
    """It was not asked for; some send it all the same, and it may be a bomb."""
    for text in (b"fine", b"0" * 10_000_000):
        body = gzip.compress(text)
        with answering(b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + body) as (url, _):
            assert fetch(url, 20.0).body == text[:MAX_BODY_BYTES]


def test_our_own_want_blames_nobody() -> None:
    with serve() as site:
        site.answers = [b"fine"]
        with no_descriptors(), pytest.raises(ShortageError):
            fetch(site.url, 20.0)
        assert fetch(site.url, 20.0).status == 200


def test_literal_addresses_are_asked() -> None:
    """Of both families; the Host header has the address as it was written."""
    listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    with closing(listener), ThreadPoolExecutor() as pool:
        asked = pool.submit(one_answer, listener)
        port = listener.getsockname()[1]
        assert fetch(f"http://[::1]:{port}/a%20b?c=d e#f", 20.0).body == b"ok"
        head = asked.result().decode().split("\r\n")
    assert head[0] == "GET /a%20b?c=d%20e HTTP/1.1"
    assert f"Host: [::1]:{port}" in head


def one_answer(listener: socket.socket) -> bytes:
    connection, _ = listener.accept()
    with connection:
        asked = connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    return asked


# --- Behind a unix socket


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with a short name: that of a socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def test_a_socket_is_asked(place: Path) -> None:
    """Its name may have capitals and blanks; the Host header is one that a site may expect."""
    path = place / "The Site.sock"
    with serve(path) as site:
        site.answers = [b"fine"]
        answers = [fetch(unix_url(path, "/api/health/?a=1"), 20.0, method="POST", body=b"x") for _ in range(2)]
        assert [(answer.status, answer.body, answer.failure) for answer in answers] == [(200, b"fine", "")] * 2
        assert site.headers[0]["Host"] == "localhost"
        assert site.bodies == [b"x", b"x"]
        assert fetch(unix_url(path, ""), 20.0).status == 200


@pytest.mark.parametrize("status", [0, 200], ids=["head", "body"])
def test_a_dripping_socket_costs_its_deadline(place: Path, status: int) -> None:
    before = time.monotonic()
    with cut_at_any_moment(), EndlessServer(status, b"x", pause_s=0.05, path=place / "s") as server:
        answer = fetch(server.url, LIMIT_S)
        took_s = time.monotonic() - before
    assert (answer.status, answer.failure) == (status, "timeout")
    assert LIMIT_S <= took_s < MOST_S


def test_a_full_queue_costs_its_deadline(place: Path) -> None:
    """A server that takes no connection any more is there, and does not answer."""
    path = place / "s"
    with listening(path), socket.socket(socket.AF_UNIX) as first:
        first.connect(str(path))
        before = time.monotonic()
        assert fetch(unix_url(path), LIMIT_S).failure == "timeout"
        assert LIMIT_S <= time.monotonic() - before < MOST_S
        assert is_served(unix_url(path), LIMIT_S)


def test_a_socket_of_nobody_is_told(place: Path) -> None:
    """No file at all, and one that a server has left behind."""
    path = place / "s"
    assert fetch(unix_url(path), 20.0).failure == "no_socket"
    listening(path).close()
    assert fetch(unix_url(path), 20.0).failure == "refused"
    assert not is_served(unix_url(path))


def test_a_forbidden_socket_is_told(place: Path) -> None:
    """It is somebody's, and says nothing of how that one is."""
    path = place / "s"
    with serve(path):
        path.chmod(0)
        program = (
            "import sys; from monitor_blueprint.adapters.http import MAX_BODY_BYTES, fetch, is_served;"
            "print(fetch(sys.argv[1], 20.0).failure, is_served(sys.argv[1]))"
        )
        command = [*UNPRIVILEGED, sys.executable, "-c", program, unix_url(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "permission True\n"
