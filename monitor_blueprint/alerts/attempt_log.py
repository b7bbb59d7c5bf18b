"""What the journal says of each attempt, in the words that an operator greps for; what the other side said only as far as it is
public.
"""

from __future__ import annotations

from monitor_blueprint.domain.answers import public_words
from monitor_blueprint.domain.messages import Delivered, InDoubt, Refused, Single
from monitor_blueprint.domain.text import NOTHING, configured, fill, joined
from monitor_blueprint.log import Log

# Who greps for the delivery finds its attempts.
_log = Log("monitor_blueprint.alerts.delivery")


def write_given_up(channel: str, number: int) -> None:
    """Write that a receiver is told no more than what is new, as it has never acknowledged anything."""
    numbered = fill(" {number}", number=number) if number else NOTHING
    where = joined("", [configured(channel), numbered])
    _log.error(fill("{where} never acknowledges: only news is sent until a trial is accepted (check-config --send)", where=where))


def write(channel: str, number: int, message_id: str, outcome: Single) -> None:
    """Write how an attempt ended over a channel, for its receiver of this number (0 where there is but one)."""
    numbered = fill(" {number}", number=number) if number else NOTHING
    where, id_ = joined("", [configured(channel), numbered]), configured(message_id)
    if isinstance(outcome, Delivered):
        remark = fill(" ({remark})", remark=public_words(outcome.remark)) if outcome.remark else NOTHING
        _log.info(fill("{where} accepted {id}{remark}", where=where, id=id_, remark=remark))
        return
    reason = public_words(outcome.reason)
    if isinstance(outcome, Refused):
        _log.error(fill("{where} refused {id}: {reason}", where=where, id=id_, reason=reason))
    elif isinstance(outcome, InDoubt):
        _log.warning(fill("{where} did not acknowledge {id}: {reason}", where=where, id=id_, reason=reason))
    else:
        _log.warning(fill("{where} did not take {id}: {reason}", where=where, id=id_, reason=reason))
