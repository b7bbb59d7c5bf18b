from __future__ import annotations

import random

import pytest

from monitor_blueprint.domain.trend import trend


def test_a_straight_line_is_sure() -> None:
    found = trend([(at, 100.0 - 2 * at) for at in range(0, 30, 5)])
    assert found is not None
    assert (found.slope, found.zero(), found.value(45)) == pytest.approx((-2, 50, 10))
    assert found.margin(1000) == pytest.approx(0)
    assert found.zero_between(30, 100) == pytest.approx((50, 50))


def test_what_does_not_fall_is_never_full() -> None:
    for step in (0, 1):
        found = trend([(at, 7.0 + step * at) for at in range(5)])
        assert found is not None
        assert found.zero() is None
        assert found.zero_between(5, 1000) == (None, None)


def test_too_few_moments_are_no_trend() -> None:
    assert trend([]) is None
    assert trend([(1, 5.0), (1, 6.0), (2, 5.0), (2, 4.0)]) is None


def test_the_margin_holds_what_comes() -> None:
    """Of what is measured next, 95 of 100 lie within it, far ahead, too."""
    chance, inside = random.Random(11), 0
    for _ in range(400):
        points = [(float(at), 500 - at + chance.gauss(0, 10)) for at in range(12)]
        found = trend(points)
        assert found is not None
        following = 500 - 25 + chance.gauss(0, 10)
        inside += abs(following - found.value(25)) <= found.margin(25)
    assert inside / 400 == pytest.approx(0.95, abs=0.03)


def test_the_margin_says_when_at_the_earliest() -> None:
    chance = random.Random(3)
    found = trend([(at * 60.0, 1e9 - at * 1e6 + chance.gauss(0, 5e6)) for at in range(360)])
    assert found is not None
    zero = found.zero()
    earliest, latest = found.zero_between(360 * 60, 5000 * 60)
    assert zero is not None
    assert earliest is not None
    assert latest is not None
    assert earliest < zero < latest
    assert found.value(earliest) == pytest.approx(found.margin(earliest), rel=1e-6)
    assert found.value(latest) == pytest.approx(-found.margin(latest), rel=1e-6)
    # Within a time that ends before.
    assert found.zero_between(360 * 60, earliest - 60) == (None, None)
