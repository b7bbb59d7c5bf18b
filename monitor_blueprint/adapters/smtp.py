"""One connection to a mail server, each step of which has a time limit of its own."""

from __future__ import annotations

import base64
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

from monitor_blueprint.adapters.deadline import Wire, cancel_after
from monitor_blueprint.domain.messages import Handover, Waits

_ACCEPTED = (250, 251, 252)


class Client(smtplib.SMTP):
    """The library's client, over a connection that can be cut from its first byte on; with TLS from there on if wanted."""

    def __init__(self, address: tuple[str, int], own_name: str, tls: ssl.SSLContext | None, waits: Waits, wire: Wire) -> None:
        """Connect. The own name is given: the library would ask the DNS for it, without any time limit."""
        self._tls = tls
        self._wire = wire
        self._waits = waits
        super().__init__(*address, local_hostname=own_name, timeout=waits.connect_s)

    def connect(self, host: str = "localhost", port: int = 0, source_address: Any = None) -> tuple[int, bytes]:
        """Connect, and return the greeting; the library calls it at once."""
        try:
            self.sock = socket.create_connection((host, port), self._waits.connect_s, source_address)
        except TimeoutError as error:
            raise TimeoutError(f"no connection within {self._waits.connect_s:.0f} s") from error
        self._wire.attach(self.sock)
        if self._tls is not None:
            with self._within(self._waits.command_s):
                self.sock = self._tls.wrap_socket(self.sock, server_hostname=host)
        with self._within(self._waits.greeting_s):
            return self.getreply()

    def begin(self, tls: ssl.SSLContext | None) -> str:
        """Say who we are, and begin TLS if wanted and offered; return what "failed" or is "missing" about that, "" if nothing.

        After a failure the connection is of no use.
        """
        with self._within(self._waits.command_s):
            self.ehlo_or_helo_if_needed()
            if tls is None:
                return ""
            if not self.has_extn("starttls"):
                return "missing"
            try:
                self.starttls(context=tls)
            except smtplib.SMTPResponseException as error:
                return f"failed: {error.smtp_code}"
            except (OSError, ValueError) as error:
                return f"failed: {type(error).__name__}: {error}"
            self.ehlo()
            return ""

    def log_in(self, user: str, password: str) -> None:
        """Log in; the library knows ASCII only."""
        offered = self.esmtp_features.get("auth", "").upper().split()
        with self._within(self._waits.command_s):
            if f"{user}{password}".isascii():
                self.login(user, password)
            elif "PLAIN" in offered:
                _expect(self.docmd("AUTH", "PLAIN " + _base64(f"\x00{user}\x00{password}")), 235, 503)
            elif "LOGIN" in offered:
                _expect(self.docmd("AUTH", f"LOGIN {_base64(user)}"), 334)
                _expect(self.docmd(_base64(password)), 235, 503)
            else:
                raise smtplib.SMTPResponseException(504, "no AUTH PLAIN or LOGIN, which a password outside ASCII needs")

    def transfer(
        self, text: bytes, sender: str, recipients: Sequence[str], handover: Handover
    ) -> Iterator[tuple[str, int, bytes]]:
        """Hand the mail over; yield each recipient that the server has not taken, with its answer, before the text goes out.

        What it says to anything else raises `smtplib.SMTPResponseException` unless it is an acceptance.
        """
        waits = self._waits
        with self._within(waits.command_s):
            _expect(self.mail(sender, [f"size={len(text)}"] if self.has_extn("size") else []), *_ACCEPTED)
        is_taken = False
        for address in recipients:
            with self._within(waits.command_s):
                code, said = self.rcpt(address)
            if code == 421:
                raise smtplib.SMTPResponseException(code, said)
            if code in _ACCEPTED:
                is_taken = True
            else:
                yield address, code, said
        if is_taken:
            with self._within(waits.data_s):
                _expect(self.docmd("data"), 354)
            with self._within(waits.block_s):
                self.send(re.sub(rb"(?m)^\.", b"..", text))
            handover.is_out = True
            with self._within(waits.accept_s):
                _expect(self.docmd("."), *_ACCEPTED)
        # The answer to QUIT is of no interest, and waiting for it only risks sending twice.
        with suppress(OSError):
            self.putcmd("quit")

    @contextmanager
    def _within(self, limit_s: float) -> Iterator[None]:
        """Cut the connection where the block takes longer: a limit of single reads stops no server that drips its answer."""
        if self.sock is not None:
            self.sock.settimeout(limit_s)
        try:
            with cancel_after(limit_s, self._wire.cut):
                yield
        except OSError as error:
            if self._wire.is_cut or isinstance(error.__context__, TimeoutError):
                raise TimeoutError(f"no answer within {limit_s:.0f} s") from error
            raise


@contextmanager
def connected(address: tuple[str, int], own_name: str, tls: ssl.SSLContext | None, waits: Waits) -> Iterator[Client]:
    """Connect (with TLS from the first byte on where a context is given), and let go of the connection at the end."""
    wire = Wire()
    try:
        with closing(Client(address, own_name, tls, waits, wire)) as client:
            yield client
    finally:
        wire.close()


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _expect(answer: tuple[int, bytes], *codes: int) -> None:
    if answer[0] not in codes:
        raise smtplib.SMTPResponseException(*answer)
