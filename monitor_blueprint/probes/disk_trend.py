"""When the disk will be full, from the trend of the last six hours.

The rule is NodeFilesystemSpaceFillingUp of the Prometheus node-mixin: a straight line through six hours of available
bytes (`predict_linear(node_filesystem_avail_bytes[6h], ...)`); under 40 % free and full within 24 h is a warning,
under 20 % and within 4 h is critical, and it must have held for an hour, for which an hour of samples stands here.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import linear_regression
from typing import NamedTuple

import msgspec
import psutil

from monitor_blueprint.domain.models import ProbeError, Reading, Scalar, Status
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.options import Percent, Positive
from monitor_blueprint.probes import Observation, ProbeContext

SAMPLE_EVERY_S = 60.0
HOUR_S = 3600.0
RESIZED = 0.01


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
    try:
        usage = psutil.disk_usage(options.path)
    except OSError as error:
        raise ProbeError(f"{options.path}: {error.strerror}") from error
    now, available = context.now.timestamp(), usage.free
    # What a user may fill, as `df` has it: the blocks that are kept for root do not count.
    usable = usage.used + usage.free
    samples = _remembered(context, options, usage.total)
    if not samples or now - samples[-1].at >= SAMPLE_EVERY_S:
        samples.append(Sample(now, float(available)))
    free_percent = 100 * available / usable if usable else 0.0
    hours = hours_until_full(samples, now) if now - samples[0].at >= options.least_h * HOUR_S else None
    facts: dict[str, Scalar] = {"path": clean(options.path), "free_percent": round(free_percent, 1)}
    if hours is not None:
        hours = round(hours, 1)
        facts["hours"] = hours
    reading = Reading(aspect="trend", status=_judge(options, free_percent, hours), value=hours, unit="h", facts=facts)
    return Observation((reading,), {"total": usage.total, "samples": [list(sample) for sample in samples]})


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
    now = context.now.timestamp()
    samples = (Sample(*pair) for pair in context.checkpoint.get("samples", ()))
    return [sample for sample in samples if now - options.window_h * HOUR_S <= sample.at <= now]


def _judge(options: Options, free_percent: float, hours: float | None) -> Status:
    if hours is None:
        return Status.OK
    if free_percent < options.critical_free_percent and hours < options.critical_h:
        return Status.CRITICAL
    if free_percent < options.warning_free_percent and hours < options.warning_h:
        return Status.WARNING
    return Status.OK
