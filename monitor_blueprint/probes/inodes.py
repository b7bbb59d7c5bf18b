"""How many inodes of a file system are used: a disk can be full of small files while `df -h` shows room."""

from __future__ import annotations

import os

from monitor_blueprint.domain.models import ProbeError, Reading
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.options import ShareOptions
from monitor_blueprint.probes import Observation, ProbeContext


class Options(ShareOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "inodes" may say: the mount point, and the limits (the disk's)."""

    path: str = "/"


def is_possible(options: Options) -> bool:
    """Tell whether the file system has a fixed number of inodes (btrfs and some others have not)."""
    try:
        return os.statvfs(options.path).f_files > 0
    except OSError:
        return False


def probe(options: Options, context: ProbeContext) -> Observation:  # noqa: ARG001
    """Measure the share of used inodes, as `df -i` counts it."""
    try:
        found = os.statvfs(options.path)
    except OSError as error:
        raise ProbeError(f"{options.path}: {error.strerror}") from error
    if found.f_files == 0:
        raise ProbeError(f"{options.path}: this file system has no fixed number of inodes")
    used = found.f_files - found.f_ffree
    usable = used + found.f_favail
    reading = Reading(
        aspect="usage",
        value=round(100 * used / usable, 1) if usable else 100.0,
        unit="%",
        thresholds=options.thresholds,
        facts={"path": clean(options.path), "used": used, "total": usable},
    )
    return Observation((reading,))
