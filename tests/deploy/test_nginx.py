"""The Nginx snippet as Nginx runs it, with local HTTP servers in the place of Django and the monitor."""

import http.server
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests
import urllib3

SNIPPETS = Path(__file__).resolve().parents[2] / "deploy" / "nginx"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
STATS_LOCATION = re.compile(r"    location = /api/system/stats/ \{.*?\n    \}\n", re.DOTALL)
TOKEN = "token-of-the-monitor"

pytestmark = pytest.mark.skipif(
    NGINX is None or shutil.which("openssl") is None, reason="not installed: apt-get install nginx-light openssl"
)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with what it was sent."""

    server: "Neighbour"

    def do_GET(self) -> None:
        said = f"{self.server.name} {self.headers.get('Authorization')} {self.headers.get('Cookie')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class Neighbour(http.server.ThreadingHTTPServer):
    """A local HTTP server in the place of Django or the monitor."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.name = name
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


def is_listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def nginx(folder: Path, snippet: str) -> Iterator[str]:
    """Run Nginx with the snippet on a free port, every file of it in the folder."""
    with ExitStack() as stack:
        django, monitor = (stack.enter_context(Neighbour(name)) for name in ("django", "monitor"))
        stack.callback(django.shutdown)
        stack.callback(monitor.shutdown)
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        for here, there in (
            ("    listen [::]:443 ssl;\n", ""),
            ("listen 443 ", f"listen 127.0.0.1:{port} "),
            ("127.0.0.1:8000", f"127.0.0.1:{django.server_port}"),
            ("127.0.0.1:9001", f"127.0.0.1:{monitor.server_port}"),
            ("/etc/nginx/", f"{folder}/"),
            ("/etc/neuronova/", f"{folder}/"),
        ):
            assert here in snippet
            snippet = snippet.replace(here, there)
        (folder / "neuronova.conf").write_text(snippet)
        shutil.copy(SNIPPETS / "neuronova-proxy.conf", folder)
        (folder / "nginx_admin_token.conf").write_text(f'proxy_set_header Authorization "Bearer {TOKEN}";\n')
        (folder / "neuronova.htpasswd").write_text("admin:{PLAIN}pw\n")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=clinic",
             "-keyout", folder / "neuronova-key.pem", "-out", folder / "neuronova-fullchain.pem"],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        temporary = "".join(f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors;"
            f"events {{}} http {{ access_log off; {temporary} include {folder}/neuronova.conf; }}"
        )
        assert NGINX is not None
        program = stack.enter_context(subprocess.Popen([NGINX, "-c", folder / "nginx.conf", "-e", folder / "errors"]))
        stack.callback(program.terminate)
        deadline = time.monotonic() + 30
        while not is_listening(port):
            assert program.poll() is None, (folder / "errors").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield f"https://127.0.0.1:{port}"


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = False
        session.headers["Cookie"] = "sessionid=of-the-login"
        urllib3.disable_warnings()
        yield session


def test_statistics_need_password(tmp_path: Path, browser: requests.Session) -> None:
    """Statistics need the administrator's password, and come from the monitor."""
    with nginx(tmp_path, (SNIPPETS / "neuronova.conf").read_text()) as url:
        assert "WWW-Authenticate" in browser.get(f"{url}/api/system/stats/", timeout=10).headers
        stats = browser.get(f"{url}/api/system/stats/", auth=("admin", "pw"), timeout=10)
        assert stats.text.startswith(f"monitor Bearer {TOKEN} ")


def test_statistics_without_location_are_djangos(tmp_path: Path, browser: requests.Session) -> None:
    """Without their location, statistics are Django's, and nobody is asked for a password."""
    snippet, removed = STATS_LOCATION.subn("", (SNIPPETS / "neuronova.conf").read_text())
    assert removed == 1
    with nginx(tmp_path, snippet) as url:
        stats = browser.get(f"{url}/api/system/stats/", timeout=10)
        assert (stats.status_code, stats.text) == (200, "django None sessionid=of-the-login")
        assert browser.get(f"{url}/monitor/", timeout=10).status_code == 401
