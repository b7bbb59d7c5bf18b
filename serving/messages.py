"""What a connection hands on to be answered, and what it gets back."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
_EMPTY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class Request:
    """One request; its body is there when it is to be answered, and not yet when it may be refused.

    Attributes:
        client: the address that it came from; empty for a unix socket.
        headers: by lower-case names; fields that came several times are joined.
        length: bytes of the body, as declared, or as many as have come.
        is_kept: whether its client may ask again on this connection.
        reply: the answer, where it is one that was refused.
        state: whatever the one who may refuse it wants to keep until it is answered.
    """

    __slots__ = (
        "body",
        "client",
        "headers",
        "is_kept",
        "length",
        "method",
        "path",
        "query",
        "reply",
        "state",
        "target",
        "version",
    )

    def __init__(self, method: str, target: bytes, version: str, headers: dict[bytes, bytes], *, is_kept: bool) -> None:
        self.method, self.target, self.version, self.headers, self.is_kept = method, target, version, headers, is_kept
        self.path, _, self.query = target.partition(b"?")
        self.length = int(headers.get(b"content-length", b"0"))
        self.body, self.client = b"", ""
        self.reply: Reply | None = None
        self.state: Any = None


class Reply(NamedTuple):
    """One answer; `Content-Length` is among the headers."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def render(self, date: str, *, is_kept: bool, is_head: bool) -> bytes:
        """Return the bytes for the client; some answers have no body, whatever was meant."""
        fields = "".join([f"{name}: {value}\r\n" for name, value in self.headers])
        connection = "keep-alive" if is_kept else "close"
        line = _LINES.get(self.status) or f"HTTP/1.1 {self.status} \r\n"
        head = f"{line}Date: {date}\r\nConnection: {connection}\r\n{fields}\r\n".encode("latin-1")
        return head if is_head or self.status in _EMPTY else head + self.body
