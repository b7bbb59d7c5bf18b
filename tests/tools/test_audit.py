"""Known vulnerabilities are told, and so is that nothing could be found out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.e2e.programs import DEADLINE_S, ROOT, clean_environ

pytestmark = pytest.mark.slow

FAULT = {
    "id": "PYSEC-2026-1",
    "aliases": ["CVE-2026-12345"],
    "affected": [
        {"package": {"name": "shaky", "ecosystem": "PyPI"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": "1.3"}]}]}
    ],
}


class Service(ThreadingHTTPServer):
    """Answers what OSV answers; for "broken" an error. It notes what it is asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked: set[tuple[str, str]] = set()
        self.url = f"http://127.0.0.1:{self.server_port}/v1/query"


class Answer(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name, version = query["package"]["name"], query["version"]
        self.server.asked.add((name, version))
        body = json.dumps({"vulns": [FAULT]} if name == "shaky" else {}).encode()
        self.send_response(500 if name == "broken" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


def audit(address: str, directory: Path, *pins: str) -> subprocess.CompletedProcess[str]:
    locked = directory / "requirements.txt"
    locked.write_text("".join(f"{pin} \\\n    --hash=sha256:{'0' * 64}\n    # via us\n" for pin in pins))
    environ = clean_environ({"HOME": str(directory)})
    command = [sys.executable, "-m", "tools.audit", address, str(locked)]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def test_nothing_known_is_good(service: Service, tmp_path: Path) -> None:
    """Also what is for another Python or system than this one is asked for."""
    pins = (
        "sound==1",
        "split==1 ; python_version < '3.12'",
        "split==2 ; python_version >= '3.12'",
        "other==1 ; sys_platform == 'win32'",
    )
    done = audit(service.url, tmp_path, *pins)
    assert (done.returncode, done.stdout) == (0, "4 of 4 libraries looked up, 0 known vulnerabilities.\n"), done.stderr
    assert service.asked == {("sound", "1"), ("split", "1"), ("split", "2"), ("other", "1")}


def test_vulnerability_is_named(service: Service, tmp_path: Path) -> None:
    done = audit(service.url, tmp_path, "sound==1", "shaky==1.2")
    assert done.returncode == 1, done.stderr
    assert "shaky 1.2: PYSEC-2026-1, CVE-2026-12345; mended in 1.3\n" in done.stdout


def test_refusing_service_is_not_good(service: Service, tmp_path: Path) -> None:
    service.server_close()
    done = audit(service.url, tmp_path, "sound==1")
    assert done.returncode == 3
    assert done.stdout == f"NOT FOUND OUT: {service.url} did not answer for any library.\n"
    assert "Connection refused" in done.stderr


def test_failing_service_is_not_good(service: Service, tmp_path: Path) -> None:
    done = audit(service.url, tmp_path, "broken==1", "split==1", "split==2")
    assert done.returncode == 3
    assert f"NOT FOUND OUT: {service.url} did not answer for broken 1, split 1.\n" in done.stdout
