from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import Belief, CheckResult, CheckState, Facts, Incident, Reading, State, Status, Thresholds
from monitor_blueprint.domain.text import Private, Public
from monitor_blueprint.storage.encoding import (
    decode_incident,
    decode_message,
    decode_readings,
    decode_result,
    decode_state,
    encode_incident,
    encode_message,
    encode_readings,
    encode_result,
    encode_state,
)

NOW = datetime(2025, 12, 6, 5, 35, 1, tzinfo=UTC)
INCIDENT = Incident(7, NOW, NOW, "Kim")
# As the first version wrote it, for a check whose name is a key of the record at that.
VERSION_1 = (
    '{"checks":{"told":{"status":2,"since":"2025-12-06T05:35:01Z","seen_at":null,"streak":1,"streak_of":2,'
    '"settling_since":null,"failing_since":null,"flips":[],"told":"critical","is_down":true,"is_symptom":false,'
    '"causes":[],"aspects":{"unit":2}}},"incident":{"number":7,"opened_at":"2025-12-06T05:35:01Z",'
    '"last_told_at":"2025-12-06T05:35:01Z","acked_by":"Kim"},"last_incident_number":7}'
)
STATE = State(
    checks={
        "told": CheckState(
            status=Status.CRITICAL,
            since=NOW,
            streak=1,
            streak_of=Status.CRITICAL,
            notified=Belief.CRITICAL,
            is_down=True,
            aspects={"unit": Status.CRITICAL},
        )
    },
    incident=INCIDENT,
    last_incident_number=7,
)


def test_the_file_keeps_its_names() -> None:
    """A program from before an upgrade that failed reads what this one has written, and the other way round."""
    assert encode_state(STATE) == VERSION_1
    assert decode_state(VERSION_1) == STATE


def test_no_incident_is_no_record() -> None:
    assert decode_state(encode_state(State())) == State()


def test_an_incident_comes_back() -> None:
    assert '"last_told_at"' in encode_incident(INCIDENT)
    assert decode_incident(encode_incident(INCIDENT)) == INCIDENT


@pytest.mark.parametrize("body", ["", "[]", "7", '{"checks":[]}', '{"checks":{"Disk":3}}', '{"incident":"none"}', "{"])
def test_what_is_no_state_is_refused(body: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_state(body)


def test_marks_survive() -> None:
    """What may be known stays so, and what came from outside too."""
    facts: Facts = {"reason": Public("refused"), "reason_text": Private("홍길동"), "count": 3, "share": 0.5, "is_cut": True}
    reading = Reading(
        "http", Status.CRITICAL, 1.5, "ms", Thresholds(1, 2), facts, is_symptom=True, is_settling=True, began_at=NOW
    )
    result = CheckResult("Flask", "service", (reading, Reading("unit")), NOW, 1.0)
    assert decode_result(encode_result(result)) == result
    assert decode_readings(encode_readings(result.readings)) == result.readings
    kept = decode_result(encode_result(result)).readings[0].facts
    assert [type(kept[name]) for name in ("reason", "reason_text")] == [Public, Private]


def test_an_unmarked_text_is_private() -> None:
    """A version that knew no difference has written it."""
    readings = decode_readings('[{"aspect": "http", "facts": {"reason": "홍길동", "count": 3}}]')
    assert readings == (Reading("http", facts={"reason": Private("홍길동"), "count": 3}),)


def test_earlier_versions_can_read_it() -> None:
    """A failed upgrade goes back to them: the texts are where they have always been."""
    readings = json.loads(encode_readings([Reading("http", facts={"reason": Public("refused"), "reason_text": Private("x")})]))
    assert readings[0]["facts"] == {"reason": "refused", "reason_text": "x"}
    message = json.loads(encode_message(Message("1", Public("subject"), Public("body"), NOW)))
    assert (message["subject"], message["body"]) == ("subject", "body")


def test_an_unmarked_message_keeps_its_head() -> None:
    message = Message("1", Public("subject"), Public("one\ntwo\nthree\n- 홍길동"), NOW, 7, "opened")
    assert decode_message(encode_message(message)) == message
    document = json.loads(encode_message(message))
    del document["public"]
    assert decode_message(json.dumps(document)) == replace(message, body=Public("one\ntwo\nthree"))
