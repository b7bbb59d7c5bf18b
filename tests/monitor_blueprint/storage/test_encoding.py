from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from monitor_blueprint.domain.models import Belief, CheckState, Incident, State, Status
from monitor_blueprint.storage.encoding import decode_incident, decode_state, encode_incident, encode_state

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
