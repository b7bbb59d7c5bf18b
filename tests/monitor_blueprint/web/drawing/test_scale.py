from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_blueprint.web.drawing.scale import Scale, step_of, value_scale, value_ticks

VALUES = st.floats(-1e12, 1e12, allow_nan=False).map(lambda value: round(value, 3))


@pytest.mark.parametrize(
    ("values", "limits", "unit", "expected"),
    [
        ([12.0, 95.0], [80, 90], "%", (0, 100)),
        ([12.0, 130.0], [], "%", (0, 150)),
        ([0.1, 1.4], [5, 20], "%", (0, 1.5)),
        ([3.0], [5, 20], "%", (0, 6)),
        ([3.0], [], "%", (0, 3)),
        ([0.0], [], "%", (0, 1)),
        ([0.0, 1.0], [80, 90], "%", (0, 100)),
        ([3.0, 41.0], [], "ms", (0, 60)),
        ([3.0, 41.0], [100], "ms", (0, 100)),
        # The limit is so far above that the curve would lie flat at the bottom.
        ([3.0, 41.0], [1000], "ms", (0, 60)),
        ([90.0, 97.0], [], "d", (90, 98)),
        ([5.0, 5.0], [], "d", (4.0, 6.0)),
        ([-3.0, 7.0], [], "", (-5, 10)),
        ([0.0], [], "", (0, 1)),
        ([], [], "", (0, 1)),
    ],
)
def test_ends_are_round(values: list[float], limits: list[float], unit: str, expected: tuple[float, float]) -> None:
    scale = value_scale(values, limits, unit)
    assert (scale.least, scale.greatest) == pytest.approx(expected)


@given(st.lists(VALUES, min_size=1))
def test_everything_measured_lies_on_it(values: list[float]) -> None:
    scale = value_scale(values)
    assert scale.least < scale.greatest
    assert all(scale.least - 1e-6 * abs(value) <= value <= scale.greatest + 1e-6 * abs(value) for value in values)
    assert all(0 <= scale.y(value) <= 1000 for value in values)
    assert 1 <= len(value_ticks(scale)) <= 6


def test_up_is_up() -> None:
    scale = Scale(0, 200)
    assert [scale.y(value) for value in (0, 50, 200, 999, -5)] == [1000, 750, 0, 0, 1000]


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (Scale(0, 100), (0, 50, 100)),
        (Scale(0, 60), (0, 20, 40, 60)),
        (Scale(90, 98), (90, 92, 94, 96, 98)),
        (Scale(0, 0.3), (0, 0.1, 0.2, 0.3)),
        (Scale(4.5, 6), (4.5, 5, 5.5, 6)),
    ],
)
def test_ticks_are_round(scale: Scale, expected: tuple[float, ...]) -> None:
    assert value_ticks(scale) == expected


def test_steps_are_one_two_or_five() -> None:
    assert [step_of(Scale(0, end), 4) for end in (4, 8, 20, 40, 0.04)] == [1, 2, 5, 10, 0.01]


def test_nothing_used_has_a_scale() -> None:
    """A swap space that is never used: no percentage above nothing, and limits far above."""
    assert value_scale([0.0, 0.0], [50.0, 80.0], "%") == Scale(0.0, 100.0)
    assert value_scale([0.0], [5.0], "ms") == Scale(0.0, 1.0)
