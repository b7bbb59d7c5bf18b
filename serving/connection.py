"""One client's connection: HTTP/1.1 as httptools reads it, within limits, answered in the order of the requests."""

import asyncio
from collections import deque
from concurrent.futures import Future
from typing import Any, Protocol

import httptools

from serving.messages import Reply, Request

# What gunicorn's other workers allow: bytes of the target, fields, bytes of a field; and of a head in many pieces.
MAX_TARGET, MAX_FIELDS, MAX_FIELD, MAX_HEAD = 4094, 100, 8190, 65536
# How long a client may take over the whole of a head, of a body, over taking an answer, and to close at last, in seconds.
HEAD_S, BODY_S, TAKE_S, LINGER_S = 10.0, 30.0, 10.0, 2.0
# How long one that rests is waited for when the worker ends: it may be about to ask.
REST_S = 1.0
# What is read of a body that was refused, so that its client can ask again on the same connection, in bytes.
MAX_UNREAD = 65536

# How many pipelined requests are answered before the other connections have their turn.
AT_ONCE = 8


class Host(Protocol):
    """What a connection needs of its worker."""

    connections: set["Connection"]
    loop: asyncio.AbstractEventLoop
    date: str
    keep_alive_s: float
    max_body_bytes: int
    is_ending: bool

    def refuse(self, request: Request) -> Reply | None:
        """Return the answer to a request whose body need not be read; it is asked again when the body becomes too long."""

    def answer(self, request: Request) -> "Reply | Future[Reply]":
        """Return the answer, or a promise of it; raises nothing."""

    def refusal(self, status: int, why: str) -> Reply:
        """Return the answer to what is no request."""

    def count(self) -> None:
        """Take note that the number of connections has changed."""


class _RefusedError(Exception):
    pass


