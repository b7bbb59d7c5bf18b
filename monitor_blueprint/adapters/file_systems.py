"""File systems as objects: what is mounted where, from /proc/self/mountinfo (proc_pid_mountinfo(5)), and how full it is."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path("/")
_ESCAPED = re.compile(r"\\([0-7]{3})")
# Where systemd keeps what `PrivateTmp=` puts in the place of /tmp and /var/tmp (systemd.exec(5)).
_PRIVATE_TMP = re.compile(r"/systemd-private-[^/]+/tmp(?=/|\Z)")


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo.

    Attributes:
        id: its number; `parent` is that of the mount which it lies on.
        device: "major:minor" of what is mounted; "0:..." where no device is behind it, or several may be (btrfs).
        root: which directory of the file system is mounted; "/" is the whole.
        target: the mount point.
        type: "ext4", "nfs4", ...
        source: what is mounted, as `mount` shows it.
        is_read_only: the file system itself is. A single mount of it may be read-only besides: all are in the
            monitor's own sandbox, and that says nothing.
    """

    id: int
    parent: int
    device: str
    root: str
    target: str
    type: str
    source: str
    is_read_only: bool


@dataclass(frozen=True, slots=True)
class FileSystem:
    """What a path lies on: how full it is (statvfs(3)), and how it is mounted, where that can be known."""

    usage: os.statvfs_result
    mount: Mount | None = None

    @property
    def used_bytes(self) -> int:
        """Return how much is used."""
        return (self.usage.f_blocks - self.usage.f_bfree) * self.usage.f_frsize

    @property
    def available_bytes(self) -> int:
        """Return how much a user may still fill: the blocks that are kept for root do not count, as with `df`."""
        return self.usage.f_bavail * self.usage.f_frsize

    @property
    def total_bytes(self) -> int:
        """Return how large it is."""
        return self.usage.f_blocks * self.usage.f_frsize


def used_percent(used: int, available: int) -> int:
    """Return the used share as `df` and `df -i` print it: whole, rounded up."""
    usable = used + available
    return -(-100 * used // usable) if usable > 0 else 0


def look(path: str) -> FileSystem:
    """Measure what the path lies on, mounting what is mounted on demand; raises OSError. It may hang (a dead server)."""
    opened = _open(path)
    try:
        usage = os.fstatvfs(opened)
        return FileSystem(usage, _mount_of(opened))
    finally:
        os.close(opened)


def look_at_device(device: str) -> FileSystem:
    """Measure the file system on a device, wherever it is mounted; raises OSError (ENODEV where it is not)."""
    for mount in mounts_of_device(device):
        found = look(mount.target)
        # Another file system may have been mounted over it.
        if found.mount is not None and found.mount.device == mount.device:
            return found
    raise OSError(errno.ENODEV, "not mounted", device)


def is_device(path: str) -> bool:
    """Tell whether the path means a device: it may be gone, or hidden in the monitor's own sandbox."""
    return path.startswith("/dev/") and not Path(path).is_dir()


def mounts_of_device(device: str, root: Path = ROOT) -> list[Mount]:
    """Return where the device is mounted, the whole of it first; it may be named by any of its links."""
    wanted = {device, os.path.realpath(device)}
    found = [mount for mount in map(parse, _lines(root)) if wanted & {mount.source, *_names_of(mount.device, root)}]
    return sorted(found, key=lambda mount: (mount.root != "/", len(mount.target)))


def has_device(mount: Mount, root: Path = ROOT) -> bool:
    """Tell whether the kernel still has the device that is mounted."""
    if not mount.device.startswith("0:"):
        return (root / "sys/dev/block" / mount.device).exists()
    # One of the devices of a btrfs; what else has no number has no device, and no such name.
    return mount.source.startswith("/dev/") and (root / "sys/class/block" / PurePosixPath(mount.source).name).exists()


def parse(line: str) -> Mount:
    """Return what one line of mountinfo says; raises ValueError."""
    left, _, right = line.rstrip("\n").partition(" - ")
    number, parent, device, root, target, _ = left.split(" ")[:6]
    kind, source, options = right.split(" ")[:3]
    return Mount(
        int(number),
        int(parent),
        device,
        _unescaped(root),
        _unescaped(target),
        kind,
        _unescaped(source),
        is_read_only="ro" in options.split(","),
    )


def as_seen_by_all(mount: Mount, mounts: Mapping[int, Mount]) -> Mount:
    """Return the mount without what only the monitor's own sandbox has mounted over it.

    systemd mounts directories onto themselves (ReadWritePaths=, ProtectHome=) and gives a /tmp of one's own. From outside,
    where the same health check may be called for by hand, there is none of that.
    """
    while (parent := mounts.get(mount.parent)) is not None and _is_same_place(mount, parent):
        mount = parent
    return mount


def _is_same_place(mount: Mount, parent: Mount) -> bool:
    if mount.device != parent.device:
        return False
    try:
        inside = PurePosixPath(mount.target).relative_to(parent.target)
    except ValueError:
        return False
    return PurePosixPath(parent.root) / inside == PurePosixPath(_PRIVATE_TMP.sub("", mount.root) or "/")


def _open(path: str) -> int:
    # Nothing is read through it: no permission on what is opened is needed. A directory that is asked for as one is
    # mounted if that is done on demand.
    try:
        return os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_DIRECTORY)
    except NotADirectoryError:
        return os.open(path, os.O_PATH | os.O_CLOEXEC)


def _mount_of(opened: int) -> Mount | None:
    """Return the mount that an open file is on, by the number that the kernel gives: a path may be mounted over."""
    try:
        lines = Path(f"/proc/self/fdinfo/{opened}").read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return None
    number = next((line.split()[1] for line in lines if line.startswith("mnt_id:")), "")
    # There may be thousands; those that it lies on are what is wanted.
    by_number = {line.partition(" ")[0]: line for line in _lines(ROOT)}
    mounts: dict[int, Mount] = {}
    while number in by_number:
        mount = parse(by_number.pop(number))
        mounts[mount.id] = mount
        number = str(mount.parent)
    # In a changed root directory not all mounts are to be seen.
    return as_seen_by_all(next(iter(mounts.values())), mounts) if mounts else None


def _lines(root: Path) -> list[str]:
    try:
        text = (root / "proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return []
    return text.split("\n")[:-1]


def _names_of(number: str, root: Path) -> set[str]:
    """Return what a device is called: the kernel's name and udev's links. The monitor's sandbox has no /dev to look at."""
    names = set()
    for file, sign in ((f"sys/dev/block/{number}/uevent", "DEVNAME="), (f"run/udev/data/b{number}", "S:")):
        try:
            lines = (root / file).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            continue
        names |= {f"/dev/{line.removeprefix(sign)}" for line in lines if line.startswith(sign)}
    return names


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)
