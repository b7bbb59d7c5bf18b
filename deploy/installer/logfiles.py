"""The monitor's two log files, in a directory that may be somebody else's."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

from deploy.installer.places import LOG_FILES


def ensure_log_files(log_dir: Path, owner: str = "neuronova") -> list[str]:
    """Have exactly our two files there, and belong to the monitor's user; return what was done or could not be."""
    user = pwd.getpwnam(owner)
    notes = []
    for name in LOG_FILES:
        path = log_dir / name
        try:
            handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
        except OSError as error:
            notes.append(f"{path}: {error.strerror}")
            continue
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
                notes.append(f"{path} is not a file of its own")
            elif found.st_uid != user.pw_uid:
                os.fchown(handle, user.pw_uid, user.pw_gid)
                os.fchmod(handle, 0o644)
                notes.append(f"{path} belongs to {owner} now")
        finally:
            os.close(handle)
    return notes
