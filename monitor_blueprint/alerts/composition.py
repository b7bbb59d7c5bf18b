"""What a receiver is sent: one message for all that lies behind its cursor, put together when it is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import CheckResult
from monitor_blueprint.domain.receivers import Logged, Receiver
from monitor_blueprint.domain.text import fill, joined
from monitor_blueprint.log import Log
from monitor_blueprint.storage.writes import Transaction
from monitor_blueprint.text import backlog, lateness, messages

_log = Log(__name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a message is made of: the events behind a cursor, those in doubt before it, and the newest results.

    `ids` are those of all events that it settles, the ones that are not worth telling included.
    `failing` is the channel and since when it has not worked, where it has not.
    """

    newest: int
    ids: tuple[str, ...]
    is_to_be_brief: bool
    behind: tuple[Logged, ...]
    unsure: tuple[Logged, ...]
    results: Mapping[str, CheckResult]
    failing: tuple[str, datetime] | None = None


def waiting_for(tx: Transaction, receiver: Receiver, now: datetime) -> Waiting:
    """Return what waits for a receiver."""
    behind, unsure = tx.outbox.behind(receiver), tx.outbox.unsure(receiver)
    # A single event is told in the words of its own moment, unless that is long ago.
    is_as_it_was = len(behind) == 1 and not lateness.is_late(behind[0].message.at, now)
    results = {} if is_as_it_was else tx.reads.latest_results()
    # Where nothing is behind, the message recalls some of what is in doubt, and settles no more than it recalls.
    recalled = () if behind else unsure[-backlog.MOST_REMINDERS :]
    settled_to = recalled[0].number - 1 if recalled else receiver.cursor
    failing = (receiver.channel, receiver.failing_since) if receiver.failing_since is not None else None
    return Waiting(
        tx.outbox.newest(), tx.outbox.ids_after(receiver, settled_to), receiver.is_to_be_brief, behind, unsure, results, failing
    )


def compose(told: Sequence[Logged], waiting: Waiting, now: datetime) -> Message:
    """Return the message that tells these events, and how things stand."""
    try:
        message = backlog.catch_up(
            told, waiting.unsure, waiting.results, now, is_brief=waiting.is_to_be_brief, failing=waiting.failing
        )
    except Exception as error:  # noqa: BLE001 - better said badly than not at all
        _log.error(fill("what is to be told cannot be put together"), error)
        bodies = [each.message.body for each in reversed(told)]
        message = replace(told[-1].message, body=joined("\n\n", bodies))
    message = replace(message, is_plain=waiting.is_to_be_brief)
    return message if len(told) == 1 else replace(message, id=summary_id([each.message.id for each in told]))


def compose_truth(waiting: Waiting, now: datetime) -> Message:
    """Return the message that says how things stand to one who never acknowledged what it was told."""
    ids = [each.message.id for each in waiting.unsure]
    try:
        message = backlog.truth(waiting.unsure, waiting.results, now)
    except Exception as error:  # noqa: BLE001 - as above
        _log.error(fill("what is to be told cannot be put together"), error)
        message = waiting.unsure[-1].message
    message = replace(message, is_plain=waiting.is_to_be_brief)
    return messages.repeated(replace(message, id=f"standing-{summary_id(ids).removeprefix('summary-')}"))


def summary_id(event_ids: Sequence[str]) -> str:
    """Return the id of the one message for these events: the same for the same events, another for others."""
    digest = hashlib.blake2b("\n".join(event_ids).encode(), digest_size=6).hexdigest()
    return f"summary-{digest}"
