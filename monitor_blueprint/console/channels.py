"""How the alert channels fare, and each of their receivers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from monitor_blueprint.alerts.outbox import Outbox
from monitor_blueprint.console.view import Answer, Document, View


class ReceiverDocument(Document, frozen=True, kw_only=True):
    """A recipient of a channel (its name is for operators), or the channel itself where it knows none (`name` is null)."""

    name: str | None
    pending: int
    oldest_pending_at: datetime | None
    attempts: int
    delivered_at: datetime | None
    failing_since: datetime | None
    in_doubt_since: datetime | None
    next_at: datetime | None
    is_refused: bool
    reason: str | None


class ChannelDocument(Document, frozen=True, kw_only=True):
    """A channel: how it is, and for how many events somebody still waits. What the other side said is for operators."""

    name: str
    health: Literal["ok", "failing", "refused", "in_doubt", "given_up"]
    since: datetime | None
    pending: int
    delivered_at: datetime | None
    next_at: datetime | None
    reason: str | None
    remark: str | None
    receivers: list[ReceiverDocument]


class ChannelsAnswer(Answer, frozen=True, kw_only=True):
    """Every channel that is configured."""

    channels: list[ChannelDocument]


def channels(view: View, outbox: Outbox) -> ChannelsAnswer:
    """Return how the channels fare."""
    known, receivers = view.reads.outbox_status(), view.reads.receivers()
    found = []
    for name, health in outbox.channel_health(view.now).items():
        status = known.get(name)
        found.append(
            ChannelDocument(
                name=name,
                health=health.health.value,
                since=health.since,
                pending=health.pending,
                delivered_at=status.delivered_at if status is not None else None,
                next_at=status.next_at if status is not None else None,
                reason=view.typed(health.reason) or None,
                remark=view.typed(health.remark) or None,
                receivers=[
                    ReceiverDocument(
                        name=view.typed(receiver.name) or None,
                        pending=pending,
                        oldest_pending_at=oldest,
                        attempts=receiver.attempts,
                        delivered_at=receiver.delivered_at,
                        failing_since=receiver.failing_since,
                        in_doubt_since=receiver.in_doubt_since,
                        next_at=receiver.next_at if receiver.failing_since is not None else None,
                        is_refused=bool(receiver.refusal),
                        reason=view.typed(receiver.refusal or receiver.last_error) or None,
                    )
                    for receiver, pending, oldest in receivers.get(name, ())
                ],
            )
        )
    return ChannelsAnswer(channels=found)
