import datetime
from pathlib import Path

import numpy as np
import pytest

from ml_server.packing.refusal import PackingError
from ml_server.packing.table import read_table, table_of, without_index


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_cells_are_read(tmp_path: Path, delimiter: str) -> None:
    path = write(tmp_path / "a.csv", 'age,ward\n64,"er"\nNA,\n'.replace(",", delimiter))
    table = read_table(path)
    assert table.columns == {"age": ("64", None), "ward": ("er", None)}
    assert (table.rows, table.lines) == (2, (2, 3))


def test_signature_of_excel_is_skipped(tmp_path: Path) -> None:
    assert list(read_table(write(tmp_path / "a.csv", b"\xef\xbb\xbfage\n1\n")).columns) == ["age"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("나이\n1\n".encode("cp949"), "UTF-8"),
        ("age,age\n1,2\n", "two columns named age"),
        ("age,bmi\n1\n2,3\n4\n", "line 2, 4"),
        ("age\n", "1 lines"),
        ("", "0 lines"),
    ],
)
def test_no_table_is_refused(tmp_path: Path, content: str | bytes, words: str) -> None:
    with pytest.raises(PackingError, match=words):
        read_table(write(tmp_path / "a.csv", content))


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackingError, match="No such file"):
        read_table(tmp_path / "a.csv")


def test_index_of_pandas_is_dropped(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "a.csv", ",age\n0,64\n1,70\n"))
    assert list(without_index(table).columns) == ["age"]


def test_values_of_python_become_texts() -> None:
    days = np.array(["1985-03-02", "NaT"], dtype="datetime64[s]")
    table = table_of({"x": np.array([0.1, np.nan]), "y": [True, None], "z": days, "w": [datetime.date(1985, 3, 2), "a"]})
    assert table.columns["x"] == ("0.1", None)
    assert table.columns["y"] == ("True", None)
    assert table.columns["z"][1] is None
    assert table.columns["w"] == ("1985-03-02", "a")
