from typing import Any

import numpy as np
import pytest

from ml_server.inputs import LetterSequence, WrongValueError

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
FEW = {"name": "dna", "description": "Promoter", "alphabet": "ACGT", "length": 5, "seq_type": "dna"}


def few(**changes: Any) -> LetterSequence:
    return LetterSequence(**{**FEW, **changes})


def protein(**changes: Any) -> LetterSequence:
    whole: dict[str, Any] = {"name": "p", "description": "Protein", "alphabet": AMINO_ACIDS, "seq_type": "protein", "length": 8}
    return LetterSequence(**{**whole, **changes})


def read(wanted: LetterSequence, given: Any) -> list[Any]:
    value, warning = wanted.check(given)
    assert isinstance(value, np.ndarray)
    assert warning == ""
    assert value.shape == np.shape(wanted.reference)
    return list(value.tolist())


def problem(wanted: LetterSequence, given: Any) -> str:
    with pytest.raises(WrongValueError) as wrong:
        wanted.check(given)
    return str(wrong.value)


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({}, [1, 4, 3, 0, 0]),
        ({"pad_side": "left"}, [0, 0, 1, 4, 3]),
        ({"pad_id": 9}, [1, 4, 3, 9, 9]),
        ({"codes": [7, 5, 6, 4]}, [7, 4, 6, 0, 0]),
        ({"start_id": 8}, [8, 1, 4, 3, 0]),
        ({"start_id": 8, "end_id": 9}, [8, 1, 4, 3, 9]),
        ({"start_id": 8, "end_id": 9, "pad_side": "left", "length": 7}, [0, 0, 8, 1, 4, 3, 9]),
    ],
)
def test_letters_are_ids(changes: dict[str, Any], ids: list[int]) -> None:
    value, _ = few(**changes).check("ATG")
    assert isinstance(value, np.ndarray)
    assert (value.tolist(), value.dtype.name) == (ids, "int64")


def test_letters_are_columns() -> None:
    """One for each letter of the alphabet; nothing at all is padding."""
    rows = [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    value, _ = few(encoding="one_hot").check("ATG")
    assert isinstance(value, np.ndarray)
    assert (value.tolist(), value.dtype.name) == (rows, "float32")
    assert read(few(encoding="one_hot_first"), "ATG") == np.array(rows).T.tolist()


def test_columns_may_be_more_than_letters() -> None:
    wanted = few(encoding="one_hot", length=4, pad_id=4, end_id=5, unknown_id=-1)
    assert read(wanted, "AC") == [[1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 1, 0]]
    value, _ = wanted.check("N")
    assert isinstance(value, np.ndarray)
    assert value[0].tolist() == [0] * 6


@pytest.mark.parametrize("given", ["ATG", "atg", " A T\tG ", "AT\r\nG\n", ">somebody, 1955\nAT\nG", ">x\rATG"])
def test_what_is_pasted_is_read(given: str) -> None:
    assert read(few(), given) == [1, 4, 3, 0, 0]


def test_stop_at_the_end_is_no_letter() -> None:
    """Unless the model knows it."""
    assert read(protein(), "MK*") == read(protein(), "MK")
    assert read(protein(alphabet=AMINO_ACIDS + "*"), "MK*") == [11, 9, 21, 0, 0, 0, 0, 0]
    assert "letter 2" in problem(protein(), "M*K")


def test_a_text_is_read_as_it_is() -> None:
    wanted = LetterSequence(name="t", description="Text", alphabet="aB> 가", length=4)
    assert read(wanted, "> a") == [3, 4, 1, 0]
    assert read(wanted, "가B") == [5, 2, 0, 0]
    assert problem(wanted, "b").startswith("has letters that the model does not know, 1 in all")


def test_case_means_nothing_in_one_case() -> None:
    assert read(few(alphabet="acgt"), "AtG") == [1, 4, 3, 0, 0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "must be a string of letters, not null"),
        (["A"], "must be a string of letters, not a list"),
        ("", "must have 2 to 5 bases, not 0"),
        (" \n", "must have 2 to 5 bases, not 0"),
        ("A", "must have 2 to 5 bases, not 1"),
        ("ACGTAC", "must have 2 to 5 bases, not 6"),
        ("AXGZ", "has letters that the model does not know, 2 in all, the first of them letter 2; it knows ACGT"),
        ("A\ud800\U0010ffffC", "has letters that the model does not know, 2 in all, the first of them letter 2; it knows ACGT"),
        (">a\nAC\n>b\nGT", "has more than one FASTA record: send one sequence, or several as items of a batch"),
        (">only", "must have 2 to 5 bases, not 0"),
    ],
)
def test_what_is_wrong_is_told(given: Any, said: str) -> None:
    assert problem(few(shortest=2), given) == said


def test_longest_may_be_less_than_there_is_room() -> None:
    assert problem(few(longest=3), "ACGT") == "must have 1 to 3 bases, not 4"
    assert problem(few(start_id=8, end_id=9), "ACGT") == "must have 1 to 3 bases, not 4"


def test_unknown_letters_may_have_a_number() -> None:
    value, warning = few(unknown_id=9).check("ANNT")
    assert isinstance(value, np.ndarray)
    assert value.tolist() == [1, 9, 9, 4, 0]
    assert warning == "dna has letters that the model does not know, 2 in all"


def test_missing_sequence_is_required() -> None:
    with pytest.raises(WrongValueError, match=r"^is required \(Promoter; DNA of 1 to 5 bases \(ACGT\)\)$"):
        few().fill()


def test_a_long_alphabet_is_cut() -> None:
    wanted = LetterSequence(name="t", description="T", alphabet="".join(map(chr, range(0x4E00, 0x4E64))), length=4)
    assert wanted.wanted.endswith(" and 60 more)")


@pytest.mark.parametrize(
    ("changes", "wrong", "said"),
    [
        ({"alphabet": "ACGA"}, "alphabet", "has the same letter twice"),
        ({"codes": [1]}, "codes", "must have one number for each of the 4 letters, not 1"),
        ({"longest": 6}, "longest", "is more than the 5 letters that length has room for"),
        ({"longest": 5, "end_id": 9}, "longest", "is more than the 4 letters that length has room for"),
        ({"shortest": 6}, "shortest", "is more than the longest, 5"),
        (
            {"encoding": "one_hot", "pad_id": 2_000_000},
            "length",
            "makes 10000005 values with 2000001 columns: more than 10000000",
        ),
    ],
)
def test_card_contradicts_itself(changes: dict[str, Any], wrong: str, said: str) -> None:
    assert list(few(**changes).contradictions()) == [(wrong, said)]
    assert list(few().contradictions()) == []
