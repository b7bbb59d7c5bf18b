"""Whether the served model still does what its card says, by what turned out to be true of its answers.

The ML server counts: here is only told what its figures say. A worse model is a WARNING: people have to look, not to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from monitor_blueprint.adapters import ml_reports
from monitor_blueprint.domain.models import Facts, Reading, Scalar, Status
from monitor_blueprint.domain.text import Public, configured, fill, joined, private
from monitor_blueprint.options import Address, Positive
from monitor_blueprint.probes import Observation, ProbeContext

# What turns out to be true does so in days.
DEFAULT_INTERVAL_S = 3600.0
# In the checkpoint: the server keeps what it has answered.
_KEPT = "is_kept"
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
    return ml_reports.is_told(options.url, _SUMMARY)


def probe(options: Options, context: ProbeContext) -> Observation:
    """Ask once; a server that is away is its own check's finding."""
    answer = ml_reports.ask(options.url, context.environ, options.timeout_s, context.deadline)
    asked: Facts = {"address": configured(options.url)}
    summary = ml_reports.read(answer, _SUMMARY)
    if summary is None:
        return Observation((ml_reports.unread(answer, asked, has_been=bool(context.checkpoint.get(_KEPT))),), context.checkpoint)
    told = [reading for version in summary.models for reading in _readings(version)]
    return Observation(ml_reports.worth_telling(told or [Reading("figures_none")], asked), {_KEPT: True})


def _readings(version: Version) -> Sequence[Reading]:
    window = version.windows[0]
    facts: Facts = {
        "model_version": ml_reports.known_version(version.model_version),
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
