"""Dates."""

import datetime
from collections.abc import Iterator
from typing import Any

from ml_server.inputs.base import Checked, Histogram, MissingNumber, Scalar, WrongValueError, kind_of
from ml_server.inputs.number import is_far_outside


class Date(Scalar, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag="date"):
    """A day, given as `1985-03-02` (ISO 8601), which the model reads as the number of days since `origin`.

    `minimum`, `maximum` and `median` are as they are for numbers; the histogram's edges are days since `origin`.
    """

    minimum: datetime.date
    maximum: datetime.date
    median: datetime.date
    origin: datetime.date = datetime.date(1970, 1, 1)
    missing: MissingNumber = "median"
    histogram: Histogram | None = None

    @property
    def policy(self) -> str:
        """Return what is done where nothing is given."""
        return self.missing

    @property
    def reference(self) -> float:
        """Return the median as days since `origin`."""
        return self._days(self.median)

    @property
    def wanted(self) -> str:
        """Say what it is."""
        return f"{self.description}; a date such as 1985-03-02"

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        return {"type": "string", "format": "date", "description": f"{self.wanted}; {self.minimum} to {self.maximum} in training"}

    def check(self, given: Any) -> Checked:
        """Return the number of days since `origin`."""
        if not isinstance(given, str):
            raise WrongValueError(f"must be a date such as 1985-03-02, not {kind_of(given)}")
        try:
            day = datetime.datetime.strptime(given, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            raise WrongValueError("must be a date such as 1985-03-02") from None
        value, minimum, maximum = self._days(day), self._days(self.minimum), self._days(self.maximum)
        span = f"{self.minimum} to {self.maximum}"
        if is_far_outside(value, minimum, maximum):
            raise WrongValueError(
                f"is farther outside the range seen in training than that range is wide; the model knows {span}"
            )
        if minimum <= value <= maximum:
            return Checked(value)
        side = "before" if value < minimum else "after"
        return Checked(value, f"{self.name} is {side} the range seen in training, {span}")

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yield what does not fit."""
        if not self.minimum <= self.median <= self.maximum:
            yield "median", "is not between minimum and maximum"

    def _days(self, day: datetime.date) -> float:
        return float((day - self.origin).days)
