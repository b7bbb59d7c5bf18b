"""What is known of the truth: how many of each class there are, the targets' ranges, and the scores."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ml_server.findings import Finding
from ml_server.packing import scores
from ml_server.packing.names import Targets, number_classes
from ml_server.packing.outputs import Reading, plain_label
from ml_server.packing.refusal import PackingError

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Judged(NamedTuple):
    """How many rows there are of each class, the values of each regression target, and the scores as the card has them."""

    class_counts: Mapping[str, int]
    ranges: Mapping[str, tuple[float, float]]
    scores: Mapping[str, Any]


def judge(reading: Reading, targets: Targets, answers: Floats, is_served: Flags, over: str) -> Judged:
    """Hold the answers against the targets; `over` says which rows they are.

    Raises:
        PackingError: a target is not what the model predicts.
    """
    columns = list(targets.items())
    if not columns or reading.task == "embedding":
        return Judged({}, {}, {})
    if reading.task == "classification":
        ((field, texts),) = columns
        return _classification(reading, number_classes(texts, reading.classes, field), answers, is_served, over)
    numbers = [_numbers(field, texts) for field, texts in columns]
    if len(numbers) != len(reading.classes):
        found = f"{len(numbers)} columns"
        remedy = "say --target for each, in the order of the model's output"
        raise PackingError([Finding("--target", found, f"{len(reading.classes)}, as the model's output has", remedy)])
    truth = np.stack(numbers, axis=1)
    is_known = is_served & np.isfinite(truth).all(axis=1)
    kept, told = answers[is_known], truth[is_known]
    if reading.task == "multi_label":
        counts = {label: int((told[:, place] == 1).sum()) for place, label in enumerate(reading.classes)}
        found_scores = scores.score(scores.multi_label(kept, told.astype(np.int64)), len(kept), over)
        return Judged(counts, {}, found_scores)
    metrics: dict[str, scores.Metric] = {}
    for place, name in enumerate(reading.classes):
        prefix = f"{name}_" if len(reading.classes) > 1 else ""
        own = scores.regression(kept[:, place], told[:, place])
        metrics |= {f"{prefix}{metric}": figure for metric, figure in own.items()}
    spans = {name: (float(told[:, place].min()), float(told[:, place].max())) for place, name in enumerate(reading.classes)}
    return Judged({}, spans, scores.score(metrics, len(kept), over))


def _classification(reading: Reading, numbers: Sequence[int | None], answers: Floats, is_served: Flags, over: str) -> Judged:
    counts = Counter(reading.classes[number] for number in numbers if number is not None)
    is_known = is_served & np.array([number is not None for number in numbers])
    truth = np.array([-1 if number is None else number for number in numbers])[is_known]
    found = scores.score(scores.classification(answers[is_known], truth), len(truth), over) if len(truth) else {}
    return Judged({name: counts[name] for name in reading.classes}, {}, found)


def _numbers(field: str, texts: Sequence[str | None]) -> Floats:
    try:
        return np.array([np.nan if text is None else float(_unworded(text)) for text in texts])
    except ValueError as error:
        remedy = "take the column that it was trained on (labels of several are 0 or 1)"
        raise PackingError([Finding(field, str(error), "numbers", remedy)]) from error


def _unworded(text: str) -> str:
    """Return true and false as a number."""
    return {"true": "1", "false": "0"}.get(text.strip().lower(), plain_label(text))
