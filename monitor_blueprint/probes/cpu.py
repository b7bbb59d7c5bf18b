"""How busy the processors are: the load of the last minute over the number of cores."""

from __future__ import annotations

from monitor_blueprint.adapters import limits
from monitor_blueprint.domain.models import Facts, Reading
from monitor_blueprint.options import LimitOptions, Positive
from monitor_blueprint.probes import Observation, ProbeContext


class Options(LimitOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "cpu" may say; the user's guide has 70 and 90 percent."""

    warning: Positive = 70.0


def probe(options: Options, context: ProbeContext) -> Observation:
    """Measure the load over the cores, in percent; in a container that may use less, over its share of them."""
    load = limits.load(context.checkpoint)
    cores = int(load.cores) if float(load.cores).is_integer() else round(load.cores, 2)
    # Judged is what is shown: binary fractions must not make 29 % of 28.999999 %.
    busy = round(load.busy, 2)
    percent = round(100 * busy / load.cores, 6)
    facts: Facts = {"load": busy, "cores": cores}
    reading = Reading("load", value=percent, unit="%", thresholds=options.thresholds, facts=facts)
    return Observation((reading,), load.checkpoint)
