"""The whole of a box at one moment, and what is different at another: files, services, accounts.

Accounts and crontabs are files too. When a file was changed is part of it; of directories and links it is not.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.box.box import Box

# What a machine writes while it lives, though nobody has done anything to it: not looked at, nor what lies below.
LEFT_OUT = {
    r"/(dev|proc|sys)": "the kernel's",
    r"/(run|tmp)": "empty at every start",
    r"/var/tmp/systemd-private-.*": "the services' own /tmp, by names of chance",
    r"/var/log/(journal|wtmp|btmp|lastlog|faillog)": "the journal, and who was logged in; useradd writes the last two",
    r"/var/lib/(systemd|private)": "systemd's own state: timers, random seed, users that come and go",
    r"/var/lib/logrotate/status(\.lock)?": "when logrotate has looked at which file",
    r"/var/lib/sudo": "who has been lectured by sudo",
    r"/etc/(passwd|shadow|group|gshadow|subuid|subgid)-": "backups of what is compared",
    r"/etc/\.pwd\.lock": "a lock of those who change accounts",
    r"/var/lib/dpkg/(status-old|lock.*)": "the same for packages",
    r"/var/backups/(dpkg|apt|alternatives)\..*": "made by cron, every day",
    r"/var/cache/apt|/var/lib/apt/(daily_lock|lists|periodic)": "apt's, which its own timers write at six in the morning",
    r"/var/stand-ins|/opt/(wheels|stand-ins|faults)": "the tests' own",
}
# These grow: what there was must be the beginning of what there is.
GROWING = {
    r"/var/log/nginx/.*": "somebody asks Nginx",
    r"/var/log/neuronova/django_access\.log": "somebody asks Django",
    r"/var/log/neuronova/(cron|health_check)\.log": "cron runs the operator's script every five minutes",
}
# useradd and userdel write these as a whole: when that was is not compared.
REWRITTEN = r"/etc/(passwd|shadow|group|gshadow|subuid|subgid)"
# Units that come and go by themselves.
PASSING = r"(run-|user@|user-runtime-dir@|session-|systemd-(tmpfiles-clean|hostnamed|timedated)).*"

_LEFT_OUT, _GROWING = (re.compile("|".join(f"(?:{path})" for path in table)) for table in (LEFT_OUT, GROWING))
_PROPERTIES = "Id,Type,RemainAfterExit,ActiveState,MainPID,NRestarts,FragmentPath,DropInPaths,NeedDaemonReload"


@dataclass(frozen=True)
class Entry:
    """What lies at one path."""

    kind: str
    mode: str
    owner: str
    content: str = ""  # of a file its digest, of a link its target
    size: int = 0
    changed_ns: int = 0
    attributes: str = ""
    text: bytes = b""  # only of a file that grows


@dataclass(frozen=True)
class Unit:
    """What systemd says of one unit."""

    enabled: str = "no such file"
    active: str = "inactive"
    main_pid: str = "0"
    restarts: str = "0"
    file: str = ""
    drop_ins: str = ""
    needs_daemon_reload: str = "no"


@dataclass(frozen=True)
class Snapshot:
    """A box at one moment."""

    entries: dict[str, Entry]
    units: dict[str, Unit]


@dataclass(frozen=True)
class Difference:
    """One path, or one unit, that is not as it was."""

    where: str
    what: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.where}: {self.what}"


class Camera:
    """Takes snapshots of one box; a file is read again only when its inode has changed."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._digests: dict[tuple[int, int], str] = {}

    def take(self) -> Snapshot:
        """Look at everything."""
        users, groups = (_names(self._box.path(f"/etc/{file}")) for file in ("passwd", "group"))
        entries = {}
        for path, found in _walk(self._box.tree):
            try:
                known = found.stat(follow_symlinks=False)
                if stat.S_ISSOCK(known.st_mode):
                    continue  # its service makes it whenever it is started
                owner = f"{users.get(known.st_uid, known.st_uid)}:{groups.get(known.st_gid, known.st_gid)}"
                entries[path] = self._entry(path, Path(found.path), known, owner)
            except FileNotFoundError:
                continue  # gone while it was looked at: it is not there
        return Snapshot(entries, _units(self._box))

    def _entry(self, path: str, file: Path, known: os.stat_result, owner: str) -> Entry:
        mode = f"{stat.S_IMODE(known.st_mode):04o}"
        if stat.S_ISLNK(known.st_mode):
            return Entry("link", mode, owner, str(file.readlink()))
        entry = Entry("directory" if stat.S_ISDIR(known.st_mode) else "special", mode, owner, attributes=_attributes(file))
        if not stat.S_ISREG(known.st_mode):
            return entry
        if _GROWING.fullmatch(path):
            return replace(entry, kind="file", text=file.read_bytes())
        changed_ns = 0 if re.fullmatch(REWRITTEN, path) else known.st_mtime_ns
        return replace(entry, kind="file", content=self._digest(file, known), size=known.st_size, changed_ns=changed_ns)

    def _digest(self, file: Path, known: os.stat_result) -> str:
        version = (known.st_ino, known.st_ctime_ns)
        if version not in self._digests:
            with file.open("rb") as opened:
                self._digests[version] = hashlib.file_digest(opened, "blake2b").hexdigest()[:16]
        return self._digests[version]


