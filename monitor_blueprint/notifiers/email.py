"""Email: over SMTP, or through the machine's own sendmail where no SMTP server is named."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import subprocess
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import msgspec

from monitor_blueprint.adapters.addresses import is_loopback
from monitor_blueprint.adapters.deadline import Wire, cut_after
from monitor_blueprint.domain.messages import Delivered, Message, Outcome, Refused, Retry

# What sendmail needs to find its own parts.
_SENDMAIL_ENVIRON = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
ENVIRONMENT = (
    "ALERT_EMAIL",
    "SMTP_HOST",
    "SMTP_PORT",
    "SMTP_USER",
    "SMTP_PASSWORD",
    "SMTP_FROM",
    "SMTP_TLS",
)
_MODES = ("starttls", "tls", "none")
_ADDRESS = re.compile(r"[^\s@,;<>()\[\]\\\":\x00-\x1f\x7f-\uffff]+@[A-Za-z0-9.-]+|[A-Za-z0-9._-]+")
_HOST = re.compile(r"[A-Za-z0-9.:_-]+")
# A whole mail may take as long as so many operations.
_MOST_OPERATIONS = 3
# Exit codes of sendmail (sysexits.h) that mean "never": usage, data, no such user, no such host.
_NEVER = (64, 65, 67, 68)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings that are no secrets.

    Attributes:
        ca_file: certificates to trust instead of the system's, for an SMTP server with one of its own.
        sendmail: the program that is used where SMTP_HOST is not set.
    """

    ca_file: str = ""
    sendmail: str = "/usr/sbin/sendmail"


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
    def is_tls_required(self) -> bool:
        """Never the password in clear over a network."""
        return self.tls in ("tls", "starttls") or (bool(self.user) and not is_loopback(self.host))


def is_configured(options: Options, environ: Mapping[str, str]) -> bool:  # noqa: ARG001 - as all notifiers
    """Tell whether ALERT_EMAIL is set."""
    return bool(environ.get("ALERT_EMAIL", "").strip())


