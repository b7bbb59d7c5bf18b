from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor_blueprint.alerts.channel_health import ChannelHealth, Health, health_of
from monitor_blueprint.storage.channels import ChannelStatus

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LONG_AGO = NOW - timedelta(days=1)


def health(began_at: datetime = LONG_AGO, **known: object) -> ChannelHealth:
    status = ChannelStatus("slack", **known)  # type: ignore[arg-type]
    return health_of(status, began_at, 900.0, NOW)


def test_channel_without_messages_is_well() -> None:
    assert health() == ChannelHealth("slack", Health.OK, None, "", 0)


def test_channel_that_has_just_failed_is_well() -> None:
    """But it is told since when, to whoever looks."""
    since = NOW - 15 * MINUTE + timedelta(seconds=1)
    assert health(pending=2, failing_since=since, last_error="rain") == ChannelHealth("slack", Health.OK, since, "rain", 2)


def test_channel_that_fails_for_long_is_reported() -> None:
    since = NOW - 15 * MINUTE
    expected = ChannelHealth("slack", Health.FAILING, since, "rain", 2)
    assert health(pending=2, failing_since=since, last_error="rain") == expected


def test_refusal_is_reported_at_once() -> None:
    expected = ChannelHealth("slack", Health.REFUSED, NOW, "HTTP 404", 1)
    assert health(pending=1, failing_since=NOW, refusal="HTTP 404", last_error="HTTP 404") == expected


def test_doubt_is_reported() -> None:
    """Something counts as told that was never acknowledged, whether or not it has arrived."""
    expected = ChannelHealth("slack", Health.IN_DOUBT, NOW, "no answer", 0)
    assert health(in_doubt_since=NOW, last_error="no answer") == expected


@pytest.mark.parametrize(("began", "is_failing"), [(16, True), (15, True), (14, False)])
def test_waiting_counts_since_the_delivery_began(began: int, is_failing: bool) -> None:
    """Nobody could have tried before; and no attempt at all is a failure too."""
    found = health(NOW - began * MINUTE, pending=1, oldest_pending_at=LONG_AGO)
    assert (found.health is Health.FAILING) is is_failing
    assert found.since == (NOW - began * MINUTE if is_failing else None)


def test_failure_from_before_the_delivery_began_counts() -> None:
    found = health(NOW, pending=1, oldest_pending_at=LONG_AGO, failing_since=LONG_AGO, last_error="rain")
    assert found == ChannelHealth("slack", Health.FAILING, LONG_AGO, "rain", 1)
