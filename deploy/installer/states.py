"""What a path is: enough of it to put it back, byte for byte, with its owner, mode and time."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["absent", "file", "link", "directory", "other"]
ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class State:
    """A path as it was found.

    Attributes:
        kind: what it is; "other" is a socket, a pipe or a device, which nothing here touches.
        mode: permissions. uid, gid: owner. mtime_ns: time of the last change, of a file.
        digest: SHA-256 of a file's content. target: where a link points to.
    """

    kind: Kind = "absent"
    mode: int = 0
    uid: int = 0
    gid: int = 0
    mtime_ns: int = 0
    digest: str = ""
    target: str = ""

    @property
    def mark(self) -> str:
        """Return what tells one content from another: a digest, or a link's target."""
        return f"{self.kind}:{self.digest or self.target}"


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of a content."""
    return hashlib.sha256(content).hexdigest()


def state_of(path: Path) -> State:
    """Return what a path is now; a link is itself, not what it points to."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return State()
    mode = stat.S_IMODE(found.st_mode)
    if stat.S_ISLNK(found.st_mode):
        return State("link", mode, found.st_uid, found.st_gid, target=str(path.readlink()))
    if stat.S_ISDIR(found.st_mode):
        return State("directory", mode, found.st_uid, found.st_gid)
    if not stat.S_ISREG(found.st_mode):
        return State("other", mode, found.st_uid, found.st_gid)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return State("file", mode, found.st_uid, found.st_gid, found.st_mtime_ns, digest)


def part_of(path: Path) -> Path:
    """Return where a file is written before it takes its place in one step."""
    return path.with_name(f".{path.name}.neuronova-part")


def keep_copy(path: Path, copy: Path) -> None:
    """Copy a file with everything that belongs to it: mode, times, extended attributes and access lists."""
    shutil.copy2(path, copy, follow_symlinks=False)
    with copy.open("rb") as file:
        os.fsync(file.fileno())


def put_back(path: Path, was: State, copy: Path) -> None:
    """Make a path again what it was; whatever comes in between, it is one or the other."""
    if was.kind == ABSENT:
        _clear(path)
    elif was.kind == "directory":
        if state_of(path).kind != "directory":
            _clear(path)
            path.mkdir()
        restore_owner(path, was)
    else:
        part = part_of(path)
        part.unlink(missing_ok=True)
        if was.kind == "link":
            part.symlink_to(was.target)
            os.lchown(part, was.uid, was.gid)
        else:
            shutil.copy2(copy, part)
            restore_owner(part, was)
            os.utime(part, ns=(was.mtime_ns, was.mtime_ns))
        if state_of(path).kind == "directory":
            _clear(path)
        part.replace(path)


def restore_owner(path: Path, was: State) -> None:
    """Give a file or directory its owner and mode back."""
    # The owner first: a change of it takes the set-user-ID bit away.
    os.chown(path, was.uid, was.gid, follow_symlinks=False)
    path.chmod(was.mode)


def _clear(path: Path) -> None:
    """Remove a file, a link, or a directory that is empty: what somebody has put into one since is not ours."""
    if path.is_dir() and not path.is_symlink():
        with contextlib.suppress(OSError):
            path.rmdir()
    else:
        path.unlink(missing_ok=True)
