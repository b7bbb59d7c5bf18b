from __future__ import annotations

import json
import logging
import ssl
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor_blueprint import notifiers
from monitor_blueprint.domain.messages import Delivered, Handover, InDoubt, Message, Outcome, Outline, Refused, Retry, Waits
from monitor_blueprint.domain.text import Public
from monitor_blueprint.notifiers import slack
from tests.monitor_blueprint.certificates import make_certificate, server_context
from tests.monitor_blueprint.standins import EndlessServer, HttpStandIn, Post, Reply, free_port

MESSAGE = Message(
    id="17-opened",
    subject=Public("[CRITICAL] NeuroNova 서비스 장애 발생!"),
    body=Public("[CRITICAL] NeuroNova 서비스 장애 발생!\n실패한 서비스: Django Flask\n시각: 2025-12-06 14:35:01"),
    at=datetime(2025, 12, 6, 5, 35, 1, tzinfo=UTC),
    incident=17,
    kind="opened",
)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def send(url: str, message: Message = MESSAGE, wait_s: float = 10.0) -> Outcome:
    return slack.send(message, slack.Options(), {"SLACK_WEBHOOK": url}, Handover(Waits(connect_s=wait_s, answer_s=wait_s)))


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server speaks that the library trusts."""
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    return server_context(certificate)


def test_message_arrives_with_its_id() -> None:
    """A message arrives word for word, and carries its id in the last line."""
    with HttpStandIn() as server:
        assert send(server.url) == Delivered("HTTP 200 ok")
        post = server.next_post()
    assert post.path == "/services/T000/B000/secret"
    assert post.text == f"{MESSAGE.body}\nid: 17-opened"
    # Nothing of the text is taken for anything else.
    assert json.loads(post.body) == {"text": post.text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


OUTLINED = replace(MESSAGE, outline=Outline(Public("CRITICAL"), Public("title"), ((Public("시각"), Public("now")),)))


def is_with_blocks(post: Post) -> bool:
    return "blocks" in json.loads(post.body)


def test_blocks_stand_beside_the_text() -> None:
    """Whatever shows no blocks shows the text as it always was."""
    with HttpStandIn() as server:
        assert send(server.url, OUTLINED) == Delivered("HTTP 200 ok")
        post = server.next_post()
    assert post.text == f"{MESSAGE.body}\nid: 17-opened"
    assert json.loads(post.body)["attachments"][0]["color"] == "danger"
    assert is_with_blocks(post)


@pytest.mark.parametrize(
    "no",
    [
        Reply(400, "invalid_blocks"),
        Reply(400, "invalid_payload"),
        Reply(400, '{"message": "Cannot send an empty message"}'),
        Reply(413, "<h1>too large</h1>"),
        Reply(422, ""),
        Reply(500, "<h1>KeyError</h1>"),
        Reply(200, "invalid_blocks"),
        Reply(200, '{"ok": false, "error": "msg_blocks_too_long"}'),
        Reply(200, '{"success": false, "error": "Invalid attachments"}'),
    ],
)
def test_refused_blocks_leave_the_text(no: Reply) -> None:
    """At once, and as one attempt."""
    with HttpStandIn(lambda post: no if is_with_blocks(post) else Reply()) as server:
        assert send(server.url, OUTLINED) == Delivered("HTTP 200 ok")
        first, second = server.next_post(), server.next_post()
        assert server.posts.empty()
    assert first.text == second.text
    assert list(json.loads(second.body)) == ["text", "mrkdwn", "unfurl_links", "unfurl_media"]


def test_refused_blocks_leave_the_text_over_tls(tls: ssl.SSLContext) -> None:
    with HttpStandIn(lambda post: Reply(400, "invalid_blocks") if is_with_blocks(post) else Reply(), tls=tls) as server:
        assert send(server.url, OUTLINED) == Delivered("HTTP 200 ok")
        assert server.posts.qsize() == 2


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Reply(404, "no_service"), Refused("HTTP 404 no_service")),
        (Reply(403, "invalid_token"), Refused("HTTP 403 invalid_token")),
        (Reply(429, "rate_limited", {"Retry-After": "30"}), Retry("HTTP 429 rate_limited", after_s=30.0)),
        (Reply(503), Retry("HTTP 503 ok")),
        (Reply(504, ""), InDoubt("HTTP 504")),
        (Reply(200, "channel_not_found"), Retry("HTTP 200 channel_not_found, but not Slack's ok")),
        (Reply(200, "<html>log in, block by block</html>"), InDoubt("HTTP 200, but not Slack's ok")),
        (Reply(is_cut=True), InDoubt("RemoteDisconnected")),
        (Reply(is_silent=True), InDoubt("no answer within 1 s")),
    ],
)
def test_what_blocks_cannot_mean_is_sent_once(answer: Reply, outcome: Outcome) -> None:
    """What may have arrived above all."""
    with HttpStandIn(lambda post: answer) as server:
        sent = send(server.url, OUTLINED, wait_s=1 if answer.is_silent else 10)
        assert server.posts.qsize() == 1
    assert sent == outcome or isinstance(outcome, InDoubt) is isinstance(sent, InDoubt) is True


def test_refused_text_after_refused_blocks() -> None:
    with HttpStandIn(lambda post: Reply(400, "invalid_payload")) as server:
        assert send(server.url, OUTLINED) == Refused("HTTP 400 invalid_payload")
        assert server.posts.qsize() == 2


def test_nobody_listens_after_refused_blocks() -> None:
    """Nothing has arrived, so that it is no doubt."""
    with HttpStandIn() as server:

        def leave(post: Post) -> Reply:
            server.hang_up()
            return Reply(400, "invalid_blocks")

        server.reply_to = leave
        assert send(server.url, OUTLINED) == Retry("ConnectionRefusedError: Connection refused")


def test_special_characters_are_escaped() -> None:
    """Slack's special characters cannot call the whole channel."""
    with HttpStandIn() as server:
        send(server.url, Message("1", Public(""), Public("<!channel> a & b"), MESSAGE.at))
        assert server.next_post().text == "&lt;!channel&gt; a &amp; b\nid: 1"


