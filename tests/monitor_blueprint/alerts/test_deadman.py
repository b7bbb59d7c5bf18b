from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor_blueprint import notifiers
from monitor_blueprint.alerts import attempt, deadman
from monitor_blueprint.domain.messages import Delivered, Message, Outcome, Retry
from monitor_blueprint.domain.text import Public
from monitor_blueprint.notifiers import Channel
from tests.monitor_blueprint.probes.looking import Site, nobody, serve
from tests.monitor_blueprint.standins import DrippingMailServer, HttpStandIn

NOW = datetime(2025, 12, 6, 5, 35, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.usefixtures("seoul")


class Watchman:
    """Looks every few minutes, as the timer does, and keeps what was sent over two channels."""

    def __init__(self, memory: Path) -> None:
        self.memory = memory
        self.url = nobody()
        self.last_check_at: datetime | None = NOW
        self.sent: list[tuple[str, Message]] = []
        self.broken: set[str] = set()

    def _send(self, name: str, message: Message) -> Outcome:
        if name in self.broken:
            return Retry("no answer")
        self.sent.append((name, message))
        return Delivered()

    def look(self, at: datetime) -> list[Public]:
        channels = [
            Channel(name, lambda message, handover, name=name: self._send(name, message))  # type: ignore[misc]
            for name in ("email", "slack")
        ]
        lines, self.is_done = deadman.check(self.url, self.memory, self.last_check_at, channels, at)
        return lines

    @property
    def notified(self) -> list[tuple[str, str]]:
        return [(name, message.subject) for name, message in self.sent]


@pytest.fixture
def watchman(tmp_path: Path) -> Watchman:
    return Watchman(tmp_path / "state" / "deadman.json")


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as running:
        running.answers = [b"{}"]
        yield running


GONE, BACK = "[CRITICAL] NeuroNova 모니터 응답 없음", "[OK] NeuroNova 모니터 복구"
TO_BOTH = [("email", GONE), ("slack", GONE)]


def test_living_monitor_is_not_told(watchman: Watchman, site: Site) -> None:
    """A monitor that lives is nothing to tell."""
    watchman.url = site.url
    assert watchman.look(NOW + timedelta(days=1)) == []
    assert not watchman.sent


def test_gone_monitor_is_told_once(watchman: Watchman) -> None:
    """A monitor that is gone is told after a quarter of an hour, over every channel, and once."""
    assert watchman.look(NOW + 14 * MINUTE) == ["모니터 응답 없음: 2025-12-06 14:35:01 KST부터 (15분이 지나면 알림)"]
    assert not watchman.sent
    assert watchman.look(NOW + 15 * MINUTE) == [GONE]
    assert watchman.notified == TO_BOTH
    for number in range(16, 90, 5):
        watchman.look(NOW + number * MINUTE)
    assert watchman.notified == TO_BOTH


def test_stalled_monitor_counts_as_gone(watchman: Watchman, site: Site) -> None:
    """A monitor that says itself that it has stalled counts as gone."""
    watchman.url, site.status = site.url, 503
    assert watchman.look(NOW + 16 * MINUTE) == [GONE]


def test_only_failed_channel_is_retried(watchman: Watchman) -> None:
    """A channel that does not take it is tried again, and the other is not."""
    watchman.broken = {"email"}
    watchman.look(NOW + 15 * MINUTE)
    watchman.broken = set()
    watchman.look(NOW + 20 * MINUTE)
    assert watchman.notified == [("slack", GONE), ("email", GONE)]
    assert len({message.id for _, message in watchman.sent}) == 1


def test_return_reaches_same_channels(watchman: Watchman, site: Site) -> None:
    """When the monitor is back, those are told who were told that it was gone."""
    watchman.broken = {"email"}
    watchman.look(NOW + 15 * MINUTE)
    watchman.broken = set()
    watchman.url = site.url
    assert watchman.look(NOW + 20 * MINUTE) == [BACK]
    assert watchman.notified == [("slack", GONE), ("slack", BACK)]
    assert watchman.look(NOW + 25 * MINUTE) == []


def test_checks_that_are_kept_count(watchman: Watchman) -> None:
    """Whatever its pages answer, a monitor that goes on checking is there; once it stops, that counts from its last check."""
    for number in range(0, 90, 5):
        watchman.last_check_at = NOW + (number - 1) * MINUTE
        watchman.look(NOW + number * MINUTE)
    assert not watchman.sent
    watchman.look(NOW + 98 * MINUTE)
    assert not watchman.sent
    watchman.look(NOW + 99 * MINUTE)
    assert watchman.notified == TO_BOTH
    watchman.last_check_at = NOW + 100 * MINUTE
    assert watchman.look(NOW + 101 * MINUTE) == [BACK]


def test_return_is_tried_again_too(watchman: Watchman, site: Site) -> None:
    """That the monitor is back is tried again too."""
    watchman.look(NOW + 15 * MINUTE)
    watchman.url, watchman.broken = site.url, {"slack"}
    watchman.look(NOW + 20 * MINUTE)
    watchman.broken = set()
    watchman.look(NOW + 25 * MINUTE)
    assert watchman.notified == [*TO_BOTH, ("email", BACK), ("slack", BACK)]


def test_a_short_absence_is_forgotten(watchman: Watchman, site: Site) -> None:
    there, gone = site.url, watchman.url
    watchman.look(NOW + 10 * MINUTE)
    watchman.url = there
    watchman.look(NOW + 12 * MINUTE)
    watchman.url, watchman.last_check_at = gone, NOW + 12 * MINUTE
    watchman.look(NOW + 20 * MINUTE)
    assert not watchman.sent


def test_never_run_monitor_is_awaited(watchman: Watchman) -> None:
    """A monitor that never ran is waited for from the first look on."""
    watchman.last_check_at = None
    watchman.look(NOW)
    watchman.look(NOW + 14 * MINUTE)
    assert not watchman.sent
    watchman.look(NOW + 15 * MINUTE)
    assert watchman.notified == TO_BOTH


def test_unreadable_memory_is_begun_afresh(watchman: Watchman) -> None:
    watchman.memory.parent.mkdir()
    watchman.memory.write_bytes(b"\x00half a fi")
    assert watchman.look(NOW + 15 * MINUTE) == [GONE]


def test_told_once_without_memory(watchman: Watchman) -> None:
    """Without a memory, a monitor that is gone is told once all the same."""
    watchman.memory.parent.write_text("a file is in the way")
    for number in range(0, 60, 5):
        watchman.look(NOW + (number + 1) * MINUTE)
        assert not watchman.is_done
    assert watchman.notified == TO_BOTH


def test_dripping_mail_holds_up_nothing(watchman: Watchman, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail server that drips its answer holds up neither Slack nor the end."""
    monkeypatch.setattr(attempt, "TOGETHER_S", 1.0)
    with HttpStandIn() as slack, DrippingMailServer() as mail:
        channels = notifiers.channels({**mail.environ, "SLACK_WEBHOOK": slack.url})
        assert [channel.name for channel in channels] == ["email", "slack"]
        lines, is_done = deadman.check(watchman.url, watchman.memory, NOW, channels, NOW + 15 * MINUTE)
        assert slack.next_post().text.startswith(GONE)
        assert mail.is_asked.is_set()
    assert (lines, is_done) == ([GONE, "알리지 못함: email"], False)
    # The next time it is the mail's turn alone.
    watchman.look(NOW + 20 * MINUTE)
    assert watchman.notified == [("email", GONE)]


def test_failed_channel_is_named(watchman: Watchman) -> None:
    """A channel that did not take it is named."""
    watchman.broken = {"slack"}
    assert watchman.look(NOW + 15 * MINUTE) == [GONE, "알리지 못함: slack"]
    assert not watchman.is_done
