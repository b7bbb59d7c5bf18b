from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor_blueprint.storage.store import Store
from monitor_blueprint.storage.trials import TrialAnswer

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ANSWER = TrialAnswer("digest", (("slack", True, "slack: 전송됨 (OK)"),))


def test_a_trial_is_done_once(tmp_path: Path) -> None:
    with Store(tmp_path / "monitor.db") as store:
        assert store.reads.trials.asked(NOW) is None
        store.run(lambda tx: tx.trials.ask(NOW))
        assert store.reads.trials.asked(NOW + SECOND) == NOW
        assert store.run(lambda tx: tx.trials.take(NOW, NOW + SECOND))
        assert not store.run(lambda tx: tx.trials.take(NOW, NOW + SECOND))
        assert store.reads.trials.asked(NOW + SECOND) is None
        assert store.reads.trials.answer(NOW) is None
        store.run(lambda tx: tx.trials.answer(NOW, ANSWER))
        assert store.reads.trials.answer(NOW) == ANSWER


def test_nobody_waits_for_an_old_one(tmp_path: Path) -> None:
    later = NOW + timedelta(minutes=3)
    with Store(tmp_path / "monitor.db") as store:
        store.run(lambda tx: tx.trials.ask(NOW))
        assert store.reads.trials.asked(later) is None
        store.run(lambda tx: tx.trials.ask(later))
        assert not store.run(lambda tx: tx.trials.take(NOW, later))
