from __future__ import annotations

import logging
import threading

import pytest

from monitor_blueprint.alerts.heartbeat import Heartbeat, check, signal_url
from monitor_blueprint.domain.text import Public
from tests.monitor_blueprint.standins import EndlessServer, HttpStandIn, Reply, free_port


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_signals_arrive_in_order() -> None:
    """Start, success and failure arrive in order, with their texts."""
    with HttpStandIn() as server:
        heartbeat = Heartbeat(server.url)
        heartbeat.start()
        heartbeat.success(Public("OK"))
        heartbeat.start()
        heartbeat.fail(Public("CRITICAL: Flask 중지"))
        heartbeat.stop()
        posts = [server.next_post() for _ in range(4)]
    path = "/services/T000/B000/secret"
    assert [(post.path, post.body) for post in posts] == [
        (f"{path}/start", ""),
        (path, "OK"),
        (f"{path}/start", ""),
        (f"{path}/fail", "CRITICAL: Flask 중지"),
    ]


def test_rejected_signal_retried_once(caplog: pytest.LogCaptureFixture) -> None:
    """A signal that is not accepted is tried once more, and then that is logged."""
    with HttpStandIn(lambda post: Reply(503)) as server:
        heartbeat = Heartbeat(server.url)
        heartbeat.success()
        heartbeat.stop()
        assert server.posts.qsize() == 2
    assert "heartbeat was not accepted: HTTP 503" in caplog.text


def test_dead_network_leaks_no_url(caplog: pytest.LogCaptureFixture) -> None:
    """A dead network harms nobody, and the URL is not logged."""
    caplog.set_level(logging.WARNING)
    heartbeat = Heartbeat(f"http://127.0.0.1:{free_port()}/secret")
    heartbeat.success()
    heartbeat.stop()
    assert "ConnectionError" in caplog.text
    assert "secret" not in caplog.text


def test_hanging_server_bounds_the_queue() -> None:
    """Signals do not pile up behind a server that hangs."""
    with HttpStandIn(lambda post: Reply(is_silent=True)) as server:
        heartbeat = Heartbeat(server.url, timeout_s=30, attempts=1)
        heartbeat.success(Public("first"))
        assert server.next_post().body == "first"
        for number in range(100):
            heartbeat.success(Public(str(number)))
        server.reply_to = lambda post: Reply()
        server.released.set()
        heartbeat.stop()
        arrived = [server.next_post().body for _ in range(server.posts.qsize())]
    assert arrived == [str(number) for number in range(92, 100)]


def test_endless_answer_is_not_read() -> None:
    with EndlessServer(200, b"x" * 65536) as server:
        heartbeat = Heartbeat(server.url)
        heartbeat.success()
        heartbeat.stop(30)
        assert server.is_asked.is_set()
        assert not heartbeat._thread.is_alive()


def test_dripping_answer_is_not_awaited(caplog: pytest.LogCaptureFixture) -> None:
    """Each byte comes in time, and so no limit of a single read is met; nor are such connections piled up."""
    with EndlessServer(0, b"HTTP/1.1 200 OK\r\nX: ", pause_s=0.05) as server:
        heartbeat = Heartbeat(server.url, timeout_s=0.2, attempts=1)
        for _ in range(5):
            heartbeat.success()
        heartbeat.stop(30)
        assert not heartbeat._thread.is_alive()
        hanging = [thread for thread in threading.enumerate() if thread.name == "heartbeat-signal"]
        assert len(hanging) <= 3
    assert "heartbeat was not accepted: no answer within 0 s" in caplog.text


def test_query_stays_at_url_end() -> None:
    assert signal_url("https://hc-ping.com/key/name?create=1", "fail") == "https://hc-ping.com/key/name/fail?create=1"
    assert signal_url("https://hc-ping.com/uuid/", "") == "https://hc-ping.com/uuid"


@pytest.mark.parametrize("url", ["hc-ping.com/secret", "ftp://x/secret", "https://[secret", "https://x:99999/secret"])
def test_bad_url_named_without_value(url: str) -> None:
    """A URL that cannot be used is named by its variable, without its value."""
    (problem,) = check({"HEARTBEAT_URL": url})
    assert "HEARTBEAT_URL" in problem
    assert "secret" not in problem


def test_no_url_is_no_problem() -> None:
    assert check({}) == []
    assert check({"HEARTBEAT_URL": "https://hc-ping.com/uuid"}) == []
