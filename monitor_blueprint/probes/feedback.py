"""Whether the served model still does what its card says, by what turned out to be true of its answers.

The ML server counts: here is only told what its figures say. A worse model is a WARNING: people have to look, not to run.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from monitor_blueprint.adapters.http import Answer, fetch
from monitor_blueprint.domain.models import Facts, Reading, Scalar, Status
from monitor_blueprint.domain.text import Public, configured, fill, joined, private, word
from monitor_blueprint.options import Address, Positive
from monitor_blueprint.probes import Observation, ProbeContext
from monitor_blueprint.probes.http import HTTP_OK

# What turns out to be true does so in days.
DEFAULT_INTERVAL_S = 3600.0
HTTP_UNAUTHORIZED = 401
HTTP_FORBIDDEN = 403
HTTP_NOT_FOUND = 404
# In the checkpoint: the server keeps what it has answered.
KEPT = "is_kept"
_VERSION = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){2}")
# The figures that a card may have, as its server calls them; each has a sentence of its own.
FIGURES = (
    *("sensitivity", "specificity", "roc_auc", "accuracy", "brier", "calibration_slope", "calibration_intercept"),
    *("mae", "rmse", "coverage"),
)
_WORSE, _TOO_FEW, _NOT_IN_CARD = "worse", "too_few", "not_in_card"


class Figure(msgspec.Struct, frozen=True):
    """One figure, of the class, label or target `of`, with its interval and what the card says."""

    name: str
    verdict: str
    of: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    card: float | None = None


class Window(msgspec.Struct, frozen=True):
    """The days over which the figures are."""

    days: int
    answered: int
    judged: int
    figures: tuple[Figure, ...] = ()


class Version(msgspec.Struct, frozen=True):
    """What is said of one version that is served."""

    model_name: str
    model_version: str
    verdict: str
    windows: Annotated[tuple[Window, ...], Meta(min_length=1)]


class Summary(msgspec.Struct, frozen=True):
    """What the ML server answers (`GET /feedback/summary`)."""

    ok: bool
    models: tuple[Version, ...]


_SUMMARY = msgspec.json.Decoder(Summary)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "feedback" may say.

    Attributes:
        url: where the ML server tells how good its answers were.
        timeout_s: how long to wait for the answer.
    """

    url: Address = "http://127.0.0.1:9000/api/feedback/summary"
    timeout_s: Annotated[Positive, Meta(le=20)] = 8.0


def is_possible(options: Options) -> bool:
    """Tell whether there is a server that keeps what it answers."""
    return _summary(fetch(brief(options.url), 2.0)) is not None


def probe(options: Options, context: ProbeContext) -> Observation:
    """Ask once; a server that is away is its own check's finding."""
    key = context.environ.get("ML_API_KEY", "")
    timeout_s = max(0.1, min(options.timeout_s, context.deadline - time.monotonic()))
    answer = fetch(brief(options.url), timeout_s, headers={"X-API-Key": key} if key else {})
    summary = _summary(answer)
    asked: Facts = {"address": configured(options.url)}
    if summary is None:
        reading = without(answer, has_been=bool(context.checkpoint.get(KEPT)))
        return Observation((replace(reading, facts={**reading.facts, **asked}),), context.checkpoint)
    readings = [reading for version in summary.models for reading in _readings(version)]
    # Of two versions that say the same, the latest.
    first = {reading.aspect: reading for reading in reversed(readings)}
    told = list(first.values()) or [Reading("figures_none")]
    return seen(told, asked)


def seen(told: Sequence[Reading], asked: Facts) -> Observation:
    """Return what is wrong, or else all of it, and remember that the server keeps what it answers."""
    wrong = [reading for reading in told if reading.status is Status.WARNING]
    return Observation(tuple(replace(each, facts={**each.facts, **asked}) for each in wrong or told), {KEPT: True})


def brief(url: str) -> str:
    """Return where no more is told than is read here."""
    return f"{url}{'&' if '?' in url else '?'}brief=true"


def _summary(answer: Answer) -> Summary | None:
    if answer.status != HTTP_OK or answer.failure:
        return None
    try:
        summary = _SUMMARY.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return summary if summary.ok else None


def _readings(version: Version) -> Sequence[Reading]:
    window = version.windows[0]
    facts: Facts = {
        "model_version": known_version(version.model_version),
        "model_name_text": private(version.model_name, 80),
        "days": window.days,
        "judged": window.judged,
        "answered": window.answered,
    }
    worse = [figure for figure in window.figures if figure.verdict == _WORSE]
    if version.verdict == _WORSE:
        named = [(name, figure) for name in FIGURES for figure in worse if figure.name == name]
        told = [Reading(name, Status.WARNING, facts={**facts, **_told(figure)}) for name, figure in named]
        return told or [Reading("figures_worse", Status.WARNING, facts=facts)]
    aspect = {_TOO_FEW: "figures_few", _NOT_IN_CARD: "figures_alone"}.get(version.verdict, "figures")
    return [Reading(aspect, facts=facts)]


def _told(figure: Figure) -> Facts:
    facts: dict[str, Scalar] = {
        "now": _number(figure.value),
        "interval": joined("~", [_number(figure.low), _number(figure.high)]),
        "card": _number(figure.card),
    }
    # A class's name is the server's own text.
    return {**facts, "of_text": private(figure.of, 80)} if figure.of else facts


def _number(value: float | None) -> Public:
    return fill("?") if value is None else fill("{value:.3g}", value=value)


def known_version(text: str) -> Scalar:
    """Return a version as everybody may know it; what is none is the server's own text."""
    if not _VERSION.fullmatch(text):
        return private(text, 80)
    return joined(".", [fill("{number}", number=int(part)) for part in text.split(".")])


def without(answer: Answer, *, has_been: bool) -> Reading:
    """Return the reading of a server that tells nothing: it keeps nothing, or does not let us ask, or is away."""
    if answer.is_blind:
        return Reading("refused", Status.UNKNOWN, facts={"reason": answer.failure})
    if answer.status in (HTTP_FORBIDDEN, HTTP_NOT_FOUND) and not answer.failure:
        return Reading("off", Status.WARNING if has_been else Status.OK)
    reason: Any = answer.failure or (word("key", ("key",)) if answer.status == HTTP_UNAUTHORIZED else fill("status"))
    facts: Facts = {"reason": reason, "http_status": answer.status, **answer.within}
    return Reading("refused", Status.WARNING, facts=facts, is_settling=answer.status != HTTP_UNAUTHORIZED)
