"""What a column of the data is: its kind, and every value as a request gives it and as the model reads it."""

import datetime
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_server.inputs import Input
from ml_server.packing.table import Texts
from ml_server.verification.findings import Finding, listed

Reads = npt.NDArray[Any]  # (rows,): float64 with NaN for missing, or texts with None

_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*")
_DATE = re.compile(r"\s*\d{4}-\d{2}-\d{2}([T ]00:00(:00(\.0+)?)?)?\s*")
_OTHER_DATE = re.compile(
    r"\s*(\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\.?|\d{4}[./-]\d{1,2}[./-]\d{1,2})([T ]\d{1,2}:\d{2}\S*( [AP]M)?)?\s*"
)
_COMMA_NUMBER = re.compile(r"\s*[+-]?\d+,\d+\s*")
_BOOLEANS = {"true": True, "false": False}
_ORIGIN = "1970-01-01"
# A whole number of which so few are seen is counted or coded; one with more is measured, and may have decimals.
_MAX_COUNTED = 20
# Beyond it a text column is no list of categories but names, notes or identifiers.
_MAX_CATEGORIES = 1000
_MOSTLY = 0.5


@dataclass(frozen=True)
class Slot:
    """The place of a column in the model: `dtype` is numpy's name ("float32", "int64", "string"), `header` the data's."""

    name: str
    header: str
    tensor: str
    dtype: str


@dataclass(frozen=True)
class Column:
    """A column of the data, as a request gives it and as the model reads it.

    Attributes:
        kind: "number", "integer", "boolean", "category", "date", "sequence" or "image".
        given: for each row what a request would say; None where it is missing.
        reads: for each row what the model reads.
        said: what the person said about it, as the card has it.
        codes: what the model reads for each category; None where it reads the text.
        is_guessed: the codes were not said, so that only reference predictions can tell whether they are right.
        item: what reads a sequence or an image.
    """

    slot: Slot
    kind: str
    given: tuple[Any, ...]
    reads: Reads
    said: Mapping[str, Any]
    values: tuple[str, ...] = ()
    codes: tuple[float, ...] | None = None
    is_guessed: bool = False
    item: Input | None = None

    @cached_property
    def is_missing(self) -> npt.NDArray[np.bool_]:
        """Return for each row whether the value is missing."""
        return np.array([value is None for value in self.given], dtype=bool)

    @property
    def code_of(self) -> dict[str, float]:
        """Return what the model reads for each category; none where it reads the text."""
        return dict(zip(self.values, self.codes or (), strict=False))

    @property
    def origin(self) -> str:
        """Return the day from which a date's days are counted."""
        return str(self.said.get("origin", _ORIGIN))


def read_column(
    slot: Slot, texts: Texts, lines: Sequence[int], said: Mapping[str, Any], *, may_guess: bool
) -> Column | list[Finding]:
    """Find what the column is, or what is wrong with it.

    `may_guess`: texts may be numbered in their order, because there are reference predictions to judge that.
    """
    given = [text for text in texts if text is not None]
    if not given:
        remedy = "leave it out of the model, or give data that have it"
        return [Finding(slot.header, "no value in any row", "values", remedy)]
    kind = said.get("type") or _kind(slot, given, said)
    if kind in {"number", "integer"}:
        return _numbers(slot, kind, texts, lines, said)
    if kind == "date":
        return _dates(slot, texts, lines, said)
    if kind == "boolean":
        return _booleans(slot, texts, lines, said)
    if kind == "category":
        return _categories(slot, texts, lines, said, may_guess=may_guess)
    remedy = 'say type = "number", "integer", "boolean", "category" or "date"'
    return [Finding(f"inputs.{slot.name}.type", f"type {kind!r}", "a kind of column that a table has", remedy)]


def _kind(slot: Slot, given: Sequence[str], said: Mapping[str, Any]) -> str:
    """Return the kind that most of the values are of."""
    if slot.dtype == "string" or "codes" in said:
        return "category"
    counts = Counter(given)  # of many rows few values differ

    def are_most(pattern: re.Pattern[str]) -> bool:
        return sum(count for text, count in counts.items() if pattern.fullmatch(text)) > _MOSTLY * len(given)

    if slot.dtype == "bool" or all(text.strip().lower() in _BOOLEANS for text in counts):
        return "boolean"
    if are_most(_NUMBER):
        is_counted = len(counts) <= _MAX_COUNTED and all(text.strip().lstrip("+-").isdecimal() for text in counts)
        return "integer" if "int" in slot.dtype or is_counted else "number"
    if are_most(_COMMA_NUMBER):
        return "number"
    return "date" if are_most(_DATE) else "category"


def _numbers(slot: Slot, kind: str, texts: Texts, lines: Sequence[int], said: Mapping[str, Any]) -> Column | list[Finding]:
    bad = _unread(texts, lines, lambda text: _NUMBER.fullmatch(text) is not None)
    if bad:
        has_commas = any(_COMMA_NUMBER.fullmatch(text) for _, text in bad)
        remedy = (
            "write decimals with a point" if has_commas else "correct these cells, or leave them empty where nothing is known"
        )
        return [Finding(slot.header, f"{len(bad)} cells that are no number: {_cells(bad)}", "numbers", remedy)]
    number_of = {text: np.nan if text is None else float(text) for text in set(texts)}
    reads = np.array([number_of[text] for text in texts])
    if np.isinf(reads).any():
        rows = np.flatnonzero(np.isinf(reads)).tolist()
        found = f"line {listed(str(lines[row]) for row in rows)}: not finite"
        return [Finding(slot.header, found, "finite numbers", "correct these cells, or leave them empty")]
    broken = np.flatnonzero(np.isfinite(reads) & (reads != np.round(reads))).tolist() if kind == "integer" else []
    if broken:
        cells = _cells([(lines[row], str(texts[row])) for row in broken])
        remedy = 'export the model with a float input, or say type = "number"'
        return [Finding(slot.header, f"{len(broken)} cells that are no whole number: {cells}", "whole numbers", remedy)]
    given = tuple(None if np.isnan(value) else int(value) if kind == "integer" else value for value in reads.tolist())
    return Column(slot, kind, given, reads, said)


