"""Reloads, activations, rollbacks and killed workers, under load, while the files are replaced by others and by rubbish.

`python -m tests.ml_server.torture` does the long form and tells its figures; a test does the short one.
"""

import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from ml_server import activation
from ml_server.activation import Activation
from ml_server.store import Store
from ml_server.verification.verify import verify
from tests.ml_server import small_models
from tests.ml_server.server import DEADLINE_S, Server
from tests.ml_server.small_models import NAME, install

GOOD = ("1.0.0", "1.1.0")
BAD = "1.9.0"
KEPT, FRESH = 4, 2
FEATURES = {"a": 0.4, "b": -0.3}
_KINDS = ("reload", "activate", "rollback", "kill")


@dataclass
class Tally:
    """What was done, what was answered, and everything that must not happen."""

    done: Counter[str] = field(default_factory=Counter)
    answered: Counter[tuple[str, str]] = field(default_factory=Counter)
    asked_again: int = 0
    wrong: list[str] = field(default_factory=list)
    slowest_reload_s: float = 0.0


class Clients:
    """Ask without a pause; a connection that breaks is a fault unless a worker was just killed, and is asked again."""

    def __init__(self, url: str, tally: Tally) -> None:
        self._url = f"{url}/predict"
        self._tally = tally
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._is_killing = 0
        self._threads = [threading.Thread(target=self._ask, args=(number < KEPT,)) for number in range(KEPT + FRESH)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(DEADLINE_S)

    def expect_broken(self, *, is_expected: bool) -> None:
        """Let connections break from now on, or no longer."""
        with self._lock:
            self._is_killing += 1 if is_expected else -1

    def _ask(self, is_kept: bool) -> None:
        client: Any = requests.Session() if is_kept else requests
        while not self._stop.is_set():
            begun_killing = self._is_killing
            try:
                answer = client.post(self._url, json={"features": FEATURES}, timeout=DEADLINE_S)
            except requests.RequestException as error:
                with self._lock:
                    if begun_killing or self._is_killing:
                        self._tally.asked_again += 1
                    else:
                        self._tally.wrong.append(f"{'kept' if is_kept else 'fresh'}: {error!r}")
                continue
            with self._lock:
                if answer.status_code == 200:
                    body = answer.json()
                    self._tally.answered[body["model_version"], body["model_digest"]] += 1
                else:
                    self._tally.wrong.append(f"{answer.status_code} {answer.text}")


class Torture:
    """One server, and what is done to it."""

    def __init__(self, directory: Path, *, seed: int = 0) -> None:
        self.models = directory / "models"
        self.tally = Tally()
        self._chance = random.Random(seed)
        self._store = Store(self.models, verify)
        self._spare = directory / "spare"
        for version in GOOD:
            install(self._spare, version=version, title=f"The good {version}")
        shutil.copytree(self._spare, self.models)
        _install_neighbours(self.models)
        for version in GOOD:
            self._store.activate(NAME, version)
        self.digests = {entry.version: entry.digest[:12] for entry in self._store.entries() if entry.name == NAME}
        environ = {"ML_MODEL_DIR": str(self.models), "ML_MODEL": NAME, "ML_LOAD_TIMEOUT_S": "2"}
        self.server = Server(directory, environ)
        for _ in range(2):
            self.server.report_with("READY")

    def run(self, **counts: int) -> None:
        """Do everything that often, in any order."""
        todo = [kind for kind in _KINDS for _ in range(counts[kind])]
        self._chance.shuffle(todo)
        with Clients(self.server.url, self.tally) as clients:
            for kind in todo:
                if kind == "kill":
                    self._kill(clients)
                else:
                    self._change(kind)
                    self._reload()
                self.tally.done[kind] += 1
        self._judge()

    def _change(self, kind: str) -> None:
        if kind == "reload":
            self._chance.choice([self._replace, self._spoil, self._lose, self._bad_candidate, self._force_bad, self._mend])()
            return
        self._mend()
        if kind == "activate":
            self._store.activate(NAME, self._chance.choice(GOOD))
        elif self._store.history(NAME)[1:]:
            self._store.rollback(NAME)
        else:
            self._store.activate(NAME, GOOD[0])
            self._store.activate(NAME, GOOD[1])
            self._store.rollback(NAME)

    def _replace(self) -> None:
        """Put another good model under the same version."""
        install(self.models, version=self._chance.choice(GOOD), title=f"Another one {self._chance.random()}")

    def _spoil(self) -> None:
        (self.models / NAME / self._chance.choice(GOOD) / "model.onnx").write_bytes(b"rubbish")

    def _lose(self) -> None:
        (self.models / NAME / self._chance.choice(GOOD) / "model.onnx").unlink(missing_ok=True)

    def _bad_candidate(self) -> None:
        wrong = [{"features": FEATURES, "expected": {"no": 0.5, "yes": 0.5}}]
        install(self.models, version=BAD, golden_samples=wrong)

    def _force_bad(self) -> None:
        """Have a candidate due that nobody has verified."""
        self._bad_candidate()
        entry = self._store.entry(NAME, BAD)
        history = tuple(pin for pin in self._store.history(NAME) if pin.version != BAD)
        activation.write_activation(self.models / NAME, Activation(BAD, entry.digest, history))

    def _mend(self) -> None:
        for version in GOOD:
            shutil.copytree(self._spare / NAME / version, self.models / NAME / version, dirs_exist_ok=True)
        history = tuple(pin for pin in self._store.history(NAME) if pin.version != BAD)
        activation.write_activation(self.models / NAME, Activation(history[0].version, history[0].digest, history[1:]))
        shutil.rmtree(self.models / NAME / BAD, ignore_errors=True)

    def _reload(self) -> None:
        before = set(self.server.workers())
        begun = time.monotonic()
        os.kill(self.server.process.pid, signal.SIGHUP)
        for _ in range(2):
            self._expect_good(self.server.report_with("READY"))
        self.tally.slowest_reload_s = max(self.tally.slowest_reload_s, time.monotonic() - begun)
        _wait_until(lambda: not before & set(self.server.workers()))

    def _kill(self, clients: Clients) -> None:
        clients.expect_broken(is_expected=True)
        victim = self._chance.choice(self.server.workers())
        os.kill(victim, signal.SIGKILL)
        self._expect_good(self.server.report_with("READY"))
        _wait_until(lambda: victim not in self.server.workers())
        clients.expect_broken(is_expected=False)

    def _expect_good(self, report: dict[str, str]) -> None:
        if not any(f"serving {NAME} {version} " in report["STATUS"] for version in GOOD):
            self.tally.wrong.append(report["STATUS"])

    def _judge(self) -> None:
        """See that each version was answered with one digest, the one that was activated."""
        for version, digest in self.tally.answered:
            if version not in GOOD or self.digests[version] != digest:
                self.tally.wrong.append(f"answered by {version} {digest}")


def _install_neighbours(models: Path) -> None:
    """A model that never comes to an end in its self-test, one that asks for 2.3 GB, and one that is broken."""
    from tests.ml_server.conftest import slow_model  # noqa: PLC0415 - it needs pytest

    item = {**small_models.card(b"")["inputs"][0], "name": "rounds", "minimum": 0.0, "maximum": 1e12, "median": 1.0}
    golden = [{"features": {"rounds": 1e12}, "expected": {"no": 0.5, "yes": 0.5}}]
    install(models, slow_model(), name="endless", inputs=[item], golden_samples=golden)
    install(models, small_models.hungry(2300), name="hungry")
    install(models, name="broken", sha256="0" * 64)


def _wait_until(is_so: Any) -> None:
    end = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def main() -> int:
    """Do the long form."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        torture = Torture(Path(directory))
        try:
            torture.run(reload=200, activate=50, rollback=50, kill=50)
        finally:
            torture.server.stop()
    tally = torture.tally
    sys.stdout.write(
        f"{dict(tally.done)} in {time.monotonic() - begun:.0f} s; answered {sum(tally.answered.values())}:"
        f" {dict(tally.answered)}; asked again after a kill {tally.asked_again}; slowest reload"
        f" {tally.slowest_reload_s:.2f} s; wrong {len(tally.wrong)} {tally.wrong[:5]}\n"
    )
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
