"""Which version of a model is due: the file `active.json` beside its versions; where there is none, the newest is."""

from pathlib import Path

import msgspec

from ml_server import durable

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
    called = f"{FILE} of {directory.name}"
    return durable.read(directory / FILE, _ACTIVATION, called=called, remedy="activate a version again")


def write_activation(directory: Path, activation: Activation) -> None:
    """Replace the file, on the disk too.

    Raises:
        OSError: it could not be written; then what was there is there still.
    """
    durable.write(directory / FILE, activation)
