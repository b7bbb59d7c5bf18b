"""What an operator orders, each with its author in the story; to be done within one transaction of the store.

The story keeps milliseconds, and so does what is answered of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor_blueprint.console.gate import MOST_TOKENS
from monitor_blueprint.domain.access import Visitor
from monitor_blueprint.domain.incidents import acknowledge as acknowledged
from monitor_blueprint.domain.incidents import release as released
from monitor_blueprint.domain.models import Silence
from monitor_blueprint.domain.story import StoryEntry, StoryKind
from monitor_blueprint.storage.access import TokenRecord
from monitor_blueprint.storage.writes import Transaction

LONGEST_SILENCE = timedelta(days=30)
LONGEST_WHY = 200
LONGEST_NOTE = 1000


@dataclass(frozen=True, slots=True)
class Order:
    """One order: within which transaction, by whom, and when."""

    tx: Transaction
    by: Visitor
    now: datetime

    def note(self, kind: StoryKind, **facts: str) -> StoryEntry:
        """Write into the story what was done."""
        of_token = {"token": self.by.token} if self.by.token else {}
        entry = StoryEntry(self.now, kind, {"by": self.by.name, **of_token, **facts})
        self.tx.story.add(entry)
        return entry


def silence(order: Order, checks: Sequence[str], starts_at: datetime, ends_at: datetime, why: str) -> list[int]:
    """Send nothing about these checks ("*": any) between two moments; return the silences' numbers."""
    numbers = []
    for check in checks:
        number = order.tx.add_silence(Silence(check, starts_at, ends_at, why))
        order.note(StoryKind.SILENCED, number=str(number), check=check, until=ends_at.isoformat(), why=why)
        numbers.append(number)
    return numbers


def unsilence(order: Order, number: int) -> bool:
    """End a silence; False where there is none of that number, or it is over."""
    is_ended = order.tx.end_silence(number, order.now)
    if is_ended:
        order.note(StoryKind.UNSILENCED, number=str(number))
    return is_ended


def acknowledge(order: Order, number: int | None = None) -> int:
    """Take care of the open incident (if it is the one of that number); return which it is, 0 for none."""
    state = order.tx.reads.state()
    if state.incident is None or number not in (None, state.incident.number):
        return 0
    order.tx.save_state(acknowledged(state, order.by.name, order.now), order.now)
    order.note(StoryKind.ACKED, number=str(state.incident.number))
    return state.incident.number


def release(order: Order, number: int | None = None) -> int:
    """Let go of the open incident (if it is the one of that number); return which it is, 0 for none."""
    state = order.tx.reads.state()
    if state.incident is None or number not in (None, state.incident.number):
        return 0
    if state.incident.acked_by:
        order.tx.save_state(released(state), order.now)
        order.note(StoryKind.UNACKED, number=str(state.incident.number))
    return state.incident.number


def note(order: Order, number: int, text: str) -> StoryEntry | None:
    """Note something on an incident, open or over; None where there is none of that number."""
    if order.tx.reads.incident(number) is None:
        return None
    return order.note(StoryKind.NOTED, number=str(number), text=text)


def add_token(order: Order, token: TokenRecord) -> bool:
    """Add a token; False where its name is taken, or there are too many."""
    if len(order.tx.reads.access.tokens()) >= MOST_TOKENS or not order.tx.access.add_token(token):
        return False
    order.note(StoryKind.ADMITTED, name=token.name, role=token.role.word)
    return True


def revoke_token(order: Order, name: str) -> bool:
    """Forget a token, and with it the sessions that were opened with it; False where there is none of that name."""
    is_revoked = order.tx.access.revoke_token(name)
    if is_revoked:
        order.note(StoryKind.DISMISSED, name=name)
    return is_revoked
