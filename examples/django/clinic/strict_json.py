"""JSON as its standard has it. What Python's own reader lets pass would change a patient's values on the way.

Of a key that stands twice it takes the last value in silence; NaN and Infinity are no JSON, and 1e999 becomes Infinity.
"""

import json
import math
from typing import Any

# A batch needs four levels: the body, its items, one item, its features. The rest is room for what is not passed on.
MAX_DEPTH = 16


class RefusedError(Exception):
    """The text is not JSON, or not such that everybody would read the same in it. Its message repeats nothing of it."""


def loads(body: bytes) -> Any:
    """Return what the body says, or raise `RefusedError`."""
    try:
        value = json.loads(body, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise RefusedError("the body is nested too deeply") from None
    except ValueError:  # also of bytes that are no text, and of a whole number of thousands of digits
        raise RefusedError("the body is not JSON") from None
    if _is_deeper(value, MAX_DEPTH):
        raise RefusedError("the body is nested too deeply")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise RefusedError("an object of the body has the same key twice")
    return result


def _no_constant(_name: str) -> None:
    raise RefusedError("the body has NaN or Infinity, which are not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise RefusedError("the body has a number that is too large")
    return value


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    children = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(child, levels - 1) for child in children)
