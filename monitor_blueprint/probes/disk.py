"""How full a file system is, as `df` says it."""

from __future__ import annotations

import psutil

from monitor_blueprint.domain.models import Facts, ProbeError, Reading
from monitor_blueprint.options import ShareOptions
from monitor_blueprint.probes import Observation, ProbeContext


class Options(ShareOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "disk" may say: the mount point, and the limits."""

    path: str = "/"


def probe(options: Options, context: ProbeContext) -> Observation:  # noqa: ARG001
    """Measure the used share of what a user may fill: used / (used + available), as `df` does."""
    try:
        usage = psutil.disk_usage(options.path)
    except OSError as error:
        raise ProbeError(f"{options.path}: {error.strerror}") from error
    facts: Facts = {"path": options.path, "free_bytes": usage.free, "total_bytes": usage.total}
    return Observation((Reading("usage", value=usage.percent, unit="%", thresholds=options.thresholds, facts=facts),))
