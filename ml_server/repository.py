"""Which models and versions are installed: `<directory>/<name>/<version>/model.json` and the file it names."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from ml_server.card import CARD_FILE, Card, read_card
from ml_server.errors import BrokenModelError


@dataclass(frozen=True)
class Entry:
    """One installed version, as its files were when they were read: what happens to them later changes nothing.

    Attributes:
        card: None where it cannot be used.
        error: why the version cannot be served, if that is known already.
        digest: SHA-256 of the card's bytes, hexadecimal; as the card has that of the model file, it stands for both.
        content: the bytes of the model file.
    """

    name: str
    version: str
    card: Card | None = None
    error: str | None = None
    digest: str = ""
    content: bytes = field(default=b"", repr=False)


def read_models(directory: Path) -> list[Entry]:
    """Return every installed version, by name, and the oldest version first; one that is broken spoils no other."""
    found = [path.parent for path in directory.glob(f"*/*/{CARD_FILE}")]
    return [_read_entry(path) for path in sorted(found, key=lambda path: (path.parent.name, _version_key(path.name)))]


def _version_key(version: str) -> tuple[int, ...]:
    """Return the version as numbers, so that 1.10.0 is newer than 1.9.0."""
    return tuple(int(part) for part in re.findall(r"[0-9]+", version))


def _read_entry(directory: Path) -> Entry:
    name, version = directory.parent.name, directory.name
    try:
        content = (directory / CARD_FILE).read_bytes()
        card = read_card(content)
    except BrokenModelError as broken:
        return Entry(name, version, error=broken.message)
    except OSError as unreadable:
        return Entry(name, version, error=f"{CARD_FILE} cannot be read: {unreadable.strerror}")
    if (card.name, card.version) != (name, version):
        return Entry(name, version, error=f"{CARD_FILE} is that of {card.name} {card.version}")
    digest = hashlib.sha256(content).hexdigest()
    try:
        return Entry(name, version, card, digest=digest, content=_read_model(directory, card))
    except BrokenModelError as broken:
        return Entry(name, version, card, broken.message, digest)


def _read_model(directory: Path, card: Card) -> bytes:
    """Return the bytes of the model file, checked against the card's SHA-256."""
    try:
        content = (directory / card.file).read_bytes()
    except OSError as error:
        raise BrokenModelError(f"{card.file} cannot be read: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise BrokenModelError(f"{card.file} was changed: its SHA-256 is not the one in {CARD_FILE}")
    return content
