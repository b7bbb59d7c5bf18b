"""What is known of the truth: how many of each class there are, the targets' ranges, and the scores."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ml_server.packing import scores
from ml_server.packing.names import Targets, number_classes
from ml_server.packing.outputs import Reading, plain_label
from ml_server.packing.refusal import PackingError
from ml_server.verification.findings import Finding

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


_COVERAGE = 0.9


class Judged(NamedTuple):
    """What the truth says.

    Attributes:
        class_counts: how many rows there are of each class or label.
        ranges: the least and the greatest value of each regression target.
        intervals: how far each regression target lies from its prediction, as the card has it.
        scores: as the card has them.
    """

    class_counts: Mapping[str, int] = {}
    ranges: Mapping[str, tuple[float, float]] = {}
    intervals: Mapping[str, dict[str, float]] = {}
    scores: Mapping[str, Any] = {}


def judge(reading: Reading, targets: Targets, answers: Floats, is_served: Flags, over: str) -> Judged:
    """Hold the answers against the targets; `over` says which rows they are.

    Raises:
        PackingError: a target is not what the model predicts.
    """
    columns = list(targets.items())
    if not columns or reading.task == "embedding":
        return Judged()
    if reading.task == "classification":
        (field, texts), *more = columns
        if more:
            found = f"{len(columns)} columns for one answer"
            raise PackingError([Finding("--target", found, "one", "pack a model for each, or say --task multi_label")])
        return _classification(reading, number_classes(texts, reading.classes, field), answers, is_served, over)
    numbers = [_numbers(field, texts) for field, texts in columns]
    if len(numbers) != len(reading.classes):
        found = f"{len(numbers)} columns"
        remedy = "say --target for each, in the order of the model's output"
        raise PackingError([Finding("--target", found, f"{len(reading.classes)}, as the model's output has", remedy)])
    truth = np.stack(numbers, axis=1)
    is_known = is_served & np.isfinite(truth).all(axis=1)
    if not is_known.any():
        raise PackingError([Finding("--target", "no row that is answered has one", "rows with it", "take another column")])
    kept, told = answers[is_known], truth[is_known]
    if reading.task == "multi_label":
        counts = {label: int((told[:, place] == 1).sum()) for place, label in enumerate(reading.classes)}
        found_scores = scores.score(scores.multi_label(kept, told.astype(np.int64)), len(kept), over)
        return Judged(class_counts=counts, scores=found_scores)
    metrics: dict[str, scores.Metric] = {}
    for place, name in enumerate(reading.classes):
        prefix = f"{name}_" if len(reading.classes) > 1 else ""
        own = scores.regression(kept[:, place], told[:, place])
        metrics |= {f"{prefix}{metric}": figure for metric, figure in own.items()}
    spans = {name: (float(told[:, place].min()), float(told[:, place].max())) for place, name in enumerate(reading.classes)}
    intervals = {name: interval(told[:, place] - kept[:, place]) for place, name in enumerate(reading.classes)}
    known_intervals = {name: found for name, found in intervals.items() if found is not None}
    return Judged(ranges=spans, intervals=known_intervals, scores=scores.score(metrics, len(kept), over))


def interval(errors: Floats) -> dict[str, float] | None:
    """Return how far the truth lies below and above a prediction in 90 % of the cases; None of too few rows.

    Split conformal prediction (Papadopoulos et al. 2002; each side alone, as errors need not be symmetric): the quantiles
    are those of which one more row would be right. `errors` are truth minus prediction, of rows that were not trained on.
    """
    count = len(errors)
    rank = math.ceil((count + 1) * (1 + _COVERAGE) / 2)
    if rank > count:
        return None
    ordered = np.sort(errors)
    below, above = max(0.0, float(-ordered[count - rank])), max(0.0, float(ordered[rank - 1]))
    return {"below": below, "above": above, "coverage": _COVERAGE}


def _classification(reading: Reading, numbers: Sequence[int | None], answers: Floats, is_served: Flags, over: str) -> Judged:
    counts = Counter(reading.classes[number] for number in numbers if number is not None)
    is_known = is_served & np.array([number is not None for number in numbers])
    truth = np.array([-1 if number is None else number for number in numbers])[is_known]
    found = scores.score(scores.classification(answers[is_known], truth), len(truth), over) if len(truth) else {}
    return Judged(class_counts={name: counts[name] for name in reading.classes}, scores=found)


def _numbers(field: str, texts: Sequence[str | None]) -> Floats:
    try:
        return np.array([np.nan if text is None else float(_unworded(text)) for text in texts])
    except ValueError as error:
        remedy = "take the column that it was trained on (labels of several are 0 or 1)"
        raise PackingError([Finding(field, str(error), "numbers", remedy)]) from error


def _unworded(text: str) -> str:
    """Return true and false as a number."""
    return {"true": "1", "false": "0"}.get(text.strip().lower(), plain_label(text))
