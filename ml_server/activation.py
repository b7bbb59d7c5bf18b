"""Which version of a model is due: the file `active.json` beside its versions; where there is none, the newest is.

The file is replaced in one step, so that whoever reads it, and whenever the machine stops, it is whole: the one before or
the one after.
"""

import contextlib
import os
from pathlib import Path

import msgspec

from ml_server.errors import BrokenModelError

FILE = "active.json"


class Pin(msgspec.Struct, frozen=True):
    """A version as it was activated; `digest` is that of its card, hexadecimal."""

    version: str
    digest: str


class Activation(msgspec.Struct, frozen=True, omit_defaults=True):
    """The version that is due, and those that were before it, the latest first."""

    version: str
    digest: str
    before: tuple[Pin, ...] = ()

    @property
    def pins(self) -> tuple[Pin, ...]:
        """Return every version that is or was activated."""
        return (Pin(self.version, self.digest), *self.before)


_ACTIVATION = msgspec.json.Decoder(Activation)


def read_activation(directory: Path) -> Activation | None:
    """Return what is activated in a model's directory, or None.

    Raises:
        BrokenModelError: the file is there and cannot be used.
    """
    try:
        return _ACTIVATION.decode((directory / FILE).read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BrokenModelError(f"{FILE} of {directory.name} cannot be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise BrokenModelError(f"{FILE} of {directory.name} is damaged: activate a version again") from error


def write_activation(directory: Path, activation: Activation) -> None:
    """Replace the file, on the disk too.

    Raises:
        OSError: it could not be written; then what was there is there still.
    """
    write(directory / FILE, msgspec.json.format(msgspec.json.encode(activation), indent=1) + b"\n")


def write(path: Path, content: bytes) -> None:
    """Replace a file in one step, readable for everybody.

    Raises:
        OSError: it could not be written; then what was there is there still.
    """
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


def sync_directory(directory: Path) -> None:
    """Have what was renamed or made in a directory on the disk."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
