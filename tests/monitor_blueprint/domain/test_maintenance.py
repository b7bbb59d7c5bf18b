from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitor_blueprint.domain.maintenance import Weekday, Window, active

SEOUL, BERLIN, NEW_YORK = ZoneInfo("Asia/Seoul"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
EVERY_DAY = tuple(Weekday)


def spans(window: Window, day: datetime) -> list[str]:
    """Return from when to when (UTC) the window is seen to silence, minute by minute, from a day before to a day after."""
    minutes = [day + timedelta(minutes=minute) for minute in range(-1440, 2 * 1440)]
    found = dict.fromkeys((s.starts_at, s.ends_at) for minute in minutes for s in window.silences(minute))
    for starts_at, ends_at in found:
        assert all(bool(window.silences(minute)) for minute in minutes if starts_at <= minute < ends_at)
    return [f"{starts_at:%a %H:%M}-{ends_at:%a %H:%M}" for starts_at, ends_at in found]


@pytest.mark.parametrize(
    ("days", "start", "end", "zone", "day", "expected"),
    [
        pytest.param((0,), (2, 0), (4, 0), SEOUL, (2026, 3, 2), ["Sun 17:00-Sun 19:00"], id="by the clock in Seoul"),
        pytest.param((1,), (23, 0), (1, 0), UTC, (2026, 3, 3), ["Tue 23:00-Wed 01:00"], id="across midnight"),
        pytest.param((6,), (23, 30), (0, 30), UTC, (2026, 3, 8), ["Sun 23:30-Mon 00:30"], id="across the week's end"),
        pytest.param((6,), (12, 0), (12, 0), UTC, (2026, 3, 8), ["Sun 12:00-Mon 12:00"], id="a whole day"),
        pytest.param((6,), (1, 0), (4, 0), BERLIN, (2026, 3, 29), ["Sun 00:00-Sun 02:00"], id="Berlin, spring: an hour less"),
        pytest.param((6,), (1, 0), (4, 0), BERLIN, (2026, 10, 25), ["Sat 23:00-Sun 03:00"], id="Berlin, autumn: an hour more"),
        pytest.param((6,), (2, 15), (2, 45), BERLIN, (2026, 3, 29), ["Sun 01:15-Sun 01:45"], id="skipped: an hour later"),
        pytest.param((6,), (2, 0), (4, 0), BERLIN, (2026, 3, 29), ["Sun 01:00-Sun 02:00"], id="start skipped"),
        pytest.param((6,), (1, 30), (2, 30), BERLIN, (2026, 3, 29), ["Sun 00:30-Sun 01:30"], id="end skipped"),
        pytest.param((6,), (2, 30), (3, 0), BERLIN, (2026, 3, 29), ["Sun 01:30-Sun 02:00"], id="nothing left: its length"),
        pytest.param((6,), (2, 0), (3, 0), BERLIN, (2026, 3, 29), ["Sun 01:00-Sun 02:00"], id="just nothing left"),
        pytest.param((6,), (2, 15), (2, 45), BERLIN, (2026, 10, 25), ["Sun 00:15-Sun 00:45"], id="repeated: the first pass"),
        pytest.param((5,), (23, 0), (3, 30), BERLIN, (2026, 10, 24), ["Sat 21:00-Sun 02:30"], id="autumn and midnight"),
        pytest.param((6,), (1, 0), (4, 0), NEW_YORK, (2026, 3, 8), ["Sun 06:00-Sun 08:00"], id="New York, spring"),
        pytest.param((6,), (1, 0), (4, 0), NEW_YORK, (2026, 11, 1), ["Sun 05:00-Sun 09:00"], id="New York, autumn"),
        pytest.param((6,), (1, 30), (1, 45), NEW_YORK, (2026, 11, 1), ["Sun 05:30-Sun 05:45"], id="New York, repeated"),
        pytest.param((6,), (2, 30), (2, 40), NEW_YORK, (2026, 3, 8), ["Sun 07:30-Sun 07:40"], id="New York, skipped"),
    ],
)
def test_window_follows_the_wall_clock(
    days: tuple[int, ...],
    start: tuple[int, int],
    end: tuple[int, int],
    zone: ZoneInfo,
    day: tuple[int, int, int],
    expected: list[str],
) -> None:
    """A window lasts as the clock on the wall says."""
    window = Window(tuple(Weekday(each) for each in days), time(*start), time(*end), zone)
    assert spans(window, datetime(*day, tzinfo=UTC)) == expected


def test_daily_windows_survive_clock_change() -> None:
    """A daily window has no gap and no overlap across a change of the clocks."""
    night = Window(EVERY_DAY, time(22, 0), time(6, 0), BERLIN)
    day = Window(EVERY_DAY, time(6, 0), time(22, 0), BERLIN)
    moment = datetime(2026, 10, 24, tzinfo=UTC)
    while moment < datetime(2026, 10, 27, tzinfo=UTC):
        assert len(active((night, day), moment)) == 1, moment
        moment += timedelta(minutes=15)


def test_window_end_is_exclusive() -> None:
    """The end of a window is no longer silent."""
    window = Window((Weekday.MON,), time(2, 0), time(4, 0), ZoneInfo("UTC"))
    assert window.silences(datetime(2026, 3, 2, 2, 0, tzinfo=UTC))
    assert not window.silences(datetime(2026, 3, 2, 4, 0, tzinfo=UTC))
    assert not window.silences(datetime(2026, 3, 3, 2, 0, tzinfo=UTC))


def test_silences_are_in_utc(seoul: None) -> None:
    """Wherever the window is, and wherever the server."""
    window = Window(EVERY_DAY, time(0, 0), time(0, 0), BERLIN)
    (silence,) = window.silences(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
    assert (silence.starts_at.tzinfo, silence.ends_at.tzinfo) == (UTC, UTC)


def test_window_silences_named_checks() -> None:
    """A window silences the checks it names, and says why."""
    window = Window(EVERY_DAY, time(2, 0), time(4, 0), ZoneInfo("UTC"), ("Flask", "Disk"), "backup")
    now = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
    silences = active((window,), now)
    assert [(silence.check, silence.why) for silence in silences] == [("Flask", "backup"), ("Disk", "backup")]
    assert [silence.covers("Flask", now) for silence in silences] == [True, False]


def test_windows_of_a_past_time() -> None:
    """Those that cover something of it, each once for each of its checks."""
    window = Window((Weekday.MON, Weekday.TUE), time(23), time(1), SEOUL, ("Disk", "Flask"), "backup")
    # From Monday, 2 March, to Monday, 9 March.
    since, until = datetime(2026, 3, 2, 14, 30, tzinfo=UTC), datetime(2026, 3, 9, 14, tzinfo=UTC)
    found = window.between(since, until)
    assert [(each.check, f"{each.starts_at:%d %H:%M}-{each.ends_at:%d %H:%M}") for each in found] == [
        (check, times) for times in ("02 14:00-02 16:00", "03 14:00-03 16:00", "09 14:00-09 16:00") for check in window.checks
    ]
    assert window.between(since + timedelta(days=2), until - timedelta(days=1)) == ()
    assert {each.why for each in found} == {"backup"}
