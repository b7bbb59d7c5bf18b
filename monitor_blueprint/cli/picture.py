"""How everything is, as lines for a terminal: failures first, then what is silenced, the rest by its names.

No text is taken for mark-up, and none of the characters that a terminal obeys gets through, whoever wrote them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from monitor_blueprint.cli.looking import Seen
from monitor_blueprint.console.channels import ChannelDocument
from monitor_blueprint.console.checks import CheckDocument, StatusAnswer
from monitor_blueprint.console.silences import SilenceDocument
from monitor_blueprint.domain.durations import lasted_s
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.text import ko, ko_watch, render

_LONGEST = 2000
_STYLES = {"OK": "bold green", "WARNING": "bold yellow", "CRITICAL": "bold white on red", "UNKNOWN": "bold black on yellow"}
_URGENCY = ("CRITICAL", "UNKNOWN", "WARNING", "OK")
_STALE = {"stopped": ko.STOPPED, "first": ko.FIRST, "stalled": ko.STALLED}
_INDENT = 9


def picture(seen: Seen) -> Group:
    """Return the lines."""
    return Group(*_lines(seen))


def line(words: object, style: str = "") -> Text:
    """Return one line of text, however many there are in it."""
    return Text(clean(str(words), _LONGEST), style=style, overflow="fold")


def _lines(seen: Seen) -> Iterator[RenderableType]:
    status = seen.status
    # Whatever keeps a check in an incident, or may bring it into one.
    bad = sorted((each for each in status.checks if each.status != "OK" or each.is_told or each.why is not None), key=_order)
    told = [each for each in bad if each.silenced_until is None]
    silenced = [each for each in bad if each.silenced_until is not None]
    yield from _head(status, bad)
    yield from (line(note, "bold yellow") for note in seen.notes)
    yield from _incident(status)
    for each in told:
        yield from _check(each)
    yield from (line(ko.NOTE.format(note=each.sentence), "yellow") for each in status.problems)
    if silenced or status.silences:
        yield line(ko_watch.SILENCED, "bold")
    for each in silenced:
        yield from _check(each)
    yield from (Padding(line(_silence(each)), (0, 0, 0, 2)) for each in status.silences)
    yield from _others(status.checks, bad)
    for channel in seen.channels:
        yield line(_channel(channel), "yellow" if channel.sentence is not None else "")


def _order(check: CheckDocument) -> tuple[bool, int]:
    return bool(check.causes), _URGENCY.index(check.status)


def _head(status: StatusAnswer, bad: Sequence[CheckDocument]) -> Iterator[RenderableType]:
    seen = next((word for word in _URGENCY if any(each.status == word for each in status.checks)), "UNKNOWN")
    what = _not_well([each for each in bad if each.status == seen]) if seen != "OK" else ko.OWN_TROUBLE
    if status.stale is not None:
        yield _badge(status.overall, ko_watch.STALE.format(why=_STALE[status.stale], server=status.server))
        yield line(ko_watch.FIRST_UNDER_WAY if status.stale == "first" else ko_watch.STALE_CURE, "yellow")
        if seen != "OK" and status.checks:
            yield line(ko.LAST_SEEN.format(overall=seen, what=what))
    elif status.overall == "OK":
        yield _badge(status.overall, ko_watch.WELL.format(server=status.server))
    else:
        yield _badge(status.overall, ko_watch.HEAD.format(what=what, server=status.server))
    yield line(_freshness(status), "dim")


def _not_well(bad: Sequence[CheckDocument]) -> str:
    own = [each.name for each in bad if not each.causes] or [each.name for each in bad]
    others = [each.name for each in bad if each.name not in own]
    names = render.names(own)
    return ko_watch.WITH_CONSEQUENCES.format(names=names, others=render.names(others)) if others else names


def _freshness(status: StatusAnswer) -> str:
    now = render.local(status.at).partition(" ")[2]
    if status.last_check is None:
        return ko_watch.NEVER_CHECKED.format(now=render.local(status.at))
    at = status.last_check.started_at
    return ko_watch.FRESH.format(at=render.local(at), age=render.duration(lasted_s(at, status.at)), now=now)


def _incident(status: StatusAnswer) -> Iterator[RenderableType]:
    found = status.incident
    if found is None:
        return
    owner = (
        ko_watch.OWNER.format(by=found.acknowledged_by, at=render.local(found.acknowledged_at))
        if found.is_acknowledged
        else ko_watch.NO_OWNER
    )
    yield line(ko_watch.INCIDENT.format(number=found.number, at=render.local(found.opened_at), owner=owner), "bold")


def _check(check: CheckDocument) -> Iterator[RenderableType]:
    """Return what is the matter, since when, why, and what to do next; of what only follows from another, its first line."""
    yield _badge(check.status, " · ".join(part for part in (check.name, check.note) if part), width=_INDENT - 1)
    if check.causes and check.is_told:
        return
    why = [reading.text for reading in check.readings if reading.status != "OK"] or [each.text for each in check.readings]
    for text in (*why, *check.evidence):
        yield _indented(line(text))
    if check.next_commands:
        yield _indented(line(ko_watch.COMMANDS.format(commands=" · ".join(check.next_commands)), "cyan"))
        if check.runbook:
            yield _indented(line(ko_watch.RUNBOOK.format(runbook=check.runbook), "cyan"))


def _others(checks: Sequence[CheckDocument], bad: Sequence[CheckDocument]) -> Iterator[RenderableType]:
    fine = [each for each in checks if each not in bad]
    well, left_out = ([each.name for each in fine if each.is_left_out is wanted] for wanted in (False, True))
    if well:
        yield line(ko_watch.WELL_CHECKS.format(count=len(well), names=" ".join(well)), "green")
    if left_out:
        yield line(ko_watch.LEFT_OUT.format(count=len(left_out), names=" ".join(left_out)), "dim")
    if not checks:
        yield line(ko_watch.NOTHING_SEEN)


def _silence(each: SilenceDocument) -> str:
    until = render.local(each.ends_at)
    if each.is_active:
        return ko_watch.CHECK_SILENCE.format(number=each.number, check=each.check, until=until, why=each.why)
    since = render.local(each.starts_at)
    return ko_watch.PLANNED_SILENCE.format(number=each.number, check=each.check, since=since, until=until, why=each.why)


def _channel(found: ChannelDocument) -> str:
    if found.sentence is not None:
        return ko_watch.CHANNEL_BAD.format(name=found.name, sentence=found.sentence)
    return (ko_watch.CHANNEL_REMARK if found.remark else ko_watch.CHANNEL_OK).format(name=found.name, remark=found.remark)


def _badge(status: str, words: str, width: int = 0) -> Text:
    return Text.assemble((f"{status:<{width}}", _STYLES[status]), " ", line(words), overflow="fold")


def _indented(words: Text) -> Padding:
    return Padding(words, (0, 0, 0, _INDENT))
