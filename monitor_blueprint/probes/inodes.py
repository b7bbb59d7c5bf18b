"""How many inodes of a file system are used: a disk can be full of small files while `df -h` shows room."""

from __future__ import annotations

from monitor_blueprint.adapters.file_systems import FileSystem, look, used_percent
from monitor_blueprint.domain.models import Facts, ProbeError, Reading
from monitor_blueprint.domain.text import configured, fill
from monitor_blueprint.options import ShareOptions
from monitor_blueprint.probes import Observation, ProbeContext, disk


class Options(ShareOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "inodes" may say: the mount point or the device, and the limits (the disk's)."""

    path: str = "/"


def is_possible(options: Options) -> bool:
    """Tell whether the file system has a fixed number of inodes (btrfs and some others have not)."""
    try:
        return look(options.path).usage.f_files > 0
    except OSError:
        return False


def probe(options: Options, context: ProbeContext) -> Observation:
    """Measure the share of used inodes, as `df -i` counts it."""
    seen = disk.see(options.path, context)
    if seen.found is None:
        return Observation(seen.faults, seen.place)
    return Observation((_usage(seen.found, seen.facts, options), *seen.faults), seen.place)


def _usage(found: FileSystem, which: Facts, options: Options) -> Reading:
    total, free = found.usage.f_files, found.usage.f_ffree
    if total == 0:
        raise ProbeError(fill("{path}: this file system has no fixed number of inodes", path=configured(options.path)))
    return Reading(
        aspect="usage",
        value=float(used_percent(total - free, free)),
        unit="%",
        thresholds=options.thresholds,
        facts={**which, "used": total - free, "total": total},
    )
