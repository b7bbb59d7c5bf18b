"""Real local servers in the place of Slack and of a mail server; each answer is chosen by the test."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, cast
from urllib.parse import quote

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


@dataclass(frozen=True)
class Reply:
    """What the stand-in does with a request; `is_cut` hangs up instead of answering, `is_dripping` begins and never ends."""

    status: int = 200
    body: str = "ok"
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False
    is_silent: bool = False
    is_dripping: bool = False


@dataclass(frozen=True)
class Post:
    path: str
    body: str
    headers: dict[str, str]

    @property
    def text(self) -> str:
        return cast("str", json.loads(self.body)["text"])


class HttpStandIn:
    """Any HTTP server: takes each POST, and answers as `reply_to` says (by default 200 "ok"); GET gets somebody else's page."""

    def __init__(self, reply_to: Callable[[Post], Reply] = lambda post: Reply(), tls: ssl.SSLContext | None = None) -> None:
        self.reply_to = reply_to
        self.page = Reply(body="<html>somebody else</html>")
        self.posts: queue.Queue[Post] = queue.Queue()
        self.released = threading.Event()
        standin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                post = Post(self.path, body, dict(self.headers.items()))
                standin.posts.put(post)
                reply = standin.reply_to(post)
                if reply.is_silent:
                    standin.released.wait(60)
                if reply.is_cut or reply.is_silent:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.answer(reply)

            def do_GET(self) -> None:
                self.answer(standin.page)

            def answer(self, reply: Reply) -> None:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body.encode())
                while reply.is_dripping and not standin.released.wait(0.02):
                    self.wfile.write(b" ")

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Clients that were killed are part of the tests."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._encrypt(tls)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def _encrypt(self, tls: ssl.SSLContext | None) -> None:
        self._scheme = "https" if tls else "http"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}/services/T000/B000/secret"

    def hang_up(self) -> None:
        """Accept no further connection."""
        self._server.socket.shutdown(socket.SHUT_RDWR)

    def next_post(self) -> Post:
        return self.posts.get(timeout=30)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass(frozen=True)
class Mail:
    sender: str
    recipients: list[str]
    content: bytes
    user: str
    is_encrypted: bool

    @property
    def parsed(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def page(self) -> str:
        return self._part("html")

    def _part(self, kind: Literal["plain", "html"]) -> str:
        part = self.parsed.get_body((kind,))
        return cast("str", part.get_content()) if part is not None else ""


class MailStandIn:
    """A mail server: answers RCPT and DATA as the test says; a reply that ends with LATE or CUT comes late, or not at all."""

    def __init__(
        self,
        reply_to_mail: Callable[[Mail], str] = lambda mail: "250 OK",
        reply_to_recipient: Callable[[str], str] = lambda address: "250 OK",
        login: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        is_tls_from_the_start: bool = False,
    ) -> None:
        self.reply_to_mail = reply_to_mail
        self.late_s = 0.3
        self.mails: queue.Queue[Mail] = queue.Queue()
        standin = self

        class Handler:
            async def handle_RCPT(  # noqa: N802
                self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
            ) -> str:
                reply = reply_to_recipient(address)
                if reply.startswith("250"):
                    envelope.rcpt_tos.append(address)
                return reply

            async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
                content = cast("bytes", envelope.content)
                user = session.auth_data.decode() if session.auth_data else ""
                mail = Mail(envelope.mail_from or "", envelope.rcpt_tos, content, user, session.ssl is not None)
                reply = standin.reply_to_mail(mail)
                if reply.startswith("250"):
                    standin.mails.put(mail)
                if reply.endswith("LATE"):
                    await asyncio.sleep(standin.late_s)
                if reply.endswith("CUT"):
                    cast("Any", server).transport.abort()
                return reply

        def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
            given = (data.login.decode(), data.password.decode())
            return AuthResult(success=given == login, handled=False, auth_data=data.login if given == login else None)

        self._controller = Controller(
            Handler(),
            hostname="127.0.0.1",
            port=free_port(),
            ssl_context=tls if is_tls_from_the_start else None,
            tls_context=None if is_tls_from_the_start else tls,
            authenticator=authenticate if login else None,
            auth_require_tls=tls is not None,
        )

    @property
    def environ(self) -> dict[str, str]:
        return {
            "ALERT_EMAIL": "ops@example.com",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(self._controller.port),
            "SMTP_FROM": "monitor@example.org",
        }

    def next_mail(self) -> Mail:
        return self.mails.get(timeout=30)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._controller.stop()


class EndlessServer:
    """Answers the first connection with some bytes, again and again, until the client hangs up or the test is over.

    Who reads on and on is not to fill the machine's memory, though: after ENOUGH bytes it is over as well.
    """

    ENOUGH = 64 * 1024 * 1024

    def __init__(
        self,
        status: int,
        piece: bytes,
        pause_s: float = 0.0,
        tls: ssl.SSLContext | None = None,
        path: Path | None = None,
        first: bytes = b"",
    ) -> None:
        self.is_asked = threading.Event()
        self.sent_bytes = 0
        self._head = f"HTTP/1.1 {status} x\r\n\r\n".encode() if status else first
        self._piece = piece
        self._pause_s = pause_s
        self._tls = tls
        self._is_over = threading.Event()
        self._path = path
        self._server = socket.create_server(("127.0.0.1", 0)) if path is None else listening(path)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.getsockname()[1])

    @property
    def url(self) -> str:
        if self._path is not None:
            return unix_url(self._path)
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/services/T000/B000/secret"

    def _serve(self) -> None:
        with suppress(OSError):
            connection, _ = self._server.accept()
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                self.is_asked.set()
                connection.sendall(self._head)
                while self.sent_bytes < self.ENOUGH and not self._is_over.wait(self._pause_s):
                    connection.sendall(self._piece)
                    self.sent_bytes += len(self._piece)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._is_over.set()
        # It may be waiting for somebody still.
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()