def _dates(slot: Slot, texts: Texts, lines: Sequence[int], said: Mapping[str, Any]) -> Column | list[Finding]:
    def is_date(text: str) -> bool:
        try:
            datetime.date.fromisoformat(text.strip()[:10])
        except ValueError:
            return False
        return _DATE.fullmatch(text) is not None

    bad = _unread(texts, lines, is_date)
    if bad:
        found = f"{len(bad)} cells that are no date: {_cells(bad)}"
        return [Finding(slot.header, found, "dates such as 1985-03-02", "write them so, or leave them empty")]
    given = tuple(None if text is None else text.strip()[:10] for text in texts)
    origin = datetime.date.fromisoformat(str(said.get("origin", _ORIGIN)))
    days = [np.nan if day is None else (datetime.date.fromisoformat(day) - origin).days for day in given]
    return Column(slot, "date", given, np.array(days, dtype=np.float64), said)


def _booleans(slot: Slot, texts: Texts, lines: Sequence[int], said: Mapping[str, Any]) -> Column | list[Finding]:
    words = {**_BOOLEANS, "1": True, "0": False, "1.0": True, "0.0": False}
    bad = _unread(texts, lines, lambda text: text.strip().lower() in words)
    if bad:
        found = f"{len(bad)} cells that are neither true nor false: {_cells(bad)}"
        return [Finding(slot.header, found, "true or false", "write them so, or leave them empty")]
    given = tuple(None if text is None else words[text.strip().lower()] for text in texts)
    reads = np.array([np.nan if value is None else float(value) for value in given])
    return Column(slot, "boolean", given, reads, said)


def _categories(
    slot: Slot, texts: Texts, lines: Sequence[int], said: Mapping[str, Any], *, may_guess: bool
) -> Column | list[Finding]:
    values = sorted({text for text in texts if text is not None})
    dates = [value for value in values if _OTHER_DATE.fullmatch(value)]
    if slot.dtype != "string" and "codes" not in said and len(dates) > _MOSTLY * len(values):
        remedy = "write dates as 2024-12-31, without a time of day"
        return [Finding(slot.header, f"looks like dates: {listed(dates, 3)}", "dates such as 2024-12-31", remedy)]
    if len(values) > _MAX_CATEGORIES or (len(values) > 20 and len(values) > 0.9 * len(texts)):
        found = f"{len(values)} different texts in {len(texts)} rows, such as {listed(values, 3)}"
        remedy = "leave it out of the model if it is a name, note or number of a case: none of them is known of the next person"
        return [Finding(slot.header, found, f"at most {_MAX_CATEGORIES} categories, each seen more than once", remedy)]
    if slot.dtype == "string":
        return Column(slot, "category", texts, np.array(texts, dtype=object), said, tuple(values))
    codes = said.get("codes")
    if codes is None and not may_guess:
        example = ", ".join(f'"{value}" = {code}' for code, value in enumerate(values[:3]))
        found = f"texts ({listed(values)}) where the model reads numbers"
        remedy = (
            "make the encoding a part of the exported pipeline; or give --reference; or say in the form what the model "
            f"reads for each: codes = {{{example}{', ...' if len(values) > 3 else ''}}}"
        )
        return [Finding(slot.header, found, "what the model reads for each", remedy)]
    code_of = dict(zip(values, map(float, range(len(values))), strict=True)) if codes is None else dict(codes)
    unknown = [value for value in values if value not in code_of]
    if unknown:
        rows = [lines[row] for row, text in enumerate(texts) if text in unknown]
        found = f"{listed(unknown)} in line {listed(map(str, rows))}, for which no code was said"
        return [Finding(slot.header, found, f"one of {listed(list(code_of), 10)}", "add its code, or correct these cells")]
    reads = np.array([np.nan if text is None else float(code_of[text]) for text in texts])
    known, numbers = tuple(code_of), tuple(float(code) for code in code_of.values())
    return Column(slot, "category", texts, reads, said, known, numbers, is_guessed=codes is None)


def _unread(texts: Texts, lines: Sequence[int], is_read: Callable[[str], bool]) -> list[tuple[int, str]]:
    unread = {text for text in set(texts) if text is not None and not is_read(text)}
    return (
        [(line, text) for line, text in zip(lines, texts, strict=True) if text is not None and text in unread] if unread else []
    )


def _cells(bad: Sequence[tuple[int, str]]) -> str:
    """Name what stands in the first of the bad cells, and their lines."""
    return listed([f"{text!r} in line {line}" for line, text in bad], 3)


def mode(values: Sequence[Any]) -> Any:
    """Return the commonest value that is not None: the first in order where several are."""
    counts = Counter(value for value in values if value is not None)
    return min(counts, key=lambda value: (-counts[value], value))