def check(options: Options, environ: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the variables."""
    problems = []
    settings = _settings(environ)
    for name, address in [*(("ALERT_EMAIL", one) for one in settings.recipients), ("SMTP_FROM", settings.sender)]:
        if not _ADDRESS.fullmatch(address):
            problems.append(f"{name}: {address!r} is no mail address (several are separated by commas)")
    if not settings.recipients:
        problems.append("ALERT_EMAIL holds no address (several are separated by commas)")
    if settings.port == 0:
        problems.append("SMTP_PORT must be a number from 1 to 65535")
    if settings.tls not in ("", *_MODES):
        problems.append("SMTP_TLS must be one of starttls, tls, none (or not set: used where the server offers it)")
    if settings.host and not _HOST.fullmatch(settings.host):
        problems.append("SMTP_HOST must be a host name or an address, without scheme and port")
    if settings.host and settings.tls == "none" and settings.is_tls_required:
        problems.append("SMTP_TLS=none would send SMTP_PASSWORD in clear: use starttls or tls, or leave SMTP_USER out")
    if bool(settings.user) != bool(settings.password):
        problems.append("SMTP_USER and SMTP_PASSWORD must both be set, or neither")
    if options.ca_file and not Path(options.ca_file).is_file():
        problems.append(f"ca_file: there is no file {options.ca_file}")
    # With the first mail its library imports the rest of itself: at the moment of an alert the disk may be gone.
    EmailMessage()
    return problems


def send(message: Message, options: Options, environ: Mapping[str, str], timeout_s: float) -> Outcome:
    """Send the mail once to all recipients."""
    settings = _settings(environ)
    mail = mail_of(message, settings.sender, settings.recipients)
    if not settings.host:
        return _through_sendmail(mail, options.sendmail, timeout_s)
    try:
        return _over_smtp(mail, settings, options, timeout_s)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        text = _refused_text(error.recipients)
        return Refused(text) if all(code >= 500 for code in codes) else Retry(text)
    except smtplib.SMTPResponseException as error:
        text = f"{error.smtp_code} {_clean(error.smtp_error, settings)}"
        return Refused(text) if 500 <= error.smtp_code < 600 else Retry(text)
    except TimeoutError:
        return Retry(f"no answer within {timeout_s:.0f} s")
    except (OSError, UnicodeError) as error:
        text = getattr(error, "strerror", None) or _clean(str(error), settings)
        return Retry(f"{type(error).__name__}: {text}")


def mail_of(message: Message, sender: str, recipients: tuple[str, ...]) -> EmailMessage:
    """Return the mail: UTF-8, the id as Message-ID, the mails of one incident in one thread."""
    mail = EmailMessage()
    domain = sender.rpartition("@")[2]
    mail["Subject"] = _one_line(message.subject)
    mail["From"] = f"NeuroNova <{sender}>"
    mail["To"] = ", ".join(recipients)
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = f"<{_token(message.id)}@{domain}>"
    if message.incident:
        mail["References"] = f"<incident-{message.incident}@{domain}>"
    # Nobody's holiday answer is wanted.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(f"{message.body}\n\nid: {message.id}\n", charset="utf-8", cte="base64")
    return mail


class _Client(smtplib.SMTP):
    """The library's client, over a connection that can be cut from its first byte on; with TLS from there on if wanted."""

    def __init__(self, settings: _Settings, tls: ssl.SSLContext | None, timeout_s: float, wire: Wire) -> None:
        self._tls = tls
        self._wire = wire
        # The own name is given: the library would ask the DNS for it, without any time limit.
        super().__init__(settings.host, settings.port, local_hostname=_own_name(), timeout=timeout_s)

    def connect(self, host: str = "localhost", port: int = 0, source_address: Any = None) -> tuple[int, bytes]:
        """Connect, and return the greeting; the library calls it at once."""
        connected = socket.create_connection((host, port), self.timeout, source_address)
        self._wire.attach(connected)
        self.sock = self._tls.wrap_socket(connected, server_hostname=host) if self._tls else connected
        return self.getreply()


def _over_smtp(mail: EmailMessage, settings: _Settings, options: Options, timeout_s: float) -> Outcome:
    from_the_start = _tls_context(settings, options) if settings.tls == "tls" else None
    # The limit of one operation ends none that answers drop by drop.
    with cut_after(_MOST_OPERATIONS * timeout_s) as wire, closing(_Client(settings, from_the_start, timeout_s, wire)) as smtp:
        smtp.ehlo_or_helo_if_needed()
        if settings.tls not in ("tls", "none"):
            if smtp.has_extn("starttls"):
                smtp.starttls(context=_tls_context(settings, options))
                smtp.ehlo()
            elif settings.is_tls_required:
                return Retry("the server offers no STARTTLS, and without it nothing is sent")
        if settings.user:
            smtp.login(settings.user, settings.password)
        refused = smtp.send_message(mail, settings.sender, settings.recipients)
        # The answer to QUIT is of no interest, and waiting for it only risks sending twice.
        smtp.putcmd("quit")
    return Delivered("accepted", _refused_text(refused))


def _through_sendmail(mail: EmailMessage, program: str, timeout_s: float) -> Outcome:
    body = mail.as_bytes()
    try:
        # Not our environment, which has the secrets in it.
        done = subprocess.run(  # noqa: S603 - the configured program
            [program, "-i", "-t"], input=body, capture_output=True, timeout=timeout_s, check=False, env=_SENDMAIL_ENVIRON
        )
    except subprocess.TimeoutExpired:
        return Retry(f"{program} did not end within {timeout_s:.0f} s")
    except OSError as error:
        return Retry(f"{program}: {error.strerror} (no SMTP_HOST is set; install mailutils or set it)")
    if done.returncode == 0:
        return Delivered("accepted by sendmail")
    text = f"{program} exit code {done.returncode}: {_one_line(done.stderr.decode(errors='replace'))[:200]}"
    return Refused(text) if done.returncode in _NEVER else Retry(text)


def _settings(environ: Mapping[str, str]) -> _Settings:
    given = {name: environ.get(name, "").strip() for name in ENVIRONMENT}
    tls = given["SMTP_TLS"].lower() or ("tls" if given["SMTP_PORT"] == "465" else "")
    user = given["SMTP_USER"]
    default_port = "465" if tls == "tls" else "587" if user else "25"
    port = given["SMTP_PORT"] or default_port
    return _Settings(
        recipients=tuple(one.strip() for one in given["ALERT_EMAIL"].split(",") if one.strip()),
        sender=given["SMTP_FROM"] or (user if "@" in user else f"neuronova@{_own_name()}"),
        host=given["SMTP_HOST"],
        port=int(port) if port.isascii() and port.isdigit() and 0 < int(port) < 65536 else 0,
        user=user,
        password=environ.get("SMTP_PASSWORD", ""),
        tls=tls,
    )


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


def _refused_text(refused: Mapping[str, tuple[int, bytes]]) -> str:
    return "; ".join(
        f"{address}: {code} {_one_line(text.decode(errors='replace'))[:100]}" for address, (code, text) in refused.items()
    )


def _clean(text: bytes | str, settings: _Settings) -> str:
    line = _one_line(text.decode(errors="replace") if isinstance(text, bytes) else text)
    return (line.replace(settings.password, "***") if settings.password else line)[:200]


def _one_line(text: str) -> str:
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text).split())


def _token(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)
