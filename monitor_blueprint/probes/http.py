"""An HTTP address: does it answer as configured? Repeated within the round before a failure counts."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from monitor_blueprint.adapters.http import Answer, fetch
from monitor_blueprint.domain.models import EMPTY, Facts, ProbeError, Reading, Status
from monitor_blueprint.domain.text import Public, configured, fill
from monitor_blueprint.options import Address, AddressOrNone, NotNegative, Text
from monitor_blueprint.probes import Observation, ProbeContext

HTTP_OK = 200
HTTP_NOT_FOUND = 404
# Some begin a JSON text with it, and whoever reads one may pass over it (RFC 8259, 8.1).
BOM = "\ufeff"
# A reason: the server is there, and has no such address. What is to be done about it, and where, is told with it.
NO_ADDRESS = fill("no_address")
# An answer of the right status, and wrong: nobody else has brought that about, and no restart explains it.
_WRONG = ("no_json", "json")
_Word = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9-]*\Z")]
_Status = Annotated[int, Meta(ge=100, le=599)]
_Variable = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*\Z")]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is asked of an address, and what it must answer.

    Attributes:
        url: the address; redirects are not followed.
        method: how it is asked.
        body: what is sent with POST.
        content_type: what the body is.
        secret_headers: header fields of the request, each with the environment variable that has its value.
        expect_status: the status that means well, or a list of them.
        expect_text: text that the body must contain; empty: any body.
        expect_json: values that the JSON body must have, by their paths: "predictions.Control", "results.0.ok".
        tolerance: how far a number of `expect_json` may be off.
        attempts: how often it is tried before it counts as failed.
        retry_delay_s: pause between the attempts.
        timeout_s: deadline of one attempt, from connecting to the last byte.
    """

    url: AddressOrNone = ""
    method: Literal["GET", "POST"] = "GET"
    body: str = ""
    content_type: Text = "application/json"
    secret_headers: dict[_Word, _Variable] = {}
    expect_status: _Status | Annotated[tuple[_Status, ...], Meta(min_length=1)] = HTTP_OK
    expect_text: str = ""
    expect_json: dict[Text, bool | int | float | str] = {}
    tolerance: NotNegative = 0.0
    attempts: Annotated[int, Meta(ge=1, le=10)] = 3
    retry_delay_s: Annotated[float, Meta(ge=0, le=10)] = 1.0
    timeout_s: Annotated[float, Meta(gt=0, le=20)] = 5.0

    def __post_init__(self) -> None:
        """Refuse a body that would not be sent."""
        if self.body and self.method == "GET":
            raise ValueError('`body` needs `method = "POST"`')

    @property
    def statuses(self) -> tuple[int, ...]:
        """Return every status that means well."""
        return self.expect_status if isinstance(self.expect_status, tuple) else (self.expect_status,)


class Options(Request, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "http" may say: an address, and all that `Request` has."""

    url: Address


def probe(options: Options, context: ProbeContext) -> Observation:
    """Ask until it answers as configured, at most `options.attempts` times."""
    return Observation((read(options, context, is_settling=context.is_starting),))


def read(request: Request, context: ProbeContext, *, is_settling: bool = False) -> Reading:
    """Return the reading "http"; no attempt is begun that could not end before the context's deadline."""
    headers = _headers(request, context.environ)
    attempt = 1
    while True:
        answer = fetch(
            request.url,
            min(request.timeout_s, max(0.1, context.deadline - time.monotonic())),
            method=request.method,
            body=request.body.encode() or None,
            headers=headers,
        )
        facts = _failure(answer, request)
        has_time = time.monotonic() + request.retry_delay_s + request.timeout_s < context.deadline
        if not facts or attempt >= request.attempts or not has_time or is_settling or answer.is_blind:
            break
        attempt += 1
        time.sleep(request.retry_delay_s)
    seen: Facts = {
        "http_status": answer.status,
        "latency_ms": round(answer.latency_ms, 1),
        "attempts": attempt,
        "address": configured(request.url),
        **facts,
    }
    if not facts:
        return Reading("http", facts=seen)
    if answer.is_blind:
        # The monitor could not look; whether the site is well is not known.
        return Reading("http", Status.UNKNOWN, facts=seen)
    if facts["reason"] == NO_ADDRESS:
        seen = {**seen, "config": config_file(context)}
    is_away = facts["reason"] not in _WRONG
    return Reading("http", Status.CRITICAL, facts=seen, is_symptom=is_away, is_settling=is_away and is_settling)


def status_reason(answer: Answer) -> Public:
    """Return the reason of an answer that came, with another status than was expected."""
    return NO_ADDRESS if answer.status == HTTP_NOT_FOUND else fill("status")


def config_file(context: ProbeContext) -> Public:
    """Return where an address is to be changed: the configuration's file, or the variable that names one."""
    return configured(context.environ.get("NEURONOVA_CONFIG") or "NEURONOVA_CONFIG")


def _headers(request: Request, environ: Mapping[str, str]) -> dict[str, str]:
    headers = {"Content-Type": request.content_type} if request.body else {}
    for name, variable in request.secret_headers.items():
        value = environ.get(variable, "").strip()
        if not (value.isascii() and value.isprintable() and value):
            told = fill("{name} of the environment is not set, or is not one line of ASCII", name=configured(variable))
            raise ProbeError(told)
        headers[name] = value
    return headers


def _failure(answer: Answer, request: Request) -> Facts:
    # What it has said, it has said, whatever became of the rest.
    if answer.status and answer.status not in request.statuses:
        return {"reason": status_reason(answer)}
    if answer.failure:
        return {"reason": answer.failure, **answer.within}
    if request.expect_text and request.expect_text not in answer.text:
        return {"reason": fill("text")}
    return _wrong_value(answer, request) if request.expect_json else EMPTY


def _wrong_value(answer: Answer, request: Request) -> Facts:
    """Return which value is wrong. What it is instead is somebody else's text, and is not repeated."""
    try:
        document = msgspec.json.decode(answer.text.removeprefix(BOM))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {"reason": fill("no_json")}
    for path, expected in request.expect_json.items():
        if not _is_as_expected(_value_at(document, path), expected, request.tolerance):
            shown = msgspec.json.encode(expected).decode()
            return {"reason": fill("json"), "field": configured(path), "expected": configured(shown)}
    return EMPTY


def _value_at(document: Any, path: str) -> Any:
    """Return the value at a path such as "results.0.ok"; None where there is none."""
    for part in path.split("."):
        if isinstance(document, list) and part.isdecimal() and int(part) < len(document):
            document = document[int(part)]
        elif isinstance(document, dict):
            document = document.get(part)
        else:
            return None
    return document


def _is_as_expected(got: Any, expected: bool | float | str, tolerance: float) -> bool:
    if isinstance(expected, bool | str) or isinstance(got, bool):
        return type(got) is type(expected) and got == expected
    # Not `abs(...) <= tolerance`: an integer may be larger than any float.
    return isinstance(got, int | float) and expected - tolerance <= got <= expected + tolerance


def beside(url: str, name: str) -> str:
    """Return another address of the same server, in the place of the last part of the path."""
    parts = urlsplit(url)
    return parts._replace(path=f"{parts.path.rpartition('/')[0]}/{name}", query="", fragment="").geturl()
