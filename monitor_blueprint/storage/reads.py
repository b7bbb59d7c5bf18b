"""What the database can tell: the reading half of the SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from monitor_blueprint.domain.models import CheckResult, Event, Silence, State, Status
from monitor_blueprint.domain.text import Private, Public, configured, fill
from monitor_blueprint.storage.access import AccessReads
from monitor_blueprint.storage.channels import ChannelReads, Delivery, Parameters, Rows
from monitor_blueprint.storage.encoding import decode_incident, decode_readings, decode_result, decode_state
from monitor_blueprint.storage.hours import HourReads
from monitor_blueprint.storage.results import ResultReads
from monitor_blueprint.storage.story import StoryReads
from monitor_blueprint.storage.timestamps import from_ms, to_ms
from monitor_blueprint.storage.trials import TrialReads

_EVENT = msgspec.json.Decoder(Event)

# An incident's story begins so long before it was told at the earliest.
_STORY = timedelta(days=1)
# The version of the saved state.
STATE_VERSION = 1
# The reason of a health check by hand, and how that of one of some checks only begins.
MANUAL = "manual"
PARTIAL = "look"
# All that a message of the incident has named, once for each.
_NAMED = (
    'event, json_each(\'["$.checks","$.failing"]\') AS part, json_each(event.body, part.value) AS name'
    " WHERE event.incident = incident.number"
)
_WANTED = (
    "WHERE number < :before AND opened_at < :until AND coalesce(closed_at, :since) >= :since"  # noqa: S608 - as above
    " AND (:is_open IS NULL OR (closed_at IS NULL) = :is_open) AND (:check = ''"
    f" OR EXISTS (SELECT 1 FROM {_NAMED} AND name.value = :check))"
    # Capitals do not count: of ASCII, as SQLite knows no others, and Korean has none.
    " AND (:text = '' OR EXISTS (SELECT 1 FROM event LEFT JOIN told ON told.event_id = event.id"
    " WHERE event.incident = incident.number AND instr(lower(told.text), lower(:text)))"
    f" OR EXISTS (SELECT 1 FROM {_NAMED} AND instr(lower(name.value), lower(:text)))"
    " OR :is_typed_searched AND (instr(lower(incident.body ->> 'acked_by'), lower(:text)) OR EXISTS (SELECT 1 FROM story"
    " WHERE kind = 'noted' AND facts ->> 'number' = CAST(incident.number AS TEXT)"
    " AND instr(lower(facts ->> 'text'), lower(:text)))))"
    " ORDER BY number DESC LIMIT :limit"
)
# As large as SQLite's integers are.
_NUMBER_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """One health check that was done; `reason` says what it was done for."""

    started_at: datetime
    duration_ms: float
    overall: Status
    reason: str


@dataclass(frozen=True, slots=True)
class IncidentRecord:
    """An incident of the history; `closed_at` is None while it is open; `checks` are all that had to do with it."""

    number: int
    opened_at: datetime
    closed_at: datetime | None
    checks: tuple[str, ...]
    acked_by: str


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents are wanted.

    Attributes:
        before: those with a smaller number: the next page.
        check: those that it had to do with; "" for any.
        is_open: those that are open, or those that are over; None for both.
        since, until: those that were open at some moment between.
        text: those that have this in a message or in the name of a check; "" for any.
        is_typed_searched: or in a note, or in the name of who takes care of it.
    """

    before: int = _NUMBER_MAX
    check: str = ""
    is_open: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    is_typed_searched: bool = False


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event that was told, with the id that its messages carry."""

    id: str
    event: Event


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found when an incident opened."""

    at: datetime
    title: str
    text: Private


@dataclass(frozen=True, slots=True)
class IncidentDetail:
    """Everything about one incident, oldest first."""

    incident: IncidentRecord
    events: tuple[EventRecord, ...]
    evidence: tuple[Evidence, ...]
    deliveries: tuple[Delivery, ...]

    @property
    def watched(self) -> IncidentRecord:
        """Return the incident in the time in which it can have a story here.

        A certificate may have ended long before anybody looked, and what is well may be told to be so only later.
        """
        of = self.incident
        told = [record.event.at for record in self.events] or [of.opened_at]
        closed_at = None if of.closed_at is None else max(of.closed_at, *told)
        return replace(of, opened_at=max(of.opened_at, min(told) - _STORY), closed_at=closed_at)


