"""How everything is: each check, and the whole."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal

from monitor_blueprint.console.configuration import Value, values
from monitor_blueprint.console.evidence import Lines, found
from monitor_blueprint.console.silences import SilenceDocument, active_silences
from monitor_blueprint.console.view import Answer, Document, StatusWord, View, status_word
from monitor_blueprint.domain.language import said
from monitor_blueprint.domain.models import CheckResult, Reading, State, Status, worst
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.domain.standing import Standing, standings
from monitor_blueprint.domain.text import Private
from monitor_blueprint.engine.leader import ScheduleLock
from monitor_blueprint.engine.self_check import whole
from monitor_blueprint.storage.reads import RoundRecord
from monitor_blueprint.text import ko, render, rows

# Why nobody knows: nothing runs, the first health check is under way, or no health check comes to its end.
Stale = Literal["stopped", "first", "stalled"]


class ReadingDocument(Document, frozen=True, kw_only=True):
    """One thing that a check saw: `text` says it; of `facts`, null is what only operators are shown."""

    aspect: str
    status: StatusWord
    value: float | None
    unit: str
    warning: float | None
    critical: float | None
    text: str
    facts: dict[str, str | int | float | bool | None]


class CheckDocument(Document, frozen=True, kw_only=True):
    """A check as it stands.

    `status` is what counts since `since`; `at` and the readings are of the newest result. `why` says what keeps it in an
    incident or out of it, and `stands_since` since when; `note` says it in a sentence. `next_commands` are what to type where
    it fails, `evidence` what was found of the cause when it failed, for operators.
    """

    name: str
    title: str
    kind: str
    status: StatusWord
    since: datetime | None
    at: datetime
    duration_ms: float
    is_left_out: bool
    is_told: bool
    why: str | None
    stands_since: datetime | None
    note: str
    causes: list[str]
    silenced_until: datetime | None
    silenced_why: str | None
    next_commands: list[str]
    runbook: str | None
    evidence: list[str]
    readings: list[ReadingDocument]


class ChecksAnswer(Answer, frozen=True, kw_only=True):
    """Every check, in the order of the configuration."""

    checks: list[CheckDocument]


class CheckAnswer(Answer, frozen=True, kw_only=True):
    """One check, and how it is configured, secrets left out."""

    check: CheckDocument
    depends_on: list[str]
    configuration: dict[str, Value]


class RoundDocument(Document, frozen=True, kw_only=True):
    """A health check that was done."""

    started_at: datetime
    duration_ms: float
    overall: StatusWord
    reason: str


class PartDocument(Document, frozen=True, kw_only=True):
    """A check that belongs to the open incident, and why it stands as it does."""

    check: str
    note: str


class OpenIncident(Document, frozen=True, kw_only=True):
    """The incident that is open."""

    number: int
    opened_at: datetime
    is_acknowledged: bool
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    checks: list[PartDocument]


class ProblemDocument(Document, frozen=True, kw_only=True):
    """Something that is wrong with the monitor itself, for programs and for people."""

    text: str
    sentence: str


class StatusAnswer(Answer, frozen=True, kw_only=True):
    """How everything is; where nobody looks (`stale`), `overall` is UNKNOWN and the checks are as they were seen last."""

    server: str
    at: datetime
    overall: StatusWord
    stale: Stale | None
    last_check: RoundDocument | None
    next_check_at: datetime | None
    problems: list[ProblemDocument]
    incident: OpenIncident | None
    silences: list[SilenceDocument]
    checks: list[CheckDocument]


def status(view: View) -> StatusAnswer:
    """Return how everything is."""
    state, now = view.reads.state(), view.now
    last = view.reads.last_round()
    why = stale(view)
    problems = view.self_check.problems(now)
    known = [state.checks[policy.name].status for policy in view.config.policies if policy.name in state.checks]
    return StatusAnswer(
        server=clean(socket.gethostname()),
        at=now,
        overall=status_word(Status.UNKNOWN if why else whole(worst(known), problems)),
        stale=why,
        last_check=round_document(last) if last is not None else None,
        next_check_at=view.next_check_at,
        problems=[ProblemDocument(text=each.text, sentence=each.sentence) for each in problems],
        incident=_incident(view, state),
        silences=active_silences(view),
        checks=_checks(view, state),
    )


def checks(view: View) -> ChecksAnswer:
    """Return every check."""
    return ChecksAnswer(checks=_checks(view, view.reads.state()))


def check(view: View, name: str) -> CheckAnswer | None:
    """Return one check; None where there is none of that name, or no result of it yet."""
    found = next((each for each in _checks(view, view.reads.state()) if each.name == name), None)
    if found is None:
        return None
    configured = next((each for each in view.config.checks if each.name == name), None)
    return CheckAnswer(
        check=found,
        depends_on=list(configured.policy.depends_on) if configured else [],
        configuration=values(view, configured) if configured else {},
    )


def round_document(done: RoundRecord) -> RoundDocument:
    """Return a health check that was done."""
    return RoundDocument(
        started_at=done.started_at, duration_ms=done.duration_ms, overall=status_word(done.overall), reason=done.reason
    )


def stale(view: View) -> Stale | None:
    """Return why nobody knows how everything is now; None where that is known."""
    scheduled = view.reads.last_scheduled_round()
    if not ScheduleLock(view.config.state_dir).is_held():
        return "stopped"
    if view.self_check.is_first_under_way(scheduled, view.now):
        return "first"
    return "stalled" if view.self_check.is_stalled(scheduled, view.now) else None


def _incident(view: View, state: State) -> OpenIncident | None:
    incident = state.incident
    if incident is None:
        return None
    parts = [each for each in _standings(view, state).values() if each.is_told]
    return OpenIncident(
        number=incident.number,
        opened_at=incident.opened_at,
        is_acknowledged=bool(incident.acked_by),
        acknowledged_by=view.typed(incident.acked_by) or None,
        acknowledged_at=incident.acked_at,
        checks=[PartDocument(check=each.check, note=rows.note(each)) for each in parts],
    )


def _standings(view: View, state: State) -> Mapping[str, Standing]:
    found = standings(state, view.silences(), view.now)
    if view.visitor.is_trusted:
        return found
    return {name: replace(each, silenced_why=said(ko.WITHHELD)) for name, each in found.items()}


def _checks(view: View, state: State) -> list[CheckDocument]:
    results = view.reads.latest_results()
    standing = _standings(view, state)
    names: Iterable[str] = (policy.name for policy in view.config.policies if policy.name in results)
    told = found(view.config, view.reads, state, results, standing) if view.visitor.is_trusted else {}
    return [_check(view, results[name], state, standing.get(name), told.get(name, ())) for name in names]


def _check(view: View, result: CheckResult, state: State, standing: Standing | None, lines: Lines) -> CheckDocument:
    known = state.checks.get(result.check)
    number = state.incident.number if state.incident is not None else 0
    row = rows.row(result, known, view.now, standing, number, found=lines)
    return CheckDocument(
        name=row.name,
        title=row.title,
        kind=result.kind,
        status=status_word(row.status),
        since=known.since if known is not None else None,
        at=result.at,
        duration_ms=round(result.duration_ms, 1),
        is_left_out=row.is_left_out,
        is_told=standing is not None and standing.is_told,
        why=standing.why if standing is not None else None,
        stands_since=standing.since if standing is not None else None,
        note=row.note,
        causes=list(standing.causes) if standing is not None else [],
        silenced_until=standing.silenced_until if standing is not None else None,
        silenced_why=view.typed(standing.silenced_why) or None if standing is not None else None,
        runbook=view.config.runbooks.get(result.check),
        next_commands=row.commands.split(" · ") if row.commands else [],
        evidence=[line.text for line in row.found],
        readings=[_reading(view, result, reading) for reading in result.readings],
    )


def _reading(view: View, result: CheckResult, reading: Reading) -> ReadingDocument:
    is_trusted, limits = view.visitor.is_trusted, reading.thresholds
    return ReadingDocument(
        aspect=reading.aspect,
        status=status_word(reading.status),
        value=reading.value,
        unit=reading.unit,
        warning=limits.warning if limits is not None else None,
        critical=limits.critical if limits is not None else None,
        text=render.full_line(result, reading).text if is_trusted else str(render.line(result, reading)),
        facts={key: _fact(view, fact) for key, fact in reading.facts.items()},
    )


def _fact(view: View, fact: object) -> str | int | float | bool | None:
    if isinstance(fact, Private):
        return view.typed(fact)
    # A fact that is text and does not say whose it is has come back as private from the store.
    return fact if isinstance(fact, bool | int | float) else str(fact)
