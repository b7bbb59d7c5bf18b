"""The files for Nginx as Nginx runs them, with local HTTP servers in the place of Django and the monitor."""

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
from flask import Response

from monitor_blueprint.web.answers import secure

OURS = Path(__file__).resolve().parents[2] / "deploy" / "nginx"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
TOKEN = "token-of-the-monitor"
ADMIN = ("admin", "pw")
EXAMPLE = (OURS / "neuronova-example-site.conf").read_text(encoding="utf-8")
INCLUDES = "".join(f"include /etc/nginx/neuronova-monitor/{name}.conf;\n" for name in ("locations", "sign-in"))
# A site of somebody else, which has thought of much itself: sloppy TLS, static files by their names, large uploads, rules
# for who gets in, error pages, limits, headers of its own.
FOREIGN = """
map $http_upgrade $connection_upgrade { default upgrade; "" close; }
limit_req_zone $binary_remote_addr zone=login:1m rate=600r/m;
server {
    listen 443 ssl;
    server_name clinic.example.com;
    ssl_certificate /etc/nginx/neuronova-fullchain.pem;
    ssl_certificate_key /etc/nginx/neuronova-key.pem;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
    ssl_ciphers ALL:@SECLEVEL=0;
    client_max_body_size 100m;
    proxy_intercept_errors on;
    error_page 404 /static/missing.html;
    satisfy any;
    allow all;
    add_header X-Site clinic always;
    proxy_http_version 1.0;
    proxy_set_header Host clinic.internal;
    proxy_set_header Connection $connection_upgrade;
    # The one line goes here.
    location / { proxy_pass http://127.0.0.1:8000; }
    location = /predict { limit_req zone=login burst=5; proxy_pass http://127.0.0.1:8000; }
    location /static/ { alias /etc/nginx/static/; }
    location ~* \\.(css|js)$ { root /etc/nginx; expires 30d; }
}
"""

