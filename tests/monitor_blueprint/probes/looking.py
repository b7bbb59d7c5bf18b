"""What the probes' tests share: a context to look with, and a small real HTTP server."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from monitor_blueprint.adapters.systemd import UnitState, full_name
from monitor_blueprint.domain.models import EMPTY
from monitor_blueprint.domain.text import Private
from monitor_blueprint.probes import ProbeContext
from tests.monitor_blueprint.standins import unix_url

NOW = datetime(2025, 12, 6, 5, 35, 1, tzinfo=UTC)


def looking(
    now: datetime | float = NOW,
    checkpoint: Mapping[str, Any] = EMPTY,
    units: Mapping[str, UnitState] = EMPTY,
    environ: Mapping[str, str] = EMPTY,
    deadline_s: float = 20.0,
    asked_paths: Collection[str] = (),
) -> ProbeContext:
    """Return the context of one look."""
    moment = now if isinstance(now, datetime) else datetime.fromtimestamp(now, UTC)
    return ProbeContext(
        now=moment,
        deadline=time.monotonic() + deadline_s,
        units=lambda name: units.get(name, UnitState(full_name(name))),
        checkpoint=checkpoint,
        environ=environ,
        asked_paths=frozenset(asked_paths),
    )


def private(fact: object) -> str:
    """Return what a fact says that only this machine's administrators may read."""
    assert isinstance(fact, Private)
    return fact.text


class Site:
    """An HTTP server that answers everything alike, and keeps what it was sent."""

    def __init__(self) -> None:
        self.status = 200
        self.answers: list[bytes] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    def answer(self) -> bytes:
        """Return the next answer; the last one again and again."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@contextmanager
def serve(path: Path | None = None, port: int = 0) -> Iterator[Site]:
    """Run a site on the loopback interface, or behind a unix socket."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            site.headers.append(dict(self.headers))
            site.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            body = site.answer()
            self.send_response(site.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server: socketserver.BaseServer
    if path is None:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        site.url = f"http://127.0.0.1:{server.server_port}/"
    else:
        server = _UnixServer(str(path), Handler)
        site.url = unix_url(path)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def answering(*parts: bytes, times: int = 10, pause_s: float = 0.0) -> Iterator[tuple[str, list[bytes]]]:
    """A server that takes what it is asked and answers with these bytes, a part at a time, and hangs up."""
    asked: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    is_over = threading.Event()

    def serve() -> None:
        for _ in range(times):
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(65536))
                for part in parts:
                    if is_over.wait(pause_s):
                        return
                    try:
                        connection.sendall(part)
                    except OSError:
                        break

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/health", asked
    finally:
        is_over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def nobody() -> str:
    """Return an address on which nobody listens."""
    with serve() as site:
        site.answers = [b""]
        return site.url
