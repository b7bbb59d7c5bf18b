"""Calling a WSGI application (PEP 3333) with a request that is there as a whole."""

import io
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from serving.messages import Reply, Request

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def call(application: Application, request: Request, server: tuple[str, str]) -> Reply:
    """Return the application's answer; raises what the application raises."""
    target = request.path if request.path.startswith(b"/") else b"/" + request.path.partition(b"//")[2].partition(b"/")[2]
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(target).decode("latin-1"),
        "QUERY_STRING": request.query.decode("latin-1"),
        "RAW_URI": request.target.decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{request.version}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": server[1],
        "REMOTE_ADDR": request.client,
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = name.decode("latin-1").upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            environ[key] = value.decode("latin-1")
        elif key not in ("CONTENT_LENGTH", "TRANSFER_ENCODING"):
            environ[f"HTTP_{key}"] = value.decode("latin-1")
    answered: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Callable[[bytes], object]:
        answered[:] = (int(status[:3]), headers)
        return written.write

    written = io.BytesIO()
    parts = application(environ, start_response)
    try:
        written.writelines(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    status, headers = answered
    if re.search(rb"[\r\n]", "".join(map("".join, headers)).encode("latin-1")):
        raise ValueError("a header of several lines")
    body = written.getvalue()
    # What HEAD and 304 tell of a length is the application's, of a body that is not there.
    if request.method != "HEAD" and status not in (204, 304):
        headers = [
            *((name, value) for name, value in headers if name.lower() != "content-length"),
            ("Content-Length", str(len(body))),
        ]
    return Reply(status, headers, body)
