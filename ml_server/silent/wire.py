"""How workers and the process of the trial meet: each worker greets by a local socket, and hands over the ring that it fills.

The socket says no more than that, and when either has ended. A ring keeps to the memory of the machine.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ml_server.silent.ring import Ring

_FILE = "silent.sock"
# More than a greeting has.
_HELLO_BYTES = 4096
_WAITING = 128


class Hello(msgspec.Struct, frozen=True, array_like=True):
    """What a worker says with its ring: which ledger is its, and how many rows it has handed on before, to whomever."""

    trial: str
    token: str
    sent: int


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """One record of a ring, a request: as it was sent, and what the served version has answered to the rows at these places."""

    elapsed_us: int
    content_type: str
    body: bytes
    places: list[int]
    numbers: list[list[float]]


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Asked).decode
_decode_hello = msgspec.msgpack.Decoder(Hello).decode


def listen(directory: Path) -> socket.socket:
    """Return a socket that workers can connect to; for the only one who listens.

    Raises:
        OSError: it cannot be made.
    """
    (directory / _FILE).unlink(missing_ok=True)
    listening = _new()
    with _short(directory) as address:
        listening.bind(address)
    (directory / _FILE).chmod(0o600)
    listening.listen(_WAITING)
    return listening


def connect(directory: Path) -> socket.socket | None:
    """Return a connection that never waits; None where nobody listens."""
    connection = _new()
    try:
        with _short(directory) as address:
            connection.connect(address)
    except OSError:
        connection.close()
        return None
    return connection


def greet(connection: socket.socket, hello: Hello, handle: int) -> None:
    """Say who begins to fill the ring of this handle.

    Raises:
        OSError: the other one is gone.
    """
    socket.send_fds(connection, [encode(hello)], [handle])


def meet(connection: socket.socket) -> tuple[Hello, Ring] | None:
    """Return who greets, and its ring; None where it has closed, or says something else.

    Raises:
        BlockingIOError: it has said nothing yet.
    """
    try:
        said, handles, _, _ = socket.recv_fds(connection, _HELLO_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
    except ConnectionResetError:
        return None
    try:
        return (_decode_hello(said), Ring(handles[0])) if handles else None
    except (msgspec.DecodeError, OSError, ValueError):
        return None
    finally:
        for handle in handles:
            os.close(handle)


def is_open(connection: socket.socket) -> bool:
    """Tell whether the other one, who says nothing, has not closed."""
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def _new() -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    made.setblocking(False)
    return made


@contextmanager
def _short(directory: Path) -> Iterator[str]:
    """Give the socket's address by way of an open directory: an address has no room for a long path."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{handle}/{_FILE}"
    finally:
        os.close(handle)
