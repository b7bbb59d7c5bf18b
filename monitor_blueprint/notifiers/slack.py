"""Slack (or what understands the same): an incoming webhook."""

from __future__ import annotations

import http.client
import json
import logging
import math
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from monitor_blueprint.adapters.addresses import is_loopback
from monitor_blueprint.adapters.deadline import cut_after
from monitor_blueprint.adapters.slack_blocks import blocks_of
from monitor_blueprint.domain.messages import Delivered, Handover, InDoubt, Message, Outcome, Refused, Retry, Waits

if TYPE_CHECKING:
    from slack_sdk.webhook import WebhookClient

ENVIRONMENT = ("SLACK_WEBHOOK",)
# Slack cuts a text at 40,000 characters, the id included.
MAX_TEXT = 30_000
_TRY_AGAIN = (408, 425, 429)
# A gateway's word that it has passed the message on, and has not understood or not awaited the answer; the last two are a
# well-known one's.
_GATEWAY = (502, 504, 520, 524)
# Slack answers with a word; this is in bytes, the headers included.
_MAX_ANSWER = 100_000
_WORD = re.compile(r"[a-z_]{2,60}")
# Slack says "ok", Mattermost and Discord too; Rocket.Chat, Zulip and others that understand the same say it in JSON.
_ACCEPTED = (("ok", True), ("success", True), ("result", "success"))
_DECLINED = (("ok", False), ("success", False), ("result", "error"))
# Slack's words for what it has not taken: invalid_payload, channel_not_found, no_text, too_many_attachments.
_DECLINING = re.compile(
    r"(invalid|no|missing|too|unknown|fatal|rollup|internal)_[a-z_]+|[a-z_]+_(not_found|archived|denied|disabled|prohibited"
    r"|expired|revoked|error|limited|inactive)|(error|failed|denied|forbidden|unauthorized)"
)
# What is answered to blocks by one that knows none, or not these.
_NOT_UNDERSTOOD = (400, 413, 415, 422, 500, 501)
_OF_FORM = re.compile(r"block|attachment|payload|argument|format|json|too_long", re.IGNORECASE)
# The library's own log lines hold the URL, which is the secret.
_silent = logging.Logger("slack-webhook", level=logging.CRITICAL + 1)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to choose."""


def is_configured(options: Options, environ: Mapping[str, str]) -> bool:  # noqa: ARG001 - as all notifiers
    """Tell whether SLACK_WEBHOOK is set."""
    return bool(environ.get("SLACK_WEBHOOK", "").strip())


def check(options: Options, environ: Mapping[str, str]) -> list[str]:  # noqa: ARG001
    """Return what is wrong with SLACK_WEBHOOK; never its value."""
    allowed = "must be an https:// URL (http:// only to this machine itself)"
    url = environ.get("SLACK_WEBHOOK", "").strip()
    try:
        parts = urlsplit(url)
        named, _ = parts.hostname or "", parts.port
    except ValueError:
        return [f"SLACK_WEBHOOK {allowed}"]
    is_plain = not re.search(r"[\s\x00-\x1f\x7f]", url) and url.isascii()
    if not is_plain or not named or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(named))):
        return [f"SLACK_WEBHOOK {allowed}"]
    # Imported now: at the moment of an alert the disk may be gone.
    _client_class()
    return []


def host(options: Options, environ: Mapping[str, str]) -> str:  # noqa: ARG001 - as all notifiers
    """Return the host: all of the address that is no secret."""
    return urlsplit(environ["SLACK_WEBHOOK"].strip()).hostname or ""


def send(message: Message, options: Options, environ: Mapping[str, str], handover: Handover) -> Outcome:  # noqa: ARG001
    """Post the message once; where its blocks are what is not taken, the text alone at once."""
    url, wait_s = environ["SLACK_WEBHOOK"].strip(), handover.waits.answer_s
    text = {"text": text_of(message), "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
    blocks = blocks_of(message.outline) if message.outline is not None else {}
    try:
        answer = _posted(url, text | blocks, handover)
        if blocks and isinstance(answer, _Answer) and answer.is_about_form:
            # It has not been taken, and the text is what matters.
            handover.is_out = False
            answer = _posted(url, text, handover)
        return _outcome(answer) if isinstance(answer, _Answer) else answer
    except TimeoutError:
        return handover.failed(f"no answer within {wait_s:.0f} s")
    except (OSError, http.client.HTTPException) as error:
        return handover.failed(_describe(error))
    except (UnicodeError, LookupError) as error:
        # An answer that nobody can read is not Slack's, and says nothing.
        return handover.failed(_describe(error))
    except Exception as error:  # noqa: BLE001 - a URL that the library refuses, for one
        return Refused(f"cannot be sent: {type(error).__name__}")


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: str
    headers: Mapping[str, str]

    @property
    def is_about_form(self) -> bool:
        """Tell whether it may be how the message was put that was not taken; some fail where they do not understand."""
        if 200 <= self.status < 300:
            return not _is_accepted(self.body) and _is_declined(self.body) and _OF_FORM.search(self.body) is not None
        return self.status in _NOT_UNDERSTOOD


def _posted(url: str, body: dict[str, Any], handover: Handover) -> _Answer | Outcome:
    """Return the answer to a post, or why there was none."""
    return (_through_library if urlsplit(url).scheme == "https" else _to_this_machine)(url, body, handover)


def _through_library(url: str, body: dict[str, Any], handover: Handover) -> _Answer | Outcome:
    client = _client(url, handover.waits)
    # What the library raises of the way there it wraps; of the way back it does not.
    handover.is_out = True
    began = time.monotonic()
    try:
        response = client.send_dict(body)
    except urllib.error.URLError as error:
        handover.is_out = False
        return _not_sent(url, error.reason)
    if not _is_accepted(response.body or "") and time.monotonic() - began > handover.waits.answer_s:
        raise TimeoutError
    return _Answer(response.status_code, response.body or "", response.headers)


def _to_this_machine(url: str, body: dict[str, Any], handover: Handover) -> _Answer:
    """Post over http://, where the library offers no way to end an answer that has no end."""
    parts, waits = urlsplit(url), handover.waits
    client = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=waits.connect_s)
    with cut_after(waits.connect_s + waits.answer_s) as wire, closing(client):
        client.connect()
        wire.attach(client.sock)
        client.sock.settimeout(waits.answer_s)
        handover.is_out = True
        path = f"{parts.path or '/'}{'?' * bool(parts.query)}{parts.query}"
        client.request("POST", path, json.dumps(body), {"Content-Type": "application/json;charset=utf-8"})
        answer = client.getresponse()
        text = answer.read(_MAX_ANSWER).decode(answer.headers.get_content_charset() or "utf-8")
        if wire.is_cut:
            raise TimeoutError
    return _Answer(answer.status, text, dict(answer.headers.items()))


