from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitor_blueprint.web.drawing import curves
from monitor_blueprint.web.drawing.clock import Times
from monitor_blueprint.web.drawing.scale import Scale

SINCE = datetime(2026, 11, 28, tzinfo=UTC)
TIMES = Times(SINCE, SINCE + timedelta(seconds=100))
SCALE = Scale(0, 100)
AT = [SINCE.timestamp() + second for second in (0, 10, 20, 60, 90, 100)]
VALUES = [0.0, 50.0, 100.0, 50.0, 0.0, 10.0]


def test_pieces_end_where_nothing_was() -> None:
    assert list(curves.runs(AT, 10)) == [slice(0, 3), slice(3, 4), slice(4, 6)]
    assert list(curves.runs(AT, 100)) == [slice(0, 6)]
    assert list(curves.runs([], 10)) == []


def test_a_line_has_gaps_and_dots() -> None:
    pieces = list(curves.runs(AT, 10))
    assert curves.line(AT, VALUES, pieces, TIMES, SCALE) == "M0 1000L100 500L200 0M600 500h0M900 1000L1000 900"


def test_a_band_is_closed() -> None:
    greatest = [value + 10 for value in VALUES]
    drawn = curves.band(AT[:2], (VALUES[:2], greatest[:2]), [slice(0, 2)], TIMES, SCALE)
    assert drawn == "M0 900L100 400L100 500L0 1000Z"