def test_cut_message_keeps_its_id() -> None:
    text = slack.text_of(Message("1", Public(""), Public("가" * 100_000), MESSAGE.at))
    assert len(text) < 40_000
    assert text.endswith("…\nid: 1")
    again = slack.text_of(Message("1", Public(""), Public("가" * 100_000 + "\n\n(again)"), MESSAGE.at, is_repeat=True))
    assert len(again) == len(text)
    assert again.endswith("…\n(again)\nid: 1")


def test_rate_limit_sets_the_retry() -> None:
    """Too many requests are tried again when Slack says."""
    with HttpStandIn(lambda post: Reply(429, "rate_limited", {"Retry-After": "30"})) as server:
        assert send(server.url) == Retry("HTTP 429 rate_limited", after_s=30.0)


@pytest.mark.parametrize("given", ["soon", "-1", "Wed, 21 Oct 2026 07:28:00 GMT", ""])
def test_invalid_retry_after_uses_backoff(given: str) -> None:
    with HttpStandIn(lambda post: Reply(429, "", {"Retry-After": given})) as server:
        assert send(server.url) == Retry("HTTP 429", after_s=None)


@pytest.mark.parametrize("status", [500, 501, 503, 521, 408])
def test_trouble_at_slack_is_tried_again(status: int) -> None:
    with HttpStandIn(lambda post: Reply(status, "<h1>trouble</h1>")) as server:
        assert send(server.url) == Retry(f"HTTP {status}")


@pytest.mark.parametrize("status", [502, 504, 520, 524])
def test_gateway_that_does_not_know_is_doubt(status: int) -> None:
    """It has passed the message on, and the answer was lost."""
    with HttpStandIn(lambda post: Reply(status, "<h1>Gateway</h1>")) as server:
        assert send(server.url) == InDoubt(f"HTTP {status}")


