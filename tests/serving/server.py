"""A real gunicorn with the application of these tests, and a client that sends whatever bytes it is told to."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Self

import psutil

ROOT = Path(__file__).parents[2]
DEADLINE_S = 30


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_kept(self) -> bool:
        return self.headers["connection"] == "keep-alive"


class Client:
    """One connection."""

    def __init__(self, address: Any, receive_bytes: int | None = None) -> None:
        self.socket = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(DEADLINE_S)
        self.socket.connect(address)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def send(self, data: bytes, *, hang_up: bool = False) -> Self:
        """Send; a server that has hung up already is not asked to take it all."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)
            if hang_up:
                self.socket.shutdown(socket.SHUT_WR)
        return self

    def answer(self, *, has_body: bool = True) -> Answer:
        """The next answer, which is not there if the server has closed."""
        line = self._file.readline()
        assert line.startswith(b"HTTP/1.1 "), line
        fields = [field.decode("latin-1").split(": ", 1) for field in iter(self._file.readline, b"\r\n")]
        headers = {name.lower(): value.removesuffix("\r\n") for name, value in fields}
        assert len(headers) == len(fields), fields
        length = int(headers.get("content-length", "0")) if has_body else 0
        return Answer(int(line.split()[1]), headers, self._file.read(length))

    def ask(self, target: str, *, method: str = "GET", fields: str = "", body: bytes = b"") -> Answer:
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        self.send(f"{method} {target} HTTP/1.1\r\nHost: x\r\n{fields}{length}\r\n".encode("latin-1") + body)
        return self.answer(has_body=method != "HEAD")

    def rest(self) -> bytes:
        """Whatever comes until the server has closed."""
        with contextlib.suppress(ConnectionResetError):
            return self._file.read()
        return b""


class Server:
    """One gunicorn; `settings` are gunicorn's, `limits` the connection's constants, in capitals."""

    def __init__(self, directory: Path, *, path: str | None = None, files: int = 4096, **settings: Any) -> None:
        self.stderr = directory / "stderr"
        self._listener = socket.socket(socket.AF_INET if path is None else socket.AF_UNIX)
        if path is None:
            self._listener.bind(("127.0.0.1", 0))
        else:
            self._listener.bind(path)
        self._listener.listen(2048)
        self.address = self._listener.getsockname()
        limits = {name: settings.pop(name) for name in [*settings] if name.isupper()}
        settings = {
            "bind": f"fd://{self._listener.fileno()}",
            "worker_class": "tests.serving.app.AsyncioWorker",
            "workers": 1,
            "threads": 4,
            "keepalive": 60,
            "control_socket_disable": True,
        } | settings
        lines = [
            "import resource",
            "from serving import connection",
            "from serving.worker import forget",
            *(f"{name} = {value!r}" for name, value in settings.items()),
            *(f"connection.{name} = {value!r}" for name, value in limits.items()),
            "def post_worker_init(worker):",
            f"    resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}))",
            "def child_exit(server, worker):",
            "    forget(worker)",
        ]
        conf = directory / "conf.py"
        conf.write_text("\n".join(lines), "utf-8")
        with self.stderr.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, str(Path(sys.executable).parent / "gunicorn"), "-c", str(conf), "tests.serving.app:application"],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TMPDIR": str(directory)},
                stderr=err,
                pass_fds=[self._listener.fileno()],
                start_new_session=True,
            )
        with self.connect() as client:
            client.ask("/")

    def connect(self, receive_bytes: int | None = None) -> Client:
        return Client(self.address, receive_bytes)

    def ask(self, target: str) -> Answer:
        """What a new client is answered."""
        with self.connect() as client:
            return client.ask(target)

    def raw(self, data: bytes, *, hang_up: bool = False) -> bytes:
        """Whatever is answered to these bytes until the server closes."""
        with self.connect() as client:
            return client.send(data, hang_up=hang_up).rest()

    @property
    def log(self) -> str:
        return self.stderr.read_text("utf-8", "replace")

    def workers(self) -> list[int]:
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def stop(self) -> None:
        """End the server and whatever it started, and see that nothing went wrong unnoticed."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE_S)
        self._listener.close()
        assert "Traceback" not in self.log, self.log


def wait_until(is_so: Callable[[], bool]) -> None:
    """Until something is so that no event tells of."""
    end = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def established(pid: int) -> list[Any]:
    """The connections that a worker has."""
    return [each for each in psutil.Process(pid).net_connections("tcp") if each.status != psutil.CONN_LISTEN]
