"""What goes into one health check, and what comes out of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor_blueprint.config import Check, Config
from monitor_blueprint.domain.decision import Decision, seconds_since_seen
from monitor_blueprint.domain.models import CheckResult, State, Status
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
        is_complete: `checks` are all that are due, and the monitor looks at itself as well; else some were named.
    """

    now: datetime
    reason: str
    checks: tuple[Check, ...]
    is_complete: bool

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
    if only is not None:
        return Round(now, reason, tuple(check for check in config.checks if check.name in only), is_complete=False)
    period_s = config.settings.every_minutes * 60.0
    due = (check for check in config.checks if _is_due(check, state, now, period_s, is_manual=reason == MANUAL))
    return Round(now, reason, tuple(due), is_complete=True)


def _is_due(check: Check, state: State, now: datetime, period_s: float, *, is_manual: bool) -> bool:
    if check.policy.interval_s <= period_s:
        return True
    # Half a period of tolerance: a round that came a moment early must not skip a check until the next one.
    if abs(seconds_since_seen(state, check.name, now)) >= check.policy.interval_s - period_s / 2:
        return True
    # Who has put something right and checks by hand wants to see it.
    return is_manual and check.name in state.checks and state.checks[check.name].status is not Status.OK


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
