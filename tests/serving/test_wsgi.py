"""The application as PEP 3333 wants it called; `wsgiref.validate` stands around it in all of these tests."""

import json

import pytest

from tests.serving.conftest import StartServer
from tests.serving.server import Server

pytestmark = pytest.mark.slow


def test_the_environ_is_whole(server: Server) -> None:
    with server.connect() as client:
        answer = client.ask(
            "/environ?a=%20b&c",
            method="POST",
            fields="Content-Type: x/y\r\nX-A: 1\r\nx-a: 2\r\nCookie: a\r\nCookie: b\r\n",
            body=b"123",
        )
    environ = json.loads(answer.body)
    assert environ == {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/environ",
        "QUERY_STRING": "a=%20b&c",
        "RAW_URI": "/environ?a=%20b&c",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(server.address[1]),
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": "3",
        "CONTENT_TYPE": "x/y",
        "HTTP_HOST": "x",
        "HTTP_X_A": "1,2",
        "HTTP_COOKIE": "a; b",
        "wsgi.url_scheme": "http",
    }


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/environ?", "/environ", ""),
        ("/%65nviron?q?r", "/environ", "q?r"),
        ("http://other/environ?q", "/environ", "q"),
    ],
)
def test_targets_become_paths(server: Server, target: str, path: str, query: str) -> None:
    environ = json.loads(server.ask(target).body)
    assert (environ["PATH_INFO"], environ["QUERY_STRING"], environ["RAW_URI"]) == (path, query, target)


def test_underscores_are_dropped(server: Server) -> None:
    """A header with an underscore could pass for another."""
    with server.connect() as client:
        answer = client.ask(
            "/environ", fields="X_Real_IP: 1\r\nX-Real_IP: 2\r\nContent_Length: 5\r\nTransfer_Encoding: chunked\r\n"
        )
    environ = json.loads(answer.body)
    assert environ["CONTENT_LENGTH"] == "0"
    assert [name for name in environ if name.startswith("HTTP_")] == ["HTTP_HOST"]


def test_trailers_are_no_headers(server: Server) -> None:
    trailed = (
        b"POST /environ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Role: admin\r\nHost: y\r\n\r\n"
    )
    with server.connect() as client:
        for _ in range(2):
            environ = json.loads(client.send(trailed).answer().body)
            assert [name for name in environ if name.startswith("HTTP_")] == ["HTTP_HOST"]
            assert (environ["HTTP_HOST"], environ["CONTENT_LENGTH"]) == ("x", "1")


@pytest.mark.parametrize("target", ["/raise?Kim-Minsu", "/exit?Kim-Minsu", "/header?text", "/header?lines"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_failing_applications_are_a_500(server: Server, target: str, method: str) -> None:
    """In the envelope, and without the request's text in the log; the connection goes on."""
    with server.connect() as client:
        answer = client.ask(target, method=method)
        assert (answer.status, answer.is_kept) == (500, True)
        if method == "GET":
            assert answer.body == b'{"refused": 500, "phrase": "Internal Server Error"}'
        assert client.ask("/?next").body == b"next"
    assert "Minsu" not in server.log
    assert "refused with 500: " in server.log


@pytest.mark.parametrize(("method", "target"), [("HEAD", "/large?1000"), ("GET", "/status?204"), ("GET", "/status?304")])
def test_bodiless_answers_are_bodiless(server: Server, method: str, target: str) -> None:
    """The next answer on the connection is where it belongs."""
    with server.connect() as client:
        answer = client.ask(target, method=method)
        assert answer.is_kept
        assert "content-length" not in answer.headers
        assert client.ask("/?next").body == b"next"


def test_lists_of_headers_stay(server: Server) -> None:
    """An application may hand over the same list each time."""
    with server.connect() as client:
        for length in (1, 10, 100):
            assert len(client.ask(f"/large?{length}").body) == length


def test_unix_socket_has_a_name(start_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> None:
    server = start_server(path=str(tmp_path_factory.mktemp("s") / "s"))
    environ = json.loads(server.ask("/environ").body)
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("localhost", "80")
