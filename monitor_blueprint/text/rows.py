"""What the page and the command `status` show of a check: a row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from monitor_blueprint.domain.durations import lasted_s
from monitor_blueprint.domain.language import said
from monitor_blueprint.domain.models import ABSENT, CheckResult, CheckState, Incident, Status
from monitor_blueprint.domain.standing import Standing, Why
from monitor_blueprint.domain.text import NOTHING, Private, Public
from monitor_blueprint.text import evidence, ko, next_steps, render

# So many have their moments in one line; more are counted.
_MOST_NAMED = 3
# Less than so much of a time is not called by its name.
_MOST_OF = 0.95
_MOST_FOUND = 4
_MOST_RAISED = 2
MEMORY = "processes_memory"
_DOWN = (Why.FAILING, Why.CONSEQUENCE)
# What is stored has its moment in whole milliseconds.
_ROUNDED = timedelta(milliseconds=1)


class Piece(Protocol):
    """A piece of evidence as it is stored; its title may be "unit nginx"."""

    @property
    def at(self) -> datetime:
        """Return when it was found."""

    @property
    def title(self) -> str:
        """Return its kind, and what it is of."""

    @property
    def text(self) -> Private:
        """Return its lines."""


@dataclass(frozen=True, slots=True)
class Row:
    """A check as the page and the command line show it to this machine's administrators.

    `note` says what the status does not: why it stands as it does, since when, and whether it is silenced; `commands` what
    to type to see more of one that fails; `worst` are those of the lines that say what is the matter, `found` what was
    found of the cause when it failed.
    """

    name: str
    title: Public
    status: Status
    lines: tuple[Private, ...]
    since: str
    at: str
    is_left_out: bool = False
    note: str = ""
    commands: Public = NOTHING
    worst: tuple[Private, ...] = ()
    found: tuple[Private, ...] = ()


def row(
    result: CheckResult,
    state: CheckState | None,
    now: datetime,
    standing: Standing | None = None,
    incident: int = 0,
    *,
    found: tuple[Private, ...] = (),
) -> Row:
    """Return a check as it is shown: its title, what each reading says, since when it has been so, and what was found."""
    since = state.since if state is not None else None
    if standing is not None and standing.why in _DOWN:
        # As the note beside it says it: what follows from another failure is no older than that.
        since = standing.since
    status = state.status if state is not None else result.status
    is_to_be_looked_at = status is not Status.OK and standing is not None and not standing.causes
    return Row(
        name=result.check,
        title=render.title(result.check, result.kind),
        status=status,
        lines=tuple(render.full_line(result, reading) for reading in result.readings),
        worst=tuple(render.full_line(result, reading) for reading in result.readings if reading.status is not Status.OK),
        since=render.duration(lasted_s(since, now)) if since else "",
        at=render.local(result.at),
        is_left_out=[reading.aspect for reading in result.readings] == [ABSENT],
        note=note(standing) if standing is not None else "",
        commands=next_steps.commands(result, incident, is_in_status=True) if is_to_be_looked_at else NOTHING,
        found=found,
    )


def essence(pieces: Sequence[Piece], units: Sequence[str], since: datetime, *, is_stopped: bool = False) -> tuple[Private, ...]:
    """Return the few lines of an incident's evidence that say why these units fail; what was found before `since` is no reason.

    Of each unit it is the newest exception of its programs, how it ended, what its program said itself, and what that means;
    where none of that is known, the newest line that names an exception. Who `is_stopped` in good order fell over none.
    """
    texts = {
        each.title: evidence.retold_piece(each.title, each.text.text)
        for each in sorted(pieces, key=lambda each: each.at)
        if each.at >= since - _ROUNDED
    }
    lines: list[str] = []
    first: list[str] = []
    for unit in units:
        ending, own, journal = f"unit {unit}", f"exception {unit}", f"journal {unit}"
        raised = [] if is_stopped else texts.get(own, "").splitlines()
        first += [f"[{render.evidence_title(own)}] {raised[-1]}"] if raised else []
        ended = texts.get(ending, "").splitlines()
        lines += [f"[{render.evidence_title(ending)}] {ended[0]}"] if ended else []
        if not raised and not is_stopped:
            last = evidence.last_words(texts.get(journal, "").splitlines(), has_ended=bool(ended))
            lines += [f"[{render.evidence_title(journal)}] {last}"] if last else []
        lines += ended[1:]
    return tuple(Private(line) for line in (*first[:_MOST_RAISED], *lines[:_MOST_FOUND]))


def largest(pieces: Sequence[Piece], since: datetime) -> tuple[Private, ...]:
    """Return who used most of the memory when it ran short."""
    found = [
        evidence.retold_piece(MEMORY, each.text.text) for each in pieces if each.title == MEMORY and each.at >= since - _ROUNDED
    ]
    return tuple(Private(f"[{render.evidence_title(MEMORY)}] {text.splitlines()[0]}") for text in found[-1:] if text)


def note(standing: Standing) -> str:
    """Return why a check stands as it does, in one line; "" where there is nothing to say."""
    parts = []
    if standing.why is not None:
        since, causes = render.local(standing.since), " ".join(standing.causes)
        parts.append(said(ko.STANDINGS[standing.why]).format(since=since, causes=causes, changes=standing.changes))
        if causes and standing.why is not Why.CONSEQUENCE:
            parts.append(said(ko.LIKELY_CAUSE).format(causes=causes))
    if standing.silenced_until is not None:
        until = render.local(standing.silenced_until)
        parts.append(said(ko.SILENCED_NOTE).format(until=until, why=standing.silenced_why or said(ko.NO_REASON)))
    return " · ".join(parts)


def not_well(found: Sequence[Standing]) -> str:
    """Return in one line what is not well, the cause first, and since when; "" where all is.

    `found` is in the order in which it is to be looked at.
    """
    own = [each for each in found if not each.causes] or list(found)
    others = [each for each in found if each not in own]
    told = [ko.NOT_WELL.format(name=each.check, since=render.local(each.since)) for each in own[:_MOST_NAMED]]
    parts = (
        [", ".join(told)]
        if len(own) <= _MOST_NAMED
        else [ko.MORE_NAMES.format(names=", ".join(told), count=len(own) - len(told))]
    )
    if others:
        parts.append(ko.NOT_WELL_TOO.format(names=render.names([each.check for each in others])))
    return " · ".join(part for part in parts if part)


def still_open(incident: Incident, parts: Sequence[Standing]) -> str:
    """Return that an incident is open, and of its checks why each still belongs to it."""
    told = [ko.STILL[each.why].format(name=each.check) for each in parts[:_MOST_NAMED] if each.why in ko.STILL]
    why = ko.STILL_WHY.format(why=", ".join(told)) if told else ""
    return ko.STILL_OPEN.format(number=incident.number, why=why)


def remaining(incident: Incident, parts: Sequence[Standing]) -> str:
    """Return since when what is left of an incident is so, where that is later than the incident; "" where it is not."""
    began = min((each.since for each in parts if each.since is not None), default=incident.opened_at)
    # Moments are shown in whole seconds.
    is_later = (began - incident.opened_at).total_seconds() >= 1
    return ko.REMAINING.format(since=render.local(began)) if is_later else ""


def owner(incident: Incident) -> str:
    """Return who takes care of the incident, and since when; what to type where nobody does."""
    if not incident.acked_by:
        return ko.NO_OWNER
    return ko.OWNER.format(by=incident.acked_by, at=render.local(incident.acked_at))


def share(value: float | None) -> str:
    """Return a share of time (0 to 1) in percent; rounded down, so that 100 % is only said of a whole."""
    return "" if value is None else f"{math.floor(value * 10000) / 100:g}%"


def availability(value: float | None, known_s: float, asked_s: float) -> str:
    """Return the share of time, and of which time it is where that is clearly less than was asked for."""
    if value is None or known_s >= _MOST_OF * asked_s:
        return share(value)
    return ko.WATCHED.format(share=share(value), known=render.duration(known_s))


def value_range(unit: str, values: Sequence[float]) -> str:
    """Return the least and the greatest of the values, with the unit that they are measured in."""
    if not values:
        return ""
    # Nobody reads "0.1 hours".
    smaller, factor = ko.SMALLER_MEASURES.get(unit, ("", 1))
    if smaller and max(map(abs, values)) < 1:
        unit, values = smaller, [round(value * factor) for value in values]
    least, greatest = f"{min(values):.4g}", f"{max(values):.4g}"
    shown = least if least == greatest else f"{least} ~ {greatest}"
    return f"{shown}{said(ko.MEASURES.get(unit, unit))}"
