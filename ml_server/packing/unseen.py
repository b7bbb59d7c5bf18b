"""Rows that the model was not trained on: read as serving reads them, and compared with the original library.

The rows of the training never lie on a threshold of a tree, which is halfway between two of them; other people do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml_server.packing import missing
from ml_server.packing.columns import Column, read_column
from ml_server.packing.missing import Policy
from ml_server.packing.probe import filled
from ml_server.packing.reference import read_reference
from ml_server.packing.refusal import PackingError
from ml_server.packing.table import Table, without_index
from ml_server.packing.trial import Compared, Trial
from ml_server.packing.wholes import KINDS, read_whole
from ml_server.suggestions import did_you_mean
from ml_server.verification.findings import Finding, listed

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Others:
    """Rows that the model was not trained on.

    Attributes:
        name: what they are called, in the plural.
        predictions: what the original library answers for them.
    """

    name: str
    table: Table
    predictions: Table | None = None


@dataclass(frozen=True)
class Answered:
    """Such rows as the model answers them; `is_served` is false for those that serving refuses."""

    columns: Sequence[Column]
    answers: Floats
    is_served: Flags


def answer(trial: Trial, policies: Sequence[Policy], others: Others) -> Answered:
    """Read rows as the columns of the training are read, and return what the model answers.

    Raises:
        PackingError: a column is not there, or has cells that cannot be read.
    """
    table = without_index(others.table)
    lost = [column.slot.header for column in trial.columns if column.slot.header not in table.columns]
    if lost:
        remedy = f"add them{did_you_mean(lost[0], list(table.columns), at_most=1)}"
        raise PackingError([Finding(others.name, f"no column {listed(lost)}", "the columns of the data", remedy)])
    columns: list[Column] = []
    findings: list[Finding] = []
    for column in trial.columns:
        said = {**column.said, "type": column.kind} | ({"codes": column.code_of} if column.codes else {})
        texts = table.columns[column.slot.header]
        if column.kind in KINDS:
            read = read_whole(column.slot, texts, table.lines, said, table.folder)
        elif all(text is None for text in texts):
            read = _empty(column, len(texts))
        else:
            read = read_column(column.slot, texts, table.lines, said, may_guess=False)
        if isinstance(read, Column):
            columns.append(read)
        else:
            findings += [_named(finding, others.name) for finding in read]
    if findings:
        raise PackingError(findings)
    is_known = np.logical_and.reduce([_is_known(known, own) for known, own in zip(trial.columns, columns, strict=True)])
    is_served = missing.is_served(columns, policies) & is_known
    if not is_served.any():
        raise PackingError([Finding(others.name, "no row that is answered", "people such as those of the data", "look at it")])
    served = trial.run([read[is_served] for read in filled(columns, [policy.value for policy in policies])])
    answers = np.full((len(is_served), served.shape[1]), np.nan)
    answers[is_served] = served
    return Answered(columns, answers, is_served)


def _named(finding: Finding, name: str) -> Finding:
    return Finding(f"{name}: {finding.field}", finding.found, finding.wanted, finding.remedy)


def _empty(column: Column, rows: int) -> Column:
    """Return a column without any value."""
    reads = np.full(rows, None, dtype=object) if column.slot.dtype == "string" else np.full(rows, np.nan)
    return Column(column.slot, column.kind, (None,) * rows, reads, column.said, column.values, column.codes)


def _is_known(column: Column, own: Column) -> Flags:
    """Return for each row whether its value is one that serving takes: a category of the training, a number near its range."""
    if column.kind == "category":
        return np.array([value is None or value in column.values for value in own.given], dtype=bool)
    if column.kind in {"boolean", *KINDS}:
        return np.ones(len(own.given), dtype=bool)
    if "allowed" in column.said:
        return np.asarray(np.isnan(own.reads) | np.isin(own.reads, column.said["allowed"]))
    least, greatest = np.nanmin(column.reads), np.nanmax(column.reads)
    width = greatest - least
    return np.asarray(~((own.reads < least - width) | (own.reads > greatest + width)))


def compare(trial: Trial, policies: Sequence[Policy], answered: Answered, others: Others, width: int) -> list[Finding]:
    """Return a finding where the model does not answer as the original library does; `width` is how many answers it has.

    Raises:
        PackingError: the predictions are not for these rows, or not for these classes.
    """
    if others.predictions is None:
        return []
    reading = trial.reading
    is_binary = reading.task == "classification" and len(reading.classes) == 2
    reference = read_reference(without_index(others.predictions), others.table.rows, reading.classes, width, is_binary=is_binary)
    compared = Compared(answered.columns, answered.answers, others.table.lines, answered.is_served, is_unseen=True)
    found = trial.compare(policies, compared, reference)
    return [_named(finding, others.name) for finding in found]
