"""What is said of answers: how good they are to requests that lack something, for whom, and how far a request may be."""

from typing import Any

import msgspec
import numpy as np
import pytest

from ml_server.applicability import Neighbourhood
from ml_server.card import Card
from ml_server.evidence import Applicability
from ml_server.inputs import Number
from ml_server.packing import neighbours, scores


@pytest.fixture(scope="module")
def people() -> Any:
    """Three measured values: the second is nearly the first, the third is by itself; 200 people."""
    rng = np.random.default_rng(1)
    first = rng.normal(5, 1, 200)
    return np.stack([first, first + rng.normal(0, 0.2, 200), rng.normal(100, 10, 200)], axis=1)


def near(card: Card, values: Any, names: tuple[str, ...] = ("a", "b", "c")) -> Neighbourhood:
    known = neighbours.applicability(names, values, "made up")
    inputs = [Number(name=name, description=name, unit="1", minimum=-1e9, maximum=1e9, median=0) for name in names]
    return Neighbourhood(msgspec.convert(known, Applicability), msgspec.structs.replace(card, inputs=inputs))


def test_distance_is_the_one_of_the_card(card: Card, people: Any) -> None:
    """Packing and serving measure alike, whatever is missing."""
    known = neighbours.applicability(("a", "b", "c"), people, "made up")
    assert known is not None
    served = near(card, people)
    for row, missing in (((5.0, 5.1, 90.0), ()), ((5.0, 7.0, 100.0), (2,)), ((9.0, 0.0, 100.0), (1,))):
        given = np.array([np.nan if number in missing else value for number, value in enumerate(row)])
        place = served.place(row, missing)
        assert place is not None
        assert place.distance == pytest.approx(neighbours.distance_of(known, given), abs=1e-4)
    assert served.place((1.0, 2.0, 3.0), (0, 1, 2)) is None


def test_nobody_of_the_training_is_far(card: Card, people: Any) -> None:
    served = near(card, people)
    places = [served.place(tuple(row), ()) for row in people.tolist()]
    assert {place.verdict for place in places if place} <= {"typical", "unusual"}
    shares = sorted(place.farther_than for place in places if place)
    assert abs(shares[len(shares) // 2] - 0.5) < 0.2


def test_each_within_its_range_and_nobodys(card: Card, people: Any) -> None:
    place = near(card, people).place((7.0, 3.0, 100.0), ())
    assert place is not None
    assert (place.verdict, place.farther_than) == ("far", 1.0)


def test_exchanged_and_other_units_are_named(card: Card, people: Any) -> None:
    served = near(card, people)
    assert served.suspicions((100.0, 5.0, 5.0), ())[0].text == "a and c may be exchanged"
    assert served.suspicions((5.0, 5000.0, 100.0), ())[0].text == "b may be 1000 times what the model reads"
    assert {each.names for each in served.suspicions((0.5, 0.5, 100.0), ())} == {("a", "b")}
    assert served.suspicions((5.0, 5.0, 100.0), ()) == ()
    assert set(served.farthest((7.0, 3.0, 100.0), ())[:2]) == {"a", "b"}


@pytest.mark.parametrize("width", [80, 300])
def test_wide_data_have_a_small_card(card: Card, width: int) -> None:
    """More inputs than people: factors, not all pairs; and the same distance as where all pairs are looked at."""
    rng = np.random.default_rng(2)
    values = rng.normal(size=(120, width)) + rng.normal(size=(120, 1))
    names = tuple(f"x{number}" for number in range(width))
    known = neighbours.applicability(names, values, "made up")
    assert known is not None
    assert len(msgspec.json.encode(known)) < 200_000
    loadings, own = np.array(known["loadings"]), np.array(known["own"])
    z = (values[0] - known["center"]) / known["scale"]
    squared = float(z @ np.linalg.inv(loadings @ loadings.T + np.diag(own)) @ z)
    cube = 2 / (9 * width)
    place = near(card, values, names).place(values[0].tolist(), ())
    assert place is not None
    assert place.distance == pytest.approx(((squared / width) ** (1 / 3) - (1 - cube)) / np.sqrt(cube), abs=1e-6)
    assert place.verdict == "typical"


def test_too_few_people_say_nothing() -> None:
    assert neighbours.applicability(("a",), np.ones((neighbours.FEWEST_ROWS - 1, 1)), "few") is None
    assert neighbours.applicability(("a",), np.ones((200, 1)), "all alike") is None


def test_sensitivity_and_specificity() -> None:
    p, truth = np.array([0.1, 0.4, 0.6, 0.9, 0.3, 0.7]), np.array([0, 0, 0, 1, 1, 1])
    (found,) = scores.thresholds(p, truth, [0.5], "six")
    assert found["sensitivity"]["mean"] == found["specificity"]["mean"] == pytest.approx(2 / 3, abs=1e-4)
    low, high = found["sensitivity"]["interval"]
    assert 0 <= low < 2 / 3 < high <= 1
    assert scores.thresholds(p, np.ones(6, dtype=np.int64), [0.5], "cases only") == []
