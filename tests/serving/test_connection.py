"""HTTP/1.1 on the wire: limits, ambiguities, order, and clients that are slow, silent, or gone."""

import contextlib
import itertools
import random
import re
import socket
import struct
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serving.app import MAX_BODY
from tests.serving.conftest import StartServer
from tests.serving.server import Client, Server, established, wait_until
from tests.serving.wire import AMBIGUITIES, CHUNKED, GET, HOST, POST, SMUGGLED

pytestmark = pytest.mark.slow

ENVELOPE = rb'\{"refused": %d, "phrase": "[\w -]+"\}'


def heads(answers: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", answers)]


def chunks(body: bytes, size: int) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /" + b"x" * 4094 + HOST + b"\r\n", 414),
        (GET + b"X: " + b"x" * 8190 + b"\r\n\r\n", 431),
        (GET + b"x" * 8190 + b": x\r\n\r\n", 431),
        (GET + b"X: x\r\n" * 100 + b"\r\n", 431),
        (GET + b"X: " + b"x" * 600_000, 431),
        (POST + b"Content-Length: 100000\r\n\r\n", 413),
        (POST + b"Content-Length: 10000000000\r\n\r\n", 413),
        (CHUNKED + chunks(b"x" * (MAX_BODY + 1), 1), 413),
        (CHUNKED + chunks(b"x" * (MAX_BODY + 1), 10_000), 413),
        (CHUNKED + b"1;" + b"x" * 600_000, 431),
        (CHUNKED + b"1\r\nx\r\n0\r\nX: " + b"x" * 600_000, 431),
        (b"\r\n" * 300_000, 431),
        (GET + b"Expect: a miracle\r\n\r\n", 417),
        (GET + b"Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n", 417),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (POST + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (GET + b"Host: y\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ],
)
def test_limits_are_kept(server: Server, request_bytes: bytes, status: int) -> None:
    """What is beyond them is refused, in the envelope, and what follows is not answered.

    What is too long by its sheer bytes is longer than what a loop reads at once, 256 KiB.
    """
    head, _, body = server.raw(request_bytes + SMUGGLED).partition(b"\r\n\r\n")
    assert heads(head) == [status]
    assert b"\r\nConnection: close\r\n" in head
    assert re.fullmatch(ENVELOPE % status, body), body


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /?first" + b"x" * (4094 - 7) + HOST + b"\r\n",
        GET + b"X: " + b"x" * 8189 + b"\r\n\r\n",
        GET + b"X: x\r\n" * 99 + b"\r\n",
        POST + b"Content-Length: %d\r\n\r\n" % MAX_BODY + b"x" * MAX_BODY,
        CHUNKED + chunks(b"x" * MAX_BODY, 1),
        b"GET /?first HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"\r\n\r\n" + GET + b"\r\n",
    ],
)
def test_limits_are_allowed(server: Server, request_bytes: bytes) -> None:
    with server.connect() as client:
        answer = client.send(request_bytes).answer()
        assert (answer.status, answer.is_kept) == (200, True)
        assert client.ask("/?next").body == b"next"


@pytest.mark.parametrize("request_bytes", AMBIGUITIES)
def test_ambiguities_are_refused(server: Server, request_bytes: bytes) -> None:
    """Once, with what may be smuggled behind it unread."""
    answers = server.raw(request_bytes + SMUGGLED, hang_up=True)
    assert heads(answers) in ([400], [501])
    assert re.search(ENVELOPE % heads(answers)[0] + rb"\Z", answers)
    assert b"smuggled" not in answers


def test_chunk_extensions_are_ignored(server: Server) -> None:
    with server.connect() as client:
        assert client.send(CHUNKED + b'2;a="b;c"\r\nab\r\n0;d\r\n\r\n').answer().body == b"ab"
        assert client.ask("/?next").body == b"next"


@pytest.mark.parametrize(
    "request_bytes",
    [
        GET + b"Connection: close\r\n\r\n",
        b"GET /?first HTTP/1.0\r\n\r\n",
        b"OPTIONS *" + HOST + b"Connection: close\r\n\r\n",
        b"CONNECT other:443" + HOST + b"\r\n",
        GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n",
    ],
)
def test_last_requests_are_the_last(server: Server, request_bytes: bytes) -> None:
    """They are answered once, whatever follows, in the same piece or another."""
    assert heads(server.raw(request_bytes + SMUGGLED)) == [200]
    with server.connect() as client:
        assert client.send(request_bytes).answer().headers["connection"] == "close"
        assert client.send(SMUGGLED, hang_up=True).rest() == b""


