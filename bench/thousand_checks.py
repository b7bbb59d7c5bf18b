"""A thousand HTTP checks in one cycle, and a cycle in which every target hangs.

`python -m bench.thousand_checks [--rounds 5]` prints how long a cycle takes, what share of one core the checks need when
they run every 60 s, and how long a cycle takes when nobody answers.
"""

from __future__ import annotations

import argparse
import io
import socket
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.http_target import http_target
from monitor_blueprint import config
from monitor_blueprint.engine.health_check import HealthCheck
from monitor_blueprint.engine.monitor import make_outbox
from monitor_blueprint.engine.self_check import SelfCheck
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text.health_log import HealthLog

PERIOD_S = 60.0


def _health_check(directory: Path, urls: Sequence[str]) -> HealthCheck:
    document = {
        "monitor": {"log_dir": str(directory / "log"), "state_dir": str(directory / "lib"), "every_minutes": 1},
        "check": [{"name": f"Target-{number}", "kind": "http", "url": url} for number, url in enumerate(urls)],
    }
    settings = config.parse(document, {}, source="bench")
    store = Store(settings.database)
    log, outbox = HealthLog(settings.log_dir, io.StringIO()), make_outbox(settings, store)
    return HealthCheck(settings, store, log, outbox, SelfCheck(settings, store, log, outbox))


def _measure(check: HealthCheck) -> tuple[float, float]:
    start, cpu = time.monotonic(), time.process_time()
    check.run(datetime.now(UTC), "bench")
    return time.monotonic() - start, time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--checks", type=int, default=1000)
    options = parser.parse_args()
    with http_target() as url, tempfile.TemporaryDirectory() as name:
        check = _health_check(Path(name), [url] * options.checks)
        _measure(check)
        rows = [_measure(check) for _ in range(options.rounds)]
    walls, cpus = [row[0] for row in rows], [row[1] for row in rows]
    print(
        f"{options.checks} HTTP checks: cycle median {statistics.median(walls):.2f} s (from {min(walls):.2f} to {max(walls):.2f})"
    )
    share = statistics.median(cpus) / PERIOD_S
    print(f"  CPU median {statistics.median(cpus):.2f} s ({min(cpus):.2f} - {max(cpus):.2f}): {share:.1%} of one core every 60 s")
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent, tempfile.TemporaryDirectory() as name:
        hung = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        for count in (9, options.checks):
            wall, _ = _measure(_health_check(Path(name) / str(count), [hung] * count))
            print(f"{count} targets, all hung: cycle {wall:.1f} s")


if __name__ == "__main__":
    main()
