"""How much of the memory is used."""

from __future__ import annotations

import psutil

from monitor_blueprint.domain.models import Reading
from monitor_blueprint.options import ShareOptions
from monitor_blueprint.probes import Observation, ProbeContext

Options = ShareOptions


def probe(options: Options, context: ProbeContext) -> Observation:  # noqa: ARG001
    """Measure (total - available) / total: the page cache counts as free, as `free`'s column "available" has it."""
    memory = psutil.virtual_memory()
    facts = {"available_bytes": memory.available, "total_bytes": memory.total}
    return Observation((Reading("usage", value=memory.percent, unit="%", thresholds=options.thresholds, facts=facts),))
