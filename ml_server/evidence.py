"""What a card knows of how good its answers are, and for whom: the keys behind an answer that can be weighed.

All of it is optional. A card that says nothing of this is served as ever, and its answers say that nothing is known.
"""

from typing import Annotated

import msgspec

from ml_server.inputs.base import Count, Histogram, Name, Share, Text

_Figures = Annotated[list[float], msgspec.Meta(min_length=1)]
Inside = Annotated[float, msgspec.Meta(gt=0, lt=1)]


class Score(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A figure of merit and over what it was taken, with its standard deviation or its 95 % confidence interval."""

    mean: float
    over: Text
    sd: float | None = None
    interval: tuple[float, float] | None = None


class Threshold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What comes of deciding for the card's `positive` class where its probability is `at` or more."""

    at: Inside
    sensitivity: Score
    specificity: Score


class Spread(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Between what a probability lies, as the model was fitted anew to resampled people: in `coverage` of the cases.

    For an answer of `at[i]` from `low[i]` to `high[i]`, in between along straight lines; `at` goes from 0 to 1. `over` says
    what was resampled.
    """

    coverage: Inside
    at: Annotated[list[Share], msgspec.Meta(min_length=2)]
    low: list[Share]
    high: list[Share]
    over: Text


class Pattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Requests that lack no other inputs than these, and of these no more than `at_most`: who answers them, and how well.

    Attributes:
        missing: names of inputs that may be missing; none is the whole request.
        at_most: how many of them at a time; all of them unless given.
        submodel: which of the card's submodels answers; the model itself, with its inputs filled, unless given.
        scores: by name, of the requests that lack so many.
        thresholds: rising; the likelier of two classes, `prediction`, is that by 0.5.
        spread: how sure the probability of the positive class is.
    """

    missing: list[Name] = []
    at_most: Count | None = None
    submodel: Name | None = None
    scores: dict[str, Score] = {}
    thresholds: list[Threshold] = []
    spread: Spread | None = None


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The least that a pattern's score of that name must be for an answer; below it a request is refused."""

    score: Text
    at_least: float


class Subgroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How good the answers are for some of the people: `value` of what is called `name`, such as sex and female."""

    name: Text
    value: Text
    rows: Count
    scores: dict[str, Score] = {}
    thresholds: list[Threshold] = []


class Submodel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A further model file for requests that lack something, with the classes or targets of the card.

    It reads `inputs` in their order, NaN where one is missing; all others are left out. `output` names the output that is
    read, where its shape does not tell; `runtime` is what runs it, whatever runs the model.
    """

    name: Name
    file: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    inputs: Annotated[list[Name], msgspec.Meta(min_length=1)]
    output: str | None = None
    runtime: Name = "onnx"


class Applicability(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How people are spread in the training data, all measured inputs together: who is far from them gets no answer.

    The correlations of the standardised inputs are `loadings @ loadings.T` with `own` added on the diagonal (a factor
    model; shrunken). The squared Mahalanobis distance over the inputs given is made comparable for any number of them by its
    cube root (Wilson and Hilferty 1931): that is `distance` here, about normally distributed.

    Attributes:
        inputs: names, in the order of the other lists.
        center, scale: mean and standard deviation of each.
        loadings: for each input its factors.
        own: for each input what the factors leave of its variance.
        quantiles: distances of people who were held out, from the nearest (0) to the farthest (1) in equal steps.
        unusual: beyond it an answer has a warning.
        refused: beyond it there is no answer.
        over: who was held out.
    """

    inputs: Annotated[list[Name], msgspec.Meta(min_length=1)]
    center: list[float]
    scale: list[Annotated[float, msgspec.Meta(gt=0)]]
    loadings: list[list[float]]
    own: list[Annotated[float, msgspec.Meta(gt=0)]]
    quantiles: Annotated[list[float], msgspec.Meta(min_length=2)]
    unusual: float
    refused: float
    over: Text


class UsualAnswers(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the answers are spread where all is as it was in training: what those of later people are held against.

    They are those to people that the model was not trained on, as those to others are surer. Each lacks only inputs that some
    in the training lacked, too (`missing_share`): a request that lacks others is answered otherwise, and not counted.

    Attributes:
        rows: how many people that are; `over` says which.
        counts: of each class, how many had it as the likeliest; of each label, how many had it likelier than not.
        histograms: the probability of a class, or the value of a target, by its name.
    """

    over: Text
    rows: Count
    counts: dict[str, Count] = {}
    histograms: dict[str, Histogram] = {}


class Claims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The keys of a card that say how good its answers are, and how they are to be taken.

    Attributes:
        research_only: marks every answer.
        explain: whether answers are explained where a request does not say.
        positive: the class, of two, that thresholds, sensitivity and spread are about.
        patterns: which inputs may be missing together, and how good the answers are then; the first that fits a request counts.
        limit: below which of their scores there is no answer; what fits no pattern has none either then.
        submodels: further model files, which patterns name.
        subgroups: how good the answers are for some of the people.
        applicability: how far a request may be from the training data.
        usual_answers: how the answers are spread where all is as it was in training.
        statements: what only a person can say, by the number of the item of TRIPOD+AI, such as `6b`.
    """

    research_only: bool = False
    explain: bool = False
    positive: Text | None = None
    patterns: list[Pattern] = []
    limit: Limit | None = None
    submodels: list[Submodel] = []
    subgroups: list[Subgroup] = []
    applicability: Applicability | None = None
    usual_answers: UsualAnswers | None = None
    statements: dict[str, Text] = {}
