"""What the tests have served: a small application, and a worker whose envelope is easy to know."""

import gc
import json
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from http import HTTPStatus
from typing import Any
from wsgiref.validate import validator

import uvloop

from serving.connection import Connection
from serving.messages import Reply, Request
from serving.worker import Worker

MAX_BODY = 4096
TEXT = [("Content-Type", "text/plain")]
Start = Callable[..., Any]
Environ = dict[str, Any]

_begun: defaultdict[str, threading.Event] = defaultdict(threading.Event)
_released: defaultdict[str, threading.Event] = defaultdict(threading.Event)


class AsyncioWorker(Worker):
    max_body_bytes = MAX_BODY

    def answer(self, request: Request) -> "Reply | Future[Reply]":
        """Release in the loop what waits in the application's threads: it may have all of them."""
        if request.path == b"/release":
            _released[request.query.decode()].set()
            return Reply(200, [("Content-Length", "0")], b"")
        return super().answer(request)

    def refusal(self, status: int, why: str) -> Reply:
        self.log.warning("refused with %d: %s", status, why)
        body = json.dumps({"refused": status, "phrase": HTTPStatus(status).phrase}).encode()
        return Reply(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))], body)


class UvloopWorker(AsyncioWorker):
    new_loop = staticmethod(uvloop.new_event_loop)


def _echo(environ: Environ, start: Start) -> Iterable[bytes]:
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    start("200 OK", TEXT)
    return [body or environ["QUERY_STRING"].encode("latin-1")]


def _environ(environ: Environ, start: Start) -> Iterable[bytes]:
    start("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({name: value for name, value in environ.items() if isinstance(value, str)}).encode()]


def _wait(environ: Environ, start: Start) -> Iterable[bytes]:
    name = environ["QUERY_STRING"]
    _begun[name].set()
    _released[name].wait()
    return _echo(environ, start)


def _begun_is(environ: Environ, start: Start) -> Iterable[bytes]:
    _begun[environ["QUERY_STRING"]].wait()
    return _echo(environ, start)


def _large(environ: Environ, start: Start) -> Iterable[bytes]:
    start("200 OK", TEXT)
    return [b"x" * int(environ["QUERY_STRING"])]


def _status(environ: Environ, start: Start) -> Iterable[bytes]:
    """An answer that never has a body, from an application that has been told so (the validator holds it to that)."""
    start(f"{environ['QUERY_STRING']} {HTTPStatus(int(environ['QUERY_STRING'])).phrase}", [])
    return [b""]


def _raise(environ: Environ, start: Start) -> Iterable[bytes]:
    raise RuntimeError(environ["QUERY_STRING"])


def _exit(environ: Environ, start: Start) -> Iterable[bytes]:
    raise SystemExit(environ["QUERY_STRING"])


def _header(environ: Environ, start: Start) -> Iterable[bytes]:
    """A header that nobody should make."""
    start("200 OK", [*TEXT, ("X", "\N{HANGUL SYLLABLE HAN}" if environ["QUERY_STRING"] == "text" else "a\r\nSet-Cookie: b")])
    return [b"never"]


def _pid(environ: Environ, start: Start) -> Iterable[bytes]:
    start("200 OK", TEXT)
    return [str(os.getpid()).encode()]


def _count(environ: Environ, start: Start) -> Iterable[bytes]:
    """How many connections are in memory; the collector rests from now on."""
    gc.disable()
    start("200 OK", TEXT)
    return [str(sum(isinstance(each, Connection) for each in gc.get_objects())).encode()]


_ROUTES: dict[str, Callable[[Environ, Start], Iterable[bytes]]] = {
    "/": _echo,
    "/environ": _environ,
    "/wait": _wait,
    "/begun": _begun_is,
    "/large": _large,
    "/status": _status,
    "/raise": _raise,
    "/exit": _exit,
    "/pid": _pid,
    "/count": _count,
}


def _application(environ: Environ, start: Start) -> Iterable[bytes]:
    return _ROUTES.get(environ["PATH_INFO"], _echo)(environ, start)


_valid = validator(_application)


def application(environ: Environ, start: Start) -> Iterable[bytes]:
    """The application, held to PEP 3333 on both sides but for what breaks it wilfully."""
    return _header(environ, start) if environ["PATH_INFO"] == "/header" else _valid(environ, start)
