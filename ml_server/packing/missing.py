"""What to do where a value is missing: what the model itself does, where it has learnt that."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_server.packing.card_inputs import middle
from ml_server.packing.columns import Column, mode
from ml_server.packing.reference import differing

Floats = npt.NDArray[np.float64]

# What exporters and libraries write for a missing text, commonest first.
_MISSING_TEXTS = ("", "nan", "NaN", "None", "missing")


@dataclass(frozen=True)
class Policy:
    """What happens where an input is missing, as the card says it.

    Attributes:
        name: "refuse", "nan", or the middle: "median" of numbers and dates, "mode" of categories and booleans.
        value: what the model reads there.
        text: what a tensor of texts reads for "nan".
    """

    name: str
    value: Any
    text: str = ""


def options(column: Column) -> list[Policy]:
    """Return what may be done about a column's missing values, the likeliest first."""
    if column.item is not None:
        return [Policy("refuse", column.item.reference)]
    said = column.said.get("missing")
    fill = _fill(column)
    if said == "refuse" or (said is None and not column.is_missing.any()):
        return [Policy("refuse", fill.value)]
    own = _own(column)
    found = [*own, fill]
    return [policy for policy in found if said is None or policy.name == said] or [fill]


def _fill(column: Column) -> Policy:
    if column.kind in {"category", "boolean"}:
        commonest = mode(column.given)
        return Policy("mode", column.reads[column.given.index(commonest)])
    return Policy("median", middle(column))


def _own(column: Column) -> list[Policy]:
    """Return the ways in which the model could be told that a value is missing."""
    if column.slot.dtype == "string":
        texts = [column.said["missing_text"]] if "missing_text" in column.said else _MISSING_TEXTS
        return [Policy("nan", text, text) for text in texts]
    return [Policy("nan", float("nan"))] if column.slot.dtype.startswith("float") else []


def choose(
    columns: Sequence[Column], answer: Callable[[Sequence[Policy]], Floats | None], wanted: Floats | None
) -> tuple[Policy, ...]:
    """Return a policy for each column.

    With reference predictions the first that agrees with them wins; else the first with which the model has an answer.
    The numbers' and the texts' missing values are tried as two groups, because a library treats each alike.

    `answer` returns the answers with the given policies; None where the model has none for some row.
    """
    choices = [options(column) for column in columns]
    groups = [_group(columns, choices, is_text=False), _group(columns, choices, is_text=True)]
    best: tuple[Policy, ...] | None = None
    for numbers, texts in itertools.product(*groups):
        policies = tuple(
            choice[min(texts if column.slot.dtype == "string" else numbers, len(choice) - 1)]
            for column, choice in zip(columns, choices, strict=True)
        )
        answers = answer(policies)
        if answers is None:
            continue
        best = best or policies
        if wanted is None or not differing(answers, wanted).any():
            return policies
    return best or tuple(choice[-1] for choice in choices)


def _group(columns: Sequence[Column], choices: Sequence[Sequence[Policy]], *, is_text: bool) -> range:
    lengths = [len(choice) for column, choice in zip(columns, choices, strict=True) if (column.slot.dtype == "string") is is_text]
    return range(max(lengths, default=1))


def is_served(columns: Sequence[Column], policies: Sequence[Policy]) -> npt.NDArray[np.bool_]:
    """Return for each row whether it is answered: one without a value that must be given is not."""
    refused = [column.is_missing for column, policy in zip(columns, policies, strict=True) if policy.name == "refuse"]
    return ~np.any(refused, axis=0) if refused else np.ones(len(columns[0].given), dtype=bool)


def has_no_answer(answers: Floats) -> npt.NDArray[np.bool_]:
    """Return for each row whether the model has no answer: not a number, or an infinite one."""
    return np.asarray(~np.isfinite(answers).all(axis=1))
