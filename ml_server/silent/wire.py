"""What workers say to the process of the trial: packets of a local socket, which keep to the memory of the machine.

A packet comes whole or not at all, and what a worker has said before it died is still read.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

_FILE = "silent.sock"
_BUFFER_BYTES = 4 * 1024 * 1024
# More than the kernel takes of one packet.
MOST_BYTES = 1024 * 1024
_WAITING = 128


class Hello(msgspec.Struct, frozen=True, array_like=True, tag="hello"):
    """The first packet of a worker: which ledger is its, and how many rows it has handed on before, to whomever."""

    trial: str
    token: str
    sent: int


class Asked(msgspec.Struct, frozen=True, array_like=True, tag="asked"):
    """One request: as it was sent, and what the served version has answered to the rows at these places of it."""

    elapsed_us: int
    content_type: str
    body: bytes
    places: list[int]
    numbers: list[list[float]]


_decode = msgspec.msgpack.Decoder(Hello | Asked).decode
encode = msgspec.msgpack.Encoder().encode


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
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        with _short(directory) as address:
            connection.connect(address)
    except OSError:
        connection.close()
        return None
    return connection


def read(connection: socket.socket) -> Hello | Asked | None:
    """Return the next packet; None where the worker has closed.

    Raises:
        BlockingIOError: there is none yet.
    """
    try:
        packet = connection.recv(MOST_BYTES)
    except ConnectionResetError:
        return None
    return _decode(packet) if packet else None


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