def differences(before: Snapshot, after: Snapshot, *, are_same_processes: bool = True) -> list[Difference]:
    """Return what is not as it was; whether the services are still the same processes can be left out."""
    found = []
    for path in sorted(before.entries.keys() | after.entries.keys()):
        found += _differences(path, before.entries.get(path), after.entries.get(path))
    for name in sorted(before.units.keys() | after.units.keys()):
        was, now = before.units.get(name, Unit()), after.units.get(name, Unit())
        if not are_same_processes:
            was, now = (replace(unit, main_pid="", restarts="") for unit in (was, now))
        found += _differences(f"unit {name}", was, now)
    return found


def _differences(where: str, before: Entry | Unit | None, after: Entry | Unit | None) -> list[Difference]:
    if before == after:
        return []
    if before is None or after is None:
        return [Difference(where, "is gone" if after is None else f"is new: {after}")]
    if isinstance(before, Entry) and isinstance(after, Entry) and after.text.startswith(before.text):
        after = replace(after, text=before.text)
    was, now = vars(before), vars(after)
    changed = [f"{name} {was[name]!r:.200} -> {now[name]!r:.200}" for name in was if was[name] != now[name]]
    return [Difference(where, ", ".join(changed))] if changed else []


def _walk(tree: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    waiting = [str(tree)]
    while waiting:
        try:
            found = list(os.scandir(waiting.pop()))
        except FileNotFoundError:
            continue  # gone while it was looked at: it is not there
        for entry in found:
            path = entry.path.removeprefix(str(tree))
            if not _LEFT_OUT.fullmatch(path):
                yield path, entry
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def _names(file: Path) -> dict[int, str]:
    rows = [line.split(":") for line in file.read_text(encoding="utf-8").splitlines()]
    return {int(row[2]): row[0] for row in rows}


def _attributes(file: Path) -> str:
    names = sorted(os.listxattr(file, follow_symlinks=False))
    return ", ".join(f"{name}={os.getxattr(file, name, follow_symlinks=False)!r}" for name in names)


def _units(box: Box) -> dict[str, Unit]:
    listed = (line.split() for line in box.output("systemctl list-unit-files --no-legend --no-pager").splitlines())
    # A transient one is there as long as it is active, which is told below.
    units = {row[0]: Unit(enabled=row[1]) for row in listed if row[1] != "transient"}
    for block in box.output(
        f"systemctl show --no-pager --property={_PROPERTIES} '*.service' '*.timer' '*.socket' '*.path'"
    ).split("\n\n"):
        shown = dict(line.split("=", 1) for line in block.splitlines())
        if not re.fullmatch(PASSING, shown["Id"]):
            units[shown["Id"]] = _unit(units.get(shown["Id"], Unit()), shown)
    return units


def _unit(unit: Unit, shown: dict[str, str]) -> Unit:
    # A oneshot begins and ends by itself, and systemd forgets what is not active: their failure is all there is to compare.
    is_passing = shown.get("Type") == "oneshot" and shown["RemainAfterExit"] == "no"
    if shown["ActiveState"] == "inactive" or (is_passing and shown["ActiveState"] != "failed"):
        return replace(unit, needs_daemon_reload=shown["NeedDaemonReload"])
    return replace(
        unit,
        active=shown["ActiveState"],
        main_pid=shown.get("MainPID", "0"),
        restarts=shown.get("NRestarts", "0"),
        file=shown["FragmentPath"],
        drop_ins=shown["DropInPaths"],
        needs_daemon_reload=shown["NeedDaemonReload"],
    )
