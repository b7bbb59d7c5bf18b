"""The same ambiguities behind a real Nginx, which reads them first and keeps its connections to the server."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.conftest import StartServer
from tests.serving.server import DEADLINE_S, Client, Server, established, wait_until
from tests.serving.wire import AMBIGUITIES, GET, SMUGGLED

NGINX = shutil.which("nginx", path=os.defpath + ":/usr/sbin")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(NGINX is None, reason="Nginx is not installed")]

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {work}/pid;
error_log {work}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    upstream ml {{
        server 127.0.0.1:{port};
        keepalive 1;
    }}
    server {{
        listen unix:{work}/front;
        location / {{
            proxy_pass http://ml;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_request_buffering {buffering};
        }}
    }}
}}
"""


class Front:
    """Nginx in front of a server of one worker; it keeps one connection to that."""

    def __init__(self, server: Server, work: Path, buffering: str) -> None:
        self.server, self._work = server, work
        (work / "conf").write_text(CONFIGURATION.format(work=work, port=server.address[1], buffering=buffering), "utf-8")
        assert NGINX is not None
        command = [NGINX, "-p", str(work), "-c", str(work / "conf"), "-e", str(work / "error.log")]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_until((work / "front").exists)

    def connect(self) -> Client:
        return Client(str(self._work / "front"))

    def stop(self) -> None:
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(DEADLINE_S)


@pytest.fixture(params=["on", "off"])
def front(request: pytest.FixtureRequest, start_server: StartServer, tmp_path: Path) -> Iterator[Front]:
    running = Front(start_server(), tmp_path, request.param)
    yield running
    running.stop()


def test_nobody_gets_anothers_answer(front: Front) -> None:
    """Whatever came over the connection that the next one's request goes over."""
    for number, request_bytes in enumerate(AMBIGUITIES):
        with front.connect() as attacker:
            attacker.send(request_bytes + SMUGGLED, hang_up=True).rest()
        with front.connect() as victim:
            for turn in range(3):
                answer = victim.ask(f"/?victim{number}.{turn}")
                assert (answer.status, answer.body) == (200, b"victim%d.%d" % (number, turn)), request_bytes


def test_connection_is_kept_for_the_next(front: Front) -> None:
    """Or else the test above would prove nothing."""
    (worker,) = front.server.workers()
    for number in range(3):
        with front.connect() as client:
            assert client.ask(f"/?{number}").body == b"%d" % number
        wait_until(lambda: len(established(worker)) == 1)
    (connection,) = established(worker)
    with front.connect() as client:
        assert client.send(GET + b"\r\n").answer().body == b"first"
    assert established(worker) == [connection]
