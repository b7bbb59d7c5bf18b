"""Where the commands look: the settings, the model directory, and what a model is called on the command line."""

import os
import re
from pathlib import Path

import click

from ml_server.card import CARD_FILE, read_card
from ml_server.config import BUNDLED_MODELS, Settings, read_settings
from ml_server.errors import BrokenModelError
from ml_server.repository import Entry, read_version
from ml_server.store import Store, StoreError
from ml_server.verification import apart
from ml_server.verification.apart import Limits

COMMANDS = ()
_VERSION = re.compile(r"[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}")


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
            "no directory of models is set, and those that came with the release are replaced with it: set ML_MODEL_DIR to a"
            f" directory of yours, and `add` {BUNDLED_MODELS}/NAME/VERSION to it first, where that is to be served still"
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
    name, _, version = model.partition("/")
    if not name or not version or "/" in version:
        installed = ", ".join(f"{entry.name}/{entry.version}" for entry in store().entries())
        told = f"{model} is neither a directory with a {CARD_FILE} nor NAME/VERSION of an installed model"
        raise StoreError(f"{told} (installed: {installed or 'none'})")
    return store().entry(name, version)


def check_directory(directory: Path) -> None:
    """See that a directory has a card.

    Raises:
        StoreError: it has none; says where there are any.
    """
    if (directory / CARD_FILE).exists():
        return
    below = sorted(path.parent for depth in ("*", "*/*", "*/*/*") for path in directory.glob(f"{depth}/{CARD_FILE}"))
    hint = f"did you mean {below[0]}?" if below else "give what `pack` has written: OUT/NAME/VERSION"
    raise StoreError(f"{directory} has no {CARD_FILE}: {hint}")


class ModelName(click.ParamType[str]):
    """A model's name on the command line."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it, or say how a version is named."""
        if "/" in value:
            name, _, version = value.rstrip("/").rpartition("/")
            self.fail(f"{value} is no name of a model: give name and version as two words ({name} {version})", param, ctx)
        return value


class VersionNumber(click.ParamType[str]):
    """A version on the command line."""

    name = "version"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it, or say what one looks like."""
        if not _VERSION.fullmatch(value):
            self.fail(f"{value} is no version: give three numbers, such as 1.0.0 (`neuronova-model list` shows them)", param, ctx)
        return value


def read_directory(directory: Path) -> Entry:
    """Return what is in a directory of any name, as the version that its card says."""
    try:
        card = read_card((directory / CARD_FILE).read_bytes())
    except BrokenModelError:
        return read_version(directory, directory.resolve().parent.name, directory.resolve().name)
    except OSError as error:
        raise StoreError(f"{directory / CARD_FILE} cannot be read: {error.strerror}") from error
    return read_version(directory, card.name, card.version)