def test_asterisk_keeps_the_connection(server: Server) -> None:
    with server.connect() as client:
        assert client.send(b"OPTIONS *" + HOST + b"\r\n").answer().is_kept
        assert client.ask("/?next").body == b"next"


@pytest.mark.parametrize("body", [b"Content-Length: 4\r\n\r\nbody", b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"])
def test_upgrades_have_no_body(server: Server, body: bytes) -> None:
    """The parser cannot read it: better no answer than the answer to another request."""
    assert heads(server.raw(POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n" + body + SMUGGLED)) == [501]


def test_continue_where_wanted(server: Server) -> None:
    with server.connect() as client:
        client.send(POST + b"Content-Length: 4\r\nExpect: 100-Continue\r\n\r\n")
        assert client._file.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert client._file.readline() == b"\r\n"
        assert client.send(b"body").answer().body == b"body"
        assert client.ask("/?next").body == b"next"


def test_no_continue_where_refused(server: Server) -> None:
    """Its client need not send the body, and so the next thing that it sends could be taken for one."""
    with server.connect() as client:
        answer = client.send(POST + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % (MAX_BODY + 1)).answer()
        assert (answer.status, answer.is_kept) == (413, False)
        assert client.send(SMUGGLED, hang_up=True).rest() == b""


def test_no_continue_for_old(server: Server) -> None:
    """HTTP/1.0 does not know it."""
    assert heads(server.raw(b"POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\na")) == [200]


def test_refused_body_is_skipped(server: Server) -> None:
    """A short one at least; the connection goes on, and the client is answered once even if it breaks off."""
    head = POST + b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 1)
    with server.connect() as client:
        answer = client.send(head).answer()
        assert (answer.status, answer.is_kept) == (413, True)
        assert client.send(SMUGGLED.ljust(MAX_BODY + 1)).ask("/?next").body == b"next"
    assert heads(server.raw(head + b"broken off", hang_up=True)) == [413]


def test_old_clients_are_kept(server: Server) -> None:
    with server.connect() as client:
        for _ in range(3):
            assert client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").answer().is_kept


def pipelined(count: int, wait: str) -> bytes:
    """Requests of which each tenth waits, with bodies of both kinds."""
    requests = []
    for number in range(count):
        if number % 10 == 5:
            requests.append(b"GET /wait?%s" % wait.encode() + HOST + b"\r\n")
        elif number % 3 == 0:
            requests.append(CHUNKED + chunks(b"%d" % number, 1))
        elif number % 3 == 1:
            requests.append(POST + b"Content-Length: 4\r\n\r\n%04d" % number)
        else:
            requests.append(b"GET /?%d" % number + HOST + b"\r\n")
    return b"".join(requests)


@pytest.mark.parametrize("hang_up", [False, True])
def test_pipelined_answers_are_in_order(server: Server, hang_up: bool) -> None:
    wait = f"pipelined{hang_up}"
    with server.connect() as client:
        client.send(pipelined(50, wait), hang_up=hang_up)
        server.ask(f"/begun?{wait}")
        server.ask(f"/release?{wait}")
        bodies = [client.answer().body.decode() for _ in range(50)]
        assert bodies == [wait if number % 10 == 5 else f"{number:0{4 if number % 3 == 1 else 1}}" for number in range(50)]
        if hang_up:
            assert client.rest() == b""


def test_many_at_once_are_answered(server: Server) -> None:
    """More than are answered in one go, all in one write; whoever asks meanwhile has a turn as well."""
    with server.connect() as client, server.connect() as other:
        refused = POST + b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 1) + b"x" * (MAX_BODY + 1)
        client.send(refused * 30 + b"GET /?last" + HOST + b"\r\n")
        assert other.send(b"GET /?other" + HOST + b"\r\n").answer().body == b"other"
        assert [client.answer().status for _ in range(30)] == [413] * 30
        assert client.answer().body == b"last"


def test_refusals_keep_their_place(server: Server) -> None:
    """A request that is refused, a good one, and the end, behind a slow one."""
    refused = POST + b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 1) + b"x" * (MAX_BODY + 1)
    for last, statuses in ((b"", [200, 413, 200]), (b"nonsense\r\n\r\n", [200, 413, 200, 400])):
        wait = f"refusals{len(last)}"
        with server.connect() as client:
            client.send(b"GET /wait?%s" % wait.encode() + HOST + b"\r\n")
            server.ask(f"/begun?{wait}")
            client.send(refused + SMUGGLED + last, hang_up=True)
            server.ask(f"/release?{wait}")
            assert heads(client.rest()) == statuses


def test_pipelines_are_bounded(server: Server) -> None:
    """What waits for an answer is not read without end."""
    with server.connect() as client:
        client.send(b"GET /wait?bounded" + HOST + b"\r\n")
        server.ask("/begun?bounded")
        client.socket.settimeout(0.2)  # nothing tells of what is not read
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 64_000_000:
                sent += client.socket.send(SMUGGLED * 1000)
        assert sent < 32_000_000  # the system's own buffers are in that
        server.ask("/release?bounded")


@pytest.mark.parametrize("hang_up", [False, True])
def test_half_closed_clients_are_answered(server: Server, hang_up: bool) -> None:
    """Those that close their half with the request, and those that do so while the answer is being made."""
    wait = f"half{hang_up}"
    assert heads(server.raw(GET + b"\r\n", hang_up=True)) == [200]
    with server.connect() as client:
        client.send(b"GET /wait?%s" % wait.encode() + HOST + b"\r\n", hang_up=hang_up)
        server.ask(f"/begun?{wait}")
        if not hang_up:
            client.socket.shutdown(socket.SHUT_WR)
        assert server.ask("/?other").body == b"other"
        server.ask(f"/release?{wait}")
        assert client.answer().body == wait.encode()
        assert client.rest() == b""


@pytest.mark.parametrize("broken", [POST + b"Content-Length: 5\r\n\r\nbody", CHUNKED + b"5\r\nbody", CHUNKED + b"4\r\nbody\r\n"])
def test_broken_off_bodies_are_400(server: Server, broken: bytes) -> None:
    assert heads(server.raw(broken, hang_up=True)) == [400]


def test_broken_off_heads_are_nothing(server: Server) -> None:
    assert server.raw(b"GET /", hang_up=True) == b""
    assert server.raw(b"", hang_up=True) == b""


@pytest.mark.parametrize("is_reset", [False, True])
def test_vanished_clients_do_no_harm(server: Server, is_reset: bool) -> None:
    wait = f"vanished{is_reset}"
    with server.connect() as client:
        client.send(b"GET /wait?%s" % wait.encode() + HOST + b"\r\n" + SMUGGLED)
        server.ask(f"/begun?{wait}")
        if is_reset:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.ask(f"/release?{wait}")
    assert server.ask("/?next").body == b"next"


def test_log_quotes_nobody(server: Server) -> None:
    for request in (
        b"Kim-Minsu / HTTP/1.1\r\n\r\n",
        GET + b"Kim Minsu: Kim-Minsu\r\n\r\n",
        b"GET /Kim-Minsu HTTP/1.1\r\n\r\n",
        GET + b"Expect: Kim-Minsu\r\n\r\n",
        POST + b"Transfer-Encoding: Kim-Minsu\r\n\r\n",
        POST + b"Content-Length: Kim-Minsu\r\n\r\n",
        CHUNKED + b"Kim-Minsu\r\n",
    ):
        answer = server.raw(request)
        assert b"Minsu" not in answer
        assert heads(answer)[0] >= 400
    assert "Minsu" not in server.log


VALID = (
    GET + b"\r\n",
    GET + b"\r\n",
    POST + b"Content-Length: 10\r\n\r\n0123456789",
    CHUNKED + chunks(b"0123456789", 3),
    b"HEAD /large?10" + HOST + b"X: y\r\n\r\n",
    b"GET /status?204" + HOST + b"\r\n",
    b"GET http://x/?last" + HOST + b"Connection: close\r\n\r\n",
)
PROFILE = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
BODIES = [b"first", b"first", b"0123456789", b"0123456789", b"", b"", b"last"]


@PROFILE
@given(cuts=st.lists(st.integers(1, len(b"".join(VALID)) - 1), max_size=60, unique=True), is_bytewise=st.booleans())
def test_pieces_do_not_matter(server: Server, cuts: list[int], is_bytewise: bool) -> None:
    """Wherever a request is cut, its answer is the same."""
    whole = b"".join(VALID)
    with server.connect() as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start, end in itertools.pairwise([0, *(range(1, len(whole)) if is_bytewise else sorted(cuts)), len(whole)]):
            client.send(whole[start:end])
        assert [client.answer(has_body=each != 4).body for each in range(len(VALID))] == BODIES
        assert client.rest() == b""


PIECES = (GET, POST, CHUNKED, HOST, b"\r\n", b"\n", b"\r", b" ", b":", b"\x00", b"0\r\n\r\n", b"fffffffff\r\n", b"Host: \r\n")
FIELDS = ("Content-Length: 3", "Upgrade: a", "Connection: upgrade", "Expect: 100-continue", "Transfer-Encoding: chunked")
PARTS = st.sampled_from([*VALID, *PIECES, *(f"{field}\r\n".encode() for field in FIELDS)])


@settings(PROFILE, max_examples=150)
@given(parts=st.lists(st.one_of(PARTS, st.binary(max_size=30)), max_size=12))
def test_garbage_does_no_harm(server: Server, parts: list[bytes]) -> None:
    """It is refused, or nothing; the next client is answered."""
    answers = server.raw(b"".join(parts), hang_up=True)
    assert set(heads(answers)) <= {100, 200, 204, 400, 413, 417, 431, 501, 505}
    assert server.ask("/?next").body == b"next"


def test_mutants_do_no_harm(server: Server) -> None:
    """Good requests with a few bytes changed; those are left out for which the application itself would have no answer."""
    source = random.Random(1)
    for _ in range(200):
        request = bytearray(b"".join(VALID[:4]))
        for _ in range(source.randint(1, 4)):
            request[source.randrange(len(request))] = source.randrange(256)
        assert set(heads(server.raw(bytes(request), hang_up=True))) <= {100, 200, 204, 400, 413, 414, 417, 431, 501, 505}
    assert server.ask("/?next").body == b"next"


FAST = {"HEAD_S": 1.0, "BODY_S": 1.0, "TAKE_S": 1.0, "LINGER_S": 0.5, "keepalive": 1}


@pytest.mark.parametrize("worker", ["AsyncioWorker", "UvloopWorker"])
def test_slow_clients_are_given_up(start_server: StartServer, worker: str) -> None:
    """Each by its deadline, and others are answered meanwhile; also those that hid behind an earlier request."""
    server = start_server(worker_class=f"tests.serving.app.{worker}", **FAST)
    (pid,) = server.workers()
    silent, silent_later, in_head, in_body, behind, behind_slow, broken, lingering = clients = [
        server.connect() for _ in range(8)
    ]
    greedy, greedy_last, half = [server.connect(2048) for _ in range(3)]
    assert silent_later.ask("/").is_kept
    in_head.send(GET + b"X:")
    in_body.send(CHUNKED + b"fff\r\n")
    behind.send(GET + b"\r\nGET")
    behind_slow.send(b"GET /wait?slow" + HOST + b"\r\nGET")
    broken.send(b"nonsense\r\n\r\n")
    lingering.send(GET + b"Connection: close\r\n\r\n")
    greedy.send(b"GET /large?50000000" + HOST + b"\r\n")
    greedy_last.send(b"GET /large?50000000" + HOST + b"Connection: close\r\n\r\n")
    half.send(b"GET /large?5000000" + HOST + b"\r\n", hang_up=True)
    server.ask("/release?slow")
    gone: set[Client] = set()
    while len(gone) < 2:  # those that drip are given up although something comes from them all the time
        assert server.ask("/?other").body == b"other"
        for client, drop in ((in_head, b"x"), (in_body, b"x")):
            client.send(drop)
            client.socket.settimeout(0.05)
            try:
                if client not in gone:
                    answer = client.answer()
                    assert (answer.status, answer.is_kept) == (408, False)
                    gone.add(client)
            except TimeoutError:
                client._file = client.socket.makefile("rb")
    assert silent.rest() == silent_later.rest() == b""
    assert heads(behind.rest()) == heads(behind_slow.rest()) == [200, 408]
    wait_until(lambda: not established(pid))
    for client in (*clients, greedy, greedy_last, half):
        client.close()


def test_small_untaken_answers_expire(start_server: StartServer) -> None:
    """Too small to choke the transport, too large for what the client takes: not kept for ever."""
    server = start_server(**FAST)
    (pid,) = server.workers()
    clients = [server.connect(1024) for _ in range(2)]
    for client, hang_up in zip(clients, (False, True), strict=True):
        client.send((b"GET /large?30000" + HOST + b"\r\n") * 300, hang_up=hang_up)
    wait_until(lambda: not established(pid))
    for client in clients:
        client.close()


def test_large_answers_may_take_longer(start_server: StartServer) -> None:
    """A client that takes its last answer is given the time of one that takes it, not of one that is to close."""
    server = start_server(LINGER_S=0.1, TAKE_S=20.0)
    with server.connect(65536) as client:
        client.send(b"GET /large?50000000" + HOST + b"Connection: close\r\n\r\n")
        time.sleep(1.0)  # several of the worker's looks at its deadlines
        assert len(client.rest()) > 50_000_000
