from __future__ import annotations

import logging

import pytest

from monitor_blueprint.alerts.heartbeat import Heartbeat, check, signal_url
from tests.monitor_blueprint.standins import EndlessServer, HttpStandIn, Reply, free_port


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_start_success_and_failure_arrive_in_order_with_their_texts() -> None:
    with HttpStandIn() as server:
        heartbeat = Heartbeat(server.url)
        heartbeat.start()
        heartbeat.success("OK")
        heartbeat.start()
        heartbeat.fail("CRITICAL: Flask 중지")
        heartbeat.stop()
        posts = [server.next_post() for _ in range(4)]
    path = "/services/T000/B000/secret"
    assert [(post.path, post.body) for post in posts] == [
        (f"{path}/start", ""),
        (path, "OK"),
        (f"{path}/start", ""),
        (f"{path}/fail", "CRITICAL: Flask 중지"),
    ]


def test_a_signal_that_is_not_accepted_is_tried_once_more_and_then_said(caplog: pytest.LogCaptureFixture) -> None:
    with HttpStandIn(lambda post: Reply(503)) as server:
        heartbeat = Heartbeat(server.url)
        heartbeat.success()
        heartbeat.stop()
        assert server.posts.qsize() == 2
    assert "heartbeat was not accepted: HTTP 503" in caplog.text


def test_a_dead_network_harms_nobody_and_the_url_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    heartbeat = Heartbeat(f"http://127.0.0.1:{free_port()}/secret")
    heartbeat.success()
    heartbeat.stop()
    assert "ConnectionError" in caplog.text
    assert "secret" not in caplog.text


def test_signals_do_not_pile_up_behind_a_server_that_hangs() -> None:
    with HttpStandIn(lambda post: Reply(is_silent=True)) as server:
        heartbeat = Heartbeat(server.url, timeout_s=30, attempts=1)
        heartbeat.success("first")
        assert server.next_post().body == "first"
        for number in range(100):
            heartbeat.success(str(number))
        server.reply_to = lambda post: Reply()
        server.released.set()
        heartbeat.stop()
        arrived = [server.next_post().body for _ in range(server.posts.qsize())]
    assert arrived == [str(number) for number in range(92, 100)]


def test_an_answer_without_end_is_not_read() -> None:
    with EndlessServer(200, b"x" * 65536) as server:
        heartbeat = Heartbeat(server.url)
        heartbeat.success()
        heartbeat.stop(30)
        assert server.is_asked.is_set()
        assert not heartbeat._thread.is_alive()


def test_a_query_stays_at_the_end_of_the_url() -> None:
    assert signal_url("https://hc-ping.com/key/name?create=1", "fail") == "https://hc-ping.com/key/name/fail?create=1"
    assert signal_url("https://hc-ping.com/uuid/", "") == "https://hc-ping.com/uuid"


@pytest.mark.parametrize("url", ["hc-ping.com/secret", "ftp://x/secret", "https://[secret", "https://x:99999/secret"])
def test_a_url_that_cannot_be_used_is_named_without_being_told(url: str) -> None:
    (problem,) = check({"HEARTBEAT_URL": url})
    assert "HEARTBEAT_URL" in problem
    assert "secret" not in problem


def test_no_url_is_no_problem() -> None:
    assert check({}) == []
    assert check({"HEARTBEAT_URL": "https://hc-ping.com/uuid"}) == []
