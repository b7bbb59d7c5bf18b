"""Adds, activates and removes versions: each in one step, whatever happens meanwhile, and none that was not verified.

A new version is copied beside the others, verified as it was copied, and renamed into its place. Which version is due is
one small file, replaced as a whole. So whoever reads the directory, and whenever this is killed, what was served can be.
"""

import fcntl
import itertools
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ml_server import activation, audit, durable, silent_trial
from ml_server.activation import Activation, Pin
from ml_server.card import CARD_FILE, Card, read_card
from ml_server.errors import BrokenModelError, MlServerError
from ml_server.repository import Entry, read_models, read_version
from ml_server.suggestions import did_you_mean
from ml_server.verification.findings import Finding, refusals

_LOCK = ".lock"
_ADDING, _REMOVING = ".adding-", ".removing-"
_MOST_BEFORE = 20


class StoreError(MlServerError):
    """What was asked for is not done; the message says why and what to do."""

    code = "refused"


class RefusedModelError(StoreError):
    """A model did not pass; `findings` says all that is wrong."""

    def __init__(self, what: str, findings: list[Finding]) -> None:
        super().__init__(f"{what} is refused: {'; '.join(finding.text for finding in refusals(findings))}")
        self.what = what
        self.findings = findings


class Store:
    """The versions in a model directory.

    Attributes:
        verify: returns everything that is wrong with a model.
        pinned: the model and the version that the settings name, where they name one: it cannot be activated over.
    """

    def __init__(self, model_dir: Path, verify: Callable[[Entry], list[Finding]], pinned: tuple[str, str] | None = None) -> None:
        self.model_dir = model_dir
        self._verify = verify
        self._pinned = pinned

    def add(self, source: Path) -> tuple[Entry, list[Finding]]:
        """Copy a directory with a card and its model file; return what was added, and the warnings.

        What has been served so far goes on being due, as if it had been activated.

        Raises:
            StoreError: that version is there already, or the files cannot be read or written.
            RefusedModelError: the model is not fit to be served.
            BrokenModelError: the card, or what is activated, cannot be read.
        """
        card = _card_of(source)
        with self.locked():
            target = self.model_dir / card.name / card.version
            staging = self.model_dir / f"{_ADDING}{secrets.token_hex(8)}"
            if target.exists():
                raise self._is_there(card, source)
            _copy(source, staging, card)
            entry = read_version(staging, card.name, card.version)
            findings = self.verified(entry, "add")
            served = () if self._activation(card.name) else self._served(card.name)
            durable.make_directory(target.parent)
            self.record("add", entry)
            for pin in served:
                self._replace("add", entry, Activation(pin.version, pin.digest))
            staging.rename(target)
            durable.sync_directory(target.parent)
            durable.sync_directory(self.model_dir)
        return entry, findings

    def activate(self, name: str, version: str) -> tuple[Entry, list[Finding]]:
        """Make an installed version the one that is due; return it, and the warnings.

        Raises:
            StoreError: it is not installed, has other files than when it was activated before, or the settings pin another.
            RefusedModelError: the model is not fit to be served.
        """
        with self.locked():
            entry = self.entry(name, version)
            self._demand_unpinned(name, version)
            now = self._activation_or_none(name)
            self._demand_same(entry, now)
            findings = self.verified(entry, "activate")
            before = now.pins if now else self._served(name, besides=version)
            rest = tuple(pin for pin in before if pin.version != version)[:_MOST_BEFORE]
            self._write("activate", entry, Activation(version, entry.digest, rest))
        return entry, findings

    def rollback(self, name: str) -> tuple[Entry, list[Finding]]:
        """Make the version due that was before the one that is; return it, and the warnings.

        Raises:
            StoreError: there was none, it is gone or not what it was, or the settings pin another.
            RefusedModelError: it is no longer fit to be served.
        """
        with self.locked():
            now = self._activation(name)
            self.entry(name)
            if now is None or not now.before:
                others = self._served(name, besides=getattr(self.due(name), "version", ""))
                remedy = f"activate {name} {others[0].version}" if others else "add DIRECTORY"
                raise StoreError(f"no version of {name} was activated before; to have another: neuronova-model {remedy}")
            last = now.before[0]
            entry = self.entry(name, last.version)
            self._demand_unpinned(name, last.version)
            if entry.error or entry.digest != last.digest:
                why = entry.error or "its files are not those that were activated"
                raise StoreError(f"{name} {last.version} cannot be served: {why}; activate another version")
            findings = self.verified(entry, "rollback")
            self._write("rollback", entry, Activation(last.version, last.digest, now.before[1:]))
        return entry, findings

    def remove(self, name: str, version: str) -> Entry:
        """Remove a version that is not due; return it.

        Raises:
            StoreError: it is not there, or it is due.
        """
        with self.locked():
            entry = self.entry(name, version)
            due = self.due(name)
            if due is not None and due.version == version:
                raise StoreError(f"{name} {version} is the version that is due: activate another one first")
            if self._is_on_trial(entry):
                raise StoreError(f"{name} {version} is on silent trial: end that first (`trial stop`)")
            now = self._activation(name)
            self.record("remove", entry)
            if now is not None and any(pin.version == version for pin in now.before):
                rest = tuple(pin for pin in now.before if pin.version != version)
                activation.write_activation(self.model_dir / name, Activation(now.version, now.digest, rest))
            gone = self.model_dir / f"{_REMOVING}{secrets.token_hex(8)}"
            (self.model_dir / name / version).rename(gone)
            durable.sync_directory(self.model_dir / name)
            shutil.rmtree(gone)
        return entry

    def entries(self) -> list[Entry]:
        """Return every installed version; see `read_models`."""
        return read_models(self.model_dir)

    def entry(self, name: str, version: str = "") -> Entry:
        """Return an installed version: the one that is due, unless one is named.

        Raises:
            StoreError: there is none such; says which there are.
        """
        entries = self.entries()
        found = next((each for each in entries if (each.name, each.version) == (name, version)), None)
        if not version:
            found = self.due(name)
        if found is not None:
            return found
        versions = ", ".join(entry.version for entry in entries if entry.name == name)
        names = list(dict.fromkeys(entry.name for entry in entries))
        hint = did_you_mean(name, names, at_most=1) if names else "; add one: neuronova-model add DIRECTORY"
        there = f"of {name} there are: {versions}" if versions else f"there are: {', '.join(names) or 'none'}{hint}"
        raise StoreError(f"{f'{name} {version}'.rstrip()} is not installed; {there}")

    def due(self, name: str) -> Entry | None:
        """Return the version that is to be served: the pinned, the activated, or the newest one; None where it is not there."""
        versions = [entry for entry in self.entries() if entry.name == name]
        if self._pinned is not None and self._pinned[0] == name:
            return next((entry for entry in versions if entry.version == self._pinned[1]), None)
        return next((entry for entry in versions if entry.rank == 0), versions[-1] if versions else None)

    def history(self, name: str) -> tuple[Pin, ...]:
        """Return the activated version and those before it; none where no version was activated."""
        now = self._activation(name)
        return now.pins if now else ()

    def _activation(self, name: str) -> Activation | None:
        return activation.read_activation(self.model_dir / name)

    def _activation_or_none(self, name: str) -> Activation | None:
        """Return nothing where the file is damaged: activating is what mends it."""
        try:
            return self._activation(name)
        except BrokenModelError:
            return None

    def _served(self, name: str, besides: str = "") -> tuple[Pin, ...]:
        """Return what is served where nothing was activated, or would be without the version `besides`; none if nothing can be.

        A rollback goes back to it.
        """
        installed = [entry for entry in reversed(self.entries()) if entry.name == name and entry.error is None]
        in_turn = sorted(installed, key=lambda entry: (entry.name, entry.version) != self._pinned)
        good = (entry for entry in in_turn if entry.version != besides and not refusals(self._verify(entry)))
        return tuple(Pin(entry.version, entry.digest) for entry in itertools.islice(good, 1))

    def _demand_unpinned(self, name: str, version: str) -> None:
        if self._pinned is not None and self._pinned[0] == name and self._pinned[1] != version:
            raise StoreError(
                f"the setting ML_MODEL_VERSION pins {name} to {self._pinned[1]}: take it out of the server's settings first,"
                " then activate"
            )

    def _demand_same(self, entry: Entry, now: Activation | None) -> None:
        if any(pin.version == entry.version and pin.digest != entry.digest for pin in (now.pins if now else ())):
            raise StoreError(
                f"{entry.name} {entry.version} was activated with other files than it has now: two answers under one version"
                " would not be told apart; give what is new a new version"
            )

    def verified(self, entry: Entry, action: str) -> list[Finding]:
        """Return the warnings of a model, for a change that it is to be fit for.

        Raises:
            RefusedModelError: it is not; that is recorded.
        """
        findings = self._verify(entry)
        if refusals(findings):
            self.record(action, entry, result="refused")
            raise RefusedModelError(f"{entry.name} {entry.version}", findings)
        return findings

    def _write(self, action: str, entry: Entry, new: Activation) -> None:
        self.record(action, entry)
        self._replace(action, entry, new)
        if self._is_on_trial(entry):
            self.record("trial-stop", entry)
            silent_trial.end_trial(self.model_dir)

    def _replace(self, action: str, entry: Entry, new: Activation) -> None:
        try:
            activation.write_activation(self.model_dir / entry.name, new)
        except OSError as error:
            self.record(action, entry, result="failed")
            raise StoreError(f"{activation.FILE} cannot be written: {error.strerror}") from error

    def _is_on_trial(self, entry: Entry) -> bool:
        try:
            trial = silent_trial.read_trial(self.model_dir)
        except BrokenModelError:
            return False
        return trial is not None and (trial.name, trial.version) == (entry.name, entry.version)

    def record(self, action: str, entry: Entry, result: str = "done") -> None:
        """Record a change that is about to be made.

        Raises:
            StoreError: that could not be done, so the change must not be made.
        """
        try:
            audit.record(self.model_dir, action, name=entry.name, version=entry.version, digest=entry.digest, result=result)
        except OSError as error:
            raise StoreError(f"{audit.FILE} cannot be written, and nothing is changed without it: {error.strerror}") from error

    def _is_there(self, card: Card, source: Path) -> StoreError:
        there = read_version(self.model_dir / card.name / card.version, card.name, card.version)
        is_same = there.error is None and there.digest == read_version(source, card.name, card.version).digest
        remedy = "nothing is to be added" if is_same else "it has other files: give the new ones a new version"
        return StoreError(f"{card.name} {card.version} is there already: {remedy}")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one change be made at a time, and clear away what a killed one has left."""
        try:
            handle = os.open(self.model_dir / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise StoreError(f"{self.model_dir} cannot be written ({error.strerror}): run this with sudo") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            for left in self.model_dir.glob(".*-*"):
                if left.name.startswith((_ADDING, _REMOVING)):
                    shutil.rmtree(left, ignore_errors=True)
            yield
        finally:
            for left in self.model_dir.glob(f"{_ADDING}*"):
                shutil.rmtree(left, ignore_errors=True)
            os.close(handle)


def _card_of(source: Path) -> Card:
    try:
        return read_card((source / CARD_FILE).read_bytes())
    except OSError as error:
        raise StoreError(f"{source / CARD_FILE} cannot be read: {error.strerror}") from error


def _copy(source: Path, staging: Path, card: Card) -> None:
    try:
        durable.copy(source, staging, (CARD_FILE, card.file, *(part.file for part in card.submodels)))
    except OSError as error:
        raise StoreError(f"{error.filename or staging} cannot be copied: {error.strerror}") from error
