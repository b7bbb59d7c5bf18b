"""The monitor's two log files, made and kept its own in a directory that may be somebody else's.

The installer calls `ensure_log_files`; before each start of the monitor systemd runs this module as root. Whoever owns
the directory may put anything under our names, a link or another's file: nothing is opened through a link, and no file
is handed over that the directory's owner could not read anyway. What is in the way is moved aside.
"""

from __future__ import annotations

import os
import pwd
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("health_check.log", "cron.log")
LOG_DIR = Path("/var/log/neuronova")
STATE_DIR = Path("/var/lib/neuronova")
OWNER = "neuronova"
_FILE_MODE = 0o644


def ensure_log_files(log_dir: Path, owner: str = OWNER) -> list[str]:
    """Make the directory if it is missing, and in it our two files, the owner's; return what was put right, or could not be."""
    user = pwd.getpwnam(owner)
    said = ensure_directory(log_dir, user, 0o755)
    try:
        directory = os.open(log_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        return [*said, f"{log_dir}: {error.strerror}"]
    try:
        for name in NAMES:
            try:
                said += [f"{log_dir / name}: {done}" for done in _ensure_file(directory, name, user)]
            except OSError as error:
                said.append(f"{log_dir / name}: {error.strerror}")
        if not _may_enter(os.fstat(directory), user):
            said.append(f"{log_dir}: {owner} may not enter it, so nothing can be written there: sudo chmod o+x {log_dir}")
    finally:
        os.close(directory)
    return said


def ensure_directory(path: Path, user: pwd.struct_passwd, mode: int) -> list[str]:
    """Make a directory of the user's where there is none; one that is there stays as it is."""
    try:
        path.mkdir(mode=0o700)
        os.chown(path, user.pw_uid, user.pw_gid)
        path.chmod(mode)
    except FileExistsError:
        return []
    except OSError as error:
        return [f"{path}: {error.strerror}"]
    return [f"{path}: made"]


def rotation_user(log_dir: Path, owner: str = OWNER) -> str:
    """Return as whom logrotate has to work in the directory (user and group of its `su` line).

    In the owner's own as the owner: root shall not rename where somebody else may exchange the names. In another's only
    root can make a file there and hand it over to the owner.
    """
    return owner if log_dir.stat().st_uid == pwd.getpwnam(owner).pw_uid else "root"


def main(log_dir: Path = LOG_DIR, state_dir: Path = STATE_DIR, owner: str = OWNER) -> int:
    """Put right what can be, and say what was done; the monitor starts in any case, and says what it cannot write."""
    try:
        user = pwd.getpwnam(owner)
    except KeyError:
        sys.stderr.write(f"There is no user {owner}.\n")
        return 1
    said = [*ensure_log_files(log_dir, owner), *ensure_directory(state_dir, user, 0o750)]
    if state_dir.is_dir() and not _may_write(state_dir.stat(), user):
        cure = f"sudo chown {owner}: {state_dir} {state_dir}/monitor.*"
        said.append(f"{state_dir} does not belong to {owner}, so no history is kept: {cure}")
    sys.stdout.writelines(f"{sentence}\n" for sentence in said)
    return 0


def _ensure_file(directory: int, name: str, user: pwd.struct_passwd) -> Iterator[str]:
    found = _stat(directory, name)
    if found is not None and not _may_be_ours(found, os.fstat(directory), user):
        yield f"{_description(found)} was in the way, and is {_move_aside(directory, name)} now"
        found = None
    is_new = found is None
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL if is_new else os.O_RDONLY | os.O_NONBLOCK
    file = os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=directory)
    try:
        # What was opened counts, not what its name meant a moment ago.
        held = os.fstat(file)
        if not is_new and not _may_be_ours(held, os.fstat(directory), user):
            yield "was exchanged meanwhile, and is left alone"
        elif (held.st_uid, held.st_gid, stat.S_IMODE(held.st_mode)) != (user.pw_uid, user.pw_gid, _FILE_MODE):
            os.fchown(file, user.pw_uid, user.pw_gid)
            os.fchmod(file, _FILE_MODE)
            yield "made" if is_new else f"belongs to {user.pw_name} again"
    finally:
        os.close(file)


def _may_be_ours(found: os.stat_result, directory: os.stat_result, user: pwd.struct_passwd) -> bool:
    """Tell whether it is our file, or one that may become ours.

    Another's only where nobody else could have put it there, or where it is the directory's owner who could, and its own.
    """
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        return False
    if found.st_uid == user.pw_uid:
        return True
    is_group_writable = directory.st_mode & stat.S_IWGRP and directory.st_gid not in (0, user.pw_gid)
    if is_group_writable or directory.st_mode & stat.S_IWOTH:
        return False
    return directory.st_uid in (0, user.pw_uid, found.st_uid)


def _stat(directory: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _description(found: os.stat_result) -> str:
    if stat.S_ISLNK(found.st_mode):
        return "a link"
    if not stat.S_ISREG(found.st_mode):
        return "what is no file"
    return f"a file of {_user_name(found.st_uid)}" if found.st_nlink == 1 else "a file with a second name"


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _move_aside(directory: int, name: str) -> str:
    number = 1
    while _stat(directory, f"{name}.aside-{number}") is not None:
        number += 1
    os.rename(name, f"{name}.aside-{number}", src_dir_fd=directory, dst_dir_fd=directory)
    return f"{name}.aside-{number}"


def _may_write(directory: os.stat_result, user: pwd.struct_passwd) -> bool:
    allowed = (stat.S_IWUSR if directory.st_uid == user.pw_uid else 0) | (stat.S_IWGRP if directory.st_gid == user.pw_gid else 0)
    return bool(directory.st_mode & (allowed | stat.S_IWOTH))


def _may_enter(directory: os.stat_result, user: pwd.struct_passwd) -> bool:
    """Tell whether the user may be able to enter; which groups it is given besides is not known here."""
    allowed = stat.S_IXOTH | stat.S_IXGRP | (stat.S_IXUSR if directory.st_uid == user.pw_uid else 0)
    return bool(directory.st_mode & allowed)


if __name__ == "__main__":
    sys.exit(main())
