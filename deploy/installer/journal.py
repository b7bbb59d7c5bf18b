"""What everything was like before it was changed: written down, and on the disk, before each change.

There are two: `before`, from the first installation on, is what an uninstallation goes back to; `before/run` is what
this run goes back to when it fails or is killed.
"""

from __future__ import annotations

import json
import os
import shutil
import weakref
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from deploy.installer import states
from deploy.installer.failure import Failure
from deploy.installer.places import is_ours
from deploy.installer.states import State, keep_copy, put_back, restore_owner, state_of

_MANIFEST = "manifest.json"
Scope = Literal["program", "data"]
How = Literal["whole", "edited", "tree", "log"]


@dataclass
class Entry:
    """One path, user or unit.

    Attributes:
        key: the path; `user:NAME` for a user that was made; `unit:NAME` for a unit of somebody else that was stopped.
        was: the path as it was. copy: name of the copy of its content, in the journal's directory.
        scope: "program": an uninstallation puts it back; "data": only a purge does (settings, history, logs).
        how: "whole": the file is ours from now on; "edited": somebody else's, with a change of ours in it, so that it is
            put back only while nobody has changed it since; "tree": everything in this directory is ours; "log": somebody
            else's log that we go on writing: an uninstallation gives the owner back, a purge the content too.
        made: marks of what we have put there.
        facts: what else there is to know of a unit.
    """

    key: str
    was: State = field(default_factory=State)
    copy: str = ""
    scope: Scope = "program"
    how: How = "whole"
    made: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """Return the path of an entry of one."""
        return Path(self.key)


