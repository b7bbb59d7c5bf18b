from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor_blueprint.domain.messages import Delivered, Handover, Message, Outcome, Refused
from monitor_blueprint.engine.trials import Trials, send_trial
from monitor_blueprint.notifiers import Channel
from monitor_blueprint.storage.store import Store
from monitor_blueprint.storage.trials import TrialAnswer

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_what_is_asked_for_is_done_once(tmp_path: Path) -> None:
    sent: list[Message] = []

    def accept(message: Message, _: Handover) -> Outcome:
        sent.append(message)
        return Delivered("250 OK")

    with Store(tmp_path / "monitor.db") as store:
        trials = Trials(store, [Channel("email", accept)], "digest")
        trials.serve_once(NOW)
        store.run(lambda tx: tx.trials.ask(NOW))
        trials.serve_once(NOW + timedelta(seconds=1))
        trials.serve_once(NOW + timedelta(seconds=2))
        assert store.reads.trials.answer(NOW) == TrialAnswer("digest", (("email", True, "email: 전송됨 (250 OK)"),))
    assert [message.kind for message in sent] == ["test"]


def test_every_channel_has_its_say() -> None:
    channels = [
        Channel("email", lambda message, handover: Delivered("OK", "without TLS")),
        Channel("slack", lambda message, handover: Refused("HTTP 404")),
    ]
    assert send_trial(channels, NOW) == [
        ("email", True, "email: 전송됨 (OK)"),
        ("email", True, "참고: email: without TLS"),
        ("slack", False, "slack: 실패 (HTTP 404)"),
    ]
