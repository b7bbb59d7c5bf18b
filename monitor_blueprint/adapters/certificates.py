"""TLS certificates: those of a file, and those that a server sends.

Python shows the dates only of a certificate that it has verified, and no chain before Python 3.13. `openssl` reads any,
expired or of one's own making, and is on every server that has certificates.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from monitor_blueprint.adapters import command
from monitor_blueprint.adapters.shortage import raise_if_short
from monitor_blueprint.domain.models import ProbeError
from monitor_blueprint.domain.text import Private, fill, private
from monitor_blueprint.faults import reason_of

# openssl-x509(1) takes the older names, too.
_PEM = re.compile(rb"-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----.*?-----END \1-----", re.DOTALL)
_BEGIN = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----")
# More than all authorities of a machine together.
_MAX_FILE_BYTES = 4 * 1024 * 1024
_NGINX = Path("/etc/nginx")
_MAX_PIECE_BYTES = 64 * 1024
# openssl-s_client(1) lists the kinds of certificate that it was asked for.
_ASKED = "Client Certificate Types: "


class Certificate(NamedTuple):
    """What openssl says of a certificate; moments in seconds since 1970.

    Attributes:
        subject: whom it is for, by the common name.
        not_before: from when on it is valid.
        not_after: until when.
        where: the file that it is in; "" where a server has sent it.
        number: which one of the file or of the chain it is; the server's own is 1.
        issuer: who has issued it, by the organization's name.
    """

    subject: Private
    not_before: float
    not_after: float
    where: str = ""
    number: int = 1
    issuer: Private = Private("")


class Found(NamedTuple):
    """The certificates, and what is wrong with those that cannot be read: one hides no other.

    `asks_for_certificate` says that the server wanted to see one of the client's.
    """

    certificates: list[Certificate]
    problems: list[Private]
    asks_for_certificate: bool = False


def in_file(path: Path, deadline: float) -> Found:
    """Return every certificate of a file in PEM, or the one of a file in DER."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise_if_short(error)
        return Found([], [private(f"{path}: {reason_of(error)}")])
    pieces = [match[0] for match in _PEM.finditer(content)]
    is_whole = len(_BEGIN.findall(content)) == len(pieces)
    found = _read(pieces or [content], str(path), deadline)
    return found if is_whole or not pieces else Found(found.certificates, [*found.problems, private(f"{path}: it breaks off")])


def sent_by(where: Sequence[str], name: str, deadline: float) -> Found:
    """Return every certificate that a server sends, in its order; raises ProbeError where openssl gets no answer.

    `where` is how `openssl s_client` is told where the server is; `name` is the site's name or address.
    """
    server_name = ["-noservername"] if _is_address(name) else ["-servername", name]
    output = command.run(["openssl", "s_client", "-showcerts", *where, *server_name], deadline)
    # One that is sent twice is one.
    pieces = list(dict.fromkeys(match[0] for match in _PEM.finditer(output.text.encode())))
    if not pieces:
        return Found([], [private(f"openssl s_client: {output.errors}")])
    return _read(pieces, "", deadline)._replace(asks_for_certificate=_ASKED in output.text)


def in_der(content: bytes, deadline: float) -> Found:
    """Return the one certificate that a server has shown."""
    return _read([content], "", deadline)


def has_nginx_certificate() -> bool:
    """Tell whether Nginx's configuration of this machine names a certificate."""
    # By the configuration and not by a connection: Nginx may be down while the monitor starts.
    for folder in ("nginx.conf", "conf.d/*", "sites-enabled/*"):
        for path in _NGINX.glob(folder):
            try:
                lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            except OSError:
                continue
            if any(line.strip().startswith("ssl_certificate ") for line in lines):
                return True
    return False


def _read(pieces: Sequence[bytes], where: str, deadline: float) -> Found:
    found = Found([], [])
    for number, piece in enumerate(pieces, start=1):
        try:
            found.certificates.append(_certificate(piece, where, number, deadline))
        except ProbeError as error:
            raise_if_short(error)
            found.problems.append(error.detail or Private(error.told))
    return found


def _certificate(content: bytes, where: str, number: int, deadline: float) -> Certificate:
    argv = ["openssl", "x509", "-noout", "-startdate", "-enddate", "-subject", "-issuer", "-nameopt", "multiline,utf8"]
    # What fits in no pipe is no certificate either.
    output = command.run(argv, deadline, stdin=content[:_MAX_PIECE_BYTES])
    # The subject and the issuer have fields of the same names.
    own, _, issuing = output.text.partition("\nissuer=")
    fields, issuer = _fields(own), _fields(issuing)
    try:
        begin, end = (float(ssl.cert_time_to_seconds(fields[key])) for key in ("notBefore", "notAfter"))
    except (KeyError, ValueError) as error:
        told = fill("no certificate that openssl can read (number {number})", number=number)
        raise ProbeError(told, private(f"{where or 'the server'}: {told}")) from error
    issued_by = private(issuer.get("organizationName", issuer.get("commonName", "")), 80)
    return Certificate(private(fields.get("commonName", ""), 80), begin, end, where, number, issued_by)


def _fields(text: str) -> dict[str, str]:
    found = (line.split("=", 1) for line in text.split("\n") if "=" in line)
    return {key.strip(): value.strip() for key, value in found}


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
