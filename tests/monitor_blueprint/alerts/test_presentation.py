"""What a message gets on its way out, and that it goes out whatever becomes of that."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor_blueprint import notifiers
from monitor_blueprint.alerts.attempt import send_to_all
from monitor_blueprint.alerts.composition import Waiting, compose, compose_truth
from monitor_blueprint.alerts.presentation import presented
from monitor_blueprint.domain.messages import Delivered, Message
from monitor_blueprint.domain.receivers import Logged
from monitor_blueprint.domain.text import Public
from monitor_blueprint.text import mail_page, messages
from tests.monitor_blueprint import guide
from tests.monitor_blueprint.standins import HttpStandIn, MailStandIn, Reply
from tests.monitor_blueprint.text.samples import AT, RESULTS, event

pytestmark = pytest.mark.usefixtures("seoul")
CONSOLE = "https://mon.example.org/m"
LINK = "https://mon.example.org/m/incidents/7"
EVIDENCE = [("oom", Public("Killed process 7 <flask>"))]


def alert() -> Message:
    return messages.alert(event(), "nn-7", RESULTS, EVIDENCE)


def test_both_channels_have_it_all() -> None:
    """The guide's lines first, then the five facts, the evidence and the link, in the text and beside it."""
    with HttpStandIn() as slack, MailStandIn() as mail:
        environ = {"SLACK_WEBHOOK": slack.url, "MONITOR_URL": f" {CONSOLE}/\n", **mail.environ}
        sent = list(send_to_all(alert(), notifiers.channels(environ)))
        post, letter = slack.next_post(), mail.next_mail()
    assert {type(outcome) for each in sent for outcome in each.outcomes.values()} == {Delivered}
    for text in (post.text, letter.text):
        assert text.splitlines()[:3] == guide.ALERT
        assert f"장애 화면: {LINK}" in text.splitlines()
    assert letter.parsed["Subject"] == alert().subject
    assert f'href="{LINK}"' in letter.page
    blocks = json.dumps(json.loads(post.body)["attachments"], ensure_ascii=False)
    for fact in ("Flask", "2025-12-06 14:35:01 KST", "중지됨 (failed/failed)", "sudo journalctl -u ml.service -n 50", LINK):
        assert fact in letter.page
        assert fact in blocks
    assert "Killed process 7 &lt;flask&gt;" in letter.page
    assert "Killed process 7 <flask>" in blocks


def test_without_an_address_there_is_no_link() -> None:
    message = presented(alert(), "")
    assert message.body == alert().body
    assert "href" not in message.page


def test_what_cannot_be_shown_is_sent_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_page, "page_of", lambda *_: 1 / 0)
    with HttpStandIn() as slack, MailStandIn() as mail:
        channels = notifiers.channels({"SLACK_WEBHOOK": slack.url, **mail.environ})
        sent = list(send_to_all(alert(), channels))
        post, letter = slack.next_post(), mail.next_mail()
    assert {type(outcome) for each in sent for outcome in each.outcomes.values()} == {Delivered}
    assert letter.parsed.get_content_type() == "text/plain"
    assert post.text.splitlines()[:3] == letter.text.splitlines()[:3] == guide.ALERT
    assert "blocks" not in post.body


def test_what_is_refused_often_goes_as_text() -> None:
    """It may be the page that a mail server does not let in."""
    (logged,) = [Logged(1, event(), alert())]
    often, once = (Waiting(1, ("nn-7",), is_brief, (logged,), (logged,), {}) for is_brief in (True, False))
    for message in (compose([logged], often, AT), compose_truth(often, AT)):
        assert presented(message, CONSOLE).page == ""
        assert presented(message, CONSOLE).outline is None
        assert LINK in presented(message, CONSOLE).body
    assert presented(compose([logged], once, AT), CONSOLE).page != ""


def test_a_trial_is_shown_as_well() -> None:
    """And links nowhere, for it is about no incident."""
    now = datetime.now(UTC)
    test = Message("nn-test", *messages.test(now), now, kind="test")
    shown = presented(test, CONSOLE)
    assert shown.body == test.body
    assert "[TEST] NeuroNova 테스트 알림" in shown.page


def test_late_mail_says_so_in_both_parts(tmp_path: Path) -> None:
    """The mail server was away for forty minutes."""
    late = AT + timedelta(minutes=40, seconds=12)
    (logged,) = [Logged(1, event(), alert())]
    message = compose([logged], Waiting(1, ("nn-7",), False, (logged,), (), RESULTS), late)
    with MailStandIn() as mail:
        list(send_to_all(message, notifiers.channels(mail.environ)))
        letter = mail.next_mail()
    line = "2025-12-06 14:35:01 KST의 알림을 2025-12-06 15:15:13 KST에 보냄 (40분 12초 지연)"
    assert letter.text.splitlines()[:4] == [*guide.ALERT, f"늦게 전달됨: {line}"]
    assert line in letter.page
    assert "장애 Django Flask (마지막 점검 2025-12-06 14:35:01 KST)" in letter.page


def test_a_server_that_fails_at_blocks_is_told() -> None:
    """Within the one attempt, and once."""
    with HttpStandIn(lambda post: Reply(500) if '"blocks"' in post.body else Reply()) as slack:
        (sent,) = send_to_all(replace(alert(), is_repeat=True), notifiers.channels({"SLACK_WEBHOOK": slack.url}))
        assert [type(outcome) for outcome in sent.outcomes.values()] == [Delivered]
        assert slack.posts.qsize() == 2
