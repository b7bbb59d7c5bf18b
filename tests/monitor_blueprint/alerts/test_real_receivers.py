"""The delivery with real servers at the other end: they put off, take their time, break off, refuse and lie."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor_blueprint.alerts.channel_health import Health
from monitor_blueprint.alerts.outbox import Outbox
from monitor_blueprint.alerts.timing import Timing
from monitor_blueprint.domain.messages import Waits
from monitor_blueprint.domain.models import Event, EventKind
from monitor_blueprint.notifiers import channels
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text import ko, messages
from tests.monitor_blueprint.standins import HttpStandIn, Mail, MailStandIn, Reply, ScriptedMailServer

MINUTE = timedelta(minutes=1)
QUICK = Timing(waits=Waits(*[1.0] * 7), first_wait_s=0.01, first_refused_s=0.01, first_doubt_s=0.01, patience_s=5.0)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Store(tmp_path / "monitor.db") as store:
        yield store


class Outage:
    """An incident that opens and ends, told over what the environment configures; the clock goes on by itself."""

    def __init__(self, store: Store, environ: dict[str, str], timing: Timing = QUICK) -> None:
        self.now = datetime.now(UTC)
        self._opened_at = self.now
        self._store = store
        self.box = Outbox(store, channels(environ), timing=timing, clock=self._clock)

    def _clock(self) -> datetime:
        self.now += MINUTE
        return self.now

    def tell(self, kind: EventKind) -> None:
        is_over = kind is EventKind.RECOVERED
        at = self._clock()
        failing, lasted = ((), {"Flask": 60.0}) if is_over else (("Flask",), {})
        event = Event(kind, at, 1, self._opened_at, ("Flask",), failing=failing, lasted_s=lasted)
        message = messages.alert(event, f"1-{kind}", {})
        self._store.run(lambda tx: tx.add_event(event, message, self.box.receivers))

    def happens(self) -> None:
        self.tell(EventKind.OPENED)
        self.box.deliver_due()
        self.tell(EventKind.RECOVERED)
        for _ in range(5):
            self.box.deliver_due()

    @property
    def pending(self) -> dict[str, int]:
        return {name: status.pending for name, status in self._store.reads.outbox_status().items()}


def told(text: str) -> list[str]:
    return re.findall(r"1-(?:opened|recovered)", text.partition(ko.UNSURE_EVENTS)[0])


def test_greylisted_recipient_gets_it_later(store: Store) -> None:
    """The other one at once, and nobody gets anything twice."""
    put_off = {"b@example.com"}

    def answer(address: str) -> str:
        if address not in put_off:
            return "250 OK"
        put_off.remove(address)
        return "450 greylisted"

    with MailStandIn(reply_to_recipient=answer) as server:
        outage = Outage(store, server.environ | {"ALERT_EMAIL": "a@example.com,b@example.com"})
        outage.tell(EventKind.OPENED)
        for _ in range(3):
            outage.box.deliver_due()
        mails = [server.next_mail() for _ in range(2)]
        assert server.mails.empty()
    assert [(mail.recipients, mail.parsed["Message-ID"]) for mail in mails] == [
        (["a@example.com"], "<1-opened@example.org>"),
        (["b@example.com"], "<1-opened@example.org>"),
    ]
    assert outage.pending == {"email": 0}


def test_late_acknowledgement_makes_no_repeat(store: Store) -> None:
    """A server that takes its time is waited for."""
    waits = Waits(accept_s=30.0)
    with ScriptedMailServer({}, {".": 0.5}) as server:
        outage = Outage(store, server.environ, Timing(waits=waits, patience_s=10.0))
        outage.tell(EventKind.OPENED)
        outage.box.deliver_due()
        outage.tell(EventKind.RECOVERED)
        outage.box.deliver_due()
        assert len(server.texts) == 2
    assert outage.pending == {"email": 0}


def test_mail_dropped_after_the_dot(store: Store) -> None:
    """Comes three times, marked; then it counts as told."""
    with ScriptedMailServer({".": None}) as server:
        outage = Outage(store, server.environ)
        outage.tell(EventKind.OPENED)
        for _ in range(12):
            outage.box.deliver_due()
        marks = ["X-NeuroNova-Repeat: yes" in text for text in server.texts]
        ids = {re.findall(r"Message-ID: (\S+)", text)[0] for text in server.texts}
    assert marks == [False, True, True]
    assert len(ids) == 1
    assert outage.pending == {"email": 0}
    assert outage.box.channel_health(outage.now)["email"].health is Health.IN_DOUBT


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404, "no_service"),
        Reply(403, "invalid_token"),
        Reply(200, '{"ok":false,"error":"fatal"}'),
        Reply(200, "invalid_payload"),
        Reply(200, "<html>log in</html>"),
        Reply(200, ""),
    ],
)
@pytest.mark.parametrize("is_opening_refused", [True, False])
def test_what_slack_refused_is_told_later(store: Store, reply: Reply, is_opening_refused: bool) -> None:
    """A missed opening with its recovery, and a missed recovery once it takes messages again."""
    replies = [reply] if is_opening_refused else [Reply(), reply, reply]

    with HttpStandIn(lambda post: replies.pop(0) if replies else Reply()) as slack:
        outage = Outage(store, {"SLACK_WEBHOOK": slack.url})
        outage.happens()
        posts = [slack.posts.get_nowait().text for _ in range(slack.posts.qsize())]
    taken = posts[1:] if is_opening_refused else [posts[0], *posts[3:]]
    assert [id_ for text in taken for id_ in dict.fromkeys(told(text))] == ["1-opened", "1-recovered"]
    assert taken[-1].startswith("[OK] NeuroNova 서비스 복구\n")
    assert outage.pending == {"slack": 0}
    assert outage.box.channel_health(outage.now)["slack"].health is Health.OK


def test_slow_channel_holds_up_no_other(store: Store) -> None:
    """Nor the end of the program."""

    def stall(mail: Mail) -> str:
        return "250 OK LATE"

    with HttpStandIn() as slack, MailStandIn(stall) as mail:
        mail.late_s = 60.0
        outage = Outage(store, mail.environ | {"SLACK_WEBHOOK": slack.url}, Timing())
        outage.box.start()
        outage.tell(EventKind.OPENED)
        outage.box.wake()
        assert slack.next_post().text.endswith("id: 1-opened")
        assert mail.next_mail()
        outage.box.stop(0.1)
    assert outage.pending["email"] == 1


@pytest.mark.parametrize("status", [502, 504])
def test_gateway_that_passes_on_and_does_not_know(store: Store, status: int) -> None:
    """Three times, marked; then the truth, ever more seldom, until it is accepted."""
    with HttpStandIn(lambda post: Reply(status, "<h1>Gateway</h1>")) as slack:
        outage = Outage(store, {"SLACK_WEBHOOK": slack.url}, Timing(first_doubt_s=0.01))
        outage.tell(EventKind.OPENED)
        for _ in range(8):
            outage.box.deliver_due()
        first = [slack.posts.get_nowait().text for _ in range(slack.posts.qsize())]
        outage.now += 60 * MINUTE
        outage.box.deliver_due()
        truth = slack.next_post().text
        outage.now += 30 * MINUTE
        outage.box.deliver_due()
        assert slack.posts.empty()
        slack.reply_to = lambda post: Reply()
        outage.now += 240 * MINUTE
        outage.box.deliver_due()
        last = slack.next_post().text
    assert [ko.REPEATED in text for text in (*first, truth, last)] == [False, True, True, True, True]
    assert [text.splitlines()[:2] for text in (truth, last)] == [
        ["[CRITICAL] NeuroNova 서비스 장애 발생!", "실패한 서비스: Flask"]
    ] * 2
    assert outage.box.channel_health(outage.now)["slack"].health is Health.OK


_SENDER = """
import sys
import time
from pathlib import Path

