"""The model card (`model.json`): everything that serving knows about a model besides its weights."""

from typing import Annotated

import msgspec

from ml_server.errors import BrokenModelError

_Text = Annotated[str, msgspec.Meta(min_length=1)]
_Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
_Version = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}$")]


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One number that the model reads.

    `minimum` and `maximum` are the range seen in training, `median` fills the input where it is missing and is
    the reference of explanations; all three in `unit`. `allowed` lists the only values of a coded category.
    """

    name: _Name
    description: _Text
    unit: _Text
    minimum: float
    maximum: float
    median: float
    required: bool
    allowed: list[float] | None = None


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the model comes from."""

    data: _Text
    citation: _Text
    rows: int
    class_counts: dict[str, int]
    method: _Text


class Score(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A figure of merit: mean and standard deviation, and over what they were taken."""

    mean: float
    sd: float
    over: _Text


class GoldenSample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request whose answer is known: input name -> value (a missing one is filled), class -> probability."""

    features: dict[str, float]
    expected: dict[str, float]


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model's card. `inputs` and `classes` are in the order of the model's own columns."""

    name: _Name
    version: _Version
    title: _Text
    intended_use: _Text
    not_for: list[_Text]
    runtime: _Name
    file: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    classes: Annotated[list[_Text], msgspec.Meta(min_length=2)]
    inputs: Annotated[list[Input], msgspec.Meta(min_length=1)]
    training: Training
    scores: dict[str, Score]
    golden_tolerance: Annotated[float, msgspec.Meta(gt=0, le=0.01)]
    golden_samples: Annotated[list[GoldenSample], msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        names = [item.name for item in self.inputs]
        if len(set(names)) != len(names):
            raise ValueError("two inputs have the same name")
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("two classes have the same name")
        for item in self.inputs:
            if not item.minimum <= item.median <= item.maximum:
                raise ValueError(f"input {item.name}: median is not between minimum and maximum")
        for number, sample in enumerate(self.golden_samples, start=1):
            if set(sample.expected) != set(self.classes):
                raise ValueError(f"golden sample {number}: expected does not name exactly the classes")


def read_card(content: bytes) -> Card:
    """Parse and validate the bytes of a `model.json`.

    Raises:
        BrokenModelError: not JSON, a key is missing, unknown or of the wrong type, or the card contradicts itself.
    """
    try:
        return msgspec.json.decode(content, type=Card)
    except msgspec.DecodeError as error:
        raise BrokenModelError(f"model.json: {error}") from error
