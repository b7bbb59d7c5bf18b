"""A table of texts: a CSV file by the standard library, or what Python has at hand."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ml_server.packing.refusal import PackingError
from ml_server.verification.findings import Finding, listed

# What `pandas.read_csv` takes for a missing value: the models were trained on what it read.
_MISSING = frozenset({
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
})  # fmt: skip
_MISSING_IN_PYTHON = frozenset({"nan", "<NA>", "NaT"})
_DELIMITERS = ",;\t"

Texts = tuple[str | None, ...]


@dataclass(frozen=True)
class Table:
    """Named columns of equal length; a missing value is None.

    Attributes:
        lines: for each row the line of the file on which it ends, to be named in complaints.
        folder: where the file is; names of other files in its cells are told from there.
    """

    columns: Mapping[str, Texts]
    lines: tuple[int, ...]
    folder: Path | None = None

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(self.lines)

    def without(self, names: Iterable[str]) -> "Table":
        """Return the table without some columns."""
        dropped = set(names)
        return replace(self, columns={name: texts for name, texts in self.columns.items() if name not in dropped})

    def only(self, rows: Sequence[int]) -> "Table":
        """Return the table with some rows, by their numbers."""
        columns = {name: tuple(texts[row] for row in rows) for name, texts in self.columns.items()}
        return replace(self, columns=columns, lines=tuple(self.lines[row] for row in rows))


def read_table(path: Path) -> Table:
    """Read a CSV file in UTF-8 with a header; comma, semicolon or tab between the cells.

    Raises:
        PackingError: it cannot be read, or is no such table.
    """
    field = path.name
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PackingError([Finding(field, f"{error.strerror}", "a CSV file", "give its path")]) from error
    except UnicodeDecodeError as error:
        remedy = 'save it as UTF-8 (in Excel: "CSV UTF-8"; in pandas: to_csv does)'
        raise PackingError([Finding(field, f"byte {error.start} is no UTF-8", "a CSV file in UTF-8", remedy)]) from error
    first_line = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        numbered = [(cells, reader.line_num) for cells in reader if cells]
    except csv.Error as error:
        raise PackingError([Finding(field, f"line {reader.line_num}: {error}", "a CSV file", "write it anew")]) from error
    if len(numbered) < 2:
        raise PackingError([Finding(field, f"{len(numbered)} lines", "a header and rows", "give the data")])
    (header, _), *body = numbered
    _check_shape(field, header, body)
    columns = {
        name: tuple(None if cells[index].strip() in _MISSING else cells[index] for cells, _ in body)
        for index, name in enumerate(header)
    }
    return Table(columns, tuple(line for _, line in body), path.parent)


def _check_shape(field: str, header: Sequence[str], body: Sequence[tuple[list[str], int]]) -> None:
    findings = []
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        findings.append(Finding(field, f"two columns named {listed(twice)}", "names that differ", "rename or remove one"))
    ragged = [line for cells, line in body if len(cells) != len(header)]
    if ragged:
        found = f"line {listed(map(str, ragged))}: not as many cells as the header has names ({len(header)})"
        findings.append(Finding(field, found, "as many cells in each line", "quote cells with a delimiter in them"))
    if findings:
        raise PackingError(findings)


def table_of(columns: Mapping[str, Iterable[object]], *, first: int = 2) -> Table:
    """Return a table of Python's or numpy's values: None, NaN and the like are missing.

    `first` is the number of the first row: 2 as in a file with a header, 0 as in a data frame.
    """
    texts = {name: tuple(_text(value) for value in values) for name, values in columns.items()}
    count = len(next(iter(texts.values()), ()))
    return Table(texts, tuple(range(first, count + first)))


def _text(value: object) -> str | None:
    if hasattr(value, "item"):
        value = value.item()
    text = repr(value) if isinstance(value, float) else str(value)
    return None if value is None or text in _MISSING_IN_PYTHON else text


def without_index(table: Table) -> Table:
    """Return the table without the unnamed index that `DataFrame.to_csv` writes first."""
    first = next(iter(table.columns))
    is_index = first in {"", "Unnamed: 0"} and len(table.columns) > 1
    return table.without([first]) if is_index else table
