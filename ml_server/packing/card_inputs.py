"""What the card says of each input: its range, its middle, how often it is missing, and how it is spread."""

import datetime
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from ml_server.inputs.histogram import histogram_of
from ml_server.packing.columns import Column, mode

_DECIMALS = 6


def describe(column: Column, missing: str, missing_text: str = "") -> dict[str, Any]:
    """Return an input as `model.json` has it; `description` and `unit` are empty unless the person has said them."""
    said = column.said
    share = round(float(column.is_missing.mean()), _DECIMALS)
    start = {
        "type": column.kind,
        "name": column.slot.name,
        "description": said.get("description", ""),
        "tensor": column.slot.tensor,
    }
    if column.kind == "category":
        parts: dict[str, Any] = {
            "values": list(column.values),
            "codes": None if column.codes is None else list(column.codes),
            "mode": mode(column.given),
            "missing": missing,
            "missing_text": missing_text,
            "counts": _counts([str(value) for value in column.given if value is not None]),
        }
    elif column.kind == "boolean":
        counts = _counts(["true" if value else "false" for value in column.given if value is not None])
        parts = {"mode": mode(column.given), "missing": missing, "counts": counts}
    else:
        parts = _number(column, missing)
    return {**start, **parts, "missing_share": share}


def _number(column: Column, missing: str) -> dict[str, Any]:
    values = np.sort(column.reads[~column.is_missing].astype(np.float64))
    allowed = column.said.get("allowed", _allowed(column, values))
    span = {
        "minimum": column.said.get("minimum", _as_given(column, float(values[0]))),
        "maximum": column.said.get("maximum", _as_given(column, float(values[-1]))),
        "median": _as_given(column, middle(column)),
    }
    spread = {"histogram": msgspec.to_builtins(histogram_of(values))}
    if column.kind == "date":
        return {"origin": column.origin, **span, "missing": missing, **spread}
    return {"unit": column.said.get("unit", ""), **span, "allowed": allowed, "missing": missing, **spread}


def middle(column: Column) -> float:
    """Return the median of what the model reads: one that was seen, where there are only whole or allowed values."""
    values = column.reads[~column.is_missing].astype(np.float64)
    is_seen = column.kind != "number" or "allowed" in column.said
    return float(np.quantile(values, 0.5, method="lower" if is_seen else "linear"))


def _allowed(column: Column, values: npt.NDArray[np.float64]) -> list[float] | None:
    """Return the only two values of a yes-or-no column of numbers."""
    return [0.0, 1.0] if column.kind == "integer" and set(values) == {0.0, 1.0} else None


def _as_given(column: Column, value: float) -> float | str:
    """Return a number of days as a date; other numbers as they are."""
    if column.kind != "date":
        return value
    return (datetime.date.fromisoformat(column.origin) + datetime.timedelta(days=int(value))).isoformat()


def _counts(values: Sequence[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))
