"""When the disk will be full, from the trend of the last six hours.

The rule is NodeFilesystemSpaceFillingUp of the Prometheus node-mixin: a straight line through six hours of available
bytes (`predict_linear(node_filesystem_avail_bytes[6h], ...)`); under 40 % free and full within 24 h is a warning,
under 20 % and within 4 h is critical, and it must have held for an hour, for which an hour of samples stands here.

A full disk grows no fuller, and its trend is flat: once something was told of it, that stays until there is room again.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import linear_regression
from typing import NamedTuple

import msgspec

from monitor_blueprint.domain.models import Facts, Reading, Status
from monitor_blueprint.options import Percent, Positive
from monitor_blueprint.probes import Observation, ProbeContext, disk

SAMPLE_EVERY_S = 60.0
HOUR_S = 3600.0
RESIZED = 0.01
# There is room again where the guide's limit of a disk (90 % used) is cleared.
ROOM_FREE_PERCENT = 15.0


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "disk_trend" may say."""

    path: str = "/"
    window_h: Positive = 6.0
    least_h: Positive = 1.0
    warning_free_percent: Percent = 40.0
    warning_h: Positive = 24.0
    critical_free_percent: Percent = 20.0
    critical_h: Positive = 4.0


class Sample(NamedTuple):
    """Available bytes at a moment (seconds since 1970)."""

    at: float
    available: float


def probe(options: Options, context: ProbeContext) -> Observation:
    """Measure the available bytes, add them to the samples, and say when the line through them reaches zero."""
    seen = disk.see(options.path, context)
    if seen.found is None:
        # What lies there now is another file system's, and says nothing of this one's trend.
        return Observation(seen.faults, {**context.checkpoint, **seen.place})
    now, available, total = context.now.timestamp(), seen.found.available_bytes, seen.found.total_bytes
    samples = _remembered(context, options, total)
    if not samples or now - samples[-1].at >= SAMPLE_EVERY_S:
        samples.append(Sample(now, float(available)))
    # Judged is what is shown.
    usable = seen.found.used_bytes + available
    free_percent = round(100 * available / usable, 1) if usable > 0 else 0.0
    hours = hours_until_full(samples, now) if now - samples[0].at >= options.least_h * HOUR_S else None
    hours = None if hours is None else round(hours, 1)
    facts: Facts = {**seen.facts, "free_percent": free_percent}
    told = _told(options, context)
    status = _judge(options, free_percent, hours)
    reading = _reading(status, told, free_percent, hours, {**facts, **_limits(options, status)})
    checkpoint = {"total": total, "samples": [list(sample) for sample in samples], "told": int(reading.status), **seen.place}
    return Observation((reading, *seen.faults), checkpoint | {"path": options.path})


def _told(options: Options, context: ProbeContext) -> Status:
    """Return what was last said of the trend of this file system."""
    is_same = context.checkpoint.get("path", options.path) == options.path
    return Status(context.checkpoint.get("told", Status.OK)) if is_same else Status.OK


def _reading(status: Status, told: Status, free_percent: float, hours: float | None, facts: Facts) -> Reading:
    if free_percent < ROOM_FREE_PERCENT and told.severity > status.severity:
        return Reading("full", told, value=hours, unit="h", facts=facts)
    shown = facts if hours is None else {**facts, "hours": hours}
    return Reading("trend", status, value=hours, unit="h", facts=shown)


def hours_until_full(samples: Sequence[Sample], now: float) -> float | None:
    """Return after how many hours the regression line reaches zero; None when it does not fall."""
    if len({sample.at for sample in samples}) < 2:
        return None
    # Times relative to now: the line's value at zero is then what is available now by the trend.
    line = linear_regression([sample.at - now for sample in samples], [sample.available for sample in samples])
    # A byte per hour is rounding, not a trend.
    if line.slope * HOUR_S > -1:
        return None
    return max(0.0, -line.intercept / line.slope / HOUR_S)


def _remembered(context: ProbeContext, options: Options, total: int) -> list[Sample]:
    # A file system that was enlarged has a new line (some change by a little on their own); samples from the future are
    # from before a clock was set back.
    if abs(context.checkpoint.get("total", 0) - total) > RESIZED * total:
        return []
    if context.checkpoint.get("path", options.path) != options.path:
        return []
    now = context.now.timestamp()
    samples = (Sample(*pair) for pair in context.checkpoint.get("samples", ()))
    return [sample for sample in samples if now - options.window_h * HOUR_S <= sample.at <= now]


def _limits(options: Options, status: Status) -> Facts:
    """Return from where on the trend is judged so: both limits must be met."""
    if status is Status.CRITICAL:
        return {"limit_h": options.critical_h, "limit_free_percent": options.critical_free_percent}
    return {"limit_h": options.warning_h, "limit_free_percent": options.warning_free_percent}


def _judge(options: Options, free_percent: float, hours: float | None) -> Status:
    if hours is None:
        return Status.OK
    if free_percent < options.critical_free_percent and hours < options.critical_h:
        return Status.CRITICAL
    if free_percent < options.warning_free_percent and hours < options.warning_h:
        return Status.WARNING
    return Status.OK
