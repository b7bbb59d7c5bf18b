"""Which models and versions are installed: `<directory>/<name>/<version>/model.json` and the file it names."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ml_server import activation
from ml_server.card import CARD_FILE, Card, read_card
from ml_server.config import BUNDLED_MODELS
from ml_server.errors import BrokenModelError, Detail

_CARDS = f"*/*/{CARD_FILE}"
_NOT_INSTALLED = "it is activated, and not installed"


@dataclass(frozen=True)
class Entry:
    """One installed version, as its files were when they were read: what happens to them later changes nothing.

    Attributes:
        card: None where it cannot be used.
        error: why the version cannot be served, if that is known already; `details` has it field by field, where it is the card.
        digest: SHA-256 of the card's bytes, hexadecimal; as the card has those of the model files, it stands for all.
        content: the bytes of the model file; `parts` those of each submodel's, by its name.
        rank: where versions of its model were activated, 0 for the one that is due where none is asked for, 1 for the one
            that was before it, and so on; None for others.
        warning: why it is not as its files are now.
        is_known: its digest is that of a version that comes with this release, or that was activated, so verified, here.
    """

    name: str
    version: str
    card: Card | None = None
    error: str | None = None
    digest: str = ""
    content: bytes = field(default=b"", repr=False)
    parts: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    rank: int | None = None
    warning: str = ""
    details: tuple[Detail, ...] = ()
    is_known: bool = False


def read_models(directory: Path) -> list[Entry]:
    """Return every installed version, by name, and the oldest version first; one that is broken spoils no other.

    An activated version that is not there is an entry too, with that error: it is due.
    """
    ours = {hashlib.sha256(path.read_bytes()).hexdigest() for path in BUNDLED_MODELS.glob(_CARDS)}
    read = [read_version(path.parent, path.parent.parent.name, path.parent.name) for path in directory.glob(_CARDS)]
    found = [replace(entry, is_known=entry.digest in ours) for entry in read]
    for path in directory.glob(f"*/{activation.FILE}"):
        found = _activated(found, path.parent)
    return sorted(found, key=lambda entry: (entry.name, version_key(entry.version)))


def _activated(found: list[Entry], directory: Path) -> list[Entry]:
    """Return the entries with what `active.json` in a model's directory says of them."""
    name = directory.name
    try:
        active = activation.read_activation(directory)
    except BrokenModelError as broken:
        return [replace(entry, warning=broken.message) if entry.name == name else entry for entry in found]
    if active is None:
        return found
    if all((entry.name, entry.version) != (name, active.version) for entry in found):
        found = [*found, Entry(name, active.version, error=_NOT_INSTALLED)]
    return [_held_to(entry, active) if entry.name == name else entry for entry in found]


def _held_to(entry: Entry, active: activation.Activation) -> Entry:
    versions = [pin.version for pin in active.pins]
    rank = versions.index(entry.version) if entry.version in versions else None
    digests = {pin.digest for pin in active.pins if pin.version == entry.version}
    error, is_known = entry.error, entry.digest in digests
    if error is None and digests and entry.digest not in digests:
        error = f"it was changed after it was activated: its digest is {entry.digest[:12]}, no longer {min(digests)[:12]}"
    return replace(entry, rank=rank, error=error, is_known=entry.is_known or is_known)


def follow(before: Sequence[Entry], now: Sequence[Entry]) -> list[Entry]:
    """Return what is to be served after a reload: what is installed now, but no version with other bytes than it had.

    A version whose files were replaced goes on as it was loaded, and says so: two answers under one version number would
    not be told apart, and files that are broken now would take a good model down.
    """
    known = {(entry.name, entry.version): entry for entry in before}
    return [_follow(known.get((entry.name, entry.version)), entry) for entry in now]


def _follow(before: Entry | None, now: Entry) -> Entry:
    is_same = before is not None and before.digest == now.digest and now.error is None
    is_new = now.error is None and now.rank == 0
    if before is not None and now.warning:
        now = replace(now, rank=before.rank)  # which version is due cannot be read: the one that was
    if before is None or before.error is not None or is_same or is_new:
        return now
    if now.card is None and now.error == _NOT_INSTALLED:
        return now
    warning = "its files were changed since it was loaded: it is served as it was; give what is new a new version"
    return replace(before, rank=now.rank, warning=warning)


def version_key(version: str) -> tuple[int, ...]:
    """Return the version as numbers, so that 1.10.0 is newer than 1.9.0."""
    return tuple(int(part) for part in re.findall(r"[0-9]+", version))


def read_version(directory: Path, name: str, version: str) -> Entry:
    """Return what is in a directory as the version of the model that it is to be."""
    try:
        content = (directory / CARD_FILE).read_bytes()
        card = read_card(content)
    except BrokenModelError as broken:
        return Entry(name, version, error=broken.message, details=broken.details)
    except OSError as unreadable:
        return Entry(name, version, error=f"{CARD_FILE} cannot be read: {unreadable.strerror}")
    if (card.name, card.version) != (name, version):
        return Entry(name, version, error=f"{CARD_FILE} is that of {card.name} {card.version}")
    digest = hashlib.sha256(content).hexdigest()
    try:
        content = _read_file(directory, card.file, card.sha256)
        parts = {part.name: _read_file(directory, part.file, part.sha256) for part in card.submodels}
        return Entry(name, version, card, digest=digest, content=content, parts=parts)
    except BrokenModelError as broken:
        return Entry(name, version, card, broken.message, digest)


def _read_file(directory: Path, name: str, sha256: str) -> bytes:
    """Return the bytes of a model file, checked against the card's SHA-256."""
    try:
        content = (directory / name).read_bytes()
    except OSError as error:
        raise BrokenModelError(f"{name} cannot be read: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BrokenModelError(f"{name} was changed: its SHA-256 is not the one in {CARD_FILE}")
    return content