class Connection(asyncio.Protocol):
    """A connection; `expire` is called when its `deadline` (the loop's clock, in seconds) has passed."""

    def __init__(self, host: Host) -> None:
        self.deadline = host.loop.time() + HEAD_S
        self._host = host
        self._parser: Any = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._turns: deque[Request] = deque()
        self._is_in_head = self._is_in_body = self._is_choked = self._is_deaf = self._is_over = self._has_ended = False
        self._is_called = False
        self._request: Request | None = None
        self._answering: Request | None = None
        self._refused = self._unread = self._fields = self._received = 0
        self._client, self._target = "", b""
        self._headers: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []

    def connection_made(self, transport: Any) -> None:
        """Begin to listen to a client."""
        self._transport = transport
        address = transport.get_extra_info("peername")
        self._client = str(address[0]) if isinstance(address, tuple) else ""
        self._host.connections.add(self)
        self._host.count()

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget a client that has gone; what is being answered for it ends by itself."""
        self._is_deaf = self._is_over = True
        self._turns.clear()
        self._parser = None  # it knows this connection, as this one does it
        self._host.connections.discard(self)
        self._host.count()

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing is asked, and nothing is to be answered."""
        return not (self._is_in_head or self._is_in_body or self._answering or self._turns or self._is_choked or self._is_over)

    def data_received(self, data: bytes) -> None:
        """Read what a client sends, and answer what is there as a whole."""
        if self._is_deaf:
            return
        self._unread += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._is_deaf = True  # what follows is of a protocol that nobody speaks here
        except httptools.HttpParserError as error:
            is_ours = error.__context__ is not None and not isinstance(error.__context__, _RefusedError)
            self._refuse(500 if is_ours else self._refused or 400, type(error.__context__ or error).__name__)
        else:
            if self._unread > MAX_HEAD:
                self._refuse(431, "a head of too many bytes")
        self._go_on()

    def eof_received(self) -> bool:
        """Go on with what has been asked: a client may close its half as soon as it has asked."""
        if self._is_in_body and not self._is_deaf:
            self._refuse(400, "a body that broke off")
        self._is_deaf = self._has_ended = True
        self._go_on()
        return not self._is_over and bool(self._turns or self._answering)

    def pause_writing(self) -> None:
        """Answer nothing more to one that does not take its answers."""
        self._is_choked = True
        self._wait()

    def resume_writing(self) -> None:
        """Go on when it has."""
        self._is_choked = False
        self._wait()
        self._go_on()

    def expire(self) -> None:
        """Give up a client that is too slow, unless it waits for an answer itself."""
        if self._answering:
            return
        if not (self._is_over or self._is_choked) and (self._is_in_head or self._is_in_body):
            self._refuse(408, "too slow")
            self._go_on()
        else:
            self._transport.abort()

    def end(self) -> None:
        """Close it soon, unless its client asks once more; the worker ends."""
        if self.is_idle:
            self.deadline = min(self.deadline, self._host.loop.time() + REST_S)

    def abort(self) -> None:
        """Close it now, whatever is on it."""
        self._transport.abort()

    def on_message_begin(self) -> None:
        """Begin a request (this and what follows is called by the parser)."""
        self._is_in_head = True
        self._target, self._fields, self._headers = b"", 0, {}
        self._wait()

    def on_url(self, part: bytes) -> None:
        """Keep a part of the target."""
        self._target += part
        if len(self._target) > MAX_TARGET:
            self._refused = 414
            raise _RefusedError

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a field."""
        if not self._is_in_head:
            return  # of a trailer, which nobody asks for
        self._fields += 1
        if self._fields > MAX_FIELDS or len(name) + len(value) > MAX_FIELD:
            self._refused = 431
            raise _RefusedError
        name = name.lower()
        if b"_" in name:
            return  # WSGI could not tell it from one with a hyphen
        if name in self._headers:
            if name == b"host":
                raise _RefusedError
            value = self._headers[name] + (b"; " if name == b"cookie" else b",") + value
        self._headers[name] = value

    def on_headers_complete(self) -> None:
        """Look at a head, and whether its body is worth reading."""
        self._is_in_head, self._is_in_body, self._unread = False, True, 0
        parser, headers, version = self._parser, self._headers, self._parser.get_http_version()
        coding, expected = headers.get(b"transfer-encoding"), headers.get(b"expect") if version == "1.1" else None
        if version not in ("1.0", "1.1"):
            self._refused = 505
        elif coding is not None and coding.lower() != b"chunked":
            self._refused = 501
        elif parser.should_upgrade() and (coding is not None or headers.get(b"content-length", b"0") != b"0"):
            self._refused = 501  # the parser would take the body for the other protocol's
        elif expected is not None and expected.lower() != b"100-continue":
            self._refused = 417
        elif (version == "1.1" and b"host" not in headers) or (version == "1.0" and coding is not None):
            self._refused = 400
        if self._refused:
            raise _RefusedError
        is_kept = parser.should_keep_alive() and not parser.should_upgrade()
        self._request = Request(parser.get_method().decode(), self._target, version, headers, is_kept=is_kept)
        self._request.client = self._client
        self._wait()
        self._parts, self._received = [], 0
        self._refuse_unread(self._request)
        if expected is not None and self._request is not None and not (self._turns or self._answering):
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body, unless it has been refused."""
        self._unread = 0
        if self._request is None:
            return
        self._parts.append(part)
        self._received += len(part)
        if self._received > self._host.max_body_bytes:
            self._request.length = self._received
            self._refuse_unread(self._request)

    def on_message_complete(self) -> None:
        """Have the request wait for its turn."""
        self._is_in_body = False
        if self._request is not None:
            self._request.body = b"".join(self._parts)
            self._request.length = self._received
            self._turns.append(self._request)

    def _refuse_unread(self, request: Request) -> None:
        """Answer a request whose body need not be read; what comes of that is thrown away."""
        reply = self._host.refuse(request)
        if reply is None:
            return
        self._request, self._is_in_body, request.reply = None, False, reply
        # One that asked first whether to send its body may do so or not.
        request.is_kept &= not request.headers.keys() & {b"transfer-encoding", b"expect"} and request.length <= MAX_UNREAD
        self._turns.append(request)
        self._is_deaf |= not request.is_kept

    def _refuse(self, status: int, why: str) -> None:
        self._is_deaf = True
        self._is_in_head = self._is_in_body = False
        request = Request("", b"", "", {}, is_kept=False)
        request.reply = self._host.refusal(status, why)
        self._turns.append(request)

    def _go_on(self) -> None:
        """Answer what can be answered, one after the other; read no more while something waits."""
        self._is_called, left = False, AT_ONCE
        while self._turns and not self._answering and not self._is_choked and left:
            left -= 1
            request = self._turns.popleft()
            result = request.reply or self._host.answer(request)
            if isinstance(result, Reply):
                self._write(result, request)
            else:
                self._answering = request
                result.add_done_callback(lambda done: self._host.loop.call_soon_threadsafe(self._finish, done))
        if self._turns:
            self._transport.pause_reading()
            if not (left or self._is_called or self._answering or self._is_choked):
                self._is_called = True
                self._host.loop.call_soon(self._go_on)
        elif not self._is_over:
            self._transport.resume_reading()

    def _finish(self, result: "Future[Reply]") -> None:
        request, self._answering = self._answering, None
        if request is not None and not self._is_over:
            self._write(result.result(), request)
            self._go_on()

    def _write(self, reply: Reply, request: Request) -> None:
        is_kept = request.is_kept and not self._host.is_ending and (not self._is_deaf or bool(self._turns))
        self._transport.write(reply.render(self._host.date, is_kept=is_kept, is_head=request.method == "HEAD"))
        if not is_kept:
            self._is_over = self._is_deaf = True
            self._turns.clear()
            if self._has_ended:
                self._transport.close()
            else:
                # Closed earlier than by its client, what that still sends could undo the answer.
                self._transport.resume_reading()
                self._transport.write_eof()
        self._wait()

    def _wait(self) -> None:
        """Set the deadline of what is waited for now."""
        if self._is_choked:
            seconds = TAKE_S
        elif self._is_over:
            seconds = LINGER_S
        elif self._is_in_head or self._is_in_body:
            seconds = HEAD_S if self._is_in_head else BODY_S
        else:
            seconds = self._host.keep_alive_s
        self.deadline = self._host.loop.time() + seconds
