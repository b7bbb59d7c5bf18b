"""Who listens where is read from the kernel, with the unit behind it."""

import socket
from pathlib import Path

import pytest

from deploy.installer.health_addresses import Answer, all_answers, ask, best, url_of
from deploy.installer.listeners import Listener, listeners, unit_in


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_listening_port(family: socket.AddressFamily, host: str) -> None:
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        [found] = [each for each in listeners() if each.port == port]
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        assert found.address == address
        assert found.command == Path("/proc/self/comm").read_text().strip()


def test_a_listening_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        assert [each.port for each in listeners() if each.address == f"unix:{path}"] == [0]


def test_a_connection_is_no_listener() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        port = client.getsockname()[1]
        assert [each for each in listeners() if each.port == port] == []


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/system.slice/gunicorn_flask.service\n", "gunicorn_flask.service"),
        ("12:pids:/\n1:name=systemd:/system.slice/nginx.service\n0::/\n", "nginx.service"),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/my.service\n", "my.service"),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", ""),
    ],
)
def test_the_unit_of_a_process(cgroup: str, unit: str) -> None:
    assert unit_in(cgroup) == unit


def test_who_is_said_for_people() -> None:
    assert Listener("127.0.0.1:9000", "a.service", "python").who == "a.service"
    assert Listener("127.0.0.1:9000", "", "python").who == "python"


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000/health"),
        ("0.0.0.0:8000", "http://127.0.0.1:8000/health"),
        ("[::]:8000", "http://127.0.0.1:8000/health"),
        ("10.0.0.5:8000", "http://10.0.0.5:8000/health"),
        ("unix:/run/a b/g.sock", "http+unix://%2Frun%2Fa%20b%2Fg.sock/health"),
    ],
)
def test_the_url_of_a_listener(address: str, url: str) -> None:
    assert url_of(address, "/health") == url


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    assert ask(address, "/health", 1).status == 0
    assert [each.status for each in all_answers([address], ["/a", "/b"], 1)] == [0], "it is not asked again"


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ([Answer("a", 404), Answer("b", 200, is_health_body=True)], "b"),
        ([Answer("page", 200), Answer("health", 200, is_health_body=True)], "health"),
        ([Answer("page", 200), Answer("ill", 503, is_health_body=True)], "ill"),
        ([Answer("a", 404), Answer("plain", 200)], "plain"),
        ([Answer("a", 404, is_health_body=True), Answer("b", 301)], ""),
        ([], ""),
    ],
)
def test_the_health_address(answers: list[Answer], found: str) -> None:
    """A page at every address is none."""
    answer = best(answers)
    assert (answer.url if answer else "") == found
