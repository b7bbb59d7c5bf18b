"""A real gunicorn under a stand-in for systemd: the test holds the socket to which the service reports."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).parent.parent.parent
DEADLINE_S = 60


class Server:
    """One gunicorn. Its output goes to the files `stdout` and `stderr`, its reports to `next_report`."""

    def __init__(self, directory: Path, environ: dict[str, str]) -> None:
        self.stdout, self.stderr = directory / "stdout", directory / "stderr"
        self.work = directory / "work"
        self.work.mkdir()
        self._reports = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._reports.bind(str(directory / "notify"))
        self._reports.settimeout(DEADLINE_S)
        command = [sys.executable, str(Path(sys.executable).parent / "gunicorn")]
        with self.stdout.open("wb") as out, self.stderr.open("wb") as err:
            self.process = subprocess.Popen(
                [*command, "-c", "python:ml_server.gunicorn_conf", "wsgi:app"],
                cwd=ROOT,
                env={
                    "PATH": os.environ["PATH"],
                    "TMPDIR": str(self.work),
                    "NOTIFY_SOCKET": str(directory / "notify"),
                    "ML_BIND": "127.0.0.1:0",
                    **environ,
                },
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def next_report(self) -> dict[str, str]:
        """The next datagram for systemd, such as `{"READY": "1", "STATUS": "..."}`."""
        lines = self._reports.recv(4096).decode().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def report_with(self, key: str) -> dict[str, str]:
        """The next datagram that has this key."""
        while key not in (report := self.next_report()):
            pass
        return report

    @property
    def url(self) -> str:
        found = re.search(r"Listening at: (http://\S+)", self.stderr.read_text())
        assert found, self.stderr.read_text()
        return found[1]

    def workers(self, master: int | None = None) -> list[int]:
        """The process ids of a master's children; of the first master's unless another is named."""
        pid = master or self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def predict(self, content: Any, **headers: str) -> requests.Response:
        return requests.post(f"{self.url}/predict", json=content, headers=headers, timeout=DEADLINE_S)

    def post(self, body: bytes) -> requests.Response:
        """Ask for a prediction with these bytes as they are."""
        return requests.post(f"{self.url}/predict", data=body, headers={"Content-Type": "application/json"}, timeout=DEADLINE_S)

    def health(self) -> requests.Response:
        return requests.get(f"{self.url}/health", timeout=DEADLINE_S)

    def stop(self) -> None:
        """End the server and whatever it started, and wait for that."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(DEADLINE_S)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self._reports.close()
