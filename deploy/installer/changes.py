"""Every change that is made to the machine, each written down before it is made."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
from pathlib import Path

from deploy.installer import commands, places, states
from deploy.installer.failure import Failure
from deploy.installer.journal import How, Journal, Scope
from deploy.installer.states import State, state_of


class Changes:
    """Makes changes; `before` is for an uninstallation, `run` for a failure of this run.

    Attributes:
        is_version_1: an installation of the version that kept no journal is there, so its files are ours.
    """

    def __init__(self, before: Journal, run: Journal, *, is_version_1: bool) -> None:
        self.before = before
        self.run = run
        self._is_version_1 = is_version_1

    def put(
        self,
        path: Path,
        content: bytes,
        mode: int = 0o644,
        *,
        user: str = "root",
        group: str = "root",
        scope: Scope = "program",
        how: How = "whole",
    ) -> None:
        """Write a file, in one step, unless it is just so already; a link of that name is replaced, not followed."""
        digest = states.digest_of(content)
        self._remember(path, made=f"file:{digest}", scope=scope, how=how)
        uid, gid = pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid
        now = state_of(path)
        if now == State("file", mode, uid, gid, now.mtime_ns, digest):
            return
        self._make_parents(path)
        part = states.part_of(path)
        part.unlink(missing_ok=True)
        with open(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600), "wb") as file:  # noqa: PTH123
            file.write(content)
            os.fchown(file.fileno(), uid, gid)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)

    def rewrite(self, path: Path, content: bytes) -> None:
        """Change somebody else's file, which keeps its owner and mode."""
        found = path.stat()
        user, group = pwd.getpwuid(found.st_uid).pw_name, grp.getgrgid(found.st_gid).gr_name
        self.put(path, content, found.st_mode & 0o7777, user=user, group=group, how="edited")

    def link(self, path: Path, target: str) -> None:
        """Make a link, in one step."""
        self._remember(path, made=f"link:{target}")
        self._make_parents(path)
        part = states.part_of(path)
        part.unlink(missing_ok=True)
        part.symlink_to(target)
        part.replace(path)

    def remove(self, path: Path) -> None:
        """Remove somebody else's file; an uninstallation puts it back."""
        self._remember(path, how="edited")
        path.unlink(missing_ok=True)

    def make_directory(
        self, path: Path, mode: int = 0o755, *, user: str = "root", scope: Scope = "program", is_tree: bool = False
    ) -> None:
        """Make a directory where there is none; one that is there stays as it is, whosever it is."""
        self._remember(path, scope=scope, how="tree" if is_tree else "whole")
        if path.is_dir():
            return
        self._make_parents(path)
        path.mkdir(mode=0o700)
        os.chown(path, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
        path.chmod(mode)

    def about_to(self, path: Path, *, how: How = "whole", scope: Scope = "program") -> None:
        """Write down what a path is like which another program is about to change."""
        self._remember(path, how=how, scope=scope)

    def make_user(self, name: str) -> bool:
        """Make a user of the system, with a group of that name, where there is none; tell whether it was made."""
        is_missing = not has_user(name)
        group = ["--gid", name] if _has_group(name) else ["--user-group"]
        if not is_missing and group[0] == "--user-group":
            raise Failure(f"User {name} is there, but no group of that name.", f"sudo groupadd --system {name}")
        if is_missing or is_our_user(name):
            self.before.note(f"user:{name}", scope="data")
        if not is_missing:
            return False
        self.run.note(f"user:{name}", scope="data")
        commands.run(
            ["useradd", "--system", *group, "--home-dir", "/nonexistent", "--no-create-home",
             "--shell", "/usr/sbin/nologin", "--comment", places.USER_COMMENT, name],
            f"'useradd --system {name}' must succeed; look at /etc/passwd and at who holds /etc/passwd.lock.",
        )  # fmt: skip
        return True

    def _remember(self, path: Path, *, made: str = "", scope: Scope = "program", how: How = "whole") -> None:
        self.run.remember(path, made=made, scope=scope, how=how)
        is_new = str(path) not in self.before.entries and self._is_version_1 and _is_of_version_1(path, scope)
        self.before.remember(path, made=made, scope=scope, how=how, is_new=is_new)

    def _make_parents(self, path: Path) -> None:
        for parent in reversed([each for each in path.parents if not each.exists()]):
            parent.mkdir(mode=0o755)


def _has_group(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def has_user(name: str) -> bool:
    """Tell whether there is such a user."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def is_our_user(name: str) -> bool:
    """Tell whether a user is one that an installation has made: nobody can log in as it."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return False
    return found.pw_gecos == places.USER_COMMENT and found.pw_dir == "/nonexistent"


def remove_user(name: str) -> None:
    """Remove a user that was made, with its group."""
    if has_user(name):
        commands.run(["userdel", name], f"'userdel {name}' must succeed; 'ps -u {name}' shows what still runs as that user.")


def remove_tree(path: Path) -> None:
    """Remove a directory of ours with all in it."""
    if path.exists():
        shutil.rmtree(path)


def _is_of_version_1(path: Path, scope: Scope) -> bool:
    """Tell whether a path is of the installation that is there: by its words, or because it is in a directory of ours."""
    found = state_of(path)
    if found.kind == "file":
        return scope == "data" or places.is_ours(path.read_bytes())
    return found.kind in ("directory", "link")
