from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from monitor_blueprint.web.drawing.bars import Day, bars

DAY_S = 86400.0


def paths(days: list[Day]) -> dict[str, str]:
    return {each.get("class", ""): each.get("d", "") for each in ET.fromstring(bars(days, "")).iter("path")}


def test_a_good_day_is_one_bar() -> None:
    assert paths([Day("", up_s=DAY_S)]) == {"up": "M0 0h8v24h-8z"}


def test_a_bar_has_its_parts() -> None:
    """From the bottom up; a few seconds of being down are seen, and marked below."""
    drawn = paths([Day("", up_s=DAY_S / 2, down_s=30, unknown_s=0, unwatched_s=DAY_S / 2 - 30)])
    assert drawn == {
        "up": "M0 15h8v9h-8z",
        "down": "M0 12h8v3h-8zM0 30h8l-4-4z",
        "unwatched": "M0 0h8v12h-8z",
    }


def test_a_day_nobody_watched_is_empty() -> None:
    assert list(paths([Day("", unwatched_s=DAY_S), Day("")])) == ["unwatched"]


def test_parts_are_as_high_as_the_bar() -> None:
    for down in (0, 1, 40_000, 86_399):
        drawn = "".join(paths([Day("", up_s=DAY_S - down, down_s=down, unknown_s=7, unwatched_s=3000)]).values())
        assert sum(int(height) for height in re.findall(r"v(\d+)", drawn)) == 24


def test_days_say_their_titles() -> None:
    days = [Day("", up_s=DAY_S), Day("<bad>", up_s=DAY_S, down_s=60)]
    assert [each.text for each in ET.fromstring(bars(days, "all")).iter("title")] == ["all", "<bad>"]


def test_a_month_is_small() -> None:
    assert len(bars([Day("", up_s=DAY_S)] * 30, "thirty days")) < 900