def _not_sent(url: str, reason: object) -> Outcome:
    refused = re.search(r"Tunnel connection failed: (\d{3})", str(reason))
    if refused:
        text = f"the proxy refused: HTTP {refused[1]}"
        return Refused(text) if refused[1].startswith("4") else Retry(text)
    return Retry(f"proxy: {_describe(reason)}" if _has_proxy(url) else _describe(reason))


def _has_proxy(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(parts.hostname or "")


def text_of(message: Message) -> str:
    """Return the text as it is posted: Slack's three special characters escaped, the id in the last line."""
    body: str = message.body
    if len(body) > MAX_TEXT:
        # Of a repeat the last line says that it is one.
        last = "\n" + body.rpartition("\n")[2] if message.is_repeat else ""
        body = f"{body[: MAX_TEXT - 1 - len(last)]}…{last}"
    escaped = body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"{escaped}\nid: {message.id}"


def _client_class() -> type[WebhookClient]:
    from slack_sdk.webhook import WebhookClient  # noqa: PLC0415 - it takes memory, and only where Slack is wanted

    return WebhookClient


def _client(url: str, waits: Waits) -> WebhookClient:
    client = _client_class()(
        url,
        timeout=math.ceil(waits.answer_s),
        ssl=_tls_context(waits.answer_s),
        logger=_silent,
        # The delivery tries again.
        retry_handlers=[],
    )
    # The library takes HTTPS_PROXY or else HTTP_PROXY for any URL; left to itself, the standard library below it takes the one
    # for the URL, and none where NO_PROXY says so.
    client.proxy = None
    return client


def _tls_context(wait_s: float) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.sslsocket_class = type("_ShortAnswer", (_ShortAnswer,), {"most_s": wait_s})
    return context


class _ShortAnswer(ssl.SSLSocket):
    """A connection whose other side is not listened to for longer than Slack speaks.

    The library reads an answer to its end, and one without end would take all the memory, or all the time.
    """

    most_s: float
    _received = 0
    _began: float | None = None

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self._began = time.monotonic() if self._began is None else self._began
        if self._received > _MAX_ANSWER or time.monotonic() - self._began > self.most_s:
            return 0
        count = super().recv_into(*args, **kwargs)
        self._received += count
        return count


def _outcome(given: _Answer) -> Outcome:
    status, body = given.status, given.body
    # Only Slack's own words are repeated: a proxy's page may quote the URL.
    word = body.strip() if _WORD.fullmatch(body.strip()) else ""
    answer = f"HTTP {status} {word}".rstrip()
    if status < 200:
        # The answer proper was to follow.
        return InDoubt(answer)
    if 200 <= status < 300:
        return _said(answer, body)
    if status in _GATEWAY:
        return InDoubt(answer)
    if status in _TRY_AGAIN or status >= 500 or 300 <= status < 400:
        return Retry(answer, _retry_after_s(given.headers))
    return Refused(answer)


def _said(answer: str, body: str) -> Outcome:
    """Return what the text of an answer with 2xx says; the status alone says nothing.

    The library follows a redirect, whose target is asked by GET and answers 200 for something else, a page to log in on or
    nothing at all. So what is neither yes nor no is doubt: better to send the message twice than to lose it in silence.
    """
    if _is_accepted(body):
        return Delivered(answer)
    reason = f"{answer}, but not Slack's ok"
    return Retry(reason) if _is_declined(body) else InDoubt(reason)


def _is_accepted(body: str) -> bool:
    return body.strip() == "ok" or _has_one(body, _ACCEPTED)


def _is_declined(body: str) -> bool:
    return _DECLINING.fullmatch(body.strip()) is not None or _has_one(body, _DECLINED)


def _has_one(body: str, known: tuple[tuple[str, object], ...]) -> bool:
    """Tell whether it is an object with one of these values."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return isinstance(answer, dict) and any(answer.get(key) == value for key, value in known)


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    given = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    # A date is allowed as well, but Slack sends seconds; the backoff does for the rest.
    return float(given) if re.fullmatch(r"\s*\d{1,6}\s*", given) else None


def _describe(error: object) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    return type(error).__name__
