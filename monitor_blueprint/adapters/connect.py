"""Connections within a deadline (monotonic clock): by TCP, all addresses of a name sharing the time, or to a unix socket."""

from __future__ import annotations

import errno
import ipaddress
import os
import selectors
import socket
import ssl
import struct
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import chain, zip_longest
from typing import Any

from monitor_blueprint.adapters.deadline import Call
from monitor_blueprint.adapters.shortage import raise_if_short
from monitor_blueprint.domain.text import Public, class_name, fill

# A failure: nothing came in the time that was given.
TIMEOUT = fill("timeout")
# A failure: the monitor's own user may not use the socket. That says nothing of who is behind it.
NO_PERMISSION = fill("permission")
_UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EHOSTDOWN, errno.ENETDOWN)
_FAILURES: tuple[tuple[type[OSError], Public], ...] = (
    (TimeoutError, TIMEOUT),
    (socket.gaierror, fill("name")),
    (ssl.SSLCertVerificationError, fill("certificate")),
    (ssl.SSLError, fill("tls")),
    (ConnectionRefusedError, fill("refused")),
    (ConnectionError, fill("reset")),
    (PermissionError, NO_PERMISSION),
    (FileNotFoundError, fill("no_socket")),
)
# RFC 8305, 5: how long one address is waited for before the next is tried beside it.
_NEXT_S = 0.25
Address = tuple[socket.AddressFamily, tuple[Any, ...]]


def left(deadline: float) -> float:
    """Return the seconds that are left, for one operation on a socket; raises TimeoutError where there are none."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def connect(host: str, port: int, deadline: float) -> socket.socket:
    """Return a connection to the first address of the host that takes one ("Happy Eyeballs", RFC 8305).

    Raises:
        socket.gaierror: there is no such name, or the name servers do not say in time.
        OSError: nobody takes it, in time or at all.
    """
    return _first(_alternating(_addresses(host, port, deadline)), deadline)


def connect_unix(path: str, deadline: float) -> socket.socket:
    """Return a connection to the unix socket; raises TimeoutError where its server takes none in time, or OSError."""
    connecting = socket.socket(socket.AF_UNIX)
    try:
        # A time limit of Python's own would not wait for a place in a full queue at all.
        whole_s, part_s = divmod(left(deadline), 1)
        connecting.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(whole_s), max(1, int(part_s * 1e6))))
        connecting.connect(path)
    except BlockingIOError as error:
        connecting.close()
        raise TimeoutError from error
    except BaseException:
        connecting.close()
        raise
    return connecting


def failure_of(error: OSError) -> Public:
    """Return the word for what came instead of a connection or over it; what it means to an operator says the catalogue."""
    # Those two have numbers of their own.
    number = 0 if isinstance(error, socket.gaierror | ssl.SSLError) else error.errno
    if number in _UNREACHABLE:
        return fill("unreachable")
    return next((told for kind, told in _FAILURES if isinstance(error, kind)), None) or class_name(error)


def _addresses(host: str, port: int, deadline: float) -> Sequence[Address]:
    def ask() -> Sequence[Address]:
        found = socket.getaddrinfo(host, port, socket.AF_UNSPEC, socket.SOCK_STREAM)
        return [(family, address) for family, _, _, _, address in found]

    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return ask()
    # Name servers have a time limit of their own, and a long one.
    try:
        asking = Call(ask, "name")
    except RuntimeError as error:
        raise_if_short(error)
        raise
    if not asking.wait(deadline):
        raise socket.gaierror(socket.EAI_AGAIN, "no name server answers in time")
    try:
        return asking.result()
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, "no name of a host") from error


def _alternating(addresses: Sequence[Address]) -> list[Address]:
    """Return the addresses, one of each family after the other, beginning with the system's first choice."""
    first = [each for each in addresses if each[0] == addresses[0][0]]
    others = [each for each in addresses if each[0] != addresses[0][0]]
    return [each for each in chain.from_iterable(zip_longest(first, others)) if each is not None]


def _first(addresses: Sequence[Address], deadline: float) -> socket.socket:
    """Return the first connection that is made; each address gets a head start, or less where there is little time."""
    waiting = list(addresses)
    head_start_s = min(_NEXT_S, left(deadline) / (len(waiting) + 1))
    failures: list[OSError] = []
    with ExitStack() as opened, selectors.DefaultSelector() as selector:
        next_at = 0.0
        while waiting or selector.get_map():
            if waiting and (next_at <= time.monotonic() or not selector.get_map()):
                _begin(waiting.pop(0), selector, opened, failures)
                next_at = time.monotonic() + head_start_s
                continue
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                failures.append(TimeoutError())
                break
            for ready, _ in selector.select(min(left_s, max(0.0, next_at - time.monotonic())) if waiting else left_s):
                selector.unregister(ready.fileobj)
                connected: socket.socket = ready.data
                code = connected.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code:
                    failures.append(OSError(code, os.strerror(code)))
                    # The next one's turn.
                    next_at = 0.0
                    continue
                # A copy: all that was opened is closed.
                return connected.dup()
    raise _most_telling(failures)


def _begin(address: Address, selector: selectors.BaseSelector, opened: ExitStack, failures: list[OSError]) -> None:
    try:
        connecting = opened.enter_context(socket.socket(address[0]))
        connecting.setblocking(False)
        code = connecting.connect_ex(address[1])
    except OSError as error:
        # A family that this machine has not, for one.
        failures.append(error)
        return
    if code in (0, errno.EINPROGRESS):
        selector.register(connecting, selectors.EVENT_WRITE, connecting)
    else:
        failures.append(OSError(code, os.strerror(code)))


def _most_telling(failures: Sequence[OSError]) -> OSError:
    """Return who refused, or else what came last."""
    return next((each for each in failures if isinstance(each, ConnectionRefusedError)), failures[-1])