pytestmark = pytest.mark.skipif(
    NGINX is None or shutil.which("openssl") is None, reason="not installed: apt-get install nginx-light openssl"
)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with what it was sent: who it is, the path, the headers that Nginx may change, and how long the body was."""

    server: "Neighbour"

    def do_GET(self) -> None:
        left = size = int(self.headers.get("Content-Length", "0"))
        while left:
            left -= len(self.rfile.read(min(left, 1 << 20)))
        tokens, host = self.headers.get_all("Authorization"), self.headers.get("Host")
        said = f"{self.server.name} {self.path} {tokens} {self.headers.get('Cookie')} {host} {size}".encode()
        self.send_response(503 if self.path.endswith("/health") else 404 if self.path.endswith("/nothing") else 200)
        self.send_header("Content-Length", str(len(said)))
        self.send_header(
            "X-Seen-User", ",".join(self.headers.get_all("X-Remote-User", []) + self.headers.get_all("X_Remote_User", []))
        )
        self.end_headers()
        self.wfile.write(said)

    def do_POST(self) -> None:
        self.do_GET()

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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=clinic",
         "-keyout", folder / "neuronova-key.pem", "-out", folder / "neuronova-fullchain.pem"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return folder


@pytest.fixture
def etc(tmp_path: Path, certificate: Path) -> Path:
    """What stands under /etc/nginx after the commands of the comments."""
    shutil.copytree(OURS, tmp_path, dirs_exist_ok=True)
    shutil.copytree(certificate, tmp_path, dirs_exist_ok=True)
    (tmp_path / "nginx_admin_token.conf").write_text(f'proxy_set_header Authorization "Bearer {TOKEN}";\n')
    (tmp_path / "neuronova.htpasswd").write_text("admin:{PLAIN}pw\n")
    static = tmp_path / "static"
    static.mkdir()
    (static / "site.css").write_text("of the site")
    (static / "missing.html").write_text("the site's own page")
    return tmp_path


@contextmanager
def nginx(etc: Path, site: str, *, is_monitor_away: bool = False) -> Iterator[str]:
    """Run Nginx with a site on a free port, every file of it in the folder."""
    with ExitStack() as stack:
        django, monitor = (stack.enter_context(Neighbour(name)) for name in ("django", "monitor"))
        stack.callback(django.shutdown)
        stack.callback(monitor.shutdown)
        ports = []
        for _ in range(2):
            with socket.create_server(("127.0.0.1", 0)) as server:
                ports.append(server.getsockname()[1])
        temporary = "".join(f"{name}_temp_path {etc}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (etc / "site.conf").write_text(site)
        # As Debian's own nginx.conf has it.
        (etc / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {etc}/pid; error_log {etc}/errors warn; events {{}} http {{ access_log off;"
            f"{temporary} ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on;"
            "include /etc/nginx/conf.d/*.conf; include /etc/nginx/site.conf; }"
        )
        for file in [*etc.glob("*.conf"), *etc.glob("*/*.conf")]:
            text = file.read_text(encoding="utf-8")
            for here, there in (
                ("    listen [::]:80;\n", ""),
                ("    listen [::]:443 ssl;\n", ""),
                ("listen 80;", f"listen 127.0.0.1:{ports[1]};"),
                ("listen 443 ", f"listen 127.0.0.1:{ports[0]} "),
                ("127.0.0.1:8000", f"127.0.0.1:{django.server_port}"),
                ("127.0.0.1:9001", f"127.0.0.1:{monitor.server_port}"),
                ("/etc/nginx", str(etc)),
                ("/etc/neuronova/", f"{etc}/"),
            ):
                text = text.replace(here, there)
            file.write_text(text)
        assert NGINX is not None
        program = stack.enter_context(subprocess.Popen([NGINX, "-c", etc / "nginx.conf", "-e", etc / "errors"]))
        stack.callback(program.terminate)
        deadline = time.monotonic() + 30
        while not is_listening(ports[0]):
            assert program.poll() is None, (etc / "errors").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        if is_monitor_away:
            monitor.shutdown()
            monitor.server_close()
        yield f"https://127.0.0.1:{ports[0]}"


def included(lines: str = INCLUDES) -> str:
    """The foreign site with the lines in it."""
    assert "# The one line goes here." in FOREIGN
    return FOREIGN.replace("# The one line goes here.", lines)


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = False
        session.headers["Cookie"] = "sessionid=of-the-login"
        urllib3.disable_warnings()
        yield session


def looks(browser: requests.Session, url: str) -> list[tuple[int, str, str | None]]:
    """What a visitor sees of the foreign site."""
    answers = [
        *(browser.get(f"{url}{path}", timeout=10) for path in ("/", "/static/site.css", "/predict", "/nothing", "/monitoring")),
        browser.get(f"{url}/api/system/stats/", timeout=10),
        browser.post(f"{url}/upload", data=bytes(60 * 1024 * 1024), timeout=60),
        browser.post(f"{url}/predict", json={}, headers={"X-API-Key": "a"}, timeout=10),
    ]
    return [(answer.status_code, answer.text, answer.headers.get("X-Site")) for answer in answers]


def test_foreign_site_stays_as_it_was(etc: Path, browser: requests.Session, tmp_path_factory: pytest.TempPathFactory) -> None:
    """With the monitor in it, all of the site is answered as without."""
    before = tmp_path_factory.mktemp("before") / "etc"
    shutil.copytree(etc, before)
    shutil.rmtree(before / "conf.d")
    with nginx(before, FOREIGN) as url:
        expected = looks(browser, url)
    assert [status for status, _, _ in expected] == [200, 200, 200, 404, 200, 200, 200, 200]
    assert expected[1][1] == "of the site"
    assert expected[3][1] == "the site's own page"
    assert expected[6][1].endswith(" 62914560")
    with nginx(etc, included()) as url:
        assert looks(browser, url) == expected


def test_foreign_site_shows_monitor(etc: Path, browser: requests.Session) -> None:
    """To whoever knows the password, whatever the site has set for itself; the token is added on the way."""
    with nginx(etc, included()) as url:
        for wrong in (None, ("admin", "wrong"), ("nobody", "pw")):
            refused = browser.get(f"{url}/monitor/", auth=wrong, timeout=10)
            assert (refused.status_code, "WWW-Authenticate" in refused.headers) == (401, True)
        for path in ("", "static/monitor.css", "nothing"):
            page = browser.get(f"{url}/monitor/{path}", auth=ADMIN, timeout=10)
            assert page.text.startswith(f"monitor /{path} ['Bearer {TOKEN}'] ")
            assert page.text.endswith(" 127.0.0.1 0")
        assert browser.post(f"{url}/monitor/", data=bytes(1024 * 1024 + 1), auth=ADMIN, timeout=10).status_code == 413


def test_monitor_hears_who_it_is(etc: Path, browser: requests.Session) -> None:
    """From Nginx, which has asked for the password; a visitor cannot say that he is another."""
    with nginx(etc, included()) as url:
        for said in ({}, {"X-Remote-User": "kim"}, {"X-Remote-User": ""}, {"X_Remote_User": "kim"}, {"x-remote-user": "kim"}):
            answer = browser.get(f"{url}/monitor/", auth=("admin", "pw"), headers=said, timeout=10)
            assert answer.headers["X-Seen-User"] == "admin", said


def test_monitor_removed_is_no_failure(etc: Path, browser: requests.Session) -> None:
    """Without the token's file Nginx starts, and the password goes nowhere."""
    (etc / "nginx_admin_token.conf").unlink()
    with nginx(etc, included()) as url:
        assert browser.get(f"{url}/monitor/", auth=ADMIN, timeout=10).text.startswith("monitor / None ")
        assert browser.get(f"{url}/", timeout=10).status_code == 200


