"""What goes into one health check, and what comes out of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor_blueprint.config import Check, Config
from monitor_blueprint.domain.decision import Decision, seconds_since_seen
from monitor_blueprint.domain.models import CheckResult, CheckState, State, Status
from monitor_blueprint.storage.reads import MANUAL, PARTIAL

# The reason of a round that systemd's signal has called for.
SYSTEMD = "systemd"


@dataclass(frozen=True, slots=True)
class Round:
    """One round of checks.

    Attributes:
        now: moment of the round, UTC.
        reason: who asked for it ("schedule", "manual", "systemd", ...).
        checks: what is looked at.
        optional: names of those that may not be there at all, as long as they never were.
        is_complete: `checks` are all that are due, and the monitor looks at itself as well; else some were named.
    """

    now: datetime
    reason: str
    checks: tuple[Check, ...]
    is_complete: bool
    optional: frozenset[str] = frozenset()

    @property
    def is_manual(self) -> bool:
        """Tell whether a person has asked for it."""
        return self.reason == MANUAL

    @property
    def recorded_reason(self) -> str:
        """Return the reason as the database has it."""
        return self.reason if self.is_complete else f"{PARTIAL} {self.reason}"


def plan(config: Config, state: State, now: datetime, reason: str, only: Collection[str] | None) -> Round:
    """Return the round of all checks that are due, or of `only` those named."""
    optional = _optional(config, state)
    if only is not None:
        # What its target says of itself comes with what is seen of it: else the consequence were told before its cause.
        readers = {reader for check in config.checks if check.name in only for reader in check.policy.explained_by}
        named = tuple(check for check in config.checks if check.name in only or check.name in readers)
        return Round(now, reason, named, is_complete=False, optional=optional)
    period_s = config.settings.every_minutes * 60.0
    due = tuple(
        check
        for check in config.checks
        if check.name in optional or _is_due(check, state, now, period_s, is_manual=reason == MANUAL)
    )
    return Round(now, reason, due, is_complete=True, optional=optional)


def _optional(config: Config, state: State) -> frozenset[str]:
    """Return the embedded default's checks of which nothing has been seen yet: there may be nothing of them here."""
    if not config.is_embedded:
        return frozenset()
    return frozenset(check.name for check in config.checks if not state.checks.get(check.name, CheckState()).has_been_there)


def _is_due(check: Check, state: State, now: datetime, period_s: float, *, is_manual: bool) -> bool:
    if check.policy.interval_s <= period_s:
        return True
    if _is_awaited(check, state):
        return True
    # Half a period of tolerance: a round that came a moment early must not skip a check until the next one.
    if abs(seconds_since_seen(state, check.name, now)) >= check.policy.interval_s - period_s / 2:
        return True
    # Who has put something right and checks by hand wants to see it.
    return is_manual and check.name in state.checks and state.checks[check.name].status is not Status.OK


def _is_awaited(check: Check, state: State) -> bool:
    """Tell whether what was seen last is soon to be seen otherwise: it is in transition, or what it depends on has come back."""
    own = state.checks.get(check.name)
    if own is None or own.seen_at is None or (own.status is Status.OK and own.settling_since is None):
        return False
    others = [state.checks[name] for name in check.policy.depends_on if name in state.checks]
    return own.settling_since is not None or any(
        each.status is Status.OK and each.since is not None and each.since >= own.seen_at for each in others
    )


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What one health check came to.

    Attributes:
        started_at: moment of the check.
        duration_ms: how long it took, delivery not included.
        decision: what follows from it.
        results: what is known of the checks of the round.
        latest: the newest result of every check.
    """

    started_at: datetime
    duration_ms: float
    decision: Decision
    results: tuple[CheckResult, ...] = ()
    latest: Mapping[str, CheckResult] = field(default_factory=dict)

    @property
    def overall(self) -> Status:
        """Return the worst status of all checks, those that were not due included."""
        return self.decision.overall
