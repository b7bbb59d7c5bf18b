"""Which version is on silent trial: the file `trial.json` in the model directory; where there is none, none is."""

from pathlib import Path

import msgspec

from ml_server import durable

FILE = "trial.json"


class Trial(msgspec.Struct, frozen=True):
    """A version on trial; `id` is of this trial alone, `started` in seconds since 1970."""

    id: str
    name: str
    version: str
    digest: str
    started: float


_TRIAL = msgspec.json.Decoder(Trial)


def read_trial(model_dir: Path) -> Trial | None:
    """Return what is on trial, or None.

    Raises:
        BrokenModelError: the file is there and cannot be used.
    """
    return durable.read(model_dir / FILE, _TRIAL, called=FILE, remedy="stop the trial and start it again")


def write_trial(model_dir: Path, trial: Trial) -> None:
    """Have a version on trial, on the disk too.

    Raises:
        OSError: it could not be written.
    """
    durable.write(model_dir / FILE, trial)


def end_trial(model_dir: Path) -> None:
    """Have none on trial.

    Raises:
        OSError: the file could not be deleted.
    """
    durable.delete(model_dir / FILE)