class Reads(ChannelReads):
    """Questions, each answered from one consistent state of the database; `hours`, `results` and others have more."""

    def __init__(self, query: Callable[[str, Parameters], Rows], note: Callable[[Public], None]) -> None:
        """Take what runs a statement and returns its rows, and what is told of something that cannot be read."""
        super().__init__(query)
        self._note = note
        self.story = StoryReads(query)
        self.trials = TrialReads(query)
        self.access = AccessReads(query)
        self.hours = HourReads(query)
        self.results = ResultReads(query)

    def version(self) -> int:
        """Return a number that is another one as soon as another connection, of this process or of any, has written."""
        ((version,),) = self._rows("PRAGMA data_version")
        return int(version)

    def state(self) -> State:
        """Return the saved state; a fresh one, and a note, where what is saved cannot be read."""
        saved = self._rows("SELECT version, body FROM state")
        if not saved:
            return self._fresh_state()
        ((version, body),) = saved
        if version == STATE_VERSION:
            try:
                return decode_state(body)
            except msgspec.MsgspecError:
                pass
        self._note(fill("saved state (version {version}) cannot be read: begun afresh", version=int(version)))
        return self._fresh_state()

    def checkpoints(self) -> dict[str, Mapping[str, Any]]:
        """Return what the probes wanted to be given back, by check; one that cannot be read is left out."""
        found: dict[str, Mapping[str, Any]] = {}
        for name, body in self._rows("SELECT check_name, memory FROM latest WHERE memory != '{}'"):
            try:
                found[name] = msgspec.json.decode(body, type=dict[str, Any])
            except msgspec.MsgspecError:
                self._note(fill("what the check {name} remembered cannot be read: begun afresh", name=configured(name)))
        return found

    def last_scheduled_round(self) -> RoundRecord | None:
        """Return the newest complete health check of the schedule: what says that the schedule is alive."""
        rows = self._rows(
            "SELECT started_at, duration_ms, overall, reason FROM cycle WHERE reason != ? AND reason NOT LIKE ?"
            " ORDER BY started_at DESC LIMIT 1",
            (MANUAL, f"{PARTIAL} %"),
        )
        return next((RoundRecord(from_ms(at), ms, Status(overall), reason) for at, ms, overall, reason in rows), None)

    def last_round(self) -> RoundRecord | None:
        """Return the newest health check."""
        return next(iter(self.rounds(1)), None)

    def rounds(self, limit: int = 100) -> tuple[RoundRecord, ...]:
        """Return health checks, newest first."""
        rows = self._rows("SELECT started_at, duration_ms, overall, reason FROM cycle ORDER BY started_at DESC LIMIT ?", (limit,))
        return tuple(RoundRecord(from_ms(at), duration, Status(overall), reason) for at, duration, overall, reason in rows)

    def latest_results(self) -> dict[str, CheckResult]:
        """Return the newest result of every check (see its `at`: it may be old), without what the probe remembers."""
        found: dict[str, CheckResult] = {}
        for name, body in self._rows("SELECT check_name, result FROM latest"):
            try:
                found[name] = decode_result(body)
            except msgspec.MsgspecError:
                continue
        return found

    def past_results(self, check: str, before: datetime, limit: int) -> tuple[CheckResult, ...]:
        """Return the last results that are kept whole (where the status changed, and once an hour), oldest first."""
        rows = self._rows(
            "SELECT result.at, readings, json_extract(latest.result, '$.kind') FROM result JOIN latest USING (check_name)"
            " WHERE check_name = ? AND result.at < ? AND readings IS NOT NULL ORDER BY result.at DESC LIMIT ?",
            (check, to_ms(before), limit),
        )
        return tuple(CheckResult(check, kind, decode_readings(readings), from_ms(at)) for at, readings, kind in reversed(rows))

    def incidents(self, limit: int = 50, where: IncidentFilter | None = None) -> tuple[IncidentRecord, ...]:
        """Return incidents, newest first; all, or those that the filter lets through."""
        wanted = where or IncidentFilter()
        return tuple(
            self._incident_records(
                _WANTED,
                {
                    "before": wanted.before,
                    "check": wanted.check,
                    "is_open": wanted.is_open,
                    "since": to_ms(wanted.since) if wanted.since else 0,
                    "until": to_ms(wanted.until) if wanted.until else _NUMBER_MAX,
                    "text": wanted.text,
                    "is_typed_searched": wanted.is_typed_searched,
                    "limit": limit,
                },
            )
        )

    def incident(self, number: int) -> IncidentDetail | None:
        """Return all about one incident; None when there is none of that number."""
        records = self._incident_records("WHERE number = ?", (number,))
        if not records:
            return None
        events = self._rows("SELECT id, body FROM event WHERE incident = ? ORDER BY event.number", (number,))
        evidence = self._rows("SELECT at, title, body FROM evidence WHERE incident = ? ORDER BY at, title", (number,))
        return IncidentDetail(
            incident=records[0],
            events=tuple(EventRecord(id_, _EVENT.decode(body)) for id_, body in events),
            evidence=tuple(Evidence(from_ms(at), title, Private(text)) for at, title, text in evidence),
            deliveries=self.deliveries(number),
        )

    def silences(self, now: datetime) -> tuple[Silence, ...]:
        """Return the silences that have not ended, those that have yet to begin included."""
        rows = self._rows(
            "SELECT check_name, starts_at, ends_at, why, number FROM silence WHERE ends_at > ? ORDER BY starts_at, number",
            (to_ms(now),),
        )
        return tuple(Silence(name, from_ms(start), from_ms(end), why, number) for name, start, end, why, number in rows)

    def all_silences(self) -> tuple[Silence, ...]:
        """Return the silences that are remembered, over or not, the newest first."""
        rows = self._rows("SELECT check_name, starts_at, ends_at, why, number FROM silence ORDER BY number DESC LIMIT 1000")
        return tuple(Silence(name, from_ms(start), from_ms(end), why, number) for name, start, end, why, number in rows)

    def _rows(self, sql: str, parameters: Parameters = ()) -> Rows:
        return self._query(sql, parameters)

    def _fresh_state(self) -> State:
        # Numbers of incidents are never used twice, even where the state was lost.
        ((last,),) = self._rows(
            "SELECT max(coalesce((SELECT max(number) FROM incident), 0), coalesce((SELECT max(incident) FROM event), 0))"
        )
        return State(last_incident_number=last)

    def _incident_records(self, clause: str, parameters: Parameters) -> list[IncidentRecord]:
        records = []
        rows = self._rows(
            "SELECT number, opened_at, closed_at, body,"  # noqa: S608 - the clause is one of two above
            f" (SELECT json_group_array(DISTINCT name.value) FROM {_NAMED}) FROM incident {clause}",
            parameters,
        )
        for number, opened_at, closed_at, body, checks in rows:
            acked_by = decode_incident(body).acked_by
            names = tuple(msgspec.json.decode(checks, type=list[str]))
            records.append(IncidentRecord(number, from_ms(opened_at), _moment(closed_at), names, acked_by))
        return records


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else from_ms(milliseconds)
