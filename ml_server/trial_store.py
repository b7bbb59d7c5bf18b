"""Puts a version on silent trial, and ends that: as it is activated, verified first and recorded."""

import secrets
import time

from ml_server import silent_trial
from ml_server.errors import BrokenModelError
from ml_server.repository import Entry
from ml_server.silent_trial import Trial
from ml_server.store import Store, StoreError
from ml_server.verification.findings import Finding


def start_trial(store: Store, name: str, version: str) -> tuple[Entry, Entry, list[Finding]]:
    """Have an installed version on trial; return it, the one that it is compared with, and the warnings.

    Raises:
        StoreError: it is not installed, is the one that is due, is of another task, or another one is on trial.
        RefusedModelError: it is not fit to be served.
    """
    with store.locked():
        _demand_none(store)
        entry, due = store.entry(name, version), store.due(name)
        if due is None or due.error or due.card is None:
            raise StoreError(f"no version of {name} can be served, to be compared with: add one, and activate it")
        if due.version == version:
            raise StoreError(f"{name} {version} is the version that is due: put another one on trial, which `add` installs")
        findings = store.verified(entry, "trial-start")
        if entry.card is not None and entry.card.task != due.card.task:
            raise StoreError(f"{name} {version} answers another task ({entry.card.task}) than {due.version} ({due.card.task})")
        store.record("trial-start", entry)
        try:
            silent_trial.write_trial(store.model_dir, Trial(secrets.token_hex(8), name, version, entry.digest, time.time()))
        except OSError as error:
            store.record("trial-start", entry, result="failed")
            raise StoreError(f"{silent_trial.FILE} cannot be written: {error.strerror}") from error
    return entry, due, findings


def stop_trial(store: Store) -> Trial | None:
    """End the trial; return it, or None where it could not be read what was on trial.

    Raises:
        StoreError: there is none, or it could not be ended.
    """
    with store.locked():
        try:
            trial = silent_trial.read_trial(store.model_dir)
        except BrokenModelError:
            trial = None
        else:
            if trial is None:
                raise StoreError("no version is on silent trial: there is nothing to stop")
        store.record("trial-stop", Entry(trial.name, trial.version, digest=trial.digest) if trial else Entry("-", "-"))
        try:
            silent_trial.end_trial(store.model_dir)
        except OSError as error:
            raise StoreError(f"{silent_trial.FILE} cannot be deleted: {error.strerror}") from error
    return trial


def _demand_none(store: Store) -> None:
    trial = silent_trial.read_trial(store.model_dir)
    if trial is not None:
        raise StoreError(f"{trial.name} {trial.version} is on silent trial already: end that first (`trial stop`)")
