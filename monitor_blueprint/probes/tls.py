"""When TLS certificates expire: all that a server sends, or all in some files; the first to expire counts."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from monitor_blueprint.adapters import command
from monitor_blueprint.adapters.certificates import Certificate, Found, has_nginx_certificate, in_der, in_file, sent_by
from monitor_blueprint.adapters.connect import NO_PERMISSION, TIMEOUT, connect, connect_unix, failure_of, left
from monitor_blueprint.adapters.file_patterns import has_match, matches
from monitor_blueprint.adapters.shortage import raise_if_short
from monitor_blueprint.domain.models import Facts, ProbeError, Reading, Scalar, Status
from monitor_blueprint.domain.text import Private, Public, class_name, configured, fill, joined, label, moment, private, word
from monitor_blueprint.domain.vocabulary import CERTIFICATE_ISSUERS, CERTIFICATE_PROBLEMS
from monitor_blueprint.faults import detail_of, reason_of
from monitor_blueprint.options import Host, HostName, Positive
from monitor_blueprint.probes import Observation, ProbeContext

DEFAULT_INTERVAL_S = 3600.0
DAY_S = 86400.0
_LONGEST_DAYS = 36500.0
_SITE = re.compile(r"(?=.{4,100}\Z)(?!.*\d{5})(?:[a-z0-9-]+\.)+[a-z]{2,}")
# How OpenSSL names the alerts of a server that wants to see the client's certificate.
_WANTS_CERTIFICATE = (
    "SSLV3_ALERT_HANDSHAKE_FAILURE",
    "SSL/TLS_ALERT_HANDSHAKE_FAILURE",
    "SSLV3_ALERT_BAD_CERTIFICATE",
    "SSL/TLS_ALERT_BAD_CERTIFICATE",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED",
)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "tls" may say.

    Attributes:
        host, port: the server that is asked, unless `file` is given; a path is that of a unix socket.
        server_name: name of the site (SNI) where it is not `host`.
        verify: the chain must lead to an authority that this machine trusts, and the name must fit.
        file: a PEM file, or a pattern such as "/etc/letsencrypt/live/*/fullchain.pem"; all that are in them.
        warning_days, critical_days: Let's Encrypt's clients renew 30 days before the end, so at 21 it has failed
            for over a week.
        timeout_s: how long a connection may take.
    """

    host: Host = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 443
    server_name: HostName = ""
    verify: bool = False
    file: str = ""
    warning_days: Positive = 21.0
    critical_days: Positive = 7.0
    timeout_s: Annotated[Positive, Meta(le=20)] = 5.0


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
    if options.host.startswith("/"):
        return Path(options.host).exists()
    return options.host not in ("127.0.0.1", "::1", "localhost") or has_nginx_certificate()


def probe(options: Options, context: ProbeContext) -> Observation:
    """Read every certificate and hold its end against the limits; what cannot be read is told beside the others."""
    try:
        certificates, unread = _in_files(options, context) if options.file else _of_server(options, context)
    except _FailedError as failed:
        return Observation((failed.reading,))
    readings = [worst_end(certificates, context.now.timestamp(), options)] if certificates else []
    if unread:
        why = private("; ".join(each.text for each in unread), 1000)
        facts: dict[str, Scalar] = {"reason": fill("certificates"), "count": len(unread), "why_text": why}
        readings.append(Reading("unreadable", Status.UNKNOWN, facts=facts))
    if options.verify and not options.file:
        readings.append(_trust(options, context))
    return Observation(tuple(readings))


def worst_end(certificates: Sequence[Certificate], now: float, options: Options) -> Reading:
    """Return the reading of the worst certificate; of equally bad ones, of the first to expire."""
    ends = [_expiry(certificate, now, options) for certificate in certificates]
    return max(ends, key=lambda reading: (reading.status.severity, -(reading.value or 0.0)))


