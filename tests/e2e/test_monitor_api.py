"""The API of the monitor as a program, asked as the README says: with curl."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import StartMonitor
from tests.e2e.programs import DEADLINE_S, command
from tests.monitor_blueprint.probes.looking import nobody
from tests.monitor_blueprint.running import TOKEN, configure

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")]
CHECKS = """
[[check]]
name = "Flask"
kind = "http"
url = "{url}"
attempts = 1

[[check]]
name = "Disk"
kind = "disk"
warning = 100
critical = 100
"""


class Curl:
    """curl with a token."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token

    def __call__(self, path: str, *options: str) -> tuple[int, Any]:
        done = subprocess.run(
            ["curl", "-sSw", "\n%{http_code}", "-H", f"Authorization: Bearer {self.token}", *options, f"{self.url}/api/v1{path}"],
            capture_output=True, text=True, check=True, timeout=DEADLINE_S,
        )  # fmt: skip
        body, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(body)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    path = configure(tmp_path, CHECKS.replace("{url}", nobody()), "grace_s = 0")
    return {"NEURONOVA_CONFIG": str(path), "MONITOR_ADMIN_TOKEN": TOKEN}


def test_an_operators_night(environ: dict[str, str], start_monitor: StartMonitor) -> None:
    """A named token sees the failure, takes care, silences, notes, checks again, and all of it has its name."""
    monitor = start_monitor(environ)
    monitor.reports.until_checked()
    token = command("token", "add", "night", "--role", "operate", environ=environ).stdout.strip()
    curl = Curl(monitor.url, token)
    status, seen = curl("/status")
    assert (status, seen["overall"], seen["stale"], seen["incident"]["number"]) == (200, "CRITICAL", None, 1)
    assert curl("/incidents/1/acknowledgement", "--json", "{}")[0] == 200
    status, made = curl("/silences", "--json", '{"checks": ["Flask"], "minutes": 30, "why": "restart"}')
    assert (status, made["silences"][0]["by"]) == (201, "night")
    assert curl("/incidents/1/notes", "--json", '{"text": "cable pulled"}')[0] == 201
    status, found = curl("/checks/Flask/run", "--json", "{}")
    assert (status, found["overall"]) == (200, "CRITICAL")
    assert curl(f"/silences/{made['silences'][0]['number']}", "-X", "DELETE")[0] == 200
    assert curl("/incidents/1/acknowledgement", "-X", "DELETE")[0] == 200
    status, audit = curl("/audit")
    assert {entry["by"] for entry in audit["entries"] if entry["kind"] != "token_added"} == {"night"}
    assert [entry["kind"] for entry in reversed(audit["entries"])] == [
        *("token_added", "acked", "silenced", "noted", "checked", "unsilenced", "unacked")
    ]
    assert json.loads(command("history", "1", "--json", environ=environ).stdout)["notes"][0]["by"] == "night"
    command("token", "revoke", "night", environ=environ)
    assert curl("/status")[0] == 401


def test_forms_and_strange_requests(environ: dict[str, str], start_monitor: StartMonitor) -> None:
    monitor = start_monitor(environ)
    monitor.reports.until_checked()
    curl = Curl(monitor.url, TOKEN)
    assert curl("/run", "-d", "x=1")[0] == 415
    assert curl("/run", "-X", "POST")[0] == 415
    assert curl("/run", "--json", "{")[0] == 400
    assert curl("/silences", "--json", json.dumps({"why": "x" * 70_000}))[0] == 413
    assert curl("/run", "--json", "{}", "-H", "Sec-Fetch-Site: cross-site")[0] == 403
    assert curl("/chekcs")[0] == 404
    assert curl("/checks", "-X", "PUT")[0] == 405
    address = urlsplit(monitor.url)
    with socket.create_connection((address.hostname, address.port or 0), DEADLINE_S) as client:
        # In pieces, and with no length said beforehand.
        client.sendall(
            f"POST /api/v1/run HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
            "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 "), answer[:300]
    assert b"frame-ancestors 'none'" in answer