@pytest.mark.parametrize("status", [102, 103])
def test_foreword_to_an_answer_is_doubt(status: int) -> None:
    with HttpStandIn(lambda post: Reply(status)) as server:
        assert send(server.url) == InDoubt(f"HTTP {status}")


@pytest.mark.parametrize(
    ("status", "word"),
    [(404, "no_service"), (403, "invalid_token"), (410, "channel_is_archived"), (400, "invalid_payload")],
)
def test_permanent_refusal_is_not_retried(status: int, word: str) -> None:
    with HttpStandIn(lambda post: Reply(status, word)) as server:
        assert send(server.url) == Refused(f"HTTP {status} {word}")


def test_missing_answer_times_out() -> None:
    with HttpStandIn(lambda post: Reply(is_silent=True)) as server:
        assert send(server.url, wait_s=1) == InDoubt("no answer within 1 s")


def test_cut_connection_is_asked_once() -> None:
    """A connection that is cut is tried again later, and only asked once."""
    with HttpStandIn(lambda post: Reply(is_cut=True)) as server:
        assert isinstance(send(server.url), InDoubt)
        assert server.posts.qsize() == 1


def test_nobody_listening_is_tried_again() -> None:
    assert send(f"http://127.0.0.1:{free_port()}/services/x") == Retry("ConnectionRefusedError: Connection refused")


@pytest.mark.parametrize(
    ("page", "outcome"),
    [
        (Reply(200, "<html>log in first</html>"), InDoubt("HTTP 200, but not Slack's ok")),
        (Reply(200, ""), InDoubt("HTTP 200, but not Slack's ok")),
        (Reply(204, ""), InDoubt("HTTP 204, but not Slack's ok")),
        (Reply(503, "ok"), Retry("HTTP 503 ok")),
        (Reply(404, "ok"), Refused("HTTP 404 ok")),
    ],
)
def test_a_redirect_is_no_delivery(tls: ssl.SSLContext, page: Reply, outcome: Outcome) -> None:
    """The library follows it, and asks for a page: its 200 says nothing about the message."""
    with HttpStandIn(tls=tls) as server:
        server.reply_to = lambda post: Reply(302, "", {"Location": f"{server.url}/elsewhere"})
        server.page = page
        assert send(server.url) == outcome


def test_redirect_keeps_method_is_tried_again() -> None:
    with HttpStandIn() as server:
        server.reply_to = lambda post: Reply(307, "", {"Location": f"{server.url}/elsewhere"})
        assert send(server.url) == Retry("HTTP 307")
        assert server.posts.qsize() == 1


@pytest.mark.parametrize(
    "body",
    [
        "ok",
        "ok\n",
        '{"ok": true}',
        '{"success":true}',
        '{"result":"success","msg":""}',
    ],
)
def test_slack_and_its_like_accept_message(body: str) -> None:
    with HttpStandIn(lambda post: Reply(200, body)) as server:
        assert isinstance(send(server.url), Delivered)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "OK, but who are you?",
        "<html>log in first</html>",
        '{"success": "secret"}',
        '{"id": "8"}',
        "1",
        '["ok"]',
        '{"ok": true',
        "\ufeff",
        pytest.param("[" * 50_000, id="deep"),
    ],
)
def test_any_other_answer_is_doubt(body: str) -> None:
    """It is neither yes nor no: whoever answered may have taken the message."""
    with HttpStandIn(lambda post: Reply(200, body)) as server:
        assert send(server.url) == InDoubt("HTTP 200, but not Slack's ok")


@pytest.mark.parametrize(
    "body", ['{"ok": false, "error": "secret"}', '{"success": false}', '{"result": "error", "msg": "secret"}']
)
def test_a_plain_no_is_tried_again(body: str) -> None:
    with HttpStandIn(lambda post: Reply(200, body)) as server:
        assert send(server.url) == Retry("HTTP 200, but not Slack's ok")


