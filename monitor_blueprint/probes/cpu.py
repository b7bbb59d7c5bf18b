"""How busy the processors are: the load of the last minute over the number of cores."""

from __future__ import annotations

import psutil

from monitor_blueprint.domain.models import Reading
from monitor_blueprint.options import LimitOptions, Positive
from monitor_blueprint.probes import Observation, ProbeContext


class Options(LimitOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "cpu" may say; the user's guide has 70 and 90 percent."""

    warning: Positive = 70.0


def probe(options: Options, context: ProbeContext) -> Observation:  # noqa: ARG001
    """Measure the 1-minute load average over the cores, in percent."""
    load = psutil.getloadavg()[0]
    cores = psutil.cpu_count() or 1
    facts = {"load": round(load, 2), "cores": cores}
    return Observation((Reading("load", value=load / cores * 100, unit="%", thresholds=options.thresholds, facts=facts),))
