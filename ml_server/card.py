"""The model card (`model.json`): everything that serving knows about a model besides its weights."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec

from ml_server import card_consistency, card_form
from ml_server.errors import BrokenModelError, Detail
from ml_server.evidence import Claims, Score
from ml_server.inputs import AnyInput
from ml_server.inputs.base import Name, Text

CARD_FILE = "model.json"
_Version = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}$")]
_MAX_THREADS = 64


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where the model comes from; `class_counts` are the people of each class, if there are classes."""

    data: Text
    citation: Text
    rows: int
    method: Text
    class_counts: dict[str, int] = {}


class Interval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far the truth lies from a prediction: in `coverage` of the cases within -`below` and +`above`."""

    below: float
    above: float
    coverage: Annotated[float, msgspec.Meta(gt=0, lt=1)]


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A value that a regression predicts; `minimum` and `maximum` are the range seen in training, all in `unit`."""

    name: Name
    description: Text
    unit: Text
    minimum: float
    maximum: float
    interval: Interval | None = None


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which of the model's outputs is read, found by its shape where `name` is null, and what is done with it first.

    `softmax` and `sigmoid` make probabilities of a model's logits.
    """

    name: str | None = None
    activation: Literal["none", "softmax", "sigmoid"] = "none"


class GoldenSample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request whose answer is known.

    Attributes:
        features: input name -> value as a client gives it; a missing one or null is filled as the input says.
        expected: class, label or target -> probability or value; for an embedding, the list under `embedding`.
    """

    features: dict[str, Any]
    expected: dict[str, float | list[float]]


class Card(Claims, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A model's card. `inputs` and `classes` are in the order of the model's own columns.

    Attributes:
        task: what the model answers: the probability of each of `classes`, of which one is true (classification) or any
            number (multi_label), a value for each of `targets` (regression), or a vector (embedding).
        batch: whether the model takes the rows of a batch together or only one at a time.
        threads: threads of one run of the model.
        providers: onnxruntime's execution providers, wanted first to last; one that this machine has not is left out.
        golden_tolerance: how far an answer may be from what a golden sample expects, as `tasks.deviations` measures it.
    """

    name: Name
    version: _Version
    title: Text
    intended_use: Text
    not_for: list[Text]
    runtime: Name
    file: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    task: Literal["classification", "multi_label", "regression", "embedding"] = "classification"
    classes: list[Text] = msgspec.field(default_factory=list)
    targets: list[Target] = msgspec.field(default_factory=list)
    output: Output = Output()
    inputs: Annotated[list[AnyInput], msgspec.Meta(min_length=1)]
    batch: Literal["together", "row_by_row"] = "together"
    threads: Annotated[int, msgspec.Meta(ge=1, le=_MAX_THREADS)] = 1
    providers: Annotated[list[Text], msgspec.Meta(min_length=1)] = msgspec.field(default_factory=lambda: ["CPUExecutionProvider"])
    training: Training
    scores: dict[str, Score]
    golden_tolerance: Annotated[float, msgspec.Meta(gt=0, le=0.01)]
    golden_samples: Annotated[list[GoldenSample], msgspec.Meta(min_length=1)]

    @property
    def answers(self) -> list[str]:
        """Return the names of what is answered, in the order of the model's columns; none for an embedding."""
        return [target.name for target in self.targets] if self.task == "regression" else self.classes


# By the thread that imports it: msgspec crashes where two learn a nested type at once.
msgspec.json.Decoder(Card)
_FEWEST = {"classification": ("classes", 2), "multi_label": ("classes", 1), "regression": ("targets", 1)}
_EMBEDDING = "embedding"


def read_card(content: bytes) -> Card:
    """Parse and validate the bytes of a `model.json`, of the second generation or the first.

    Raises:
        BrokenModelError: not JSON, or keys are missing, unknown, empty or of a wrong type, or contradict each other;
            `details` names all of them.
    """
    try:
        raw = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise BrokenModelError(f"{CARD_FILE}: {error}") from error
    problems = [*_modernise(raw), *card_form.problems(raw, Card, "")]
    if not problems:
        card = msgspec.convert(raw, Card)
        problems = list(_contradictions(card))
    if problems:
        told = "; ".join(f"{problem.field} {problem.problem}" for problem in problems)
        raise BrokenModelError(f"{CARD_FILE}: {told}", tuple(problems))
    return card


def _modernise(raw: Any) -> Iterator[Detail]:
    """Turn a first-generation card into one of the second: an input was a number, and `required` or else its median."""
    inputs = raw.get("inputs") if isinstance(raw, dict) else None
    for number, each in enumerate(inputs if isinstance(inputs, list) else []):
        if not isinstance(each, dict):
            continue
        each.setdefault("type", "number")
        required = each.pop("required", None)
        if required is None:
            continue
        if not isinstance(required, bool):
            yield Detail(f"inputs[{number}].required", "must be true or false")
        elif "missing" in each:
            yield Detail(f"inputs[{number}].required", "must not stand beside missing, which says more")
        elif required:
            each["missing"] = "refuse"


def _contradictions(card: Card) -> Iterator[Detail]:
    names = [item.name for item in card.inputs]
    if len(set(names)) != len(names):
        yield Detail("inputs", "two inputs have the same name")
    key, fewest = _FEWEST.get(card.task, ("", 0))
    for each in ("classes", "targets"):
        if each != key and getattr(card, each):
            yield Detail(each, f"has no meaning for the task {card.task}")
    if key and len(card.answers) < fewest:
        yield Detail(key, f"must have at least {fewest} for the task {card.task}")
    if len(set(card.answers)) != len(card.answers):
        yield Detail(key, f"two {key} have the same name")
    for number, item in enumerate(card.inputs):
        for wrong, problem in item.contradictions():
            yield Detail(f"inputs[{number}].{wrong}", f"(of {item.name}: {wrong}) {problem}")
    for number, sample in enumerate(card.golden_samples, start=1):
        yield from _sample_contradictions(card, number, sample)
    samples = [sample.features for sample in card.golden_samples]
    yield from card_consistency.problems(
        card,
        card.inputs,
        samples,
        files={CARD_FILE, card.file},
        classes=card.classes,
        targets=[target.name for target in card.targets],
        is_one_true=card.task == "classification",
    )


def _sample_contradictions(card: Card, number: int, sample: GoldenSample) -> Iterator[Detail]:
    wanted = card.answers if card.task != _EMBEDDING else [_EMBEDDING]
    if set(sample.expected) != set(wanted):
        yield Detail(
            f"golden_samples[{number - 1}].expected", f"(golden sample {number}) does not name exactly {', '.join(wanted)}"
        )
    elif any(isinstance(value, list) != (card.task == _EMBEDDING) for value in sample.expected.values()):
        kind = "a list of numbers" if card.task == _EMBEDDING else "one number for each name"
        yield Detail(f"golden_samples[{number - 1}].expected", f"(golden sample {number}) must have {kind}")