@pytest.mark.parametrize("word", ["invalid_payload", "channel_not_found", "no_text", "action_prohibited", "fatal_error"])
def test_slacks_own_word_is_told(word: str) -> None:
    with HttpStandIn(lambda post: Reply(200, word)) as server:
        assert send(server.url) == Retry(f"HTTP 200 {word}, but not Slack's ok")


def test_another_word_is_doubt() -> None:
    with HttpStandIn(lambda post: Reply(202, "accepted")) as server:
        assert send(server.url) == InDoubt("HTTP 202 accepted, but not Slack's ok")


@pytest.mark.parametrize("charset", ["nonsense", "ascii"])
@pytest.mark.parametrize("status", [200, 500])
def test_answer_that_cannot_be_read_is_doubt(status: int, charset: str) -> None:
    headers = {"Content-Type": f"text/plain; charset={charset}"}
    with HttpStandIn(lambda post: Reply(status, "비밀", headers)) as server:
        assert isinstance(send(server.url), InDoubt)


def test_a_message_arrives_over_tls(tls: ssl.SSLContext) -> None:
    with HttpStandIn(tls=tls) as server:
        assert send(server.url) == Delivered("HTTP 200 ok")
        assert server.next_post().text.endswith("id: 17-opened")


def test_an_unknown_certificate_is_not_trusted(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with HttpStandIn(tls=tls) as server:
        outcome = send(server.url)
        assert server.posts.empty()
    assert isinstance(outcome, Retry)
    assert outcome.reason.startswith("SSLCertVerificationError")


@pytest.mark.parametrize("is_encrypted", [True, False])
@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, InDoubt("HTTP 200, but not Slack's ok")), (500, Retry("HTTP 500")), (0, InDoubt("LineTooLong"))],
)
def test_answer_without_end_read_to_beginning(tls: ssl.SSLContext, status: int, outcome: Outcome, is_encrypted: bool) -> None:
    with EndlessServer(status, b"x" * 65536, tls=tls if is_encrypted else None) as server:
        assert send(server.url.replace("https:", "HTTPS:")) == outcome
    # What fits into the buffers of a connection, which is some megabytes, may have been sent.
    assert server.sent_bytes < server.ENOUGH


