"""The words that the whole monitor speaks: state, incidents and events, beside the readings and results of `readings`.

Everything is frozen; moments are timezone-aware UTC datetimes, durations are seconds as float.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from monitor_blueprint.domain.readings import (
    ABSENT,
    EMPTY,
    CheckResult,
    Facts,
    ProbeError,
    Reading,
    Scalar,
    Status,
    Thresholds,
    worst,
)

__all__ = [
    "ABSENT",
    "EMPTY",
    "NEW_FAILURES",
    "Belief",
    "CheckPolicy",
    "CheckResult",
    "CheckState",
    "Event",
    "EventKind",
    "Facts",
    "Incident",
    "ProbeError",
    "Reading",
    "Scalar",
    "Silence",
    "State",
    "Status",
    "Thresholds",
    "failing_since",
    "worst",
]


@dataclass(frozen=True, slots=True)
class CheckPolicy:
    """What the rules need to know of a configured check.

    Attributes:
        name: its name.
        depends_on: the checks whose failure may bring about its own.
        confirm: so many CRITICAL results in a row make a failure.
        interval_s: how often it is looked at.
        grace_s: its own grace time; None: everybody's.
        explained_by: the checks that read what its target says of itself: where that says that it is not well, this one sees
            what follows.
        shares: what it is about ("unit nginx", "path /"): what fails of one thing belongs together.
    """

    name: str
    depends_on: tuple[str, ...] = ()
    confirm: int = 1
    interval_s: float = 300.0
    grace_s: float | None = None
    explained_by: tuple[str, ...] = ()
    shares: frozenset[str] = frozenset()


class Belief(StrEnum):
    """What the operator believes of a check: what a message last said, or what should be believed now."""

    FINE = "fine"
    CRITICAL = "critical"
    CONSEQUENCE = "consequence"
    HIDDEN = "hidden"
    BLIND = "blind"
    FLAPPING = "flapping"


@dataclass(frozen=True, slots=True)
class CheckState:
    """What is remembered of a check from round to round.

    Attributes:
        status: the last status that counted; one that is settling or not yet confirmed does not.
        since: when `status` began.
        seen_at: when the last result came, or since when the first one is awaited.
        streak: how many results in a row said `streak_of` (for `confirm`, and for blindness).
        streak_of: see `streak`.
        settling_since: when the transition began that is still going on.
        doubtful_since: since when it has not been well, confirmed or not; None while it is well or unseen.
        failing_since: when the failure, or the blindness, began that is told of, or about to be.
        flips: moments of the recent changes between good and CRITICAL, oldest first.
        notified: what the operator was last notified of; HIDDEN is a consequence that no message has named yet.
        is_down: the last status other than UNKNOWN was CRITICAL.
        is_symptom: a failed dependency can have brought about what is CRITICAL.
        is_self_report: the target itself has said that it is not well.
        about: the units that have failed, of a check that is about several.
        causes: the dependencies that have failed and that the failure is put down to.
        likely_causes: the same of what may be about to fail.
        blamed: the causes of an outage whose end is still to be told.
        aspects: last known status of each reading, for hysteresis.
    """

    status: Status = Status.OK
    since: datetime | None = None
    seen_at: datetime | None = None
    streak: int = 0
    streak_of: Status = Status.OK
    settling_since: datetime | None = None
    doubtful_since: datetime | None = None
    failing_since: datetime | None = None
    flips: tuple[datetime, ...] = ()
    notified: Belief = Belief.FINE
    is_down: bool = False
    is_symptom: bool = False
    is_self_report: bool = False
    about: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    likely_causes: tuple[str, ...] = ()
    blamed: tuple[str, ...] = ()
    aspects: Mapping[str, Status] = field(default_factory=dict)

    @property
    def has_been_there(self) -> bool:
        """Tell whether there has ever been something to check."""
        return any(aspect != ABSENT for aspect in self.aspects)


def failing_since(name: str, checks: Mapping[str, CheckState]) -> datetime | None:
    """Return since when a check has failed; one that is put down to others, not before those."""
    check = checks[name]
    causes = [since for cause in check.causes if cause in checks and (since := checks[cause].failing_since) is not None]
    return max(check.failing_since, min(causes)) if check.failing_since is not None and causes else check.failing_since


@dataclass(frozen=True, slots=True)
class Incident:
    """A time in which something is wrong, from the first failure told to the last recovery told.

    Attributes:
        number: counts up; what `ack` and the history name.
        opened_at: when the first of what belongs to it began; it may have been told, or have joined, later.
        last_notified_at: when a message last went out (for reminders).
        acked_by: who takes care of it; empty while nobody does.
        acked_at: since when; None while nobody does.
    """

    number: int
    opened_at: datetime
    last_notified_at: datetime
    acked_by: str = ""
    acked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class State:
    """All that the incident rules remember."""

    checks: Mapping[str, CheckState] = field(default_factory=dict)
    incident: Incident | None = None
    last_incident_number: int = 0


class EventKind(StrEnum):
    """What happened; one message for each event."""

    OPENED = "opened"
    JOINED = "joined"
    WORSENED = "worsened"
    BLIND = "blind"
    FLAPPING = "flapping"
    CALM = "calm"
    REMINDER = "reminder"
    PARTLY_RECOVERED = "partly_recovered"
    RECOVERED = "recovered"


# The events that say that something has failed.
NEW_FAILURES = (EventKind.OPENED, EventKind.JOINED, EventKind.WORSENED)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing to tell: exactly one message for each channel.

    Attributes:
        kind: what happened.
        at: when.
        incident: number of the incident; 0 for what belongs to none.
        opened_at: when the incident began.
        checks: the checks that the event is about, in the order of the configuration.
        failing: all checks that the operator is to believe failing or unseen after it, silenced ones left out.
        consequences: those of `failing` that are put down to failed dependencies, with these causes.
        blind: those of `failing` that the monitor cannot see, and those that it sees again; they are not to be blamed.
        since: when each of `checks` and `failing` began to fail; of one that flaps, or is silenced, since when it is as it is.
        lasted_s: for each check that recovered, how long it was down; for one that has calmed down, how long it flapped.
        flapping: the checks that flap, failing at the moment or not, and how often each has changed of late.
        silenced: the checks that the operator believes failing, and of which nothing is told now.
        due_to: those of the recovered checks that were down because of others only, with these.
        told_apart: those of `failing` that another event of the same moment is about.
        is_opening: the incident begins with it.
        apart: where several of `failing` have nothing in common that is known, each of them with what belongs to it.
        ended_at: since when all is well again, where the incident ends with it.
    """

    kind: EventKind
    at: datetime
    incident: int
    opened_at: datetime
    checks: tuple[str, ...]
    failing: tuple[str, ...] = ()
    consequences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blind: tuple[str, ...] = ()
    since: Mapping[str, datetime] = field(default_factory=dict)
    lasted_s: Mapping[str, float] = field(default_factory=dict)
    flapping: Mapping[str, int] = field(default_factory=dict)
    silenced: tuple[str, ...] = ()
    due_to: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    told_apart: tuple[str, ...] = ()
    is_opening: bool = False
    apart: tuple[tuple[str, ...], ...] = ()
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """Between `starts_at` and `ends_at` nothing is sent about the check ("*": any)."""

    check: str
    starts_at: datetime
    ends_at: datetime
    why: str = ""
    number: int = 0

    def covers(self, check: str, now: datetime) -> bool:
        """Tell whether the check is silenced at that moment."""
        return self.check in ("*", check) and self.starts_at <= now < self.ends_at
