"""Numbers, and whole numbers."""

import math
from collections.abc import Iterator
from typing import Any

from ml_server import conversions
from ml_server.inputs.base import Checked, Histogram, MissingNumber, Scalar, Text, WrongValueError, kind_of

MAX_FLOAT32 = 3.4028234663852886e38


class Number(Scalar, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag="number"):
    """A number.

    `minimum` and `maximum` are the range seen in training, `median` is the reference of explanations and fills the input
    where it is missing, unless `missing` says otherwise; all three in `unit`. `allowed` lists the only values of a code.
    """

    unit: Text
    minimum: float
    maximum: float
    median: float
    allowed: list[float] | None = None
    missing: MissingNumber = "median"
    histogram: Histogram | None = None

    @property
    def policy(self) -> str:
        """Return what is done where nothing is given."""
        return self.missing

    @property
    def reference(self) -> float:
        """Return the median."""
        return self.median

    @property
    def wanted(self) -> str:
        """Say what it is, and in which unit."""
        return f"{self.description}; {self.unit}"

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema: within reach of the training range, as `check` has it."""
        width = self.maximum - self.minimum
        reach = {"minimum": self.minimum - width, "maximum": self.maximum + width}
        kind = "integer" if isinstance(self, Integer) else "number"
        told = f"{self.wanted}; {self.minimum:.6g} to {self.maximum:.6g} in training"
        return {"type": kind, "description": told, **({"enum": self.allowed} if self.allowed else reach)}

    def check(self, given: Any) -> Checked:
        """Return a number within reach of the training range: outside of it with a warning, far outside it is refused."""
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise WrongValueError(f"must be a number, not {kind_of(given)}")
        if isinstance(given, float) and math.isnan(given):
            raise WrongValueError("is NaN: leave it out, or send null, where it is not known")
        if not -MAX_FLOAT32 <= given <= MAX_FLOAT32:
            raise WrongValueError("is too large for a number")
        if self.allowed is not None and given not in self.allowed:
            choices = ", ".join(f"{value:g}" for value in self.allowed)
            raise WrongValueError(f"must be one of {choices} ({self.unit})")
        value = float(given)
        if self.minimum <= value <= self.maximum:
            return Checked(value)
        span = f"{self.minimum:.6g} to {self.maximum:.6g} ({self.unit})"
        if self.allowed is None and is_far_outside(value, self.minimum, self.maximum):
            raise WrongValueError(
                f"is farther outside the range seen in training than that range is wide; the model knows {span}"
                f"{conversions.likely(value, self.minimum, self.maximum)}"
            )
        side = "below" if value < self.minimum else "above"
        return Checked(value, f"{self.name} is {side} the range seen in training, {span}")

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yield what does not fit."""
        if not self.minimum <= self.median <= self.maximum:
            yield "median", "is not between minimum and maximum"
        elif self.allowed is not None and self.median not in self.allowed:
            choices = ", ".join(f"{value:g}" for value in self.allowed)
            yield "median", f"is {self.median:g}, which no person has: take the commonest of allowed ({choices})"


class Integer(Number, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag="integer"):
    """A whole number: 64 and 64.0, but not 64.5."""

    def check(self, given: Any) -> Checked:
        """Return a whole number within reach of the training range."""
        if isinstance(given, float) and not given.is_integer():
            raise WrongValueError("must be a whole number")
        return super().check(given)

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yield what does not fit."""
        yield from super().contradictions()
        for key in ("minimum", "maximum", "median"):
            if not float(getattr(self, key)).is_integer():
                yield key, "is not a whole number"


def is_far_outside(value: float, minimum: float, maximum: float) -> bool:
    """Tell whether a value is more than one width of the training range (maximum - minimum) away from that range.

    A model extrapolates with full confidence, and a value in another unit gets a certain and wrong answer: for the
    bundled model a raw laboratory value, such as 500 for a tau that was published as 4.5 to 7.2. One width is our own
    choice, not one of the literature: age in years and raw tau, p-tau and Abeta 42 (pg/ml) are all beyond it, and it
    lets pass about nine standard deviations of a normal input to either side, as 333 people reach about three.
    """
    width = maximum - minimum
    return not minimum - width <= value <= maximum + width
