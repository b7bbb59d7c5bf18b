"""Where the commands look: the settings, the model directory, and what a model is called on the command line."""

import os
from pathlib import Path

from ml_server.card import CARD_FILE, read_card
from ml_server.config import BUNDLED_MODELS, Settings, read_settings
from ml_server.errors import BrokenModelError
from ml_server.repository import Entry, read_version
from ml_server.store import Store, StoreError
from ml_server.verification import apart
from ml_server.verification.apart import Limits

COMMANDS = ()


def settings() -> Settings:
    """Return the server's settings, as the environment has them.

    Raises:
        InvalidSettingsError: they are wrong.
    """
    return read_settings(os.environ)


def limits(known: Settings) -> Limits:
    """Return what a model may take."""
    return Limits(known.load_memory_mb, known.load_timeout_s)


def store(*, is_changed: bool = False) -> Store:
    """Return the installed models.

    Raises:
        StoreError: they are to be changed, and are those that came with the release.
    """
    known = settings()
    if is_changed and known.model_dir == BUNDLED_MODELS:
        raise StoreError(
            "no directory of models is set, and those that came with the release are replaced with it: set ML_MODEL_DIR"
        )
    pinned = (known.model, known.model_version) if known.model_version else None
    return Store(known.model_dir, lambda entry: apart.verify(entry, limits(known)), pinned)


def entry_of(model: str) -> Entry:
    """Return what a directory has, or an installed version that is called NAME/VERSION.

    Raises:
        StoreError: there is neither.
    """
    directory = Path(model)
    if (directory / CARD_FILE).is_file():
        return read_directory(directory)
    name, slash, version = model.partition("/")
    if not slash or "/" in version:
        raise StoreError(f"{model} is neither a directory with a {CARD_FILE} nor NAME/VERSION of an installed model")
    return store().entry(name, version)


def read_directory(directory: Path) -> Entry:
    """Return what is in a directory of any name, as the version that its card says."""
    try:
        card = read_card((directory / CARD_FILE).read_bytes())
    except BrokenModelError:
        return read_version(directory, directory.resolve().parent.name, directory.resolve().name)
    except OSError as error:
        raise StoreError(f"{directory / CARD_FILE} cannot be read: {error.strerror}") from error
    return read_version(directory, card.name, card.version)
