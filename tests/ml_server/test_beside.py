"""What stands beside the features, as `schemas` reads it."""

import json
from typing import Any

import msgspec
import pytest

from ml_server.card import Card
from ml_server.errors import InvalidRequestError
from ml_server.inputs import AnyInput, LetterSequence, Number
from ml_server.schemas import Row, check_features, parse

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
PROTEIN = LetterSequence(name="spike", description="Protein", alphabet=AMINO_ACIDS, seq_type="protein", length=6, shortest=2)
DNA = LetterSequence(name="site", description="Site", alphabet="ACGT", seq_type="dna", length=6)
RNA = LetterSequence(name="rna", description="Site", alphabet="acgu", seq_type="rna", length=6)
TEXT = LetterSequence(name="text", description="Text", alphabet="ACGT", length=6)
AGE = Number(name="age", description="Age", unit="years", minimum=20, maximum=90, median=60, missing="refuse")
MK = [11, 9, 0, 0, 0, 0]


@pytest.fixture
def read(card: Card) -> Any:
    """Reads the only item of a request for a model of these inputs."""

    def read(content: dict[str, Any], *inputs: AnyInput) -> Row:
        (item,) = parse(json.dumps(content).encode(), 10).items
        assert item.problems == ()
        wanted = msgspec.structs.replace(card, inputs=list(inputs) or [PROTEIN])
        return check_features(item.features, wanted, None, item.beside)

    return read


@pytest.fixture
def problems(read: Any) -> Any:
    def problems(content: dict[str, Any], *inputs: AnyInput) -> dict[str, str]:
        with pytest.raises(InvalidRequestError) as refused:
            read(content, *inputs)
        return dict(refused.value.details)

    return problems


def ids(row: Row) -> list[Any]:
    return [value if isinstance(value, float) else value.tolist() for value in row.values]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "content",
    [
        {"sequence": "MK"},
        {"sequence": "MK", "seq_type": "Protein"},
        {"sequence": "MK", "seq_type": "auto", "frame": 2, "stop_at_stop": False},
        {"sequence": "MK", "features": {}},
        {"sequence": "MK", "image_data": []},
        {"sequence": "MK", "clinical_features": None, "image_data": None, "patient_id": 7},
        {"features": {"spike": "MK"}},
        {"features": {"spike": "MK"}, "sequence": None, "seq_type": None},
    ],
)
def test_sequence_is_given_beside_or_inside(read: Any, content: dict[str, Any]) -> None:
    row = read(content)
    assert (ids(row), row.warnings, row.translation) == ([MK], (), None)


def test_sequence_goes_with_features(read: Any) -> None:
    assert ids(read({"sequence": "MK", "features": {"age": 60}}, AGE, PROTEIN)) == [60.0, MK]


@pytest.mark.parametrize(
    ("content", "warnings"),
    [
        ({"sequence": "ATGAAATAA", "seq_type": "dna"}, ()),
        ({"sequence": "AUGAAAUAA", "seq_type": "rna"}, ()),
        ({"sequence": "CCATGAAA", "seq_type": "dna", "frame": 2}, ()),
        ({"sequence": "ATGAAATAA", "seq_type": "dna", "stop_at_stop": False}, ()),
        ({"features": {"spike": ">x\natg aaa"}, "seq_type": "dna"}, ()),
        (
            {"sequence": "ATGAAA"},
            ("sequence was read as DNA in frame 0 up to the first stop codon: say protein in seq_type, if it is one",),
        ),
        (
            {"features": {"spike": "AUGAAA"}, "stop_at_stop": False},
            ("spike was read as RNA in frame 0: say protein in seq_type, if it is one",),
        ),
    ],
)
def test_dna_is_translated(read: Any, content: dict[str, Any], warnings: tuple[str, ...]) -> None:
    row = read(content)
    assert (ids(row), row.warnings) == ([MK], warnings)
    assert row.translation["protein_sequence"].removesuffix("*") == "MK"


def test_translation_says_how(read: Any) -> None:
    assert read({"sequence": "CATGAAATAGGG", "seq_type": "dna", "frame": 1}).translation == {
        "protein_sequence": "MK",
        "info": {"seq_type": "dna", "frame": 1, "stop_at_stop": True, "has_stop": True, "bases_left_over": 2},
    }


def test_each_sequence_is_translated(read: Any) -> None:
    other = msgspec.structs.replace(PROTEIN, name="other")
    row = read({"features": {"spike": "ATGAAA", "other": "ATGATG"}, "seq_type": "dna"}, PROTEIN, other)
    assert {name: each["protein_sequence"] for name, each in row.translation.items()} == {"spike": "MK", "other": "MM"}


@pytest.mark.parametrize(
    ("wanted", "given", "as_read"),
    [(DNA, "acgu", [1, 2, 3, 4, 0, 0]), (RNA, "ACGT", [1, 2, 3, 4, 0, 0]), (TEXT, "ACGT", [1, 2, 3, 4, 0, 0])],
)
def test_models_of_bases_translate_nothing(read: Any, wanted: LetterSequence, given: str, as_read: list[int]) -> None:
    row = read({"sequence": given, "seq_type": "auto", "frame": 1}, wanted)
    assert (ids(row), row.warnings, row.translation) == ([as_read], (), None)


