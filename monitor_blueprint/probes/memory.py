"""How much of the memory is used."""

from __future__ import annotations

from monitor_blueprint.adapters import limits
from monitor_blueprint.domain.models import Reading
from monitor_blueprint.options import ShareOptions
from monitor_blueprint.probes import Observation, ProbeContext

Options = ShareOptions
# What fails of memory, swap space and the kernel's kills has one cause.
SHARES = ("memory",)


def probe(options: Options, context: ProbeContext) -> Observation:  # noqa: ARG001
    """Measure (total - available) / total: caches count as free, as `free`'s column "available" has the page cache."""
    memory = limits.memory()
    facts = {"available_bytes": memory.available, "total_bytes": memory.total}
    reading = Reading("usage", value=memory.used_percent, unit="%", thresholds=options.thresholds, facts=facts)
    return Observation((reading,))