def _in_files(options: Options, context: ProbeContext) -> tuple[list[Certificate], list[Private]]:
    """Return the certificates of all files, and what is wrong with those that cannot be read."""
    paths = matches(options.file)
    if not paths:
        raise ProbeError(fill("{file}: no such file, or it may not be seen", file=configured(options.file)))
    certificates: list[Certificate] = []
    unread: list[Private] = []
    for path in paths:
        found = in_file(path, context.deadline)
        certificates += found.certificates
        unread += found.problems
    if not certificates:
        told = fill("{file}: no certificate that openssl can read", file=configured(options.file))
        raise ProbeError(told, unread[0])
    return certificates, unread


def _of_server(options: Options, context: ProbeContext) -> tuple[list[Certificate], list[Private]]:
    """Return the certificates that the server sends, and what is wrong with those that cannot be read."""
    anything = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anything.check_hostname = False
    # Looking is not trusting: an expired certificate has to be read, too.
    anything.verify_mode = ssl.CERT_NONE
    try:
        where, own = _handshake(anything, options, _deadline(options, context))
    except ssl.SSLError as error:
        raise_if_short(error)
        found = _of_choosy_server(error, options, context)
        if found is None:
            raise _FailedError(_failure("handshake", options, _library_word(error), error, is_symptom=False)) from error
        return found.certificates, found.problems
    except OSError as error:
        raise _no_answer(error, options) from error
    # Each step has the time of its own that a server may take.
    found = _chain(where, options, _deadline(options, context))
    if not found.certificates:
        # Its own is known, whatever hides the others.
        found.certificates.extend(in_der(own, context.deadline).certificates)
    return found.certificates, found.problems


def _of_choosy_server(error: ssl.SSLError, options: Options, context: ProbeContext) -> Found | None:
    """Return the certificates of a server that lets in only who shows one; None for any other server that hangs up.

    It has shown its own before it asked, and that is what is looked at. Up to TLS 1.2 it says so only by hanging up.
    """
    if error.reason not in _WANTS_CERTIFICATE:
        return None
    is_local = options.host.startswith("/")
    address = f"[{options.host}]" if ":" in options.host else options.host
    where = ["-unix", options.host] if is_local else ["-connect", f"{address}:{options.port}"]
    found = _chain(where, options, _deadline(options, context))
    return found if found.certificates and found.asks_for_certificate else None


def _chain(where: list[str], options: Options, deadline: float) -> Found:
    try:
        return sent_by(where, _name(options), deadline)
    except ProbeError as error:
        raise_if_short(error)
        return Found([], [error.detail or Private(error.told)])


def _trust(options: Options, context: ProbeContext) -> Reading:
    try:
        _handshake(ssl.create_default_context(), options, _deadline(options, context))
    except ssl.SSLCertVerificationError as error:
        # Also with no authorities, because none of their files could be opened.
        raise_if_short(error)
        return _failure("trust", options, _verdict(error), error, is_symptom=False)
    except ssl.SSLError as error:
        raise_if_short(error)
        # It is the server that does not trust us: it was asked for its certificate before, and that was well.
        if error.reason not in _WANTS_CERTIFICATE:
            return _no_answer(error, options).reading
    except OSError as error:
        return _no_answer(error, options).reading
    return Reading("trust", facts={"server": _server(options)})


def _handshake(trust: ssl.SSLContext, options: Options, deadline: float) -> tuple[list[str], bytes]:
    """Shake hands with the server; return how openssl finds the one that answered, and its own certificate."""
    is_local = options.host.startswith("/")
    with closing(connect_unix(options.host, deadline) if is_local else connect(options.host, options.port, deadline)) as plain:
        peer = plain.getpeername()
        plain.settimeout(left(deadline))
        with trust.wrap_socket(plain, server_hostname=_name(options), do_handshake_on_connect=False) as secure:
            secure.do_handshake()
            own = secure.getpeercert(binary_form=True) or b""
    if is_local:
        return ["-unix", options.host], own
    return ["-connect", f"[{peer[0]}]:{peer[1]}" if ":" in peer[0] else f"{peer[0]}:{peer[1]}"], own


def _deadline(options: Options, context: ProbeContext) -> float:
    return min(context.deadline, time.monotonic() + options.timeout_s)


def _name(options: Options) -> str:
    return options.server_name or ("localhost" if options.host.startswith("/") else options.host)