class Journal:
    """A directory of root's with a manifest and copies.

    Raises:
        Failure: it is not root's alone, or cannot be read; nothing is put back out of what somebody else may have written.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.entries: dict[str, Entry] = {}
        self.facts: dict[str, Any] = {}
        self._inside = directory
        if state_of(directory).kind == "absent":
            return
        # The directory above may be writable by others, who could put another in its place: what was opened counts.
        handle = _open_own(directory)
        weakref.finalize(self, os.close, handle)
        self._inside = Path(f"/proc/self/fd/{handle}")
        try:
            read = json.loads((self._inside / _MANIFEST).read_text(encoding="utf-8"))
            self.facts = read["facts"]
            for each in read["entries"]:
                entry = Entry(**{**each, "was": State(**each["was"])})
                self.entries[entry.key] = entry
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise Failure(
                f"{directory / _MANIFEST} cannot be read: {type(error).__name__}",
                f"The copies in {directory} are whole; put back by hand what is needed, then move the directory away.",
            ) from error

    @property
    def is_there(self) -> bool:
        """Tell whether there is one on the disk."""
        return self.directory.is_dir()

    def remember(self, path: Path, *, made: str = "", scope: Scope = "program", how: How = "whole", is_new: bool = False) -> None:
        """Write down what a path is like, and `made`, the mark of what will be put there; parents that are missing too.

        `is_new`: what is there is ours already, of a version that kept no journal.
        """
        entry = self.entries.get(str(path))
        if entry is None:
            for parent in reversed([each for each in path.parents if not each.exists()]):
                self.remember(parent, scope=scope)
            entry = Entry(str(path), State() if is_new else state_of(path), scope=scope, how=how)
            if entry.was.kind == "other":
                raise Failure(f"{path} is neither a file nor a directory.", "Move it away and run this again.")
            if entry.was.kind == "file":
                entry.copy = f"{len(self.entries):04d}-{path.name}"
                keep_copy(path, self._inside / entry.copy)
        elif not made or made in entry.made:
            return
        if made:
            entry.made.append(made)
        self.entries[entry.key] = entry
        self.save()

    def note(self, key: str, *, scope: Scope = "program", **facts: Any) -> None:
        """Write down something that is no path."""
        if key not in self.entries:
            self.entries[key] = Entry(key, scope=scope, facts=facts)
            self.save()

    def paths(self) -> Iterator[Entry]:
        """Return the entries of paths, the last one first."""
        return (entry for entry in reversed(list(self.entries.values())) if entry.key.startswith("/"))

    def restore(self, entry: Entry, *, is_exact: bool) -> str:
        """Put one path back and return what is to be said of it; `is_exact`: settings and logs too, to the byte."""
        states.part_of(entry.path).unlink(missing_ok=True)
        now = state_of(entry.path)
        if entry.how == "tree":
            if entry.was.kind == "absent" and now.kind == "directory":
                shutil.rmtree(entry.path)
            return ""
        if entry.how == "log" and not is_exact:
            if now.kind == "file" and entry.was.kind == "file":
                restore_owner(entry.path, entry.was)
            return ""
        if now == entry.was or (now.kind == "absent" and entry.was.kind == "directory"):
            return ""
        if now.kind != "absent" and self._is_changed(entry, now):
            return f"{entry.path} has been changed by somebody since and stays; as it was before: {self.directory / entry.copy}"
        put_back(entry.path, entry.was, self._inside / entry.copy)
        return ""

    def forget(self, entry: Entry) -> None:
        """Strike an entry out that has been put back."""
        del self.entries[entry.key]
        self.save()

    def save(self) -> None:
        """Write the manifest, in one step, and have it on the disk."""
        content = {"facts": self.facts, "entries": [asdict(entry) for entry in self.entries.values()]}
        part = self._inside / f"{_MANIFEST}.part"
        with part.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=1, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._inside / _MANIFEST)
        _sync(self._inside)

    def content_of(self, entry: Entry) -> bytes:
        """Return what a file was before."""
        return (self._inside / entry.copy).read_bytes() if entry.copy else b""

    def end(self) -> None:
        """Remove it: from one step to the next there is none."""
        gone = self.directory.with_name(f".{self.directory.name}.done")
        if gone.exists():
            shutil.rmtree(gone)
        if self.directory.exists():
            self.directory.rename(gone)
            # From here on there is none; what is left of it is removed by the next one.
            shutil.rmtree(gone, ignore_errors=True)

    def _is_changed(self, entry: Entry, now: State) -> bool:
        """Tell whether somebody else has put something there since."""
        if not entry.made or now.mark in entry.made or entry.scope == "data":
            return False
        return entry.how == "edited" or now.kind != "file" or not is_ours(entry.path.read_bytes())


def begin(directory: Path, **facts: Any) -> Journal:
    """Make a journal where there is none: all at once, with its first entry in it, so that nothing is left half-made.

    The directory above it is made as well where it is missing; that is the first entry then.
    """
    remove_unfinished(directory)
    top = _missing_top(directory)
    made = top.parent / f".{top.name}.new-{os.getpid()}"
    inner = made / directory.relative_to(top)
    inner.mkdir(parents=True, mode=0o700)
    made.chmod(0o700 if top == directory else 0o755)
    journal = Journal(inner)
    journal.facts = facts
    if top != directory:
        # The directory is there by the time that anybody reads this.
        journal.entries[str(top)] = Entry(str(top), scope="data")
    journal.save()
    made.rename(top)
    _sync(top.parent)
    journal.directory = directory
    return journal


def _open_own(directory: Path) -> int:
    """Open a directory of root's alone."""
    refusal = Failure(
        f"{directory} must be a directory that root alone may read and write.",
        f"Look at who has changed it. What was there before the installation is in {directory}/{_MANIFEST}.",
    )
    try:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise refusal from error
    found = os.fstat(handle)
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        os.close(handle)
        raise refusal
    return handle


def remove_unfinished(directory: Path) -> None:
    """Remove what a `begin` that was killed has left beside its place."""
    for top in {_missing_top(directory), directory}:
        for left in top.parent.glob(f".{top.name}.new-*"):
            shutil.rmtree(left)


def _missing_top(directory: Path) -> Path:
    """Return the outermost directory that is missing; the directory itself where only it is, or where it is there."""
    top = directory
    while not top.parent.exists():
        top = top.parent
    return top


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
