import pytest

from ml_server.packing.assignment import assign, card_name
from ml_server.packing.refusal import PackingError
from ml_server.packing.table import Table, table_of
from ml_server.tensors import TensorSpec


def table(*names: str, **texts: str) -> Table:
    return table_of({name: [texts.get(name, "1.5")] for name in names})


def matrix(width: int | None, name: str = "features", dtype: str = "float32") -> TensorSpec:
    return TensorSpec(name, dtype, (None, width))


def test_named_columns_come_in_any_order() -> None:
    slots = assign([matrix(1, "age"), matrix(1, "blood_pressure")], table("id", "blood pressure", "age"), {})
    assert [(slot.tensor, slot.header, slot.name) for slot in slots] == [
        ("age", "age", "age"),
        ("blood_pressure", "blood pressure", "blood_pressure"),
    ]


def test_a_matrix_takes_all() -> None:
    assert [slot.header for slot in assign([matrix(2)], table("b", "a"), {})] == ["b", "a"]


def test_said_columns_are_taken() -> None:
    assert [slot.header for slot in assign([matrix(2)], table("a", "b", "c"), {"": ["c", "a"]})] == ["c", "a"]


def test_texts_go_to_their_tensor() -> None:
    specs = [matrix(2, "num"), matrix(1, "cat", "string")]
    slots = assign(specs, table("a", "ward", "b", ward="er"), {})
    assert [(slot.tensor, slot.header) for slot in slots] == [("num", "a"), ("num", "b"), ("cat", "ward")]


@pytest.mark.parametrize(
    ("specs", "names", "chosen", "words"),
    [
        ([matrix(2)], "abc", {}, ("3 columns", "--columns")),
        ([matrix(3)], "ab", {}, ("2 columns", "one-hot")),
        ([matrix(None)], "ab", {}, ("any number of columns", "--columns a,b")),
        ([matrix(2)], "ab", {"": ["a", "c"]}, ("no column 'c'",)),
        ([matrix(2)], "ab", {"": ["a"]}, ("1 columns", "2")),
        ([matrix(2)], "ab", {"other": ["a"]}, ("other", "features")),
        ([matrix(2, dtype="float16")], "ab", {}, ("float16",)),
        ([TensorSpec("image", "uint8", (None, 3, 16, 16))], "a", {}, ("4 axes", "image")),
        ([TensorSpec("map", "map(string,tensor(float))", ())], "a", {}, ("map(string",)),
    ],
)
def test_what_does_not_fit_is_told(
    specs: list[TensorSpec], names: str, chosen: dict[str, list[str]], words: tuple[str, ...]
) -> None:
    with pytest.raises(PackingError) as raised:
        assign(specs, table(*names), chosen)
    assert [word for word in words if word not in raised.value.message] == []


def test_every_lost_column_is_named() -> None:
    with pytest.raises(PackingError, match="did you mean agee") as raised:
        assign([matrix(1, "age"), matrix(1, "sex")], table("agee", "b"), {})
    assert [finding.field for finding in raised.value.findings] == ["age", "sex"]


def test_a_judge_lets_open_widths_pass() -> None:
    assert len(assign([matrix(None)], table("a", "b"), {}, may_guess=True)) == 2


def test_a_sequence_fills_its_tensor() -> None:
    slots = assign([TensorSpec("tokens", "int64", (None, 24))], table("sequence", "a"), {}, {"sequence"})
    assert [slot.header for slot in slots] == ["sequence"]


@pytest.mark.parametrize(
    ("header", "name"),
    [("age", "age"), ("blood pressure (mmHg)", "blood_pressure_mmHg"), ("1st", "input_1st"), ("나이", "input")],
)
def test_names_are_those_of_cards(header: str, name: str) -> None:
    assert card_name(header) == name


def test_names_differ() -> None:
    slots = assign([matrix(2)], table("a b", "a-b"), {})
    assert [slot.name for slot in slots] == ["a_b", "a_b_2"]
