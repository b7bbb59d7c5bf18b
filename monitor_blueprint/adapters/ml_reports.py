"""What the ML server tells of its answers, and of whom they are: asked for as a check asks, and read."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import msgspec

from monitor_blueprint.adapters.http import Answer, fetch
from monitor_blueprint.domain.models import Facts, Reading, Scalar, Status
from monitor_blueprint.domain.text import fill, joined, private, word

_OK, _UNAUTHORIZED, _NOTHING_TOLD = 200, 401, (403, 404)
# How long a check may take that only wants to know whether it has anything to do.
_BRIEFLY_S = 2.0
_VERSION = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){2}")


class Report(Protocol):
    """What the server answers, whatever it is about."""

    @property
    def ok(self) -> bool:
        """Tell whether it is an answer."""


_Told = TypeVar("_Told", bound=Report)


def ask(url: str, environ: Mapping[str, str], timeout_s: float, deadline: float) -> Answer:
    """Ask for no more than is read here, with the key that the environment has; `deadline` is a moment of the monotonic clock."""
    key = environ.get("ML_API_KEY", "")
    left_s = max(0.1, min(timeout_s, deadline - time.monotonic()))
    return fetch(_brief(url), left_s, headers={"X-API-Key": key} if key else {})


def is_told(url: str, decoder: msgspec.json.Decoder[_Told]) -> bool:
    """Tell whether there is a server that tells of this without a key."""
    return read(fetch(_brief(url), _BRIEFLY_S), decoder) is not None


def read(answer: Answer, decoder: msgspec.json.Decoder[_Told]) -> _Told | None:
    """Return what is told, or None where it is not what it should be."""
    if answer.status != _OK or answer.failure:
        return None
    try:
        told = decoder.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return told if told.ok else None


def unread(answer: Answer, asked: Facts, *, has_been: bool) -> Reading:
    """Return the reading of a server that tells nothing: it keeps nothing, or does not let us ask, or is away.

    `has_been` is whether it told something before; `asked` are facts of the question.
    """
    if answer.is_blind:
        return Reading("refused", Status.UNKNOWN, facts={"reason": answer.failure, **asked})
    if answer.status in _NOTHING_TOLD and not answer.failure:
        return Reading("off", Status.WARNING if has_been else Status.OK, facts=asked)
    reason: Any = answer.failure or (word("key", ("key",)) if answer.status == _UNAUTHORIZED else fill("status"))
    facts: Facts = {"reason": reason, "http_status": answer.status, **answer.within, **asked}
    return Reading("refused", Status.WARNING, facts=facts, is_settling=answer.status != _UNAUTHORIZED)


def worth_telling(told: Sequence[Reading], asked: Facts) -> tuple[Reading, ...]:
    """Return what is wrong, or else all of it; of what is said twice, what is said first, as that is of the latest version."""
    first: dict[str, Reading] = {}
    for reading in told:
        first.setdefault(reading.aspect, reading)
    wrong = [reading for reading in first.values() if reading.status is Status.WARNING]
    return tuple(replace(each, facts={**each.facts, **asked}) for each in wrong or first.values())


def known_version(text: str) -> Scalar:
    """Return a version as everybody may know it; what is none is the server's own text."""
    if not _VERSION.fullmatch(text):
        return private(text, 80)
    return joined(".", [fill("{number}", number=int(part)) for part in text.split(".")])


def _brief(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}brief=true"
