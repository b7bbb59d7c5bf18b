"""The monitor that is killed: one check that fails and recovers in turn, the real rules, store and channels."""

# ruff: noqa: T201

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from monitor_blueprint.alerts.delivery import Timing
from monitor_blueprint.alerts.outbox import Outbox
from monitor_blueprint.domain.flapping import FlapRules
from monitor_blueprint.domain.incidents import IncidentRules, advance
from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import CheckPolicy, CheckResult, Reading, Status
from monitor_blueprint.notifiers import channels
from monitor_blueprint.storage.store import Store
from monitor_blueprint.storage.writes import Transaction

POLICIES = (CheckPolicy("Flask"),)
# The check goes up and down all the time, and no message of that may be held back.
RULES = IncidentRules(flapping=FlapRules(changes=1_000_000_000, share=2.0))
TIMING = Timing(operation_s=5.0, attempt_s=10.0, first_wait_s=0.02, longest_wait_s=0.1, poll_s=0.5)


def cycle(tx: Transaction, names: tuple[str, ...], now: datetime) -> None:
    before = tx.reads.state()
    status = Status.CRITICAL if before.incident is None else Status.OK
    results = [CheckResult("Flask", "service", (Reading("unit", status),), now, 1.0, {"seen": before.last_incident_number})]
    after, events = advance(before, results, POLICIES, tx.reads.silences(now), now, RULES)
    tx.record_round(now, 1.0, status, results)
    for event in events:
        event_id = f"{event.incident}-{event.kind}"
        message = Message(event_id, event_id, f"{event.kind} 본문", event.at, event.incident, event.kind)
        tx.add_event(event, event_id, dict.fromkeys(names, message))
        tx.add_evidence(event.incident, [("journal", "x" * 500)], now)
    tx.save_state(after, now)


def summarise(messages: list[Message], now: datetime) -> Message:
    raise AssertionError("nothing is late enough in this test")


def main(path: Path, last_incident: int) -> None:
    with Store(path) as store:
        outbox = Outbox(store, channels(os.environ), summarise, timing=TIMING)
        names = outbox.channel_names
        outbox.start()
        print("ready", flush=True)
        while True:
            pending = max((status.pending for status in store.reads.outbox_status().values()), default=0)
            state = store.reads.state()
            is_enough = state.incident is None and state.last_incident_number >= last_incident
            if is_enough and pending == 0:
                print(f"done {store.problem} {' '.join(store.notes())}".strip(), flush=True)
                outbox.stop()
                return
            # The channels are slower than this loop could be.
            if not is_enough and pending < 6:
                now = datetime.now(UTC)
                store.run(lambda tx, now=now: cycle(tx, names, now))  # type: ignore[misc]
                outbox.wake()
            time.sleep(0.01)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
