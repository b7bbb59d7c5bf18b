"""Email over SMTP: to the server that is named, or to the one that listens on this machine."""

from __future__ import annotations

import ipaddress
import re
import smtplib
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

import msgspec

from monitor_blueprint.adapters.addresses import is_loopback
from monitor_blueprint.adapters.smtp import Client, connected
from monitor_blueprint.domain.messages import Delivered, Handover, Message, Outcome, PerReceiver, Refused, Retry, Single
from monitor_blueprint.domain.text import fill

ENVIRONMENT = ("ALERT_EMAIL", "SMTP_HOST", "SMTP_PORT", "SMTP_USER", "SMTP_PASSWORD", "SMTP_FROM", "SMTP_TLS")
REPLACED = {
    "sendmail": fill("mail goes to SMTP_HOST or, where that is not set, to the mail server of this machine (localhost, port 25)")
}
_MODES = ("starttls", "tls", "none")
_ADDRESS = re.compile(r"[^\s@,;<>()\[\]\\\":\x00-\x1f\x7f-\uffff]+@[A-Za-z0-9.-]+|[A-Za-z0-9._-]+")
_HOST = re.compile(r"[A-Za-z0-9._-]+")
# What a host may be followed by; an IPv6 address stands in brackets then.
_PORT = re.compile(r"(\[[^\]]*\]|[^:\[\]]*):(\d+)")
_BAD_PORT = "SMTP_PORT must be a number from 1 to 65535"
# Where there is no SMTP_HOST: the server of this machine, if it has one. (Its `sendmail` could not do anything from within a
# unit that gets no new privileges.)
_LOCAL = "localhost"
_NO_TLS = "the server offers no STARTTLS, and without it nothing is sent"
_NO_LOCAL = "no SMTP_HOST is set, and no mail server listens on this machine"


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings that are no secrets.

    Attributes:
        ca_file: certificates to trust instead of the system's, for an SMTP server with one of its own.
    """

    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class _Settings:
    recipients: tuple[str, ...]
    sender: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    # "" is: TLS where the server offers it.
    tls: str

    @property
    def is_local(self) -> bool:
        """Tell whether the server is this machine's own."""
        return is_loopback(self.host)

    @property
    def is_tls_required(self) -> bool:
        """Never the password in clear over a network."""
        return self.tls in ("tls", "starttls") or (bool(self.user) and not self.is_local)


def is_configured(options: Options, environ: Mapping[str, str]) -> bool:  # noqa: ARG001 - as all notifiers
    """Tell whether ALERT_EMAIL is set."""
    return bool(environ.get("ALERT_EMAIL", "").strip())


