"""Why a check stands as it does where its status alone does not say: what the page and `status` write beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor_blueprint.domain.models import Belief, CheckState, Silence, State, Status, failing_since


class Why(StrEnum):
    """What keeps a check in an incident, or out of it."""

    FAILING = "failing"
    CONSEQUENCE = "consequence"
    UNSEEN = "unseen"
    UNSTABLE_DOWN = "unstable_down"
    UNSTABLE_UP = "unstable_up"
    IMPROVED = "improved"
    AWAITED = "awaited"
    UNCONFIRMED = "unconfirmed"
    SETTLING = "settling"
    WARNED = "warned"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a check stands.

    Attributes:
        check: its name.
        is_told: the operator believes that something is the matter with it: it belongs to the open incident.
        why: what there is to say besides its status; None for nothing.
        since: since when that is so.
        causes: the failed dependencies that it is put down to, or may be.
        changes: how often it has changed of late, where it flaps.
        silenced_until: until when nothing is told of it; None where it is not silenced.
        silenced_why: the reason that was given.
    """

    check: str
    is_told: bool
    why: Why | None
    since: datetime | None
    causes: tuple[str, ...] = ()
    changes: int = 0
    silenced_until: datetime | None = None
    silenced_why: str = ""


def standings(state: State, silences: Iterable[Silence], now: datetime) -> dict[str, Standing]:
    """Return how every check stands, by name."""
    known = tuple(silences)
    return {name: _standing(name, state.checks, known, now) for name in state.checks}


def in_order(found: Iterable[Standing]) -> list[Standing]:
    """Return the standings in the order in which they are to be looked at: causes, then what those bring about."""
    return sorted(found, key=lambda each: bool(each.causes))


def _standing(name: str, checks: Mapping[str, CheckState], silences: Iterable[Silence], now: datetime) -> Standing:
    check = checks[name]
    covering = [silence for silence in silences if silence.covers(name, now)]
    longest = max(covering, key=lambda silence: silence.ends_at, default=None)
    why = _why(check)
    began = check.doubtful_since if why in (Why.SETTLING, Why.UNCONFIRMED) else failing_since(name, checks)
    is_by_status = why in (None, Why.AWAITED, Why.IMPROVED, Why.UNSTABLE_DOWN, Why.UNSTABLE_UP, Why.UNSEEN, Why.WARNED)
    return Standing(
        check=name,
        is_told=check.notified is not Belief.FINE,
        why=why,
        since=check.since if is_by_status else (began or check.since),
        causes=check.causes or check.likely_causes,
        changes=len(check.flips),
        silenced_until=longest.ends_at if longest is not None else None,
        silenced_why=longest.why if longest is not None else "",
    )


def _why(check: CheckState) -> Why | None:
    if check.settling_since is not None and check.status is not Status.CRITICAL:
        return Why.SETTLING
    if check.notified is Belief.FLAPPING:
        return Why.UNSTABLE_DOWN if check.is_down else Why.UNSTABLE_UP
    if check.status is Status.CRITICAL:
        return Why.CONSEQUENCE if check.causes else Why.FAILING
    if check.streak_of is Status.CRITICAL:
        return Why.UNCONFIRMED
    if check.notified is Belief.FINE:
        return Why.WARNED if check.status is Status.WARNING else Why.UNSEEN if check.status is Status.UNKNOWN else None
    # What was told and has not yet been told to be well.
    by_status = {Status.UNKNOWN: Why.UNSEEN, Status.WARNING: Why.IMPROVED}
    return by_status.get(check.status, Why.AWAITED)
