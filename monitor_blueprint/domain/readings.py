"""The words for what is seen: readings of a check, and what they are worth.

Everything is frozen; moments are timezone-aware UTC datetimes, durations are seconds as float.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from monitor_blueprint.domain.text import ExplainedError, Private, Public

Scalar = Public | Private | int | float | bool
Facts = Mapping[str, Scalar]
EMPTY: Mapping[str, Any] = MappingProxyType({})
# The aspect of a reading that says: here is nothing to check.
ABSENT = "absent"
# The aspect of a reading that says how systemd calls a unit: active, or inactive, or failed.
UNIT_ASPECT = "unit"


class ProbeError(ExplainedError):
    """The probe itself could not look; the check becomes UNKNOWN."""


class Status(IntEnum):
    """What a check says; the numbers are the exit codes of the Monitoring Plugins guidelines."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3

    @property
    def severity(self) -> int:
        """Rank for "the worst of all": not being able to see is worse than a warning, better than a known outage."""
        return _SEVERITY[self]


_SEVERITY = {Status.OK: 0, Status.WARNING: 1, Status.UNKNOWN: 2, Status.CRITICAL: 3}


def worst(statuses: list[Status]) -> Status:
    """Return the most severe of the statuses; OK when there are none."""
    return max(statuses, key=lambda status: status.severity, default=Status.OK)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Limits of a measured value: raised at `warning` and `critical`, cleared `clear` below the one that was raised."""

    warning: float
    critical: float
    clear: float = 5.0


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing that a probe saw; one line of the log.

    Attributes:
        aspect: which part of the check this is ("unit", "http", "usage", ...); unique within a result.
        status: the probe's own verdict. A measurement with `thresholds` stays OK here: the rules judge its `value`.
        value: the measured number, in the unit that the aspect's name or `unit` says.
        unit: the unit of `value` as shown, such as "%" or "ms".
        thresholds: limits of `value`; None where the probe has judged for itself.
        facts: what the log line and the alert need to say it. What came from outside is `Private`; `x_text` is shown to this
            machine's administrators in the place of `x`.
        is_symptom: a failed dependency can bring this about (a 502), unlike a fact of the check's own (a stopped unit).
        is_settling: in transition (a unit that is starting); a failure counts only once it has lasted for the grace time.
        settles_s: how long the transition may take by what is known of the target, where that is longer than the grace time.
        began_at: since when it is so, where the target itself knows (a unit's last moment in service, a certificate's end).
        last_at: when the last of what it counts happened, where it is of one thing and that is known.
        is_counted: it counts what has happened over a time: it may have begun while a look before still found it well.
        is_self_report: the target says so of itself: whoever asks it otherwise sees what follows from that.
    """

    aspect: str
    status: Status = Status.OK
    value: float | None = None
    unit: str = ""
    thresholds: Thresholds | None = None
    facts: Facts = field(default_factory=dict)
    is_symptom: bool = False
    is_settling: bool = False
    settles_s: float = 0.0
    began_at: datetime | None = None
    last_at: datetime | None = None
    is_counted: bool = False
    is_self_report: bool = False


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check saw in one round.

    Attributes:
        check: name of the check, such as "Flask".
        kind: which probe it was.
        readings: what was seen, in the order in which it is to be told; never empty.
        at: when the probe began.
        duration_ms: how long it took.
        checkpoint: what the probe wants to be given back the next time; JSON values only.
    """

    check: str
    kind: str
    readings: tuple[Reading, ...]
    at: datetime
    duration_ms: float = 0.0
    checkpoint: Mapping[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        """Return the worst status of the readings."""
        return worst([reading.status for reading in self.readings])

    @property
    def is_settling(self) -> bool:
        """Tell whether the check is in transition and not yet to be judged."""
        return any(reading.is_settling for reading in self.readings)

    @property
    def is_symptom(self) -> bool:
        """Tell whether everything that is critical here can be brought about by a failed dependency."""
        critical = [reading for reading in self.readings if reading.status is Status.CRITICAL]
        return bool(critical) and all(reading.is_symptom for reading in critical)

    @property
    def is_self_report(self) -> bool:
        """Tell whether the target itself says that it is not well, confirmed or not."""
        return any(each.is_self_report and (each.is_settling or each.status is Status.CRITICAL) for each in self.readings)

    @property
    def about(self) -> tuple[str, ...]:
        """Return the units that are critical, where the check is about several and says which."""
        critical = [reading for reading in self.readings if reading.status is Status.CRITICAL]
        return tuple(dict.fromkeys(str(unit) for each in critical if isinstance(unit := each.facts.get("unit"), Public)))
