"""From `systemctl stop` to the alert accepted by mail server and Slack: how long, and where the time goes.

`sudo python -m bench.alert_latency [--unit gunicorn_flask] [--rounds 20]` on a machine with systemd. It stops and starts
the unit, with a monitor of its own (own database, own port) and stand-ins for the mail server and for Slack on loopback.
Each round begins with an empty database, so that the rule against flapping does not hold messages back.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from aiosmtpd.controller import Controller

from monitor_blueprint.domain.models import Status
from monitor_blueprint.storage.store import Store

CONFIG = """
[monitor]
every_minutes = 30
log_dir = "{directory}/log"
state_dir = "{directory}/lib"
[[channel]]
kind = "slack"
[[channel]]
kind = "email"
[[check]]
name = "Flask"
kind = "service"
unit = "{unit}"
url = "{url}"
# What else may be going on here must not be what is told.
[[check]]
name = "Disk"
kind = "disk"
warning = 100
critical = 100
[[check]]
name = "Memory"
kind = "memory"
warning = 100
critical = 100
[[check]]
name = "CPU"
kind = "cpu"
warning = 100000
critical = 100000
"""
_DEADLINE_S = 60.0


@dataclass(frozen=True)
class Round:
    """Milliseconds since the stop was asked for."""

    detected: float
    checked: float
    delivered: float


class _Slack(BaseHTTPRequestHandler):
    accepted: queue.Queue[float] = queue.Queue()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "발생" in body["text"]:
            self.accepted.put(time.time())
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args: object) -> None:
        pass


class _Mailbox:
    def __init__(self) -> None:
        self.accepted: queue.Queue[float] = queue.Queue()

    async def handle_DATA(self, _server: object, _session: object, _envelope: object) -> str:  # noqa: N802 - aiosmtpd's name
        self.accepted.put(time.time())
        return "250 OK"


def _one_round(unit: str, url: str, mailbox: _Mailbox, smtp_port: int, slack_port: int) -> Round:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        file = directory / "monitor.toml"
        file.write_text(CONFIG.format(directory=directory, unit=unit, url=url))
        environment = os.environ | {
            "NEURONOVA_CONFIG": str(file),
            "SLACK_WEBHOOK": f"http://127.0.0.1:{slack_port}/services/T/B/X",
            "ALERT_EMAIL": "operator@example.com",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(smtp_port),
            "SMTP_TLS": "none",
        }
        arguments = ["-c", "python:monitor_blueprint.gunicorn_conf", "-b", "127.0.0.1:0", "wsgi:monitor"]
        monitor = subprocess.Popen([sys.executable, "-m", "gunicorn", *arguments], env=environment, stdout=subprocess.DEVNULL)
        try:
            _wait_for_first_check(directory / "lib" / "monitor.db")
            began = time.time()
            subprocess.run(["systemctl", "stop", unit], check=True)
            delivered = max(mailbox.accepted.get(timeout=_DEADLINE_S), _Slack.accepted.get(timeout=_DEADLINE_S))
            with Store(directory / "lib" / "monitor.db") as store:
                looks = [cycle for cycle in store.reads.rounds() if cycle.overall is Status.CRITICAL]
            first = min(looks, key=lambda cycle: cycle.started_at)
            detected = first.started_at.timestamp()
            checked = detected + first.duration_ms / 1000
        finally:
            monitor.terminate()
            monitor.wait()
            subprocess.run(["systemctl", "start", unit], check=True)
    return Round((detected - began) * 1000, (checked - detected) * 1000, (delivered - checked) * 1000)


def _wait_for_first_check(database: Path) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        time.sleep(0.2)
        if database.exists():
            with Store(database) as store:
                if store.reads.rounds():
                    time.sleep(1.0)
                    return
    sys.exit("the monitor made no health check")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unit", default="gunicorn_flask")
    parser.add_argument("--url", default="http://127.0.0.1:9000/health")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    slack = ThreadingHTTPServer(("127.0.0.1", 0), _Slack)
    threading.Thread(target=slack.serve_forever, daemon=True).start()
    mailbox = _Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        smtp_port = free.getsockname()[1]
    smtp = Controller(mailbox, hostname="127.0.0.1", port=smtp_port)
    smtp.start()
    rounds = [_one_round(options.unit, options.url, mailbox, smtp_port, slack.server_address[1]) for _ in range(options.rounds)]
    smtp.stop()
    totals = [each.detected + each.checked + each.delivered for each in rounds]
    columns = {
        "detection": [each.detected for each in rounds],
        "check": [each.checked for each in rounds],
        "delivery": [each.delivered for each in rounds],
        "in all": totals,
    }
    for label, values in columns.items():
        spread = f"from {min(values):.0f} to {max(values):.0f}, {len(values)} rounds"
        print(f"{label:10s} median {statistics.median(values):7.0f} ms ({spread})")


if __name__ == "__main__":
    main()
