"""Values as the database keeps them: JSON, under the names that version 1 gave them.

What the domain calls otherwise today keeps its old name in the file, so that the program from before an upgrade that
failed can still read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from monitor_blueprint.domain.models import Incident, State

_STORED_NAMES = {"notified": "told", "last_notified_at": "last_told_at"}
_NAMES = {stored: name for name, stored in _STORED_NAMES.items()}
# Mappings may be read-only views, which msgspec does not know.
_encoder = msgspec.json.Encoder(enc_hook=dict)


def to_json(value: Any) -> str:
    """Return the value as JSON text."""
    return _encoder.encode(value).decode()


def encode_state(state: State) -> str:
    """Return the state as JSON text."""
    document = msgspec.to_builtins(state, enc_hook=dict)
    if document["incident"] is not None:
        _leave_out(document["incident"])
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


def _leave_out(incident: dict[str, Any]) -> None:
    """Leave out what version 1 does not know, as long as there is nothing to say of it."""
    if incident["acked_at"] is None:
        del incident["acked_at"]


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
