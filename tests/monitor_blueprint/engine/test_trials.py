from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor_blueprint.alerts.outbox import Outbox
from monitor_blueprint.domain.messages import Delivered, Handover, InDoubt, Message, Outcome, PerReceiver, Refused, Single
from monitor_blueprint.domain.models import Event, EventKind
from monitor_blueprint.engine.trials import Trials, send_trial, tell_trial, wake_accepted
from monitor_blueprint.notifiers import Channel
from monitor_blueprint.storage.store import Store
from monitor_blueprint.storage.trials import TrialAnswer
from monitor_blueprint.text import messages

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_what_is_asked_for_is_done_once(tmp_path: Path) -> None:
    sent: list[Message] = []

    def accept(message: Message, _: Handover) -> Outcome:
        sent.append(message)
        return Delivered("250 OK")

    with Store(tmp_path / "monitor.db") as store:
        woken: list[bool] = []
        trials = Trials(store, [Channel("email", accept)], "digest", lambda: woken.append(True))
        trials.serve_once(NOW)
        store.run(lambda tx: tx.trials.ask(NOW))
        trials.serve_once(NOW + timedelta(seconds=1))
        trials.serve_once(NOW + timedelta(seconds=2))
        assert store.reads.trials.answer(NOW) == TrialAnswer("digest", (("email", True, "email: 전송됨 (250 OK)"),))
    assert [message.kind for message in sent] == ["test"]
    assert woken == [True]


def test_an_acceptance_wakes_what_waits(tmp_path: Path) -> None:
    """For whoever has accepted it; a repeat of what is in doubt is not hurried."""
    outcomes: dict[str, Single] = {"a": Refused("no such user"), "b": Refused("no such user"), "c": InDoubt("lost")}
    channel = Channel("email", lambda message, handover: PerReceiver(outcomes), receivers=("a", "b", "c"))
    with Store(tmp_path / "monitor.db") as store:
        box = Outbox(store, [channel], clock=lambda: NOW)
        event = Event(EventKind.OPENED, NOW, 1, NOW, ("Flask",), failing=("Flask",))
        store.run(lambda tx: tx.add_event(event, messages.alert(event, "1-opened", {}), box.receivers))
        box.deliver_due()
        outcomes.update(a=Delivered(), c=Delivered())
        wake_accepted(store, send_trial([channel], NOW))
        receivers = [store.run(lambda tx, name=name: tx.outbox.receiver("email", name)) for name in "abc"]  # type: ignore[misc]
        assert [receiver.next_at is None for receiver in receivers] == [True, False, False]
        box.deliver_due()
        assert store.run(lambda tx: tx.outbox.receiver("email", "a")).cursor == 1


def test_every_channel_has_its_say() -> None:
    channels = [
        Channel("email", lambda message, handover: Delivered("OK", "without TLS")),
        Channel("slack", lambda message, handover: Refused("HTTP 404")),
    ]
    assert tell_trial(send_trial(channels, NOW)) == [
        ("email", True, "email: 전송됨 (OK)"),
        ("email", True, "참고: email: without TLS"),
        ("slack", False, "slack: 실패 (HTTP 404)"),
    ]
