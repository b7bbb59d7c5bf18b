"""What all kinds of inputs have in common."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

import msgspec
import numpy.typing as npt

Text = Annotated[str, msgspec.Meta(min_length=1)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
# What a model reads for one input: a number, the text of a category, or an array of the shape that its tensor has for one row.
Value: TypeAlias = float | str | npt.NDArray[Any]
Count = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
NAN = float("nan")


class WrongValueError(ValueError):
    """What is wrong with a value, in words that do not repeat it."""


class Checked(NamedTuple):
    """What the model reads, and what was odd about the value that was given; "" where nothing was."""

    value: Value
    warning: str = ""


class Histogram(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often values were seen in training: `counts[i]` of them from `edges[i]` to `edges[i + 1]`."""

    edges: Annotated[list[float], msgspec.Meta(min_length=2)]
    counts: list[Count]


class Input(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="type"):
    """One thing that a model reads.

    `tensor` names the model's input that it goes to: the only one, or the one of the same name, unless given.
    """

    name: Name
    description: Text
    tensor: str | None = None

    @property
    def is_required(self) -> bool:
        """Tell whether there is no answer without it."""
        return True

    @property
    def reference(self) -> Value:
        """Return the ordinary value, as the model reads it, which explanations compare with."""
        raise NotImplementedError

    @property
    def wanted(self) -> str:
        """Say what is to be given, for people."""
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of what `check` takes, as far as that can say it."""
        raise NotImplementedError

    def check(self, given: Any) -> Checked:
        """Return what the model reads for unchecked JSON other than null.

        Raises:
            WrongValueError: it is of a wrong type, or not allowed.
        """
        raise NotImplementedError

    def fill(self) -> Checked:
        """Return what the model reads where nothing is given.

        Raises:
            WrongValueError: it has to be given.
        """
        raise WrongValueError(f"is required ({self.wanted})")

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yield each key of the card that does not fit the others, and what is to be done about it."""
        yield from ()


class Scalar(Input, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An input that is one column of a table. `missing_share` of the people in training had no value."""

    missing_share: Share | None = None

    @property
    def policy(self) -> str:
        """Return what is done where nothing is given: "median" or "mode", "nan" or "refuse"."""
        raise NotImplementedError

    @property
    def absent(self) -> Value:
        """Return what the model reads as not given."""
        return NAN

    @property
    def is_required(self) -> bool:
        """Tell whether there is no answer without it."""
        return self.policy == "refuse"

    def fill(self) -> Checked:
        """Return the model's own sign of a missing value, or the ordinary one, as the card has it."""
        if self.is_required:
            return super().fill()
        value = self.absent if self.policy == "nan" else self.reference
        return Checked(value, _missing_told(self.name, self.policy))


@lru_cache(maxsize=16384)
def _missing_told(name: str, policy: str) -> str:
    """Return what is said of a missing input: one text, however many people of a large batch lack it."""
    if policy == "nan":
        return f"{name} is missing; the model itself knows what to do"
    return f"{name} is missing and was filled with the training {policy}"


MissingNumber = Literal["median", "nan", "refuse"]
MissingChoice = Literal["mode", "nan", "refuse"]


def kind_of(value: Any) -> str:
    """Return what JSON calls a value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    for kind, name in ((str, "a string"), (list, "a list"), (dict, "an object"), (bytes, "a file")):
        if isinstance(value, kind):
            return name
    return "a number"