def test_proxy_of_the_environment_is_used(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where NO_PROXY does not say otherwise; and HTTP_PROXY is none for https://."""
    with HttpStandIn(tls=tls) as server:
        nobody = f"http://127.0.0.1:{free_port()}"
        monkeypatch.setenv("HTTP_PROXY", nobody)
        monkeypatch.delenv("NO_PROXY")
        assert isinstance(send(server.url), Delivered)
        monkeypatch.setenv("HTTPS_PROXY", nobody)
        assert send(server.url) == Retry("proxy: ConnectionRefusedError: Connection refused")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert isinstance(send(server.url), Delivered)


@pytest.mark.parametrize(
    ("status", "outcome"), [(407, Refused("the proxy refused: HTTP 407")), (502, Retry("the proxy refused: HTTP 502"))]
)
def test_refusing_proxy_is_named(monkeypatch: pytest.MonkeyPatch, status: int, outcome: Outcome) -> None:
    with EndlessServer(status, b"") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY")
        assert send("https://hooks.slack.com/services/x") == outcome


@pytest.mark.parametrize("is_encrypted", [True, False])
def test_dripping_answer_ends_in_doubt(tls: ssl.SSLContext, is_encrypted: bool) -> None:
    """Each byte comes in time, and so no limit of a single read is met."""
    with EndlessServer(200, b"x", pause_s=0.05, tls=tls if is_encrypted else None) as server:
        assert send(server.url, wait_s=0.4) == InDoubt("no answer within 0 s")


_WITHOUT_FILES = """
import sys
import time
from datetime import UTC, datetime

import monitor_blueprint.cli
from monitor_blueprint.domain.messages import Handover, Message
from monitor_blueprint.notifiers import slack

assert "slack_sdk" not in sys.modules
environ = {"SLACK_WEBHOOK": sys.argv[1]}
assert slack.check(slack.Options(), environ) == []
sys.meta_path.clear()
print(slack.send(Message("1", "", "", datetime.now(UTC)), slack.Options(), environ, Handover()))
"""


def test_nothing_is_imported_for_an_alert() -> None:
    """The disk may be gone by then; and who does not want Slack does not load its library at all."""
    with HttpStandIn() as server:
        argv = [sys.executable, "-c", _WITHOUT_FILES, server.url]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("Delivered(answer='HTTP 200 ok', remark='')\n", "")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404, "The requested URL /services/T000/B000/secret was not found"),
        Reply(500, "/services/T000/B000/secret"),
        Reply(is_cut=True),
        Reply(),
    ],
)
def test_webhook_never_leaks(reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
    """The webhook appears in no answer and no log line."""
    caplog.set_level(logging.DEBUG)
    with HttpStandIn(lambda post: reply) as server:
        outcome = send(server.url)
    assert "secret" not in repr(outcome)
    assert "secret" not in caplog.text


def test_webhook_alone_configures_slack() -> None:
    assert not slack.is_configured(slack.Options(), {})
    assert not slack.is_configured(slack.Options(), {"SLACK_WEBHOOK": " "})
    assert slack.is_configured(slack.Options(), {"SLACK_WEBHOOK": "https://hooks.slack.com/services/a/b/c"})


@pytest.mark.parametrize(
    "url", ["https://hooks.slack.com/services/a/b/c", "http://127.0.0.1:8080/x", "http://localhost/x", "http://[::1]/x"]
)
def test_a_usable_webhook_is_accepted(url: str) -> None:
    assert slack.check(slack.Options(), {"SLACK_WEBHOOK": url}) == []


@pytest.mark.parametrize(
    "url",
    [
        "hooks.slack.com/services/a/b/secret",
        "http://hooks.slack.com/services/a/b/secret",
        "ftp://hooks.slack.com/secret",
        "https:///secret",
        "https://hooks.slack.com:99999999/secret",
        "https://hooks.slack.com/a secret",
        "https://hooks.slack.com/비밀secret",
    ],
)
def test_bad_webhook_named_without_value(url: str) -> None:
    """A webhook that cannot be used is named by its variable, without its value."""
    (problem,) = slack.check(slack.Options(), {"SLACK_WEBHOOK": url})
    assert "SLACK_WEBHOOK" in problem
    assert "https://" in problem
    assert "secret" not in problem


def test_channels_are_what_the_environment_configures() -> None:
    environ = {"SLACK_WEBHOOK": "https://hooks.slack.com/services/a/b/secret", "ALERT_EMAIL": "ops@example.com"}
    assert [channel.name for channel in notifiers.channels(environ)] == ["email", "slack"]
    assert [channel.name for channel in notifiers.channels({})] == []
    assert "secret" not in repr(notifiers.channels(environ))


def test_faulty_channel_is_left_out() -> None:
    """A channel with a problem is left out, and the problem told."""
    environ = {"SLACK_WEBHOOK": "nonsense", "ALERT_EMAIL": "ops@example.com"}
    assert [channel.name for channel in notifiers.channels(environ)] == ["email"]
    (problem,) = notifiers.problems(environ)
    assert "SLACK_WEBHOOK" in problem


def test_the_fingerprint_changes_with_the_configuration() -> None:
    prints = {notifiers.channels({"SLACK_WEBHOOK": f"https://hooks.slack.com/{n}"})[0].fingerprint for n in (1, 1, 2)}
    assert len(prints) == 2


def test_unknown_kind_is_key_error() -> None:
    with pytest.raises(KeyError):
        notifiers.load("pigeon")
