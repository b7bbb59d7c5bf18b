"""How the alert channels fare, and each of their receivers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from monitor_blueprint.alerts.channel_health import status_of
from monitor_blueprint.alerts.outbox import Outbox
from monitor_blueprint.console.view import Answer, Document, StatusWord, View, status_word
from monitor_blueprint.domain.answers import public_words
from monitor_blueprint.domain.models import Status
from monitor_blueprint.domain.text import configured
from monitor_blueprint.text import ko_channels, render


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
    """A channel: how it is, and for how many events somebody still waits. What the other side said is for operators.

    `status` is how grave that is: WARNING already while it is tried again; then `sentence` says what there is to know, and
    `try_command` what to type. `server` is where it sends to, as far as that is no secret.
    """

    name: str
    status: StatusWord
    server: str | None
    sentence: str | None
    try_command: str | None
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
        grave = status_of(health)
        said = render.channel_trouble(health, public_words(health.reason), view.now) if grave is not Status.OK else None
        found.append(
            ChannelDocument(
                name=name,
                status=status_word(grave),
                server=str(configured(health.server)) or None,
                sentence=str(said) if said is not None else None,
                try_command=ko_channels.TEST_COMMAND if said is not None else None,
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
