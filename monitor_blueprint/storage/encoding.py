"""Values as the database keeps them: JSON, under the names that version 1 gave them.

What the domain calls otherwise today keeps its old name in the file, so that the program from before an upgrade that
failed can still read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import CheckResult, Incident, Reading, Scalar, State, Status, Thresholds
from monitor_blueprint.domain.text import Private, Public

_STORED_NAMES = {"notified": "told", "last_notified_at": "last_told_at"}
_NAMES = {stored: name for name, stored in _STORED_NAMES.items()}
_LATER = ("acked_at", "doubtful_since", "likely_causes", "blamed", "is_self_report", "about")
# A reading says which of its facts may be known, and a message that it may: whatever has no such mark came from outside,
# be it that a version wrote it that knew no difference. The texts themselves stand where that version has them.
_MARK = "public"
# Of a message: what it is about, the names of the checks, and when.
_HEAD_LINES = 3
# By the thread that imports it: msgspec crashes where two learn a nested type at once.
msgspec.json.Decoder(State)
msgspec.json.Decoder(Incident)


def _plain(value: Any) -> Any:
    # Mappings may be read-only views, which msgspec does not know.
    return str(value) if isinstance(value, Public) else dict(value)


_encoder = msgspec.json.Encoder(enc_hook=_plain)


def to_json(value: Any) -> str:
    """Return the value as JSON text."""
    return _encoder.encode(value).decode()


def encode_readings(readings: Sequence[Reading]) -> str:
    """Return the readings as JSON text."""
    return to_json(list(map(_marked, readings)))


def encode_result(result: CheckResult) -> str:
    """Return the result as JSON text, without what the probe remembers."""
    return to_json(
        {
            "check": result.check,
            "kind": result.kind,
            "readings": list(map(_marked, result.readings)),
            "at": result.at,
            "duration_ms": result.duration_ms,
        }
    )


def decode_readings(body: str) -> tuple[Reading, ...]:
    """Return the readings; raises `msgspec.MsgspecError` where the text is none."""
    return tuple(_reading(kept) for kept in _KEPT_READING.decode(body))


def decode_result(body: str) -> CheckResult:
    """Return the result; raises `msgspec.MsgspecError` where the text is none."""
    kept = _KEPT_RESULT.decode(body)
    return CheckResult(kept.check, kept.kind, tuple(map(_reading, kept.readings)), kept.at, kept.duration_ms)


def encode_message(message: Message) -> str:
    """Return the message as JSON text."""
    return to_json(msgspec.to_builtins(message, enc_hook=_plain) | {_MARK: True})


def decode_message(body: str) -> Message:
    """Return the message; of one that nothing says may be known, the lines that have never had anything from outside.

    Raises `msgspec.MsgspecError` where the text is none.
    """
    kept = _KEPT_MESSAGE.decode(body)
    text = kept.body if kept.public else "\n".join(kept.body.splitlines()[:_HEAD_LINES])
    subject = Public(kept.subject)
    return Message(kept.id, subject, Public(text), kept.at, kept.incident, kept.kind, kept.to, kept.is_repeat)


class _KeptReading(msgspec.Struct, frozen=True):
    aspect: str
    status: Status = Status.OK
    value: float | None = None
    unit: str = ""
    thresholds: Thresholds | None = None
    facts: dict[str, str | int | float | bool] = {}
    is_symptom: bool = False
    is_settling: bool = False
    began_at: datetime | None = None
    public: tuple[str, ...] = ()


_KEPT_READING = msgspec.json.Decoder(tuple[_KeptReading, ...])


class _KeptResult(msgspec.Struct, frozen=True):
    check: str
    kind: str
    readings: tuple[_KeptReading, ...]
    at: datetime
    duration_ms: float = 0.0


_KEPT_RESULT = msgspec.json.Decoder(_KeptResult)


class _KeptMessage(msgspec.Struct, frozen=True):
    id: str
    subject: str
    body: str
    at: datetime
    incident: int = 0
    kind: str = ""
    to: tuple[str, ...] = ()
    is_repeat: bool = False
    public: bool = False


_KEPT_MESSAGE = msgspec.json.Decoder(_KeptMessage)


def _marked(reading: Reading) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(replace(reading, facts={}))
    facts = {key: fact.text if isinstance(fact, Private) else fact for key, fact in reading.facts.items()}
    return document | {"facts": facts, _MARK: [key for key, fact in facts.items() if isinstance(fact, Public)]}


def _reading(kept: _KeptReading) -> Reading:
    facts = {key: _fact(fact, is_public=key in kept.public) for key, fact in kept.facts.items()}
    return Reading(
        aspect=kept.aspect,
        status=kept.status,
        value=kept.value,
        unit=kept.unit,
        thresholds=kept.thresholds,
        facts=facts,
        is_symptom=kept.is_symptom,
        is_settling=kept.is_settling,
        began_at=kept.began_at,
    )


def _fact(kept: str | float, *, is_public: bool) -> Scalar:
    if not isinstance(kept, str):
        return kept
    return Public(kept) if is_public else Private(kept)


def encode_state(state: State) -> str:
    """Return the state as JSON text."""
    document = msgspec.to_builtins(state, enc_hook=dict)
    for record in (*document["checks"].values(), document["incident"]):
        _leave_out(record)
    return to_json(_renamed_state(document, _STORED_NAMES))


def decode_state(body: str) -> State:
    """Return the state; raises `msgspec.MsgspecError` where the text is none."""
    document = msgspec.json.decode(body, type=dict[str, Any])
    return msgspec.convert(_renamed_state(document, _NAMES), State)


def encode_incident(incident: Incident) -> str:
    """Return the incident as JSON text."""
    document = msgspec.to_builtins(incident)
    _leave_out(document)
    return to_json(_renamed(document, _STORED_NAMES))


def decode_incident(body: str) -> Incident:
    """Return the incident; raises `msgspec.MsgspecError` where the text is none."""
    return msgspec.convert(_renamed(msgspec.json.decode(body, type=dict[str, Any]), _NAMES), Incident)


def _leave_out(record: dict[str, Any] | None) -> None:
    """Leave out of a check or an incident what version 1 does not know, as long as there is nothing to say of it."""
    for name in _LATER:
        if record is not None and not record.get(name, True):
            del record[name]


def _renamed_state(document: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    checks, incident = document.get("checks", {}), document.get("incident")
    if not isinstance(checks, dict):
        raise msgspec.ValidationError("`checks` must be an object")
    return document | {
        "checks": {name: _renamed(check, names) for name, check in checks.items()},
        "incident": None if incident is None else _renamed(incident, names),
    }


def _renamed(record: Any, names: Mapping[str, str]) -> Any:
    if not isinstance(record, dict):
        raise msgspec.ValidationError("a record must be an object")
    return {names.get(key, key): value for key, value in record.items()}
