"""What the pages with pictures have in common: the time that is asked for, figures, and what is drawn over the time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import g, request
from markupsafe import Markup

from monitor_blueprint.console.configuration import Value
from monitor_blueprint.console.happenings import Happenings
from monitor_blueprint.console.series import SeriesAnswer, SeriesDocument, document
from monitor_blueprint.console.view import View
from monitor_blueprint.domain.durations import lasted_s
from monitor_blueprint.domain.models import Reading, Status
from monitor_blueprint.storage.results import LATENCY_MS, Spell
from monitor_blueprint.text import en_plots, ko_plots
from monitor_blueprint.text.plot_words import PlotWords
from monitor_blueprint.web.drawing.clock import Times
from monitor_blueprint.web.drawing.lanes import Lane, Mark, Span
from monitor_blueprint.web.drawing.picture import Curve, Limit
from monitor_blueprint.web.pages import language

_DAY = timedelta(days=1)
# Of the request: a page asks for them a few hundred times.
_WORDS = "neuronova_plot_words"
_KINDS = {Status.OK: "ok", Status.WARNING: "warning", Status.CRITICAL: "critical", Status.UNKNOWN: "unknown", None: "unwatched"}


@dataclass(frozen=True, slots=True)
class Range:
    """A time that can be asked for.

    Attributes:
        key: what it is called in an address.
        length: how long it is.
        step: in which steps means are drawn.
        spread_step: over how long values are spread; None where that would be too many.
    """

    key: str
    length: timedelta
    step: timedelta
    spread_step: timedelta | None = None

    @property
    def form(self) -> str:
        """Return how its moments are written in a table."""
        return "%Y-%m-%d" if self.step >= _DAY else "%m-%d %H:%M"

    def times(self, now: datetime) -> Times:
        """Return from when to when it is."""
        return Times(now - self.length, now)


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture with its name, and the same figures as the rows of a table below these heads."""

    name: str
    picture: Markup
    heads: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    remark: str = ""


RANGES = {
    each.key: each
    for each in (
        Range("24h", _DAY, timedelta(minutes=10), timedelta(hours=1)),
        Range("7d", 7 * _DAY, timedelta(hours=1), timedelta(hours=4)),
        Range("30d", 30 * _DAY, timedelta(hours=6)),
        Range("1y", 365 * _DAY, 2 * _DAY),
    )
}


def words() -> PlotWords:
    """Return the words of the page's language."""
    known: PlotWords | None = g.get(_WORDS)
    if known is None:
        known = language.pick(ko_plots.WORDS, en_plots.WORDS)
        g.setdefault(_WORDS, known)
    return known


def asked_range(faults: list[str]) -> Range:
    """Return the time that is asked for; the last day, and what is wrong among the faults, where there is none of that name."""
    given = request.args.get("range", "24h")
    if given not in RANGES:
        faults.append(words().no_range.format(given=given[:20], allowed=", ".join(RANGES)))
    return RANGES.get(given, RANGES["24h"])


def figure(value: float, unit: str = "") -> str:
    """Return a value as a person reads it, with its unit."""
    shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{shown}{words().units.get(unit, unit)}"


def option(value: Value) -> str:
    """Return what an option says, as the file of the configuration would."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: ""}[value]
    if isinstance(value, list):
        return ", ".join(map(option, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} = {option(each)}" for key, each in value.items())
    return f"{value:.10g}" if isinstance(value, int | float) else value


def length(seconds: float) -> str:
    """Return how long something lasted, in at most two units."""
    whole, parts = max(0, round(seconds)), []
    for size, name in words().lengths:
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count}{name}")
    return " ".join(parts[:2]) or f"0{words().lengths[-1][1]}"


def moment(at: datetime) -> str:
    """Return a moment of the time of a picture; its zone stands once on the page."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M")


def zone(now: datetime) -> str:
    """Return what this server's time zone is called now."""
    local = now.astimezone()
    offset = local.strftime("%z")
    return f"{local.tzname()} (UTC{offset[:3]}:{offset[3:5]})"


def measured(view: View, name: str, answer: SeriesAnswer) -> list[SeriesDocument]:
    """Return what a check measures; how fast its site answers where that is all that is known in figures."""
    found = [each for each in answer.series if each.check == name]
    if found:
        return found
    step = timedelta(seconds=answer.step_s)
    of = view.reads.hours.series(name, [LATENCY_MS], (answer.since, answer.until), step).get(LATENCY_MS)
    return [document(name, Reading(LATENCY_MS, unit="ms"), of)] if of is not None else []


