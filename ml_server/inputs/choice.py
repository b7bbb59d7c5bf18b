"""Choices: yes or no, and categories by their names."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from ml_server.inputs.base import Checked, Count, MissingChoice, Scalar, Text, Value, WrongValueError, kind_of

_MANY = 20


class Boolean(Scalar, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag="boolean"):
    """True or false, which the model reads as 1 and 0; `counts` are how many people of each there were in training."""

    mode: bool
    missing: MissingChoice = "mode"
    counts: dict[str, Count] | None = None

    @property
    def policy(self) -> str:
        """Return what is done where nothing is given."""
        return self.missing

    @property
    def reference(self) -> float:
        """Return the commoner value."""
        return float(self.mode)

    @property
    def wanted(self) -> str:
        """Say what it is."""
        return f"{self.description}; true or false"

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        return {"type": "boolean", "description": self.description}

    def check(self, given: Any) -> Checked:
        """Return 1 for true and 0 for false."""
        if not isinstance(given, bool):
            raise WrongValueError(f"must be true or false, not {kind_of(given)}")
        return Checked(float(given))


class Category(Scalar, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag="category"):
    """One of `values`, by name. The model reads the name itself, or its place in `codes`; `mode` is the commonest.

    With `missing` "nan" the model reads NaN, or `missing_text` where it reads names.
    """

    values: Annotated[list[str], msgspec.Meta(min_length=1)]
    mode: str
    codes: list[float] | None = None
    missing: MissingChoice = "mode"
    missing_text: str = ""
    unit: Text | None = None
    counts: dict[str, Count] | None = None

    @property
    def policy(self) -> str:
        """Return what is done where nothing is given."""
        return self.missing

    @property
    def absent(self) -> Value:
        """Return what the model reads as not given."""
        return self.missing_text if self.codes is None else super().absent

    @property
    def reference(self) -> Value:
        """Return the commonest category, as the model reads it."""
        return self._read(self.mode)

    @property
    def wanted(self) -> str:
        """Say what it is, and which values there are."""
        return f"{self.description}; {self._choices}"

    @property
    def _choices(self) -> str:
        named = ", ".join(self.values[:_MANY])
        return named if len(self.values) <= _MANY else f"{named} and {len(self.values) - _MANY} more, see the model's schema"

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        return {"type": "string", "enum": self.values, "description": self.description}

    def check(self, given: Any) -> Checked:
        """Return the category as the model reads it."""
        if not isinstance(given, str):
            raise WrongValueError(f"must be a string, one of {self._choices}; not {kind_of(given)}")
        if given not in self.values:
            raise WrongValueError(f"must be one of {self._choices}")
        return Checked(self._read(given))

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yield what does not fit."""
        if len(set(self.values)) != len(self.values):
            yield "values", "has the same value twice"
        if self.mode not in self.values:
            yield "mode", "is not among values"
        if self.codes is not None and len(self.codes) != len(self.values):
            yield "codes", f"must have one number for each of the {len(self.values)} values, not {len(self.codes)}"

    def _read(self, name: str) -> Value:
        return name if self.codes is None else self.codes[self.values.index(name)]
