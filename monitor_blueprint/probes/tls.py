"""When a TLS certificate expires: the one that a server shows, or the one in a file.

Python shows the dates only of a certificate that it has verified, and a certificate of one's own, or an expired one,
cannot be verified. `openssl x509` reads any; it is on every server that has certificates.
"""

from __future__ import annotations

import socket
import ssl
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from monitor_blueprint.adapters import command
from monitor_blueprint.adapters.file_patterns import has_match, matches
from monitor_blueprint.adapters.shortage import raise_if_short
from monitor_blueprint.domain.models import ProbeError, Reading, Scalar, Status
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.options import Positive, Text
from monitor_blueprint.probes import Observation, ProbeContext

DEFAULT_INTERVAL_S = 3600.0
DAY_S = 86400.0
_NGINX = Path("/etc/nginx")


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "tls" may say.

    Attributes:
        host, port: the server that is asked, unless `file` is given.
        server_name: name of the site (SNI) where it is not `host`.
        verify: the chain must lead to an authority that this machine trusts, and the name must fit.
        file: a PEM file, or a pattern such as "/etc/letsencrypt/live/*/fullchain.pem"; the first to expire counts.
        warning_days, critical_days: Let's Encrypt's clients renew 30 days before the end, so at 21 it has failed
            for over a week.
        timeout_s: how long a connection may take.
    """

    host: Text = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 443
    server_name: str = ""
    verify: bool = False
    file: str = ""
    warning_days: Positive = 21.0
    critical_days: Positive = 7.0
    timeout_s: Annotated[Positive, Meta(le=20)] = 5.0


class Certificate(NamedTuple):
    """What openssl says of a certificate; moments in seconds since 1970."""

    subject: str
    not_before: float
    not_after: float


class _FailedError(Exception):
    """The server gave no certificate; the reading says why."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading.aspect)
        self.reading = reading


def is_possible(options: Options) -> bool:
    """Tell whether there is a certificate to look at: the file, or one in Nginx's configuration for this machine."""
    if not command.is_installed("openssl"):
        return False
    if options.file:
        return has_match(options.file)
    return options.host not in ("127.0.0.1", "::1", "localhost") or _has_nginx_certificate()


def probe(options: Options, context: ProbeContext) -> Observation:
    """Read the certificate and hold its end against the limits."""
    try:
        certificates = _from_files(options, context) if options.file else [_from_server(options, context)]
    except _FailedError as failed:
        return Observation((failed.reading,))
    first = min(certificates, key=lambda certificate: certificate.not_after)
    readings = [_expiry(first, context.now.timestamp(), options)]
    if options.verify and not options.file:
        readings.append(_trust(options, context))
    return Observation(tuple(readings))


def read_certificate(deadline: float, *, path: Path | None = None, der: bytes = b"") -> Certificate:
    """Return what openssl reads in a PEM file or a DER certificate; raises ProbeError."""
    source = ["-in", str(path)] if path else ["-inform", "DER"]
    argv = ["openssl", "x509", "-noout", "-startdate", "-enddate", "-subject", "-nameopt", "multiline,utf8", *source]
    output = command.run(argv, deadline, stdin=der)
    fields = dict(line.strip().split("=", 1) for line in output.text.splitlines() if "=" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    try:
        begin, end = (float(ssl.cert_time_to_seconds(fields[key])) for key in ("notBefore", "notAfter"))
    except (KeyError, ValueError) as error:
        where = path or "the server's certificate"
        raise ProbeError(f"{where}: no certificate that openssl can read: {clean(output.errors)}") from error
    return Certificate(clean(fields.get("commonName", ""), 80), begin, end)


def _from_files(options: Options, context: ProbeContext) -> list[Certificate]:
    paths = matches(options.file)
    if not paths:
        raise ProbeError(f"{options.file}: no such file, or it may not be seen")
    return [read_certificate(context.deadline, path=path) for path in paths]


def _from_server(options: Options, context: ProbeContext) -> Certificate:
    anything = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anything.check_hostname = False
    # Looking is not trusting: an expired certificate has to be read, too.
    anything.verify_mode = ssl.CERT_NONE
    try:
        der = _handshake(anything, options, context)
    except ssl.SSLError as error:
        raise_if_short(error)
        raise _FailedError(_failure("handshake", options, error.reason or str(error), is_symptom=False)) from error
    except OSError as error:
        raise_if_short(error)
        reason = "timeout" if isinstance(error, TimeoutError) else "refused" if error.errno == 111 else str(error)
        raise _FailedError(_failure("answer", options, reason, is_symptom=True)) from error
    return read_certificate(context.deadline, der=der)


def _trust(options: Options, context: ProbeContext) -> Reading:
    try:
        _handshake(ssl.create_default_context(), options, context)
    except ssl.SSLCertVerificationError as error:
        # Also with no authorities, because none of their files could be opened.
        raise_if_short(error)
        return _failure("trust", options, error.verify_message, is_symptom=False)
    except OSError as error:
        raise_if_short(error)
        return _failure("answer", options, str(error), is_symptom=True)
    return Reading("trust", facts={"server": _server(options)})


def _handshake(trust: ssl.SSLContext, options: Options, context: ProbeContext) -> bytes:
    timeout_s = max(0.1, min(options.timeout_s, context.deadline - time.monotonic()))
    with (
        socket.create_connection((options.host, options.port), timeout=timeout_s) as plain,
        trust.wrap_socket(plain, server_hostname=options.server_name or options.host) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


def _expiry(certificate: Certificate, now: float, options: Options) -> Reading:
    days = (certificate.not_after - now) / DAY_S
    status = Status.OK
    if days < options.critical_days or now < certificate.not_before:
        status = Status.CRITICAL
    elif days < options.warning_days:
        status = Status.WARNING
    aspect = "expired" if days < 0 else "not_yet_valid" if now < certificate.not_before else "expiry"
    until = datetime.fromtimestamp(certificate.not_after, UTC).strftime("%Y-%m-%d")
    where = options.file or _server(options)
    facts: dict[str, Scalar] = {"subject": certificate.subject, "until": until, "days": int(days), "where": clean(where)}
    return Reading(aspect, status, value=round(days, 1), unit="d", facts=facts)


def _failure(aspect: str, options: Options, reason: str, *, is_symptom: bool) -> Reading:
    facts = {"server": _server(options), "reason": clean(reason)}
    # Nobody there may be a restart: that counts only when it lasts.
    return Reading(aspect, Status.CRITICAL, facts=facts, is_symptom=is_symptom, is_settling=is_symptom)


def _server(options: Options) -> str:
    return clean(f"{options.server_name or options.host}:{options.port}")


def _has_nginx_certificate() -> bool:
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
