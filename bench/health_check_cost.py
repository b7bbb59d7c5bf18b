"""CPU time of one health check of the guide's six steps, against the same six checks with shell commands.

Run it on a machine with systemd: `python -m bench.health_check_cost [--rounds 30]`. Both look at the same units, ask the
same two addresses (small servers that this program starts) and measure the same resources, in turn.
"""

from __future__ import annotations

import argparse
import io
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from bench.http_target import http_target
from monitor_blueprint import config
from monitor_blueprint.adapters.systemd import SystemdUnavailableError, read_units
from monitor_blueprint.engine.health_check import HealthCheck
from monitor_blueprint.engine.monitor import make_outbox
from monitor_blueprint.engine.self_check import SelfCheck
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text.health_log import HealthLog

# The guide's commands, step by step, with its log line for each.
SHELL = """
log() { echo "[$(date '+%Y-%m-%d %H:%M:%S')] $1: $2" >> "$LOG"; }
log INFO "NeuroNova health check"
for unit in nginx gunicorn_django gunicorn_flask; do
    if systemctl is-active --quiet "$unit"; then log SUCCESS "$unit"; else log ERROR "$unit"; fi
done
for url in $URLS; do
    code=$(curl -s -o /dev/null -w '%{http_code}' --max-time 5 "$url"); log SUCCESS "$url $code"
done
log SUCCESS "disk $(df -h / | awk 'NR==2 {print $5}')"
log SUCCESS "memory $(free | awk '/Mem:/ {printf "%.0f", $3/$2*100}')"
log SUCCESS "cpu $(uptime | awk -F'load average:' '{print $2}' | cut -d, -f1) of $(nproc)"
log INFO "done"
"""


def _own_check(directory: Path, url: str) -> HealthCheck:
    document = tomllib.loads(config.DEFAULT_FILE.read_text())
    document["monitor"] |= {"log_dir": str(directory / "log"), "state_dir": str(directory / "lib")}
    document["check"] = document["check"][:6]
    for check in document["check"]:
        if "url" in check:
            check["url"] = url
    settings = config.parse(document, {}, source="bench")
    store = Store(settings.database)
    log, outbox = HealthLog(settings.log_dir, io.StringIO()), make_outbox(settings, store)
    return HealthCheck(settings, store, log, outbox, SelfCheck(settings, store, log, outbox))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    try:
        read_units(["nginx"])
    except SystemdUnavailableError as error:
        sys.exit(f"{error}: a comparison of asking systemd needs a machine with systemd")
    own: list[float] = []
    shell: list[float] = []
    with http_target() as url, tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        check = _own_check(directory, url)
        check.run(datetime.now(UTC), "warm up")
        environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LOG": str(directory / "shell.log"), "URLS": f"{url} {url}"}
        for _ in range(rounds):
            start = time.process_time()
            check.run(datetime.now(UTC), "bench")
            own.append((time.process_time() - start) * 1000)
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(["bash", "-c", SHELL], env=environment, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            shell.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000)
    for label, values in (("health check", own), ("shell commands", shell)):
        low, middle, high = statistics.quantiles(values, n=4)
        print(f"{label:15s} median {middle:6.1f} ms CPU (quartiles {low:.1f} - {high:.1f}, {rounds} rounds)")
    print(f"ratio {statistics.median(own) / statistics.median(shell):.2f}")


if __name__ == "__main__":
    main()
