"""The API's orders: each is done with its author in the story, and answers with what has become of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from monitor_blueprint.config import SELF_CHECK
from monitor_blueprint.config.digest import digest_of
from monitor_blueprint.console import checks, incidents, orders, silences
from monitor_blueprint.console.orders import Order
from monitor_blueprint.console.view import Answer, Document, StatusWord, status_word
from monitor_blueprint.domain.access import Role
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.domain.story import StoryKind
from monitor_blueprint.engine.leader import ScheduleLock
from monitor_blueprint.engine.scheduler import BusyError
from monitor_blueprint.web.answers import RefusedError, invalid
from monitor_blueprint.web.reading import LARGEST_NUMBER, NUMBER, Moment, Name, incident, known_checks, not_found
from monitor_blueprint.web.route import Asked, NoFields, Reply, Route

_TRIAL = "<int(max=9223372036854775807):id>"
_ASK_EVERY_S = 0.1
_ANY = "*"
# A silence can begin as long before it was ordered, and as long after.
_EARLIEST, _LATEST = timedelta(days=1), timedelta(days=366)
T = TypeVar("T")


class SilenceBody(msgspec.Struct, frozen=True, kw_only=True):
    """Of which checks ("*": of all) nothing is to be told, until when (a moment, or in how many minutes), and why."""

    checks: Annotated[list[Name], Meta(min_length=1, max_length=50)]
    why: Annotated[str, Meta(min_length=1, max_length=orders.LONGEST_WHY)]
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    minutes: Annotated[int, Meta(ge=1, le=43200)] | None = None


class NoteBody(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be noted."""

    text: Annotated[str, Meta(min_length=1, max_length=orders.LONGEST_NOTE)]


