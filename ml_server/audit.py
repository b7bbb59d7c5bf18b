"""Who changed which version when: one line for each change, in a file to which lines are only added.

A line is on the disk before what it tells of is done, so that no change is without one.
"""

import getpass
import os
import re
import time
from pathlib import Path

FILE = "audit.log"
_NAME = re.compile(r"[A-Za-z0-9_.@\\-]{1,64}")


def record(model_dir: Path, action: str, *, name: str, version: str, digest: str, result: str = "done") -> None:
    """Add a line, and have it on the disk.

    Raises:
        OSError: it could not be written.
    """
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = f"{moment} {action} {name} {version} digest={digest or '-'} result={result} {who()}\n"
    handle = os.open(model_dir / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        os.write(handle, line.encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def who() -> str:
    """Return the user, and the one who became it by way of sudo or doas."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    told = [("user", user), ("uid", str(os.getuid())), ("sudo_user", os.environ.get("SUDO_USER") or os.environ.get("DOAS_USER"))]
    return " ".join(f"{key}={value}" for key, value in told if value and _NAME.fullmatch(value))
