"""How much of the swap space is used."""

from __future__ import annotations

import psutil

from monitor_blueprint.domain.models import ProbeError, Reading
from monitor_blueprint.domain.text import fill
from monitor_blueprint.faults import detail_of, reason_of
from monitor_blueprint.options import ShareOptions
from monitor_blueprint.probes import Observation, ProbeContext

# What fails of memory, swap space and the kernel's kills has one cause.
SHARES = ("memory",)


class Options(ShareOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "swap" may say: the limits (the memory's)."""


def is_possible(options: Options) -> bool:  # noqa: ARG001
    """Tell whether this machine has swap space."""
    try:
        return bool(psutil.swap_memory().total)
    except (OSError, RuntimeError):
        return False


def probe(options: Options, context: ProbeContext) -> Observation:  # noqa: ARG001
    """Measure the share of used swap space; none at all is fine."""
    try:
        swap = psutil.swap_memory()
    except (OSError, RuntimeError) as error:
        told = fill("the swap space could not be read: {reason}", reason=reason_of(error))
        raise ProbeError(told, detail_of(error)) from error
    reading = Reading(
        aspect="usage",
        value=swap.percent,
        unit="%",
        thresholds=options.thresholds,
        facts={"used_bytes": swap.used, "total_bytes": swap.total},
    )
    return Observation((reading,))