class TrialQuery(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait for the channels' answers."""

    wait_s: Annotated[float, Meta(ge=0, le=20)] = 10.0


class SilenceAnswer(Answer, frozen=True, kw_only=True):
    """A silence."""

    silence: silences.SilenceDocument


class NoteAnswer(Answer, frozen=True, kw_only=True):
    """A note."""

    note: incidents.NoteDocument


class RoundAnswer(Answer, frozen=True, kw_only=True):
    """What a health check by hand has found; `told` are the kinds of events that it has led to."""

    started_at: datetime
    duration_ms: float
    overall: StatusWord
    told: list[str]
    checks: list[checks.CheckDocument]


class TriedChannel(Document, frozen=True, kw_only=True):
    """How a test message fared: whether it was accepted, and what there is to say of it."""

    channel: str
    is_fine: bool
    line: str


class TrialAnswer(Answer, frozen=True, kw_only=True):
    """A test alert; `is_current` is false where the monitor that has sent it uses another configuration than this one."""

    id: Annotated[int, Meta(ge=0, le=LARGEST_NUMBER)]
    state: Literal["pending", "done"]
    is_current: bool | None
    channels: list[TriedChannel]


def _order(asked: Asked, do: Callable[[Order], T]) -> T:
    return asked.view.store.run(lambda tx: do(Order(tx, asked.view.visitor, asked.view.now)))


def _words(field: str, text: str, limit: int) -> str:
    words = clean(text, limit)
    if not words:
        raise invalid(field, "must say something")
    return words


def _silence(asked: Asked) -> Answer:
    body: SilenceBody = asked.body
    now = asked.view.now.replace(microsecond=0)
    names = [_ANY] if _ANY in body.checks else known_checks(asked, body.checks, "checks")
    if body.starts_at is not None and not now - _EARLIEST <= body.starts_at <= now + _LATEST:
        raise invalid("starts_at", f"must be within {_LATEST.days} days from now")
    starts_at = (body.starts_at or now).astimezone(UTC)
    if (body.ends_at is None) == (body.minutes is None):
        raise invalid("ends_at", "either `ends_at` or `minutes` says when it ends")
    ends_at = body.ends_at or starts_at + timedelta(minutes=body.minutes or 0)
    if not starts_at < ends_at <= starts_at + orders.LONGEST_SILENCE or ends_at <= now:
        raise invalid("ends_at", f"must be to come, and after the beginning by {orders.LONGEST_SILENCE.days} days at most")
    ends_at = ends_at.astimezone(UTC)
    why = _words("why", body.why, orders.LONGEST_WHY)
    numbers = _order(asked, lambda order: orders.silence(order, names, starts_at, ends_at, why))
    found = (silences.silence(asked.view, number) for number in numbers)
    return silences.SilencesAnswer(silences=[each for each in found if each is not None])


def _unsilence(asked: Asked) -> Answer:
    number = asked.places["number"]
    is_ended = _order(asked, lambda order: orders.unsilence(order, number))
    found = silences.silence(asked.view, number)
    if found is None:
        raise not_found("there is no silence of that number")
    if not is_ended:
        raise RefusedError(409, "ended", "the silence is over")
    return SilenceAnswer(silence=found)


def _acknowledge(asked: Asked) -> Answer:
    return _of_open_incident(asked, orders.acknowledge)


def _release(asked: Asked) -> Answer:
    return _of_open_incident(asked, orders.release)


def _of_open_incident(asked: Asked, do: Callable[[Order, int], int]) -> Answer:
    number = asked.places["number"]
    is_done = _order(asked, lambda order: do(order, number))
    found = incident(asked)
    if not is_done:
        raise RefusedError(409, "not_open", "the incident is over")
    return found


def _note(asked: Asked) -> Answer:
    body: NoteBody = asked.body
    number, text = asked.places["number"], _words("text", body.text, orders.LONGEST_NOTE)
    entry = _order(asked, lambda order: orders.note(order, number, text))
    if entry is None:
        raise not_found("there is no incident of that number")
    return NoteAnswer(note=incidents.note_document(asked.view, entry))


def _run_all(asked: Asked) -> Answer:
    return _run(asked, None)


def _run_one(asked: Asked) -> Answer:
    name: str = asked.places["name"]
    if name not in [policy.name for policy in asked.view.config.policies]:
        raise not_found("there is no check of that name")
    # The monitor looks at itself in a whole round only.
    return _run(asked, None if name == SELF_CHECK else name)


def _run(asked: Asked, name: str | None) -> Answer:
    try:
        report = asked.monitor.schedule.run_by_hand(None if name is None else [name])
    except BusyError:
        raise RefusedError(409, "busy", "a health check by hand is under way", retry_after_s=5) from None
    _order(asked, lambda order: order.note(StoryKind.CHECKED, checks=name or _ANY))
    seen = {result.check for result in report.results}
    return RoundAnswer(
        started_at=report.started_at,
        duration_ms=round(report.duration_ms, 1),
        overall=status_word(report.overall),
        told=[event.kind for event in report.decision.events],
        checks=[each for each in checks.checks(asked.view).checks if each.name in seen],
    )


def _ask_for_trial(asked: Asked) -> Answer | Reply:
    if not ScheduleLock(asked.view.config.state_dir).is_held():
        raise RefusedError(409, "not_running", "no monitor runs that could send anything")
    # As the database keeps it.
    asked_at = asked.view.now.replace(microsecond=asked.view.now.microsecond // 1000 * 1000)

    def ask(order: Order) -> None:
        order.tx.trials.ask(asked_at)
        order.note(StoryKind.TRIED)

    _order(asked, ask)
    until = time.monotonic() + asked.query.wait_s
    while (found := _trial_at(asked, asked_at)).state == "pending" and time.monotonic() < until:
        time.sleep(_ASK_EVERY_S)
    return found if found.state == "done" else Reply(found, 202)


def _trial(asked: Asked) -> Answer:
    asked_at = datetime.fromtimestamp(0, UTC)
    try:
        asked_at += timedelta(milliseconds=asked.places["id"])
    except OverflowError:
        raise not_found("there is no such test alert") from None
    if not asked.view.reads.trials.is_known(asked_at):
        raise not_found("there is no such test alert, or it was asked for too long ago")
    return _trial_at(asked, asked_at)


def _trial_at(asked: Asked, asked_at: datetime) -> TrialAnswer:
    answer = asked.view.reads.trials.answer(asked_at)
    return TrialAnswer(
        id=round(asked_at.timestamp() * 1000),
        state="pending" if answer is None else "done",
        is_current=None if answer is None else answer.digest == digest_of(asked.view.config),
        channels=[TriedChannel(channel=name, is_fine=is_fine, line=line) for name, is_fine, line in answer.channels]
        if answer
        else [],
    )


_OPERATE = Role.OPERATE
_ACKNOWLEDGEMENT = f"/incidents/{NUMBER}/acknowledgement"
_INCIDENT = incidents.IncidentAnswer
_MISSING = (404, 409)
ROUTES = (
    Route(
        "POST",
        "/silences",
        "silence",
        _OPERATE,
        "Tell nothing of some checks for a while",
        silences.SilencesAnswer,
        _silence,
        body=SilenceBody,
        status=201,
    ),
    Route("DELETE", f"/silences/{NUMBER}", "unsilence", _OPERATE, "End a silence", SilenceAnswer, _unsilence, refusals=_MISSING),
    Route(
        "POST",
        _ACKNOWLEDGEMENT,
        "acknowledge",
        _OPERATE,
        "Take care of the open incident",
        _INCIDENT,
        _acknowledge,
        body=NoFields,
        refusals=_MISSING,
    ),
    Route("DELETE", _ACKNOWLEDGEMENT, "release", _OPERATE, "Let go of the open incident", _INCIDENT, _release, refusals=_MISSING),
    Route(
        "POST",
        f"/incidents/{NUMBER}/notes",
        "note",
        _OPERATE,
        "Note something on an incident",
        NoteAnswer,
        _note,
        body=NoteBody,
        status=201,
        refusals=(404,),
    ),
    Route("POST", "/run", "run", _OPERATE, "Check everything now", RoundAnswer, _run_all, body=NoFields, refusals=(409,)),
    Route(
        "POST",
        "/checks/<path:name>/run",
        "run_check",
        _OPERATE,
        "Check this now",
        RoundAnswer,
        _run_one,
        body=NoFields,
        refusals=_MISSING,
    ),
    Route(
        "POST",
        "/trials",
        "try_channels",
        _OPERATE,
        "Send a test alert over each channel",
        TrialAnswer,
        _ask_for_trial,
        query=TrialQuery,
        body=NoFields,
        also=(202,),
        refusals=(409,),
    ),
    Route("GET", f"/trials/{_TRIAL}", "trial", _OPERATE, "How a test alert fared", TrialAnswer, _trial, refusals=(404,)),
)