TRANSLATED = " (it was read as DNA in frame 0 up to the first stop codon and translated)"


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ({"features": {}}, {"sequence": "is required (Protein; a protein of 2 to 6 amino acids (ACDEFGHIKLMNPQRSTVWY))"}),
        ({"sequence": 5}, {"sequence": "must be a string of letters, not a number"}),
        ({"sequence": ["MK"]}, {"sequence": "must be a string of letters, not a list"}),
        ({"sequence": ""}, {"sequence": "must have 2 to 6 amino acids, not 0"}),
        ({"features": {"spike": "M"}}, {"spike": "must have 2 to 6 amino acids, not 1"}),
        ({"sequence": "MK", "features": {"spike": "MK"}}, {"sequence": "must not stand beside features that have spike"}),
        ({"sequence": "MK", "features": {"tau": 1}}, {"tau": "is not an input of this model"}),
        ({"sequence": "MK", "seq_type": "DNA3"}, {"seq_type": "must be one of auto, dna, rna, protein"}),
        (
            {"sequence": "M", "seq_type": 1, "frame": 3, "stop_at_stop": "no"},
            {
                "seq_type": "must be one of auto, dna, rna, protein",
                "frame": "must be 0, 1 or 2: how many bases come before the first codon",
                "stop_at_stop": "must be true or false, not a string",
                "sequence": "must have 2 to 6 amino acids, not 1",
            },
        ),
        ({"sequence": "MK", "frame": True}, {"frame": "must be 0, 1 or 2: how many bases come before the first codon"}),
        (
            {"sequence": "MEEK", "seq_type": "dna"},
            {"sequence": "has letters that are no bases, 2 in all, the first of them letter 2"},
        ),
        ({"sequence": "ATGTAA", "seq_type": "dna"}, {"sequence": "must have 2 to 6 amino acids, not 1" + TRANSLATED}),
        (
            {"sequence": "ATGTAAATG", "stop_at_stop": False, "seq_type": "dna"},
            {
                "sequence": "has letters that the model does not know, 1 in all, the first of them letter 2; it knows "
                "ACDEFGHIKLMNPQRSTVWY (it was read as DNA in frame 0 and translated)"
            },
        ),
    ],
)
def test_wrong_sequence_is_told_as_written(problems: Any, content: dict[str, Any], wrong: dict[str, str]) -> None:
    assert problems(content) == wrong


def test_no_protein_is_told_from_bases(problems: Any) -> None:
    told = "must be DNA: nobody can tell it from a protein, which seq_type says it is"
    assert problems({"sequence": "MK", "seq_type": "protein"}, DNA) == {"sequence": told}


def test_several_sequences_need_their_names(problems: Any) -> None:
    told = "could be any of spike, site: give them by these names in features"
    assert problems({"sequence": "MK"}, PROTEIN, DNA) == {"sequence": told}


def test_models_of_tables_read_no_sequence(read: Any, problems: Any) -> None:
    assert read({"features": {"age": 60}, "sequence": "MK", "frame": 7}, AGE).warnings == (
        "sequence was ignored: this model reads no sequence",
    )
    assert read({"features": {"age": 60}, "sequence": "", "image_data": []}, AGE).warnings == ()
    assert problems({"sequence": "MK"}, AGE) == {
        "sequence": "is not read by this model: send its features",
        "age": "is required (Age; years)",
    }


def test_images_beside_a_sequence_are_ignored(read: Any) -> None:
    """Unless nothing else is there that the model reads."""
    assert read({"sequence": "MK", "image_data": "x"}).warnings == ("image_data was ignored: this model reads no image",)


def test_what_no_model_reads_is_told(read: Any) -> None:
    row = read({"sequence": "MK", "task3_threshold": 0.5, "organism_hint": "somebody's"})
    assert row.warnings == ("task3_threshold and organism_hint were ignored: this model reads no such thing",)


def test_outer_fields_are_defaults() -> None:
    items = [{"id": 1, "sequence": "ATG"}, {"sequence": "MK", "seq_type": "protein", "frame": None}, {"features": {}}]
    outer = {"seq_type": "dna", "frame": 1, "organism_hint": "x", "doctor_name": "y", "image_data": "z"}
    parsed = parse(json.dumps({**outer, "items": items}).encode(), 10).items
    shared = {"seq_type": "dna", "frame": 1, "organism_hint": "x"}
    assert [item.beside for item in parsed] == [
        {**shared, "sequence": "ATG"},
        {**shared, "sequence": "MK", "seq_type": "protein"},
        shared,
    ]
    assert [item.problems for item in parsed] == [(), (), ()]


def test_one_sequence_is_no_batch() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parse(b'{"sequence": "MK", "items": [{"sequence": "MK"}]}', 10)
    assert dict(refused.value.details) == {"sequence": "must not stand beside items"}
