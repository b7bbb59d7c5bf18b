"""What stands beside the numbers of an answer, so that who reads it can weigh it, as types: `weighing` makes it."""

import msgspec
from msgspec import UNSET, UnsetType


class Merit(msgspec.Struct, frozen=True):
    """A figure of merit with its standard deviation, or its 95 % interval."""

    mean: float
    sd: float | UnsetType | None = UNSET
    interval: tuple[float, float] | UnsetType = UNSET


class GivenInputs(msgspec.Struct, frozen=True):
    """How complete the request was, who answered it, and the scores of such answers, where the card knows them."""

    given: int
    of: int
    missing: list[str]
    submodel: str | None
    scores: dict[str, Merit] | None
    over: str | None


class Nearness(msgspec.Struct, frozen=True):
    """How near the request is to the training data: farther than this share of its people; and what it may be due to."""

    verdict: str
    distance: float
    farther_than: float
    suspicions: list[str]


class Decision(msgspec.Struct, frozen=True):
    """What a threshold of the probability of the class `positive` decides, and how often rightly."""

    positive: str
    threshold: float
    is_positive: bool
    sensitivity: Merit
    specificity: Merit


class ProbabilityInterval(msgspec.Struct, frozen=True, kw_only=True):
    """Between what the probability of a class would be if the model had been trained on other such people."""

    of: str = msgspec.field(name="class")
    low: float
    high: float
    coverage: float
