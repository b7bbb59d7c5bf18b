"""What is said of each version: which of its inputs and answers are not as they were in training."""

from datetime import UTC, datetime
from typing import Literal

import msgspec
import numpy as np

from ml_server.drift.bins import Column, Reference
from ml_server.drift.shift import FEWEST, Floats, compare
from ml_server.storage.drift import DriftStore, Window

_REFERENCE = msgspec.json.Decoder(Reference)

# One false alarm among all inputs and answers of a model in a hundred times a thousand looks at other people each
# (Bonferroni): half a million people of a faithful stream, one window after the other.
_FALSE_ALARMS = 0.01
_LOOKS = 1000
_MOST_VERSIONS = 20
# Of fewer people in training nothing can be said of others.
_FEWEST_TRAINED = 30

_DRIFTED = ("drifted", "missing")
Verdict = Literal["steady", "drifted", "missing", "too_few", "no_reference"]


class InputDrift(msgspec.Struct, frozen=True):
    """One input: the share of people in each bin today and in training, `people` who had a value, and the share who had none.

    Of an answer, those have none who got none, or who lack what nobody in training lacked: they are not compared. `psi` is
    without what chance adds to it; it is None, as what the card does not say, where nothing can be compared.
    """

    name: str
    verdict: Verdict
    people: int
    psi: float | None
    p_value: float | None
    direction: int
    missing_share: float
    missing_share_in_training: float | None
    reference: str
    labels: list[str]
    today: list[float]
    in_training: list[float] | None


class Drift(msgspec.Struct, frozen=True):
    """One version; `people` are the last of whom it was asked, from `since` on, `people_ever` all of them."""

    model_name: str
    model_version: str
    model_digest: str
    verdict: Literal["steady", "drifted", "too_few", "no_reference"]
    people: int
    people_ever: int
    since: datetime | None
    inputs: list[InputDrift]
    answers: list[InputDrift]

    @property
    def key(self) -> tuple[str, str, str]:
        """Return name, version and digest."""
        return self.model_name, self.model_version, self.model_digest

    @property
    def drifted(self) -> list[InputDrift]:
        """Return the inputs that are not as they were, the farthest first."""
        return _drifted(self.inputs)

    @property
    def drifted_answers(self) -> list[InputDrift]:
        """Return the answers that are not as they were, the farthest first."""
        return _drifted(self.answers)

    def brief(self, most: int = 20) -> "Drift":
        """Return the same with what drifted only, and of that the farthest."""
        inputs, answers = (
            [msgspec.structs.replace(each, labels=[], today=[], in_training=None) for each in drifted[:most]]
            for drifted in (self.drifted, self.drifted_answers)
        )
        return msgspec.structs.replace(self, inputs=inputs, answers=answers)


def _drifted(found: list[InputDrift]) -> list[InputDrift]:
    return sorted((each for each in found if each.verdict in _DRIFTED), key=lambda each: each.p_value or 0.0)


def drifts(store: DriftStore) -> list[Drift]:
    """Return what is said of every version that was asked, the latest first.

    Raises:
        StorageError: see `Database`.
    """
    return [_drift(window) for window in store.windows()[:_MOST_VERSIONS]]


def _drift(window: Window) -> Drift:
    reference = _REFERENCE.decode(window.reference)
    counts = np.array(window.counts or [0] * reference.width, dtype=np.float64)
    columns = (*reference.inputs, *reference.answers)
    sizes = [len(column.labels) + 1 for column in columns]
    parts = np.split(counts, np.cumsum(sizes)[:-1]) if sizes else []
    tests = sum((column.reference is not None) + (column.missing_share is not None) for column in columns)
    limit = _FALSE_ALARMS / (_LOOKS * max(1, tests))
    count = len(reference.inputs)
    inputs = [_input(column, part, reference.rows, limit) for column, part in zip(reference.inputs, parts, strict=False)]
    answers = [_input(column, part, reference.rows, limit) for column, part in zip(reference.answers, parts[count:], strict=True)]
    return Drift(
        model_name=window.name,
        model_version=window.version,
        model_digest=window.digest,
        verdict=_verdict([*inputs, *answers]),
        people=window.people,
        people_ever=window.people_ever,
        since=datetime.fromtimestamp(window.since_ms / 1000, UTC) if window.people else None,
        inputs=inputs,
        answers=answers,
    )


def _verdict(found: list[InputDrift]) -> Literal["steady", "drifted", "too_few", "no_reference"]:
    verdicts = {each.verdict for each in found}
    if verdicts.intersection(_DRIFTED):
        return "drifted"
    if "steady" in verdicts:
        return "steady"
    return "too_few" if "too_few" in verdicts else "no_reference"


def _input(column: Column, counts: Floats, rows: int, limit: float) -> InputDrift:
    today, missing = counts[:-1], float(counts[-1])
    given = float(today.sum())
    told = np.array(column.reference or [], dtype=np.float64)
    shift = compare(today, told, is_ordered=column.is_ordered) if given >= FEWEST and told.sum() >= _FEWEST_TRAINED else None
    missed = None
    if column.missing_share is not None and given + missing >= FEWEST and rows >= _FEWEST_TRAINED:
        were = round(column.missing_share * rows)
        missed = compare(np.array([given, missing]), np.array([rows - were, were], dtype=np.float64), is_ordered=False)
    verdict: Verdict = "steady"
    if shift is not None and shift.p_value < limit:
        verdict = "drifted"
    elif missed is not None and missed.p_value < limit:
        verdict = "missing"
    elif shift is None and missed is None:
        is_known = column.reference is not None or column.missing_share is not None
        verdict = "too_few" if is_known else "no_reference"
    found = [each for each in (shift, missed) if each is not None]
    return InputDrift(
        name=column.name,
        verdict=verdict,
        people=int(given),
        psi=None if shift is None else round(shift.psi, 4),
        p_value=min((each.p_value for each in found), default=None),
        direction=0 if shift is None else shift.direction,
        missing_share=round(missing / max(1.0, given + missing), 4),
        missing_share_in_training=column.missing_share,
        reference=column.of,
        labels=column.labels,
        today=_shares(today),
        in_training=None if column.reference is None else _shares(told),
    )


def _shares(counts: Floats) -> list[float]:
    return [round(float(share), 4) for share in counts / max(1.0, counts.sum())]
