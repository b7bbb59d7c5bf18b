"""Files that are on the disk when a change is done, readable for the server whoever has made it.

A small JSON file is replaced in one step: whoever reads it, and whenever the machine stops, it is whole, the one before or
the one after.
"""

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ml_server.errors import BrokenModelError

_Kind = TypeVar("_Kind")


def read(path: Path, decoder: msgspec.json.Decoder[_Kind], *, called: str, remedy: str) -> _Kind | None:
    """Return what a file says, or None where there is none; an error calls it `called` and names the remedy.

    Raises:
        BrokenModelError: the file is there and cannot be used.
    """
    try:
        return decoder.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BrokenModelError(f"{called} cannot be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise BrokenModelError(f"{called} is damaged: {remedy}") from error


def write(path: Path, said: Any) -> None:
    """Replace a file, on the disk too, readable for everybody.

    Raises:
        OSError: it could not be written; then what was there is there still.
    """
    content = msgspec.json.format(msgspec.json.encode(said), indent=1) + b"\n"
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), 0o644)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    sync_directory(path.parent)


def delete(path: Path) -> None:
    """Delete a file, be it there or not, on the disk too.

    Raises:
        OSError: it could not be deleted.
    """
    path.unlink(missing_ok=True)
    sync_directory(path.parent)


def copy(source: Path, target: Path, names: Iterable[str]) -> None:
    """Copy the files of these names into a new directory, which is readable as soon as they all are there.

    Raises:
        OSError: one could not be read or written; its `filename` says which.
    """
    target.mkdir(mode=0o700)
    for name in names:
        with (source / name).open("rb") as given, (target / name).open("wb") as copied:
            shutil.copyfileobj(given, copied)
            os.fchmod(copied.fileno(), 0o644)
            copied.flush()
            os.fsync(copied.fileno())
    target.chmod(0o755)
    sync_directory(target)


def make_directory(path: Path) -> None:
    """Make a directory that everybody can read, unless it is there."""
    with contextlib.suppress(FileExistsError):
        path.mkdir()
        path.chmod(0o755)


def sync_directory(directory: Path) -> None:
    """Have what was renamed or made in a directory on the disk."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
