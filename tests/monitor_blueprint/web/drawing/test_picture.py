from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import pytest

from monitor_blueprint.web.drawing.clock import Times
from monitor_blueprint.web.drawing.lanes import Lane, Mark, Span, definitions, in_sight, near_marks_joined
from monitor_blueprint.web.drawing.picture import Curve, Limit, Moment, Picture, draw

SINCE = datetime(2026, 11, 27, tzinfo=UTC)
DAY = timedelta(days=1)
TIMES = Times(SINCE, SINCE + DAY)
HOSTILE = "<script>alert(1)</script>\"'&"
AT = [SINCE.timestamp() + 3600 * hour for hour in range(24)]
CURVE = Curve("mean", AT, [float(hour) for hour in range(24)], [0.0] * 24, [30.0] * 24)


def at(hour: float) -> datetime:
    return SINCE + timedelta(hours=hour)


def full(text: str) -> Picture:
    """A picture with one of everything, and this text wherever one is."""
    span = Span(at(3), at(5), "incident", text)
    return Picture(
        key="p1",
        title=text,
        description=text,
        times=TIMES,
        unit=text,
        curves=(CURVE,),
        longest_s=3600,
        limits=(Limit(20, text, "warning"), Limit(500, text, "critical")),
        moments=(Moment(at(12), text, "now"),),
        bands=(span, Span(at(8), at(9), "unwatched", text)),
        lanes=(Lane(text, (span,), (Mark(at(7), text),)), Lane(text, is_headed=True)),
    )


def parsed(picture: Picture) -> ET.Element:
    return ET.fromstring(draw(picture))


def test_says_what_it_is() -> None:
    """To whoever does not see it, too."""
    root = parsed(full("words"))
    assert root.get("role") == "img"
    named = [each for each in root if each.get("id") in (root.get("aria-labelledby") or "").split()]
    assert [(each.tag, each.text) for each in named] == [("title", "words"), ("desc", "words")]


def test_hostile_texts_stay_texts() -> None:
    root = parsed(full(HOSTILE))
    assert {each.tag for each in root.iter()} == {"svg", "title", "desc", "rect", "line", "text", "path"}
    assert sum(HOSTILE in (each.text or "") for each in root.iter()) > 8


def test_nothing_has_its_own_style() -> None:
    """The pages' Content-Security-Policy would refuse it."""
    for each in (parsed(full("words")), ET.fromstring(definitions())):
        assert not [part for part in each.iter() if "style" in part.attrib or part.tag == "style"]


def test_limits_that_fit_are_lines() -> None:
    root = parsed(full(""))
    assert [each.get("y1") for each in root.iter("line") if each.get("class") == "limit warning"] == ["61.3333"]
    # It is far above everything that was measured.
    assert not [each for each in root.iter() if each.get("class") == "limit critical"]


def test_a_value_lies_where_its_tick_is() -> None:
    """The field is stretched over the same height that the ticks are placed by."""
    root = parsed(full(""))
    top, height = (float(next(iter(root.iter("svg"))).find("svg[@viewBox]").get(key) or "") for key in ("y", "height"))  # type: ignore[union-attr]
    curve = next(each for each in root.iter("path") if each.get("class") == "curve mean")
    places = re.findall(r"(\d+) (\d+)", curve.get("d") or "")
    ticks = [float(each.get("y") or "") for each in root.iter("text") if each.get("class") == "value"]
    assert top + height * int(places[10][1]) / 1000 == pytest.approx(ticks[1], abs=0.1)  # 10
    assert int(places[12][0]) == 500


def test_one_axis_may_stand_for_many() -> None:
    alone = Picture("p", "", "", TIMES, curves=(CURVE,), is_timed=False)
    assert not [each for each in parsed(alone).iter("text") if each.get("class") == "time"]


def test_near_spans_are_one() -> None:
    spans = [Span(at(1), at(1.01), "incident", f"{number}") for number in range(9)]
    spans.append(Span(at(9), at(10), "incident", "late"))
    spans.append(Span(at(40), at(41), "incident", "out of sight"))
    assert [each.title for each in in_sight(spans, TIMES)] == ["0\n1\n2\n3\n…", "late"]


def test_very_many_spans_are_few() -> None:
    """What is bad is never lost among them, and of the rest stays what there was most of."""
    spans = []
    for number in range(24 * 60):
        kind = "critical" if number == 700 else "unwatched" if number % 2 else "ok"
        spans.append(Span(at(number / 60), at(number / 60 + (40 if kind == "ok" else 60) / 3600), kind, f"{kind} {number}"))
    found = in_sight(spans, TIMES)
    assert [each.kind for each in found] == ["unwatched", "critical", "unwatched"]
    assert found[1].title == "critical 700"
    assert (found[0].since, found[-1].until) == (SINCE, SINCE + DAY)


def test_near_marks_are_one() -> None:
    marks = [Mark(at(5), "a"), Mark(at(5.02), "b"), Mark(at(6), "c"), Mark(at(30), "d")]
    assert [each.title for each in near_marks_joined(marks, TIMES)] == ["a\nb", "c"]
