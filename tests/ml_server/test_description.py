from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from ml_server.card import Card, GoldenSample
from ml_server.description import example_people, example_request, request_schema
from ml_server.inputs import LetterSequence, Number

PROTEIN = LetterSequence(name="spike", description="Protein", alphabet="ACDEF", seq_type="protein", length=6, shortest=2)
AGE = Number(name="age", description="Age", unit="years", minimum=20, maximum=90, median=60)


@pytest.fixture
def sequences(card: Card) -> Card:
    """A card of one sequence, and of a number that may be missing."""
    samples = [
        GoldenSample({"spike": "ACD", "age": 50}, {"Control": 0.75, "Impaired": 0.25}),
        GoldenSample({"spike": "FED"}, {"Control": 0.25, "Impaired": 0.75}),
    ]
    return msgspec.structs.replace(card, inputs=[PROTEIN, AGE], golden_samples=samples)


def test_sequence_stands_beside_the_features(sequences: Card) -> None:
    is_good = Draft202012Validator(request_schema(sequences, 2)).is_valid
    good: list[dict[str, Any]] = [
        {"sequence": "ACD"},
        {"sequence": "ACGT", "seq_type": "dna", "frame": 2, "stop_at_stop": False, "features": {"age": None}},
        {"seq_type": "dna", "items": [{"sequence": "ACD", "id": "a"}, {"sequence": "ACD", "frame": 1}]},
        *(example_request(sequences, sample) for sample in sequences.golden_samples),
    ]
    assert [content for content in good if not is_good(content)] == []
    bad: list[dict[str, Any]] = [
        {"features": {"spike": "ACD"}},
        {"sequence": "A"},
        {"sequence": "ACD", "seq_type": "DNA?"},
        {"sequence": "ACD", "frame": 3},
        {"items": [{"features": {"age": 5}}]},
        {"items": [{"sequence": "ACD"}] * 3},
    ]
    assert [content for content in bad if is_good(content)] == []


def test_examples_are_as_the_site_makes_them(sequences: Card) -> None:
    first, second = sequences.golden_samples
    assert example_request(sequences, first) == {"seq_type": "protein", "features": {"age": 50}, "sequence": "ACD"}
    assert example_request(sequences, second) == {"seq_type": "protein", "sequence": "FED"}


def test_a_share_of_the_people_is_ill(sequences: Card) -> None:
    people = example_people(sequences, 4, 3, 0.5)
    assert [[sample["sequence"] for sample in person["samples"]] for person in people] == [["FED"] * 3] * 2 + [["ACD"] * 3] * 2
    assert [person["num_samples"] for person in people] == [3] * 4


def test_ill_and_well_are_of_classes_only(sequences: Card) -> None:
    labels = msgspec.structs.replace(sequences, task="multi_label")
    (person,) = example_people(labels, 1, 3, 1)
    assert [sample["sequence"] for sample in person["samples"]] == ["ACD", "FED", "ACD"]


def test_sequences_of_one_kind_have_names(sequences: Card) -> None:
    """In the features: else nobody knows which is which."""
    both = msgspec.structs.replace(sequences, inputs=[PROTEIN, msgspec.structs.replace(PROTEIN, name="other")])
    sample = GoldenSample({"spike": "ACD", "other": "FED"}, {"Control": 0.5, "Impaired": 0.5})
    request = example_request(both, sample)
    assert request == {"features": {"spike": "ACD", "other": "FED"}}
    assert Draft202012Validator(request_schema(both, 2)).is_valid(request)
