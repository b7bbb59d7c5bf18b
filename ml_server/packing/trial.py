"""The model with its columns, once it is known how its output is read: what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ml_server.packing.columns import Column, Reads
from ml_server.packing.missing import Policy, has_no_answer
from ml_server.packing.outputs import Reading, read_raw
from ml_server.packing.probe import Probe, filled
from ml_server.packing.reference import Reference, Suspects, complain, differing
from ml_server.packing.refusal import PackingError
from ml_server.verification.findings import Finding, listed

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_COMPARED_ROWS = 32
_MAX_CODES = 100
_AS_EQUAL = 1e-5
_MAX_EXCHANGED = 40
_EXCHANGED_ROWS = 50


@dataclass(frozen=True)
class Compared:
    """Rows that are held against reference predictions.

    Attributes:
        lines: the line, or row, of each, to be named in complaints.
        is_unseen: the model was not trained on them, and agrees on those that it was trained on.
    """

    columns: Sequence[Column]
    answers: Floats
    lines: Sequence[int]
    is_served: Flags
    is_unseen: bool = False


class Trial:
    """A model that answers for columns of what it reads."""

    def __init__(self, probe: Probe, columns: Sequence[Column], reading: Reading, lines: Sequence[int]) -> None:
        self.columns, self.reading, self.is_row_by_row = tuple(columns), reading, probe.is_row_by_row
        self._probe, self._lines = probe, lines
        self._slots = [column.slot for column in columns]
        self.has_scaled_trees = probe.has_scaled_trees
        self.is_incomplete: Flags = np.any([column.is_missing for column in columns], axis=0)

    def run(self, reads: Sequence[Reads]) -> Floats:
        """Return the answers (rows, names) for columns of what the model reads, each of shape (rows,)."""
        raw = read_raw(self.reading.output, self._probe.run(self._slots, reads)[self.reading.output])
        assert raw is not None  # noqa: S101 - it was one of numbers when it was chosen
        return self.reading.answers(raw)

    def answers(self, policies: Sequence[Policy], columns: Sequence[Column] | None = None) -> Floats:
        """Return the answers for the rows of the data, or of other columns."""
        return self.run(filled(columns or self.columns, [policy.value for policy in policies]))

    def answers_or_none(self, policies: Sequence[Policy]) -> Floats | None:
        """Return the answers for the rows of the data; None where the model has none for rows with missing values."""
        try:
            answers = self.answers(policies)
        except PackingError:
            return None
        return None if has_no_answer(answers[self.is_incomplete]).any() else answers

    def with_codes(self, policies: Sequence[Policy]) -> list[Column]:
        """Return the columns, with the allowed values of those that the model looks up in a table of its own.

        It fails at the number behind the greatest. One below the least it may answer, from the other end of the table.
        """
        reads = [read[:1] for read in filled(self.columns, [policy.value for policy in policies])]
        columns = list(self.columns)
        for place, column in enumerate(self.columns):
            if column.kind != "integer" or "int" not in column.slot.dtype or "allowed" in column.said:
                continue
            least, greatest = int(np.nanmin(column.reads)), int(np.nanmax(column.reads))
            tried = [*reads[:place], np.array([greatest + 1.0]), *reads[place + 1 :]]
            if greatest - least < _MAX_CODES and self._fails(tried):
                codes = [float(code) for code in range(least, greatest + 1)]
                columns[place] = replace(column, said={**column.said, "allowed": codes})
        return columns

    def _fails(self, reads: Sequence[Reads]) -> bool:
        try:
            self.run(reads)
        except PackingError:
            return True
        return False

    def faults(self, answers: Floats, is_served: Flags) -> list[Finding]:
        """Return what is wrong with the answers themselves: rows without one, or with another one when alone."""
        findings = []
        rows = np.flatnonzero(has_no_answer(answers) & is_served).tolist()
        if rows:
            which = listed(str(self._lines[row]) for row in rows)
            found = f"{len(rows)} of {len(answers)} rows get no number (NaN or infinite): line {which}"
            findings.append(Finding("model", found, "an answer for each row of its data", "mend the model: no request can"))
        return findings

    def alone(self, policies: Sequence[Policy]) -> list[Finding]:
        """Return a finding where a row's answer depends on when it is asked for, or on the rows that are beside it."""
        reads = [read[:_COMPARED_ROWS] for read in filled(self.columns, [policy.value for policy in policies])]
        together = self.run(reads)
        again = self.run(reads)
        if not np.allclose(together, again, rtol=_AS_EQUAL, atol=_AS_EQUAL, equal_nan=True):
            found = f"asked twice for the same rows, it answers otherwise (by {np.nanmax(np.abs(together - again)):.3g})"
            remedy = "export it for inference, without dropout and other chance (in PyTorch: model.eval())"
            return [Finding("model", found, "the same answer to the same question", remedy)]
        if self.is_row_by_row:
            return []
        alone = np.concatenate([self.run([read[row : row + 1] for read in reads]) for row in range(len(reads[0]))])
        distance = np.abs(together - alone) / np.maximum(1, np.abs(alone))
        if not np.nanmax(distance, initial=0) > _AS_EQUAL:
            return []
        row = int(np.nanargmax(distance.max(axis=1)))
        found = f"the row of line {self._lines[row]} gets another answer alone than beside others (by {distance.max():.3g})"
        remedy = "export it for inference (in PyTorch: model.eval(), so that batch norm uses what it has learnt)"
        return [Finding("model", found, "the same answer", remedy)]

    def compare(self, policies: Sequence[Policy], compared: Compared, reference: Reference) -> list[Finding]:
        """Return a finding where the answers are not those of the reference predictions."""
        rows = np.flatnonzero(compared.is_served).tolist()
        wanted = Reference(reference.values[rows], reference.decimals)
        answers = compared.answers[rows]
        if not differing(answers, wanted.values).any():
            return []
        reads = [read[rows] for read in filled(compared.columns, [policy.value for policy in policies])]
        suspects = Suspects(
            is_missing=np.any([column.is_missing for column in compared.columns], axis=0)[rows],
            exchanged=lambda: self._exchanged(reads, wanted),
            has_guesses=any(column.is_guessed for column in self.columns),
            is_float64=all(column.slot.dtype != "float32" for column in self.columns),
            is_unseen=compared.is_unseen,
            has_scaled_trees=self.has_scaled_trees,
        )
        return [complain(answers, wanted, [compared.lines[row] for row in rows], suspects)]

    def _exchanged(self, reads: Sequence[Reads], wanted: Reference) -> str:
        """Return the remedy where the columns of the data are in another order than those of the model; "" otherwise."""
        if len(reads) > _MAX_EXCHANGED:
            return ""
        few = [read[:_EXCHANGED_ROWS] for read in reads]
        headers = [column.slot.header for column in self.columns]
        for order in _orders(headers):
            tried = [few[place] for place in order]
            if any(read.dtype != own.dtype for read, own in zip(tried, few, strict=True)):
                continue
            try:
                agrees = not differing(self.run(tried), wanted.values[:_EXCHANGED_ROWS]).any()
            except PackingError:
                continue
            if agrees:
                columns = ",".join(headers[place] for place in order)
                return f"the columns are in another order than the model's: say --columns {columns}"
        return ""


def _orders(headers: Sequence[str]) -> list[list[int]]:
    """Return other orders of the columns that are worth a try: by letter, backwards, and every exchange of two."""
    places = list(range(len(headers)))
    orders = [sorted(places, key=lambda place: headers[place]), places[::-1]]
    for first in places:
        for second in places[first + 1 :]:
            exchanged = places.copy()
            exchanged[first], exchanged[second] = second, first
            orders.append(exchanged)
    return orders