class ScriptedMailServer:
    """A mail server word for word: for each line that it is sent (the greeting first, for none) its answer, after a pause.

    `None` for an answer hangs up. The last dot is one line, what comes before it is taken in silence.
    """

    def __init__(
        self, answers: dict[str, str | None], pauses_s: dict[str, float] | None = None, family: int = socket.AF_INET
    ) -> None:
        usual: dict[str, str | None] = {"": "220 hello", "EHLO": "250 me", "DATA": "354 go on", ".": "250 taken"}
        self.answers = usual | answers
        self.pauses_s = pauses_s or {}
        self.received: list[str] = []
        self.texts: list[str] = []
        self.is_asked = threading.Event()
        self._server = socket.create_server(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), family=family)
        self._connection: socket.socket | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.getsockname()[1])

    @property
    def environ(self) -> dict[str, str]:
        return {"ALERT_EMAIL": "ops@example.com", "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(self.port)}

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                with connection, connection.makefile("rb") as lines, suppress(OSError):
                    self._converse(connection, lines)

    def _converse(self, connection: socket.socket, lines: Any) -> None:
        self._connection = connection
        self.is_asked.set()
        is_going_on = self._answer(connection, "")
        while is_going_on and (line := lines.readline()):
            text = line.decode(errors="replace").rstrip()
            self.received.append(text)
            said = text.upper()
            word = next((key for key in self.answers if key and said.startswith(key.upper())), said.split(" ")[0])
            is_going_on = self._answer(connection, word)
            if word == "DATA" and is_going_on:
                taken = b""
                while not taken.endswith(b"\r\n.\r\n") and (line := lines.readline()):
                    taken += line
                is_going_on = bool(line)
                if is_going_on:
                    self.texts.append(taken.decode())
                    is_going_on = self._answer(connection, ".")

    def _answer(self, connection: socket.socket, word: str) -> bool:
        self._is_over.wait(self.pauses_s.get(word, 0.0))
        answer = self.answers.get(word, "250 fine")
        if answer is None:
            connection.shutdown(socket.SHUT_RDWR)
            return False
        connection.sendall(f"{answer}\r\n".encode())
        return True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._is_over.set()
        with self._server:
            self._server.shutdown(socket.SHUT_RDWR)
            if self._connection is not None:
                with suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)
            self._thread.join()


class DrippingMailServer(EndlessServer):
    """Begins its greeting and never ends it: each line comes in time, and so no time limit of a single read is met."""

    def __init__(self) -> None:
        super().__init__(0, b"220-wait\r\n", pause_s=0.05)

    @property
    def environ(self) -> dict[str, str]:
        return {"ALERT_EMAIL": "ops@example.com", "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(self.port)}


# Root may open everything; without this capability it is as everybody else.
UNPRIVILEGED = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


def listening(path: Path) -> socket.socket:
    """A unix socket that takes connections; its name is to be short, which that of pytest's directory may not be."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(0)
    return listener


def unix_url(path: Path, address: str = "/") -> str:
    return f"http+unix://{quote(str(path), safe='')}{address}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