def check(options: Options, environ: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the variables."""
    settings = _settings(environ)
    problems = _check_addresses(settings)
    if settings.port == 0:
        is_twofold = bool(_PORT.fullmatch(environ.get("SMTP_HOST", "").strip())) and bool(environ.get("SMTP_PORT", "").strip())
        problems.append("SMTP_HOST and SMTP_PORT name different ports" if is_twofold else _BAD_PORT)
    if settings.tls not in ("", *_MODES):
        problems.append("SMTP_TLS must be one of starttls, tls, none (or not set: used where the server offers it)")
    if settings.host and not _is_host(settings.host):
        problems.append("SMTP_HOST must be a host name or an address (HOST, HOST:PORT or [ADDRESS]:PORT), without scheme")
    if settings.host and settings.tls == "none" and settings.is_tls_required:
        problems.append("SMTP_TLS=none would send SMTP_PASSWORD in clear: use starttls or tls, or leave SMTP_USER out")
    if bool(settings.user) != bool(settings.password):
        problems.append("SMTP_USER and SMTP_PASSWORD must both be set, or neither")
    if options.ca_file and not Path(options.ca_file).is_file():
        # What is no path may be a secret that belongs elsewhere.
        problems.append(f"ca_file: there is no file {'***' if '://' in options.ca_file else options.ca_file}")
    # With the first mail its library imports the rest of itself: at the moment of an alert the disk may be gone.
    EmailMessage()
    return problems


def _check_addresses(settings: _Settings) -> list[str]:
    """Return what is wrong, by number: what stands there may be a secret that belongs elsewhere."""
    to = settings.recipients
    named = [*((f"ALERT_EMAIL: number {number}", one) for number, one in enumerate(to, 1)), ("SMTP_FROM", settings.sender)]
    problems = [
        f"{name} is no mail address (several are separated by commas)"
        for name, address in named
        if not _ADDRESS.fullmatch(address)
    ]
    if not to:
        problems.append("ALERT_EMAIL holds no address (several are separated by commas)")
    problems += [
        f"{name} has no domain, and only a mail server of this machine itself knows whom it means"
        for name, address in named
        if "@" not in address and not settings.is_local
    ]
    return problems


def receivers(options: Options, environ: Mapping[str, str]) -> tuple[str, ...]:  # noqa: ARG001 - as all notifiers
    """Return the addresses: a server can accept one and put off another."""
    return _settings(environ).recipients


def server(options: Options, environ: Mapping[str, str]) -> tuple[str, int]:  # noqa: ARG001 - as all notifiers
    """Return the mail server: the one that is named, or this machine's own."""
    settings = _settings(environ)
    return settings.host, settings.port


def send(message: Message, options: Options, environ: Mapping[str, str], handover: Handover) -> Outcome:
    """Send the mail once to the recipients that it is for (all of them where it names none), in one transaction."""
    settings = _settings(environ)
    mail = _Mail(message, message.to or settings.recipients, settings, handover)
    try:
        rest = _over_smtp(mail, options)
    except smtplib.SMTPResponseException as error:
        rest = mail.answered(error.smtp_code, error.smtp_error)
    except ConnectionRefusedError as error:
        is_named = bool(environ.get("SMTP_HOST", "").strip())
        rest = Retry(f"ConnectionRefusedError: {error.strerror}" if is_named else _NO_LOCAL)
    except TimeoutError as error:
        rest = handover.failed(str(error))
    except (OSError, UnicodeError, ValueError) as error:
        text = getattr(error, "strerror", None) or _clean(str(error), settings)
        rest = handover.failed(f"{type(error).__name__}: {text}")
    return _collapsed({address: mail.answers.get(address, rest) for address in mail.recipients})


def mail_of(message: Message, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """Return the mail: UTF-8, text and page, the id as Message-ID, the mails of one incident in one thread."""
    mail = EmailMessage()
    # Exim takes no name without a domain in a field either.
    sender, *to = map(_envelope, (sender, *recipients))
    domain = sender.rpartition("@")[2]
    mail["Subject"] = _one_line(message.subject)
    mail["From"] = f"NeuroNova <{sender}>"
    mail["To"] = ", ".join(to)
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = f"<{_token(message.id)}@{domain}>"
    if message.incident:
        # Nobody has sent what they all answer. Other servers, which may send in the same name, count their incidents as well.
        mail["In-Reply-To"] = mail["References"] = f"<incident-{message.incident}.{_own_name()}@{domain}>"
    # Nobody's holiday answer is wanted.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    if message.is_repeat:
        mail["X-NeuroNova-Repeat"] = "yes"
    mail.set_content(f"{message.body}\n\nid: {message.id}\n", charset="utf-8", cte="base64")
    if message.page:
        mail.add_alternative(message.page, subtype="html", charset="utf-8", cte="base64")
    return mail


@dataclass(frozen=True, slots=True)
class _Mail:
    """A mail on its way; `answers` has the recipients of whom the server spoke separately."""

    message: Message
    recipients: tuple[str, ...]
    settings: _Settings
    handover: Handover
    answers: dict[str, Single] = field(default_factory=dict)

    def transfer(self, client: Client) -> Single:
        """Send it; return how that ended for all others."""
        settings = self.settings
        if settings.user:
            client.log_in(settings.user, settings.password)
        text = mail_of(self.message, settings.sender, self.recipients).as_bytes(policy=SMTP)
        # "root" and "root@localhost" are one to the server.
        envelopes = tuple(dict.fromkeys(map(_envelope, self.recipients)))
        for envelope, code, said in client.transfer(text, _envelope(settings.sender), envelopes, self.handover):
            for address in self.recipients:
                if _envelope(address) == envelope:
                    self.answers[address] = self.answered(code, said, f"{address}: ")
        return Delivered("accepted")

    def answered(self, code: int, said: bytes | str, where: str = "") -> Single:
        """Return what an answer means: 4xx and 5xx say that nothing was accepted; anything else says nothing."""
        reason = f"{where}{code} {_clean(said, self.settings)[:150]}"
        if 500 <= code < 600:
            return Refused(reason)
        return Retry(reason) if 400 <= code < 500 else self.handover.failed(reason)


def _over_smtp(mail: _Mail, options: Options) -> Single:
    settings, waits = mail.settings, mail.handover.waits
    address, own_name = (settings.host, settings.port), _own_name()
    tls = None if settings.tls == "none" else _tls_context(settings, options)
    is_from_the_start = settings.tls == "tls"
    with connected(address, own_name, tls if is_from_the_start else None, waits) as client:
        fault = _clean(client.begin(None if is_from_the_start else tls), settings)
        if not fault or (fault == "missing" and not settings.is_tls_required):
            return mail.transfer(client)
    if settings.is_tls_required:
        return Retry(_NO_TLS if fault == "missing" else f"STARTTLS {fault}")
    # Nothing demands TLS: better in clear than not at all, on a connection that nobody has spoiled.
    with connected(address, own_name, None, waits) as client:
        client.begin(None)
        outcome = mail.transfer(client)
    return Delivered("accepted", f"STARTTLS {fault}: sent in clear") if isinstance(outcome, Delivered) else outcome


def _envelope(address: str) -> str:
    """Return the address as a server wants it: not every one knows whom it means without a domain."""
    return address if "@" in address else f"{address}@{_LOCAL}"


def _collapsed(outcomes: Mapping[str, Single]) -> Outcome:
    first, *others = outcomes.values()
    return first if all(other == first for other in others) else PerReceiver(outcomes)


def _settings(environ: Mapping[str, str]) -> _Settings:
    given = {name: environ.get(name, "").strip() for name in ENVIRONMENT}
    tls = given["SMTP_TLS"].lower() or ("tls" if _host_and_port(given["SMTP_HOST"], given["SMTP_PORT"])[1] == "465" else "")
    user = given["SMTP_USER"]
    host, port = _host_and_port(given["SMTP_HOST"] or _LOCAL, given["SMTP_PORT"])
    port = port or ("465" if tls == "tls" else "587" if user else "25")
    return _Settings(
        recipients=tuple(dict.fromkeys(one.strip() for one in given["ALERT_EMAIL"].split(",") if one.strip())),
        sender=given["SMTP_FROM"] or (user if "@" in user else f"neuronova@{_own_name()}"),
        host=host,
        port=int(port) if port.isascii() and port.isdigit() and 0 < int(port) < 65536 else 0,
        user=user,
        password=environ.get("SMTP_PASSWORD", ""),
        tls=tls,
    )


def _is_host(text: str) -> bool:
    """Tell whether it is a name or an address; a colon is in those of IPv6 alone."""
    if ":" not in text:
        return _HOST.fullmatch(text) is not None
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _host_and_port(host: str, port: str) -> tuple[str, str]:
    """Return both as they were given, in two variables or in one; no port at all where they contradict each other."""
    found = _PORT.fullmatch(host)
    if found is not None:
        host, port = found[1], found[2] if port in ("", found[2]) else "0"
    is_bracketed = host.startswith("[") and host.endswith("]")
    return host[1:-1] if is_bracketed else host, port


def _tls_context(settings: _Settings, options: Options) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options.ca_file or None)
    if not settings.is_tls_required:
        # Nothing demands TLS here: with whom it is spoken does not matter, in clear would be no better.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _own_name() -> str:
    name = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()) or "localhost"
    return name if "." in name else f"{name}.localdomain"


def _clean(text: bytes | str, settings: _Settings) -> str:
    line = _one_line(text.decode(errors="replace") if isinstance(text, bytes) else text)
    return (line.replace(settings.password, "***") if settings.password else line)[:200]


def _one_line(text: str) -> str:
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text).split())


def _token(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)
