"""Memory of the monitor in all: the PSS of gunicorn's master and worker after some health checks.

`python -m bench.memory [--config FILE]` starts the monitor as the Procfile does, on another port and with a database of
its own. PSS counts a page that several processes share in parts; run it where no other program uses the same environment.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from monitor_blueprint import config
from monitor_blueprint.storage.store import Store

ROUNDS = 3
_DEADLINE_S = 120.0


def pss_bytes(pid: int) -> int:
    """Return the proportional set size of a process."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    assert found is not None
    return int(found.group(1)) * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=config.DEFAULT_FILE)
    source = parser.parse_args().config.read_text()
    with tempfile.TemporaryDirectory() as name:
        source = re.sub(r"^(log_dir|state_dir) = .*$", rf'\1 = "{name}/\1"', source, flags=re.MULTILINE)
        source = re.sub(r"^every_minutes = .*$", "every_minutes = 1", source, flags=re.MULTILINE)
        file = Path(name) / "monitor.toml"
        file.write_text(source)
        environment = os.environ | {"NEURONOVA_CONFIG": str(file)}
        arguments = ["-c", "python:monitor_blueprint.gunicorn_conf", "-b", "127.0.0.1:0", "wsgi:monitor"]
        master = subprocess.Popen([sys.executable, "-m", "gunicorn", *arguments], env=environment, stdout=subprocess.DEVNULL)
        try:
            _wait_for_checks(config.load({"NEURONOVA_CONFIG": str(file)}).database)
            processes = [psutil.Process(master.pid), *psutil.Process(master.pid).children(recursive=True)]
            sizes = [pss_bytes(process.pid) / 1e6 for process in processes]
        finally:
            master.send_signal(signal.SIGTERM)
            master.wait()
    print(f"{len(sizes)} processes: " + " + ".join(f"{size:.1f}" for size in sizes) + f" = {sum(sizes):.1f} MB of PSS")


def _wait_for_checks(database: Path) -> None:
    deadline = time.monotonic() + _DEADLINE_S * ROUNDS
    while time.monotonic() < deadline:
        time.sleep(1)
        if database.exists():
            with Store(database) as store:
                if len(store.reads.rounds()) >= ROUNDS:
                    return
    sys.exit("no health checks were made")


if __name__ == "__main__":
    main()
