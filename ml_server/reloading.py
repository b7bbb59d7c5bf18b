"""A reload that somebody asks for over HTTP: the version that is due is verified first, and the old one serves meanwhile."""

import fcntl
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ml_server.config import Settings
from ml_server.errors import ModelUnavailableError
from ml_server.inference import InferenceService
from ml_server.model import Model
from ml_server.repository import Entry
from ml_server.verification import apart
from ml_server.verification.apart import Limits
from ml_server.verification.findings import Finding, refusals
from ml_server.verification.trials import Trials

_READY = "ready-"
_LOCK = "reload.lock"
_LOOK_S = 0.05
# Less than gunicorn leaves an old worker for its last requests, of which this one is: `graceful_timeout`.
_WAIT_S = 4.0


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of it; `model_version` is the one that is served now."""

    ok: bool
    message: str
    model_name: str
    model_version: str | None
    model_digest: str | None
    findings: list[Finding] = []


class _Served(msgspec.Struct, frozen=True):
    version: str
    digest: str


_SERVED = msgspec.json.Decoder(_Served)


@dataclass(frozen=True)
class Reloading:
    """What a worker needs to have its master reload; `directory` is shared by all workers."""

    settings: Settings
    service: InferenceService
    directory: Path
    trials: Trials
    master: int

    def tell_ready(self) -> None:
        """Let whoever waits for a reload know what this process serves."""
        model = self.service.default
        served = _Served(model.card.version, model.digest) if model else _Served("", "")
        path = self.directory / f"{_READY}{os.getpid()}"
        part = path.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(served))
        part.replace(path)

    def run(self) -> Outcome:
        """Verify the version that is due, and have the master reload where it may be served."""
        with (self.directory / _LOCK).open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return self._outcome("another reload is under way: try again when it is done")
            return self._run()

    def _run(self) -> Outcome:
        installed = InferenceService(self.settings)
        installed.pin()
        due = installed.due
        if due is None:
            return self._outcome(f"no version of {self.settings.model} is installed")
        objection, findings = self._objection(due)
        if objection:
            return self._outcome(f"not reloaded: {due.name} {due.version} {objection}", findings)
        known = set(self._ready())
        os.kill(self.master, signal.SIGHUP)
        return self._wait(due, known)

    def _objection(self, due: Entry) -> tuple[str, list[Finding]]:
        served = self.service.default
        if due.error:
            return f"cannot be served: {due.error}", []
        if served is not None and due.version == served.card.version:
            if due.digest.startswith(served.digest):
                return "", []  # it is what is served: only the others are to be read anew
            return "has other files than the one that is served: give what is new a new version", []
        findings = apart.verify(due, Limits(self.settings.load_memory_mb, self.settings.load_timeout_s))
        if refusals(findings):
            return f"is refused: {'; '.join(finding.text for finding in refusals(findings))}", findings
        self.trials.passed(due)
        return "", findings

    def _wait(self, due: Entry, known: set[str]) -> Outcome:
        """Wait until as many new workers as there are to be serve what is due."""
        end = time.monotonic() + _WAIT_S + self.settings.timeout_s
        while time.monotonic() < end:
            new = [served for name, served in self._ready().items() if name not in known]
            if len(new) >= self.settings.workers:
                if all(due.version == served.version and due.digest.startswith(served.digest) for served in new):
                    return Outcome(True, f"serves {due.name} {due.version}", due.name, due.version, new[0].digest)
                version, digest = new[0].version or None, new[0].digest or None
                return Outcome(False, "reloaded, and something else is served: look at /models", due.name, version, digest)
            time.sleep(_LOOK_S)
        message = f"the new workers are still loading {due.name} {due.version}: look at /health"
        return Outcome(True, message, due.name, due.version, due.digest[:12])

    def _ready(self) -> dict[str, _Served]:
        found = {}
        for path in self.directory.glob(f"{_READY}*[0-9]"):
            try:
                found[path.name] = _SERVED.decode(path.read_bytes())
            except FileNotFoundError:
                continue  # its worker has just ended
        return found

    def _outcome(self, message: str, findings: list[Finding] | None = None) -> Outcome:
        served: Model | None
        try:
            served = self.service.model()
        except ModelUnavailableError:
            served = None
        version, digest = (served.card.version, served.digest) if served else (None, None)
        return Outcome(False, message, self.settings.model, version, digest, findings or [])


def forget(directory: Path, pid: int) -> None:
    """Forget what a worker that is gone has served; for gunicorn's `child_exit`."""
    (directory / f"{_READY}{pid}").unlink(missing_ok=True)
