from typing import Any

import numpy as np
import pytest

from ml_server.inputs.histogram import histogram_of
from ml_server.packing.card_inputs import describe
from tests.ml_server.packing.test_columns import column


def described(*texts: str | None, missing: str = "refuse", dtype: str = "float32", **said: Any) -> dict[str, Any]:
    return describe(column(*texts, dtype=dtype, **said), missing)


def test_a_number_has_range_and_median() -> None:
    found = described("1.5", "2", None, "4", missing="median", unit="mg")
    assert (found["minimum"], found["median"], found["maximum"], found["unit"]) == (1.5, 2.0, 4.0, "mg")
    assert (found["missing"], found["missing_share"]) == ("median", 0.25)


@pytest.mark.parametrize("texts", [("0", "1"), ("0", "1", "1", "0")])
def test_a_median_was_seen(texts: tuple[str, ...]) -> None:
    """The mean of 0 and 1 is no answer to yes or no."""
    found = described(*texts)
    assert (found["allowed"], found["median"]) == ([0.0, 1.0], 0.0)


def test_dates_are_told_as_dates() -> None:
    found = described("1985-03-02", "1985-03-04", "1985-03-09")
    assert (found["minimum"], found["median"], found["maximum"]) == ("1985-03-02", "1985-03-04", "1985-03-09")
    assert found["histogram"]["edges"][0] < 5539 < found["histogram"]["edges"][-1]
    assert "unit" not in found


def test_categories_are_counted() -> None:
    found = described("F", "M", "M", None, dtype="string", missing="mode")
    assert (found["values"], found["codes"], found["mode"], found["counts"]) == (["F", "M"], None, "M", {"F": 1, "M": 2})


def test_booleans_are_counted() -> None:
    assert described("true", "true", "false")["counts"] == {"false": 1, "true": 2}


def test_bins_hold_about_as_many() -> None:
    found = histogram_of(np.random.default_rng(0).lognormal(size=1000))
    edges, counts = found.edges, found.counts
    assert len(counts) == len(edges) - 1 == 10
    assert sum(counts) == 1000
    assert max(counts) - min(counts) <= 2


@pytest.mark.parametrize(("values", "counts"), [([0, 0, 1, 3], [2, 1, 1]), ([5, 5], [2])])
def test_few_values_have_their_bins(values: list[float], counts: list[int]) -> None:
    assert histogram_of(np.array(values, dtype=float)).counts == counts
