"""What a value may have been meant for: the same quantity in another unit, or as a logarithm."""

import math
from collections.abc import Callable
from typing import NamedTuple

_MOST_NAMED = 3
# exp and powers of ten beyond this are no measured value.
_GREATEST_EXPONENT = 60.0


class Conversion(NamedTuple):
    """How a value is to be changed if it was given in another form than the model reads, and what that form is called."""

    words: str
    convert: Callable[[float], float]


def _logarithm(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: function(value) if value > 0 else math.nan


def _power(base: float) -> Callable[[float], float]:
    return lambda value: base**value if abs(value) < _GREATEST_EXPONENT else math.nan


def _times(factor: float) -> Callable[[float], float]:
    return lambda value: value * factor


CONVERSIONS = (
    Conversion("the logarithm to base 10 where the model reads the natural one", _times(math.log(10))),
    Conversion("the natural logarithm where the model reads that to base 10", _times(1 / math.log(10))),
    Conversion("the logarithm to base 2 where the model reads the natural one", _times(math.log(2))),
    Conversion("the plain value where the model reads its natural logarithm", _logarithm(math.log)),
    Conversion("the plain value where the model reads its logarithm to base 10", _logarithm(math.log10)),
    Conversion("the natural logarithm where the model reads the plain value", _power(math.e)),
    Conversion("the logarithm to base 10 where the model reads the plain value", _power(10.0)),
    Conversion("1000 times what the model reads", _times(1 / 1000)),
    Conversion("a thousandth of what the model reads", _times(1000.0)),
    Conversion("100 times what the model reads", _times(1 / 100)),
    Conversion("a hundredth of what the model reads", _times(100.0)),
    Conversion("10 times what the model reads", _times(1 / 10)),
    Conversion("a tenth of what the model reads", _times(10.0)),
)


def likely(value: float, minimum: float, maximum: float) -> str:
    """Return the end of a complaint about a value far outside a range: in which other forms it would lie within; or ""."""
    found = [each.words for each in CONVERSIONS if minimum <= each.convert(value) <= maximum]
    return f"; is it {', or '.join(found[:_MOST_NAMED])}?" if found else ""
