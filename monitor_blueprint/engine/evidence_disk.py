"""What fills a file system: free bytes, and the largest directories and files, as far as they can be seen in a moment."""

from __future__ import annotations

import heapq
import os
import shlex
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path

from monitor_blueprint.adapters.file_systems import is_device, look, look_at_device
from monitor_blueprint.text import ko_evidence as ko
from monitor_blueprint.text.places import size

# The alert waits for it.
MOST_S = 0.8
_SHOWN = 8
_FILES_SHOWN = 3
_LARGE = 64 * 1024 * 1024
# Directories down to this depth below the mount point are told apart.
_DEPTH = 2
_BLOCK = 512


@dataclass(slots=True)
class _Found:
    directories: Counter[str] = field(default_factory=Counter)
    files: list[tuple[int, str]] = field(default_factory=list)
    unseen: int = 0
    is_cut: bool = False


def usage(path: str, deadline: float) -> str:
    """Return what the file system that the path, or the device, means holds; see `listing`."""
    system = look_at_device(path) if is_device(path) else look(path)
    root = system.mount.target if system.mount is not None else path
    return listing(root, system.available_bytes, system.total_bytes, deadline)


def listing(root: str, free: int, total: int, deadline: float) -> str:
    """Return what takes most room under a directory; looks for `MOST_S` seconds at most, and ends by `deadline`."""
    found = _walk(root, min(deadline, time.monotonic() + MOST_S))
    lines = [ko.DISK_FREE.format(free=size(free), total=size(total))]
    # As a shell takes them: a name with spaces in it is one name, of which all is taken out if it is somebody's.
    lines += [f"{size(taken):>9}  {shlex.quote(name)}" for name, taken in found.directories.most_common(_SHOWN)]
    lines += [f"{size(taken):>9}  {shlex.quote(name)}" for taken, name in sorted(found.files, reverse=True)]
    if found.unseen:
        lines.append(ko.DISK_UNSEEN.format(count=found.unseen))
    if found.is_cut:
        lines.append(ko.DISK_CUT.format(path=shlex.quote(root)))
    return "\n".join(lines)


def _walk(path: str, deadline: float) -> _Found:
    """Add up the directories of one file system, those near its root first."""
    root = Path(path)
    device = root.stat().st_dev
    found = _Found()
    seen: set[int] = set()
    waiting: deque[tuple[str, str, int]] = deque([(path, path, 0)])
    while waiting:
        directory, owner, depth = waiting.popleft()
        if time.monotonic() >= deadline:
            found.is_cut = True
            break
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    _count(entry, owner, depth, device=device, found=found, seen=seen, waiting=waiting)
        except OSError:
            found.unseen += 1
    return found


def _count(
    entry: os.DirEntry[str],
    owner: str,
    depth: int,
    *,
    device: int,
    found: _Found,
    seen: set[int],
    waiting: deque[tuple[str, str, int]],
) -> None:
    try:
        state = entry.stat(follow_symlinks=False)
        is_directory = entry.is_dir(follow_symlinks=False)
    except OSError:
        return
    if state.st_dev != device:
        return
    if is_directory:
        waiting.append((entry.path, entry.path if depth < _DEPTH else owner, depth + 1))
        return
    if state.st_nlink > 1:
        # Hard links take their room once.
        if state.st_ino in seen:
            return
        seen.add(state.st_ino)
    taken = state.st_blocks * _BLOCK
    found.directories[owner] += taken
    if taken >= _LARGE:
        heapq.heappush(found.files, (taken, entry.path))
        if len(found.files) > _FILES_SHOWN:
            heapq.heappop(found.files)