def limits(series: SeriesDocument) -> list[Limit]:
    """Return the limits of a series as lines across."""
    w = words()
    named = ((series.warning, w.warning, "warning"), (series.critical, w.critical, "critical"))
    return [Limit(value, text.format(limit=figure(value, series.unit)), kind) for value, text, kind in named if value is not None]


def seen(series: SeriesDocument) -> str:
    """Return what is to be seen on the picture of a series, in words."""
    w = words()
    if not series.at:
        return w.seen_nothing
    total = sum(series.count)
    mean = sum(count * mean for count, mean in zip(series.count, series.mean, strict=True)) / total
    shown = [figure(value, series.unit) for value in (min(series.min), mean, max(series.max), series.mean[-1])]
    told = "".join(f" {limit.text[0].upper()}{limit.text[1:]}." for limit in limits(series))
    return w.seen.format(least=shown[0], mean=shown[1], greatest=shown[2], last=shown[3], limits=told)


def called(series: SeriesDocument, title: str, *, is_alone: bool) -> str:
    """Return what a series is called: by what it is of, where the check measures several things."""
    name = words().aspects.get(series.aspect, series.aspect)
    return title if is_alone and series.aspect not in words().aspects else f"{title} · {name}"


def incident_spans(found: Happenings, now: datetime) -> list[Span]:
    """Return the incidents as bands."""
    w = words()
    return [
        Span(
            each.opened_at,
            each.closed_at or now,
            "incident",
            w.incident_title.format(
                number=each.number,
                since=moment(each.opened_at),
                until=moment(each.closed_at) if each.closed_at else w.ongoing,
            ),
        )
        for each in found.incidents
    ]


def unwatched(spells: Sequence[Spell]) -> list[Span]:
    """Return the times that nobody has watched as bands."""
    return [
        Span(each.since, each.until, "unwatched", f"{words().unwatched}: {moment(each.since)} ~ {moment(each.until)}")
        for each in spells
        if each.status is None
    ]


def state_lane(spells: Sequence[Spell]) -> Lane:
    """Return how a check stood as a lane."""
    return Lane(words().state_lane, [Span(each.since, each.until, _KINDS[each.status], _stood(each)) for each in spells])


def _stood(spell: Spell) -> str:
    w = words()
    word = w.unwatched if spell.status is None else w.states[spell.status.name]
    return f"{word}: {moment(spell.since)} ~ {moment(spell.until)} ({length(lasted_s(spell.since, spell.until))})"


def lanes_of(view: View, found: Happenings, spans: Iterable[Span]) -> list[Lane]:
    """Return lanes of the incidents, the silences and what befell the monitor, as far as there were any."""
    w = words()
    quiet = [
        Span(each.starts_at, each.ends_at, "silence", silence_text(view, each.starts_at, each.ends_at, each.why))
        for each in found.silences
    ]
    marks = [Mark(each.at, f"{moment(each.at)} {each.sentence}") for each in found.story if each.sentence]
    lanes = [Lane(w.incident_lane, list(spans)), Lane(w.silence_lane, quiet), Lane(w.story_lane, marks=marks)]
    return [lane for lane in lanes if lane.spans or lane.marks]


def silence_text(view: View, since: datetime, until: datetime, why: str) -> str:
    """Return when nothing is told, and why: to whoever may see that."""
    told = view.typed(why)
    return words().silence_title.format(since=moment(since), until=moment(until), why=f" · {told}" if told else "")


def local_times(at_s: Sequence[float], form: str) -> list[str]:
    """Return moments (seconds since 1970) in local time."""
    return [datetime.fromtimestamp(at, UTC).astimezone().strftime(form) for at in at_s]


def curve_of(found: SeriesDocument, step_s: float) -> Curve:
    """Return a series as a line through its means, with a band around it."""
    # A mean stands in the middle of its time.
    return Curve("mean", [at + step_s / 2 for at in found.at], found.mean, found.min, found.max)


def heads() -> tuple[str, ...]:
    """Return the heads of the table of a series."""
    w = words()
    return w.at, w.least, w.mean, w.greatest


def rows_of(found: SeriesDocument, wanted: Range) -> list[tuple[str, ...]]:
    """Return a series as the rows of a table."""
    columns = zip(found.min, found.mean, found.max, strict=True)
    times = local_times(found.at, wanted.form)
    return [(at, *(f"{value:.6g}" for value in values)) for at, values in zip(times, columns, strict=True)]
