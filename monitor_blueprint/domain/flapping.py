"""Whether a check flaps: the changes between good and CRITICAL, their share, and when they have come to an end.

The share is Nagios' "percent state change" (https://naemon.io/documentation/usersguide/flapping): of the 20 changes that
21 checks can have, newer ones weigh more (from 0.75 to 1.25, `check_for_service_flapping`), and from 20 % on a service
flaps (`high_service_flap_threshold` of the sample configuration). A check here is five minutes, the guide's interval,
however often somebody looks in between.

The end is not Nagios' threshold, which comes an hour after a service has gone down for good: what has stayed as it is for
half as long again as it usually did between its changes does not flap any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median_high

from monitor_blueprint.domain.models import Belief, CheckState, Status

_CHANGES = 20
_NEWEST_WEIGHT, _OLDEST_WEIGHT = 1.25, 0.75
# A unit that dies every second must not make the state endless.
_MOST_FLIPS = 60


@dataclass(frozen=True, slots=True)
class FlapRules:
    """Numbers of the rules.

    Attributes:
        changes: so many changes within `window_s` make a check flap.
        window_s: see `changes`.
        share: from this weighted share of changes on a check flaps.
        check_s: what counts as one check for the share; the last 20 count.
        outage_s: what is down is an outage again after so long at the earliest.
        calm_s: what is up is calm after so long at the earliest.
        patience: and after so many times as long as it usually stayed so between its changes.
        longest_s: but after so long in any case.
    """

    changes: int = 5
    window_s: float = 1800.0
    share: float = 0.20
    check_s: float = 300.0
    outage_s: float = 300.0
    calm_s: float = 900.0
    patience: float = 1.5
    longest_s: float = 2700.0

    @property
    def memory_s(self) -> float:
        """Return for how long a change is of interest."""
        return max(self.window_s, _CHANGES * self.check_s)


def with_flip(before: CheckState, after: CheckState, now: datetime, rules: FlapRules) -> tuple[datetime, ...]:
    """Return the moments of the changes after a round, oldest first."""
    oldest = now - timedelta(seconds=rules.memory_s)
    # A flip in the future is from before the clock was set back.
    flips = tuple(flip for flip in after.flips if oldest <= flip <= now)
    # What a dependency brings about is the dependency's flapping, and a first look is no change.
    is_own = not (before.causes or after.causes)
    if before.since is not None and before.is_down is not after.is_down and is_own:
        flips = (*flips, now)
    return flips[-_MOST_FLIPS:]


def is_flapping(check: CheckState, now: datetime, rules: FlapRules) -> bool:
    """Tell whether the check should be believed to flap.

    It begins with a failure, as what has recovered has recovered; it ends with what lasts.
    """
    if not check.flips or (now - check.flips[-1]).total_seconds() >= lasts_after_s(check, rules):
        return False
    if check.notified is Belief.FLAPPING:
        return True
    return check.status is Status.CRITICAL and _has_changed_too_often(check.flips, now, rules)


def lasts_after_s(check: CheckState, rules: FlapRules) -> float:
    """Return after how long in one state the check has come to rest in it."""
    phases = [(after - before).total_seconds() for before, after in pairwise(check.flips)]
    # The last phase that is over was one of the other state, the one before it of this one.
    same = phases[-2::-2]
    usual_s = median_high(same) if same else 0.0
    return min(max(rules.outage_s if check.is_down else rules.calm_s, rules.patience * usual_s), rules.longest_s)


def share_of_changes(flips: tuple[datetime, ...], now: datetime, rules: FlapRules) -> float:
    """Return the weighted share of changes, 0 to 1."""
    span_s = _CHANGES * rules.check_s
    ages = [(now - flip).total_seconds() / span_s for flip in flips]
    weights = [_NEWEST_WEIGHT - (_NEWEST_WEIGHT - _OLDEST_WEIGHT) * age for age in ages if 0 <= age <= 1]
    return min(1.0, sum(weights) / _CHANGES)


def _has_changed_too_often(flips: tuple[datetime, ...], now: datetime, rules: FlapRules) -> bool:
    recent = [flip for flip in flips if (now - flip).total_seconds() <= rules.window_s]
    return len(recent) >= rules.changes or share_of_changes(flips, now, rules) >= rules.share
