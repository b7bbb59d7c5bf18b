"""Which version is on silent trial: the file `trial.json` in the model directory; where there is none, none is."""

from pathlib import Path

import msgspec

from ml_server import activation
from ml_server.errors import BrokenModelError

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
    try:
        return _TRIAL.decode((model_dir / FILE).read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BrokenModelError(f"{FILE} cannot be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise BrokenModelError(f"{FILE} is damaged: stop the trial and start it again") from error


def write_trial(model_dir: Path, trial: Trial) -> None:
    """Have a version on trial, on the disk too.

    Raises:
        OSError: it could not be written.
    """
    activation.write(model_dir / FILE, msgspec.json.format(msgspec.json.encode(trial), indent=1) + b"\n")


def end_trial(model_dir: Path) -> None:
    """Have none on trial.

    Raises:
        OSError: the file could not be deleted.
    """
    (model_dir / FILE).unlink(missing_ok=True)
    activation.sync_directory(model_dir)
