"""Values and rows that a model's card calls ordinary: what a model is tried with besides its golden samples."""

import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

from ml_server.card import Card, GoldenSample
from ml_server.schemas import Row, check_features

_MOST_CHOICES = 8
# Where between minimum and maximum an input is tried.
_PLACES = (0.0, 1.0, 0.31, 0.73)


def kind_of(item: msgspec.Struct) -> str:
    """Return what a card calls the type of an input."""
    return str(item.__struct_config__.tag or "number")


def values_of(item: Any) -> list[Any]:
    """Return values of an input as a client would send them, the ends of its range first; none where they cannot be made up."""
    make = _KINDS.get(kind_of(item))
    return make(item) if make else []


def _numbers(item: Any) -> list[Any]:
    if item.allowed is not None:
        return list(item.allowed[:_MOST_CHOICES])
    return [_between(item.minimum, item.maximum, place) for place in _PLACES]


def _between(low: float, high: float, place: float) -> float:
    return min(high, max(low, low + (high - low) * place))


def _integers(item: Any) -> list[Any]:
    return list(dict.fromkeys(int(value) for value in _numbers(item)))


def _dates(item: Any) -> list[Any]:
    first, last = date.fromisoformat(str(item.minimum)), date.fromisoformat(str(item.maximum))
    days = (last - first).days
    return list(dict.fromkeys((first + timedelta(int(days * place))).isoformat() for place in _PLACES))


_KINDS: dict[str, Callable[[Any], list[Any]]] = {
    "number": _numbers,
    "integer": _integers,
    "boolean": lambda _item: [True, False],
    "category": lambda item: list(item.values[:_MOST_CHOICES]),
    "date": _dates,
}


def some_people(card: Card, samples: Sequence[GoldenSample], count: int) -> list[Row]:
    """Return people who are made up: every input anywhere in its range, and the same ones each time.

    What cannot be made up is as in one of the samples.

    Raises:
        InvalidRequestError: a value in the card's own range is refused.
    """
    chance = random.Random(0)  # noqa: S311 - the same people at every verification
    people = []
    for number in range(count):
        features = samples[number % len(samples)].features
        made_up = {item.name: _any(item, chance) for item in card.inputs if values_of(item)}
        people.append(check_features({**features, **made_up}, card))
    return people


def values_read(card: Card, sample: GoldenSample) -> dict[int, list[Any]]:
    """Return for each input, by its number, the values of `values_of` as the model reads them; the sample has the rest.

    Raises:
        InvalidRequestError: a value in the card's own range is refused.
    """
    given = {number: values for number, item in enumerate(card.inputs) if (values := values_of(item))}
    read: dict[int, list[Any]] = {number: [] for number in given}
    # One person with the first value of every input, one with the second, and so on: a card may have thousands of inputs.
    for place in range(max(map(len, given.values()), default=0)):
        person = {card.inputs[number].name: values[place % len(values)] for number, values in given.items()}
        row = check_features({**sample.features, **person}, card)
        for number, values in given.items():
            if place < len(values):
                read[number].append(row.values[number])
    return read


def _any(item: Any, chance: random.Random) -> Any:
    if kind_of(item) == "number" and item.allowed is None:
        return _between(item.minimum, item.maximum, chance.random())
    return chance.choice(values_of(item))