def _expiry(certificate: Certificate, now: float, options: Options) -> Reading:
    days = (certificate.not_after - now) / DAY_S
    status = Status.OK
    if days < options.critical_days or now < certificate.not_before:
        status = Status.CRITICAL
    elif days < options.warning_days:
        status = Status.WARNING
    end = datetime.fromtimestamp(certificate.not_after, UTC)
    aspect = "expired" if days < 0 else "not_yet_valid" if now < certificate.not_before else "expiry"
    number = [fill(" #{number}", number=certificate.number)] if certificate.number > 1 else []
    facts: dict[str, Scalar] = {
        "where": configured(options.file) if options.file else _server(options),
        "place": joined("", number),
        "subject_text": certificate.subject,
        **({"issuer": issuer} if (issuer := word(certificate.issuer.text, CERTIFICATE_ISSUERS)) else {}),
        "issuer_text": certificate.issuer,
        "until": _local(end),
        "days": int(days),
        "limit_days": options.critical_days if status is Status.CRITICAL else options.warning_days,
    }
    if certificate.where not in ("", options.file):
        # For administrators it stands in the place of the pattern.
        facts["where_text"] = private(certificate.where)
        if _is_public(certificate, options):
            facts["where"] = configured(certificate.where)
    # It is too near from the limit on, and over with the end; that it is not yet valid has no beginning.
    began = (
        {"expired": end, "expiry": end - timedelta(days=min(options.critical_days, _LONGEST_DAYS))}
        if status is Status.CRITICAL
        else {}
    )
    return Reading(aspect, status, value=round(days, 1), unit="d", facts=facts, began_at=began.get(aspect))


def _local(end: datetime) -> Public:
    # For one so far away local time has no name.
    with suppress(OverflowError, ValueError):
        end = end.astimezone()
    return moment(end, "%Y-%m-%d %H:%M %Z")


def _is_public(certificate: Certificate, options: Options) -> bool:
    """Tell whether what a pattern stands for is the name of the certificate's site, which its server tells everybody."""
    site = certificate.subject.text.removeprefix("*.")
    parts = Path(certificate.where).parts
    found = [part for part, pattern in zip(parts, Path(options.file).parts, strict=False) if part != pattern]
    # Certbot numbers the second one of a name; a file may have an ending.
    names = [re.sub(r"-\d{4}\Z|\.(?:pem|crt|cer)\Z", "", part) for part in found]
    return bool(_SITE.fullmatch(site)) and len(parts) == len(Path(options.file).parts) and all(name == site for name in names)


def _no_answer(error: OSError, options: Options) -> _FailedError:
    """Return the failure to reach the server; raises ProbeError where the monitor itself could not look."""
    raise_if_short(error)
    reason = failure_of(error)
    if reason == NO_PERMISSION:
        raise ProbeError(fill("{server}: {reason}", server=_server(options), reason=reason_of(error))) from error
    failed = _failure("answer", options, reason, error, is_symptom=True)
    if reason == TIMEOUT:
        failed = replace(failed, facts={**failed.facts, "within_s": options.timeout_s})
    return _FailedError(failed)


def _library_word(error: ssl.SSLError) -> Public:
    """Return OpenSSL's own name for what went wrong: it is from a table of its own, and never the other side's text."""
    return label(error.reason.lower()) if error.reason else class_name(error)


def _verdict(error: ssl.SSLCertVerificationError) -> Public:
    """Return why the certificate is not trusted, in OpenSSL's words; with a name in them only the number is told."""
    return word(error.verify_message, CERTIFICATE_PROBLEMS) or fill("verify error {code}", code=error.verify_code)


def _failure(aspect: str, options: Options, reason: Public, error: OSError, *, is_symptom: bool) -> Reading:
    facts: Facts = {"server": _server(options), "reason": reason, "reason_text": detail_of(error)}
    # Nobody there may be a restart: that counts only when it lasts.
    return Reading(aspect, Status.CRITICAL, facts=facts, is_symptom=is_symptom, is_settling=is_symptom)


def _server(options: Options) -> Public:
    where = options.server_name or options.host
    return configured(where if options.host.startswith("/") else f"{where}:{options.port}")