@pytest.mark.parametrize("site", [included(), EXAMPLE], ids=["foreign", "example"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_monitor_away_says_what_to_type(etc: Path, browser: requests.Session, site: str, method: str) -> None:
    """To whoever knows the password, with the status that it is, and as strict with the browser as the monitor's own pages."""
    with nginx(etc, site, is_monitor_away=True) as url:
        page = browser.request(method, f"{url}/monitor/incidents/3", auth=ADMIN, timeout=10)
        assert (page.status_code, page.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
        for said in ("모니터가 응답하지 않습니다", "The monitor does not answer", "systemctl status gunicorn_monitor"):
            assert said in page.text
        assert "sudo neuronova-monitor status" in page.text
        own = dict(secure(Response(mimetype="text/html", headers={"Content-Length": page.headers["Content-Length"]})).headers)
        assert {name: page.headers[name] for name in own} == own
        (style,) = re.findall(r'<link rel="stylesheet" href="([^"]+)">', page.text)
        css = browser.get(f"{url}{style}", timeout=10)
        assert (css.status_code, css.headers["Content-Type"]) == (200, "text/css")
        assert "color-scheme: light dark" in css.text
        assert browser.get(f"{url}/monitor/", timeout=10).status_code == 401
        assert browser.get(f"{url}/", timeout=10).text.startswith("django / ")


def test_monitor_says_itself_how_it_is(etc: Path, browser: requests.Session) -> None:
    """An answer of the monitor's stays its own, whatever its status."""
    with nginx(etc, included()) as url:
        answer = browser.get(f"{url}/monitor/health", auth=ADMIN, timeout=10)
        assert (answer.status_code, answer.text.split()[:2]) == (503, ["monitor", "/health"])


def test_public_page_needs_no_password(etc: Path, browser: requests.Session) -> None:
    """Where the site includes it: the page and the badges, and nobody seems to be anybody; the rest needs the password."""
    with nginx(etc, included(f"{INCLUDES}include /etc/nginx/neuronova-monitor/public.conf;\n")) as url:
        for path in ("public/", "public/status.json", "badges/overall.svg", "badges/%EB%94%94.svg"):
            headers = {"Authorization": "Bearer guessed", "X-Remote-User": "kim", "Cookie": "neuronova_session=x"}
            answer = browser.get(f"{url}/monitor/{path}", headers=headers, timeout=10)
            assert (answer.status_code, answer.text.split()[:4]) == (200, ["monitor", f"/{path}", "None", "None"])
            assert answer.headers["X-Seen-User"] == ""
        for path in ("", "publicity", "static/monitor.css", "public/../", "public/%2e%2e/metrics"):
            assert browser.get(f"{url}/monitor/{path}", timeout=10).status_code == 401, path
    with nginx(etc, included()) as url:
        assert browser.get(f"{url}/monitor/public/", timeout=10).status_code == 401


def test_statistics_are_djangos(etc: Path, browser: requests.Session) -> None:
    """In the example, where nobody is asked for a password but the monitor's."""
    with nginx(etc, EXAMPLE) as url:
        stats = browser.get(f"{url}/api/system/stats/", timeout=10)
        assert (stats.status_code, stats.text.split()[:3]) == (200, ["django", "/api/system/stats/", "None"])
        assert "sessionid=of-the-login" in stats.text
        assert browser.get(f"{url}/monitor/", timeout=10).status_code == 401
        assert browser.get(f"{url}/predict", timeout=10).status_code == 404


def test_statistics_may_be_the_monitors(etc: Path, browser: requests.Session) -> None:
    """Then they need the administrator's password."""
    with nginx(etc, included("include /etc/nginx/neuronova-monitor/stats.conf;")) as url:
        assert "WWW-Authenticate" in browser.get(f"{url}/api/system/stats/", timeout=10).headers
        stats = browser.get(f"{url}/api/system/stats/", auth=ADMIN, timeout=10)
        assert stats.text.startswith(f"monitor /api/system/stats/ ['Bearer {TOKEN}'] ")


def test_guessed_passwords_are_limited(etc: Path, browser: requests.Session) -> None:
    """At the monitor: 429, in Nginx's log as a warning, while the site goes on."""
    with nginx(etc, included()) as url:
        statuses = [browser.get(f"{url}/monitor/", auth=("admin", str(each)), timeout=10).status_code for each in range(110)]
        assert statuses[:91] == [401] * 91
        assert statuses.count(429) >= 10
        assert browser.get(f"{url}/", timeout=10).status_code == 200
    errors = (etc / "errors").read_text()
    assert "[warn]" in errors
    assert "limiting requests, excess: 90." in errors
    assert not [line for line in errors.splitlines() if "limiting requests" in line and "[warn]" not in line]


@pytest.mark.parametrize("site", [included(), EXAMPLE], ids=["foreign", "example"])
@pytest.mark.parametrize("path", ["/accounts/login/", "/admin/login/", "//admin/%6cogin/?next=/"])
def test_guessed_logins_are_limited(etc: Path, browser: requests.Session, site: str, path: str) -> None:
    """At Django: the passwords that are sent, and neither the page that asks for them nor anything else."""
    with nginx(etc, site) as url:
        statuses = [browser.post(f"{url}{path}", data="a=b", timeout=10).status_code for _ in range(20)]
        assert statuses[:11] == [200] * 11
        assert statuses.count(429) >= 8
        assert browser.get(f"{url}{path}", timeout=10).status_code == 200
        assert {browser.post(f"{url}/api/predict/", data="a=b", timeout=10).status_code for _ in range(30)} == {200}


WEAK = {
    "TLS 1.0": ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
    "TLS 1.1": ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
    "no forward secrecy": ["-tls1_2", "-cipher", "AES128-GCM-SHA256:@SECLEVEL=0"],
    "CBC": ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA:@SECLEVEL=0"],
    "SHA-256 CBC": ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256:@SECLEVEL=0"],
}
STRONG = [["-tls1_2"], ["-tls1_3"]]


def is_spoken(url: str, options: list[str]) -> bool:
    """Tell whether the server agrees to TLS of this kind."""
    command = ["openssl", "s_client", "-connect", url.removeprefix("https://"), *options]
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=30).returncode == 0


def test_weak_tls_is_refused(etc: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """By the example; a site that allows it shows that it was really asked for."""
    sloppy = tmp_path_factory.mktemp("sloppy") / "etc"
    shutil.copytree(etc, sloppy)
    with nginx(sloppy, FOREIGN) as url:
        assert [name for name, options in WEAK.items() if not is_spoken(url, options)] == []
    with nginx(etc, EXAMPLE) as url:
        assert [name for name, options in WEAK.items() if is_spoken(url, options)] == []
        assert [is_spoken(url, options) for options in STRONG] == [True, True]


def test_http_is_sent_to_https(etc: Path, browser: requests.Session) -> None:
    with nginx(etc, EXAMPLE):
        text = (etc / "site.conf").read_text()
        port = text.split("listen 127.0.0.1:")[1].split(";")[0]
        answer = browser.get(f"http://127.0.0.1:{port}/monitor/?a=b", allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://neuronova.example.com/monitor/?a=b")


def test_second_copy_replaces_nothing(tmp_path: Path) -> None:
    """The comments' commands bring every file, and leave alone what is there."""
    text = (OURS / "neuronova-monitor" / "locations.conf").read_text(encoding="utf-8") + EXAMPLE
    copies = [line.removeprefix("#   sudo ") for line in text.splitlines() if line.startswith("#   sudo cp ")]
    script = "\n".join(copies).replace("/etc/nginx", str(tmp_path))
    for folder in ("conf.d", "sites-available"):
        (tmp_path / folder).mkdir()
    subprocess.run(["bash", "-ec", script], cwd=OURS.parents[1], check=True)
    there = list(tmp_path.rglob("*.conf"))
    assert sorted(path.name for path in there) == sorted(path.name for path in OURS.rglob("*.conf"))
    for path in there:
        path.write_text("somebody's")
    subprocess.run(["bash", "-c", script], cwd=OURS.parents[1], check=True, capture_output=True)
    assert {path.read_text() for path in there} == {"somebody's"}
