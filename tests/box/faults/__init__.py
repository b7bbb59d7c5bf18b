"""The installer, run while one of its steps fails or is the last: the product knows nothing of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.box.box import Box

HERE = Path(__file__).resolve().parent
HOME = "/opt/faults"
LOG = "/opt/faults/log"
RELEASES = "/opt/neuronova/releases"


@dataclass(frozen=True)
class Step:
    """One thing that the installer was about to do."""

    number: int
    event: str
    what: str

    def __str__(self) -> str:
        """Name it."""
        return f"{self.number}. {self.event} {self.what[:120]}"


@dataclass(frozen=True)
class Outcome:
    """What became of a run."""

    code: int
    output: str
    steps: list[Step]


class Faults:
    """Runs the installer's commands in a box."""

    def __init__(self, box: Box) -> None:
        self._box = box
        box.path(HOME).mkdir(exist_ok=True)
        shutil.copy(HERE / "sitecustomize.py", box.path(HOME))

    def run(self, script: str, mode: str = "record", at: int | str = 0, timeout_s: float = 300) -> Outcome:
        """Run a shell script while one step goes wrong, by its number or the first with such words, and tell what it did."""
        self._box.path(LOG).unlink(missing_ok=True)
        environment = f"PYTHONPATH={HOME} FAULT_LOG={LOG} FAULT_MODE={mode} FAULT_AT='{at}'"
        done = self._box.run(f"export {environment}; {script}", expect=None, timeout_s=timeout_s)
        lines = self._box.path(LOG).read_text(encoding="utf-8").splitlines()
        return Outcome(done.code, done.output, [Step(**json.loads(line)) for line in lines])

    def keep_releases(self) -> None:
        """Keep the releases that there are: to build one takes longer than everything else together."""
        self._box.run(f"rm -rf {HOME}/releases && cp -al {RELEASES} {HOME}/releases")

    def put_releases_back(self) -> None:
        """Put them where they were, as an earlier run would have left them."""
        self._box.run(f"mkdir -p {RELEASES} && cp -alT --force {HOME}/releases {RELEASES}")