from monitor_blueprint.alerts.outbox import Outbox
from monitor_blueprint.notifiers import channels
from monitor_blueprint.storage.store import Store

store = Store(Path(sys.argv[1]))
Outbox(store, channels({"SLACK_WEBHOOK": sys.argv[2]})).start()
time.sleep(60)
"""


def test_kill_within_an_attempt_is_doubt(tmp_path: Path) -> None:
    """A monitor that is killed whenever it sends does not send for ever; what it was sending is known by what was stored."""
    path = tmp_path / "monitor.db"
    with HttpStandIn(lambda post: Reply(is_silent=True)) as slack:
        with Store(path) as store:
            Outage(store, {"SLACK_WEBHOOK": slack.url}).tell(EventKind.OPENED)
        texts = []
        for _ in range(3):
            with subprocess.Popen([sys.executable, "-c", _SENDER, str(path), slack.url], cwd=Path(__file__).parents[3]) as sender:
                texts.append(slack.next_post().text)
                sender.kill()
        with subprocess.Popen([sys.executable, "-c", _SENDER, str(path), slack.url], cwd=Path(__file__).parents[3]) as sender:
            with Store(path) as store:
                until(lambda: store.reads.outbox_status()["slack"].in_doubt_since is not None)
                assert store.reads.outbox_status()["slack"].pending == 0
            sender.kill()
        assert slack.posts.empty()
    assert [ko.REPEATED in text for text in texts] == [False, True, True]


def until(is_so: Callable[[], bool]) -> None:
    for _ in range(3000):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError("it has not come to that")
