"""Which models and versions are installed: `<directory>/<name>/<version>/model.json` and the file it names."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ml_server.card import Card, read_card
from ml_server.errors import BrokenModelError

_CARD_FILE = "model.json"


@dataclass(frozen=True)
class Entry:
    """One installed version. `card` is None, and `error` says why, where the card cannot be used."""

    name: str
    version: str
    directory: Path
    card: Card | None
    error: str | None = None


def list_models(directory: Path) -> list[Path]:
    """Return the directory of every installed version, by name, and the oldest version first; nothing in them is read."""
    found = [path.parent for path in directory.glob(f"*/*/{_CARD_FILE}")]
    return sorted(found, key=lambda path: (path.parent.name, _version_key(path.name)))


def read_models(listed: Iterable[Path]) -> list[Entry]:
    """Return an entry for each directory, in their order; a card that is broken, or gone meanwhile, spoils no other."""
    return [_read_entry(path) for path in listed]


def _version_key(version: str) -> tuple[int, ...]:
    """Return the version as numbers, so that 1.10.0 is newer than 1.9.0."""
    return tuple(int(part) for part in re.findall(r"[0-9]+", version))


def _read_entry(directory: Path) -> Entry:
    name, version = directory.parent.name, directory.name
    card = None
    try:
        card = read_card((directory / _CARD_FILE).read_bytes())
    except BrokenModelError as broken:
        error: str | None = broken.message
    except OSError as unreadable:
        error = f"{_CARD_FILE} cannot be read: {unreadable.strerror}"
    else:
        is_in_place = (card.name, card.version) == (name, version)
        error = None if is_in_place else f"{_CARD_FILE} is that of {card.name} {card.version}"
    return Entry(name, version, directory, None if error else card, error)


def read_model(directory: Path, card: Card) -> bytes:
    """Return the bytes of the model file, checked against the card's SHA-256.

    The bytes are handed on rather than the path, so that what was checked is what is loaded.

    Raises:
        BrokenModelError: the file cannot be read, or is not the one that the card was written for.
    """
    try:
        content = (directory / card.file).read_bytes()
    except OSError as error:
        raise BrokenModelError(f"{card.file} cannot be read: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise BrokenModelError(f"{card.file} was changed: its SHA-256 is not the one in {_CARD_FILE}")
    return content
