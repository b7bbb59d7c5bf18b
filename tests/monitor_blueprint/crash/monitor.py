"""The monitor that is killed: one check that fails and recovers in turn, the real rules, store, texts and channels."""

# ruff: noqa: T201

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from monitor_blueprint.alerts.outbox import Outbox
from monitor_blueprint.alerts.timing import Timing
from monitor_blueprint.domain.flapping import FlapRules
from monitor_blueprint.domain.incidents import IncidentRules, advance
from monitor_blueprint.domain.messages import Waits
from monitor_blueprint.domain.models import CheckPolicy, CheckResult, Reading, Status
from monitor_blueprint.domain.text import Private
from monitor_blueprint.notifiers import channels
from monitor_blueprint.storage.store import Store
from monitor_blueprint.storage.writes import Transaction
from monitor_blueprint.text import messages

POLICIES = (CheckPolicy("Flask"),)
# The check goes up and down all the time, and no message of that may be held back.
RULES = IncidentRules(flapping=FlapRules(changes=1_000_000_000, share=2.0))
TIMING = Timing(
    waits=Waits(connect_s=5.0, greeting_s=5.0, command_s=5.0, data_s=5.0, block_s=5.0, accept_s=1.0, answer_s=1.0),
    patience_s=0.5,
    first_wait_s=0.02,
    longest_wait_s=0.1,
    first_refused_s=0.02,
    longest_refused_s=0.2,
    first_doubt_s=0.02,
    first_owed_s=0.05,
    poll_s=0.5,
)


def cycle(tx: Transaction, receivers: tuple[tuple[str, str], ...], now: datetime) -> None:
    before = tx.reads.state()
    status = Status.CRITICAL if before.incident is None else Status.OK
    results = [CheckResult("Flask", "service", (Reading("unit", status),), now, 1.0, {"seen": before.last_incident_number})]
    after, events = advance(before, results, POLICIES, tx.reads.silences(now), now, RULES)
    tx.record_round(now, 1.0, status, results)
    for event in events:
        tx.add_event(event, messages.alert(event, f"{event.incident}-{event.kind}", tx.reads.latest_results()), receivers)
        tx.add_evidence(event.incident, [("journal", Private("x" * 500))], now)
    tx.save_state(after, now)


def main(path: Path, last_incident: int) -> None:
    with Store(path) as store:
        outbox = Outbox(store, channels(os.environ), timing=TIMING)
        outbox.start()
        print("ready", flush=True)
        while True:
            statuses = store.reads.outbox_status().values()
            pending = max((status.pending for status in statuses), default=0)
            is_owing = any(status.in_doubt_since is not None for status in statuses)
            state = store.reads.state()
            is_enough = state.incident is None and state.last_incident_number >= last_incident
            if is_enough and pending == 0 and not is_owing:
                print(f"done {store.problem} {' '.join(store.notes())}".strip(), flush=True)
                outbox.stop()
                return
            # The channels are slower than this loop could be.
            if not is_enough and pending < 3:
                now = datetime.now(UTC)
                store.run(lambda tx, now=now: cycle(tx, outbox.receivers, now))  # type: ignore[misc]
                outbox.wake()
            time.sleep(0.01)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
