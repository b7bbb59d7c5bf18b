"""How a channel is doing, by what the outbox knows of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from monitor_blueprint.domain.models import Status
from monitor_blueprint.storage.channels import ChannelStatus


class Health(StrEnum):
    """How a channel is doing."""

    OK = "ok"
    FAILING = "failing"
    REFUSED = "refused"
    IN_DOUBT = "in_doubt"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """How a channel is doing: since when not well, and what it says.

    Attributes:
        since: for OK, since when what was tried has failed, for so short a time that it need not be more than a pause.
        pending: how many events wait.
        remark: what is wrong with the way that its messages take, though they arrive.
        next_at: when the next attempt is due, where one has failed.
        server: where it sends to, as far as that is no secret: "host:port", or the host alone.
    """

    name: str
    health: Health = Health.OK
    since: datetime | None = None
    reason: str = ""
    pending: int = 0
    remark: str = ""
    next_at: datetime | None = None
    server: str = ""


def status_of(found: ChannelHealth) -> Status:
    """Return how grave it is: who looks is to see a failed attempt at once, nobody is woken before it has failed for long."""
    if found.health is not Health.OK:
        return Status.CRITICAL
    return Status.OK if found.since is None else Status.WARNING


def health_of(status: ChannelStatus, began_at: datetime, failing_s: float, now: datetime) -> ChannelHealth:
    """Return how a channel is doing whose delivery began at `began_at`: FAILING when it has not worked for `failing_s`."""
    return replace(_health_of(status, began_at, failing_s, now), next_at=status.next_at)


def _health_of(status: ChannelStatus, began_at: datetime, failing_s: float, now: datetime) -> ChannelHealth:
    if status.refusal:
        return ChannelHealth(status.name, Health.REFUSED, status.failing_since, status.refusal, status.pending)
    if status.in_doubt_since is not None:
        health = Health.GIVEN_UP if status.is_given_up else Health.IN_DOUBT
        return ChannelHealth(status.name, health, status.in_doubt_since, status.last_error, status.pending)
    # A message that waits without any attempt having failed counts too: then it is the sender that hangs. Not for the time
    # before there was one, though.
    waiting_since = max(status.oldest_pending_at or now, began_at)
    since = min(status.failing_since or now, waiting_since)
    if (now - since).total_seconds() >= failing_s:
        return ChannelHealth(status.name, Health.FAILING, since, status.last_error, status.pending)
    if status.failing_since is not None:
        # Nobody is told yet; whoever looks is not to read that all is well.
        return ChannelHealth(status.name, Health.OK, status.failing_since, status.last_error, status.pending, status.remark)
    return ChannelHealth(status.name, pending=status.pending, remark=status.remark)
