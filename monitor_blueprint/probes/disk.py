"""A file system: that it is there as it was, and how full it is, as `df` says it."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from monitor_blueprint.adapters.file_systems import FileSystem, Mount, has_device, is_device, look, look_at_device, used_percent
from monitor_blueprint.adapters.shortage import raise_if_short
from monitor_blueprint.domain.models import Facts, ProbeError, Reading, Scalar, Status
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.domain.text import Private, Public, class_name, configured, fill, private, word
from monitor_blueprint.domain.vocabulary import FILE_SYSTEMS
from monitor_blueprint.faults import reason_of
from monitor_blueprint.options import ShareOptions
from monitor_blueprint.probes import Observation, ProbeContext

# In the checkpoint.
_PLACE = "place"
_MOST_CHARACTERS = 4096
_DEVICE = re.compile(r"/dev/(?:(?:[hsv]|xv)d[a-z]{1,2}|nvme\d{1,3}n\d{1,3}|(?:mmcblk|md|dm-|loop)\d{1,4})(?:p?\d{1,3})?")
# Of memory, or nothing at all yet: where there was another file system, these have not replaced it.
_VOLATILE = ("tmpfs", "ramfs", "autofs")


class Options(ShareOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "disk" may say: the mount point or the device, and the limits."""

    path: str = "/"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a file system.

    Attributes:
        found: what can be measured; None where what was here is not here any more.
        faults: what is the matter with it, however full it is.
        facts: which one it is.
        place: what to remember of it.
    """

    found: FileSystem | None
    faults: tuple[Reading, ...] = ()
    facts: Facts = field(default_factory=dict)
    place: Mapping[str, Any] = field(default_factory=dict)


def probe(options: Options, context: ProbeContext) -> Observation:
    """Measure the used share of what a user may fill: used / (used + available), as `df` does."""
    seen = see(options.path, context)
    return Observation((*_usage(seen, options), *seen.faults), seen.place)


def see(path: str, context: ProbeContext) -> Seen:
    """Look at the file system, and hold it against the one that was there: whose loss is a fault, not an empty disk.

    Raises ProbeError where there is nothing yet that could have been lost, or where we could not look.
    """
    before = _remembered(path, context)
    shown: Facts = {"path": configured(path)}
    kept = {_PLACE: before} if before else {}
    try:
        found = look_at_device(path) if is_device(path) else look(path)
    except OSError as error:
        raise_if_short(error)
        if not before or isinstance(error, PermissionError):
            reason = fill("not mounted") if _is_unmounted(error, path) else reason_of(error)
            raise ProbeError(fill("{path}: {reason}", path=configured(path), reason=reason)) from error
        return Seen(None, (_no_access(error, shown, before),), shown, kept)
    if found.mount is None:
        return Seen(found, facts=shown, place=kept)
    target = _mount_point(found.mount.target, path)
    shown = {**shown, "target": target}
    if is_device(path):
        # Where a device is mounted nobody has configured here.
        shown = {**shown, ("mounted_at" if isinstance(target, Public) else "mounted_at_text"): target}
    lost = _lost(before, found.mount)
    if lost:
        return Seen(None, (_fault(lost, shown, before, type=_type(found.mount.type)),), shown, kept)
    place = _place(path, found.mount, before)
    has_become_read_only = place["is_writable"] and found.mount.is_read_only
    faults = (_fault("read_only", shown, place),) if has_become_read_only else ()
    return Seen(found, faults, shown, {_PLACE: place})


def _usage(seen: Seen, options: Options) -> tuple[Reading, ...]:
    if seen.found is None:
        return ()
    facts: Facts = {**seen.facts, "free_bytes": seen.found.available_bytes, "total_bytes": seen.found.total_bytes}
    percent = float(used_percent(seen.found.used_bytes, seen.found.available_bytes))
    return (Reading("usage", value=percent, unit="%", thresholds=options.thresholds, facts=facts),)


def _remembered(path: str, context: ProbeContext) -> Mapping[str, Any]:
    place: Mapping[str, Any] = context.checkpoint.get(_PLACE, {})
    return place if place.get("path") == path else {}


def _is_unmounted(error: OSError, path: str) -> bool:
    return error.errno == errno.ENODEV and is_device(path)


def _no_access(error: OSError, shown: Facts, before: Mapping[str, Any]) -> Reading:
    if _is_unmounted(error, str(shown["path"])):
        return _fault("unmounted", shown, before)
    number = word(errno.errorcode.get(error.errno or 0, ""), errno.errorcode.values())
    return _fault("access", shown, before, reason=number or class_name(error))


def _lost(before: Mapping[str, Any], mount: Mount) -> str:
    """Return what has become of the file system that was here; "" when it is here.

    What changes for good reasons is no loss: the number of the device (a restart), another disk at the same place, or
    one that was mounted over a directory.
    """
    if not before:
        return ""
    target, was = _kept(mount.target), before["target"]
    if target != was and PurePosixPath(was).is_relative_to(target):
        return "unmounted"
    has_changed = target == was and mount.type != before["type"]
    # Of what is stacked on one mount point, the upper ones are run by programs.
    if has_changed and (mount.type in _VOLATILE or before["type"].startswith("fuse.")):
        return "replaced"
    return "device" if before["has_device"] and mount.device == before["device"] and not has_device(mount) else ""


def _place(path: str, mount: Mount, before: Mapping[str, Any]) -> Mapping[str, Any]:
    target = _kept(mount.target)
    was_writable = before and before["target"] == target and before["is_writable"]
    return {
        "path": path,
        "target": target,
        "type": mount.type,
        "source": _kept(mount.source),
        "device": mount.device,
        "has_device": has_device(mount),
        # Once writable, always meant to be.
        "is_writable": bool(was_writable) or not mount.is_read_only,
    }


def _kept(name: str) -> str:
    return clean(name, _MOST_CHARACTERS)


def _mount_point(target: str, path: str) -> Public | Private:
    """Return where it is mounted: where what is asked for lies below, the configuration has named it itself."""
    return configured(target) if PurePosixPath(path).is_relative_to(target) else private(target)


def _source(source: str, path: str) -> Public | Private:
    """Return what is mounted: a device of the kernel's naming, or the one that is asked for; a share may be called anything."""
    if source == path or _DEVICE.fullmatch(source):
        return configured(source)
    # What has no device is often called by its kind.
    return word(source, FILE_SYSTEMS) or private(source)


def _type(name: str) -> Public | Private:
    return word(name, FILE_SYSTEMS) or private(name)


def _fault(aspect: str, shown: Facts, was: Mapping[str, Any], **more: Scalar) -> Reading:
    path = str(shown["path"])
    place = {"target": _mount_point(was["target"], path), "source": _source(was["source"], path), "was": _type(was["type"])}
    facts: Facts = {**shown, **place, **more}
    return Reading(aspect, Status.CRITICAL, facts=facts)
