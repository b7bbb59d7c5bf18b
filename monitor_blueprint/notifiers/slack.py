"""Slack (or what understands the same): an incoming webhook."""

from __future__ import annotations

import functools
import http.client
import importlib
import ipaddress
import logging
import math
import re
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import msgspec

from monitor_blueprint.domain.messages import Delivered, Message, Outcome, Refused, Retry

if TYPE_CHECKING:
    from slack_sdk.webhook import WebhookClient, WebhookResponse

ENVIRONMENT = ("SLACK_WEBHOOK",)
# Slack cuts a text at 40,000 characters, the id included.
MAX_TEXT = 30_000
_TRY_AGAIN = (408, 425, 429)
# Slack answers with a word; of an answer without end no more than this is read, and not for longer than three operations.
_MAX_ANSWER = 10_000
_ANSWER_OPERATIONS = 3
_ERROR_WORD = re.compile(r"[a-z_]{2,60}")
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
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return [f"SLACK_WEBHOOK {allowed}"]
    is_plain = not re.search(r"[\s\x00-\x1f\x7f]", url) and url.isascii()
    if not is_plain or not host or not (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))):
        return [f"SLACK_WEBHOOK {allowed}"]
    # Imported now: at the moment of an alert the disk may be gone.
    _client_class()
    return []


def send(message: Message, options: Options, environ: Mapping[str, str], timeout_s: float) -> Outcome:  # noqa: ARG001
    """Post the message once."""
    client = _client_class()(environ["SLACK_WEBHOOK"].strip(), timeout=math.ceil(timeout_s), logger=_silent, retry_handlers=[])
    # The library would take HTTPS_PROXY and forget NO_PROXY; the standard library heeds both.
    client.proxy = None
    try:
        response = client.send_dict({"text": text_of(message), "mrkdwn": False, "unfurl_links": False, "unfurl_media": False})
    except TimeoutError:
        return Retry(f"no answer within {timeout_s:.0f} s")
    except urllib.error.URLError as error:
        return Retry(_describe(error.reason))
    except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
        return Retry(_describe(error))
    except Exception as error:  # noqa: BLE001 - a URL that the library refuses, for one
        return Refused(f"cannot be sent: {type(error).__name__}")
    return _outcome(response.status_code, response.body or "", response.headers)


def text_of(message: Message) -> str:
    """Return the text as it is posted: Slack's three special characters escaped, the id in the last line."""
    body = message.body if len(message.body) <= MAX_TEXT else message.body[: MAX_TEXT - 1] + "…"
    escaped = body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"{escaped}\nid: {message.id}"


@functools.cache
def _client_class() -> type[WebhookClient]:
    library = importlib.import_module("slack_sdk.webhook")

    class Client(library.WebhookClient):  # type: ignore[misc, name-defined]
        """The library's client, which would read an answer without end, and follow a redirect, losing the message."""

        def _perform_http_request_internal(self, url: str, req: urllib.request.Request) -> WebhookResponse:
            status, body, headers = _ask(req, self.timeout)
            return cast("WebhookResponse", library.WebhookResponse(url=url, status_code=status, body=body, headers=headers))

    return Client


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow none: a redirected POST becomes a GET, whose 200 says nothing about the message."""


def _ask(request: urllib.request.Request, timeout_s: float) -> tuple[int, str, dict[str, str]]:
    try:
        answer = urllib.request.build_opener(_NoRedirect()).open(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        deadline = time.monotonic() + _ANSWER_OPERATIONS * timeout_s
        body = b""
        while len(body) < _MAX_ANSWER and (chunk := answer.read1(_MAX_ANSWER)):
            body += chunk
            if time.monotonic() >= deadline:
                raise TimeoutError
        return answer.status, body.decode("utf-8", "replace"), dict(answer.headers.items())


def _outcome(status: int, body: str, headers: Mapping[str, str]) -> Outcome:
    # Only Slack's own words are repeated: a proxy's page may quote the URL.
    word = body.strip() if _ERROR_WORD.fullmatch(body.strip()) else ""
    answer = f"HTTP {status} {word}".rstrip()
    if 200 <= status < 300:
        if body.lstrip().startswith("<"):
            return Retry(f"HTTP {status}, but a web page instead of Slack's answer")
        return Delivered(answer)
    if status in _TRY_AGAIN or status >= 500 or 300 <= status < 400:
        return Retry(answer, _retry_after_s(headers))
    return Refused(answer)


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    given = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    # A date is allowed as well, but Slack sends seconds; the backoff does for the rest.
    return float(given) if re.fullmatch(r"\s*\d{1,6}\s*", given) else None


def _describe(error: object) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    return type(error).__name__


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
