"""How good the Alzheimer model's answers are: for each number of missing inputs, for some of the people, and how sure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from ml_server.inputs.histogram import histogram_of
from ml_server.packing import neighbours, scores
from ml_server.packing.scores import Metric
from ml_server.training import partial
from ml_server.training.partial import Floats, Folds, Ints

# How many of the ten inputs that are not required are missing, for which the answers are judged.
MISSING = (0, 1, 2, 4, 6, 8, 10)
_POSITIVE = "Impaired"
_SUBMODEL = "partial"
_THRESHOLDS = (0.2, 0.5, 0.8)
_OVER = "333 people, each held out once in each of 10 repeats (10 x 5-fold); selection, penalty and calibration inside each fold"
_USUAL_OVER = (
    "333 people of whom nothing is missing, each held out once (the first of the 10 repeats); answers to requests that lack"
    " something are the submodels', and left out"
)
_PROBABILITY_DECIMALS, _EDGE_DECIMALS = 6, 7
_HALF = 0.5
_COVERAGE = 0.95
_AT = (0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995)
_NEAR, _FEWEST_PAIRS = 0.5, 200
_DECIMALS = 4
# An answer (0, ...) and, for the same person, that of a model trained on others (1, ...): probabilities.
Pairs: TypeAlias = npt.NDArray[np.float64]


class Answering(NamedTuple):
    """A panel with the data that it was trained on: whole requests are its own, for others it is fitted anew."""

    columns: Ints
    whole: Callable[[Floats], Floats]
    required: Ints
    values: Floats
    is_impaired: Ints
    folds: Folds

    def drawn(self, count: int, rng: np.random.Generator, first: Ints | None = None) -> Ints:
        """Return so many of the columns that are not required, in tenths of them, those of `first` before others."""
        optional = np.setdiff1d(self.columns, self.required)
        wanted = round(count * len(optional) / MISSING[-1])
        order = rng.permutation(optional)
        if first is not None:
            order = np.concatenate([np.intersect1d(order, first), np.setdiff1d(order, first)])
        return np.asarray(order[:wanted])

    def logit(self, values: Floats, missing: Ints) -> Floats:
        """Return the log-odds where these columns are missing."""
        if not len(missing):
            return self.whole(values)
        columns = np.setdiff1d(self.columns, missing)
        return partial.fit(self.values, self.is_impaired, columns, self.folds).logit(values)


def claims(
    names: Sequence[str], values: Floats, is_impaired: Ints, *, optional: Sequence[int], logits: Floats, pairs: Sequence[Pairs]
) -> dict[str, Any]:
    """Return the keys of the card.

    `optional` are the numbers of the inputs that may be missing, `logits` (MISSING, repeats, people) are held out.
    """
    missing = [names[number] for number in optional]
    patterns = []
    for place, count in enumerate(MISSING):
        lacking = f", {count} of the {len(optional)} inputs that are not required missing, drawn at random" if count else ""
        judged = _judge(logits[place], is_impaired, f"{_OVER}{lacking}")
        resampled = f"training repeated on people drawn again, {pairs[place].shape[1]} answers to those left out{lacking}"
        pattern = {"missing": missing if count else [], **judged, "spread": spread(pairs[place], resampled)}
        patterns.append(pattern | ({"at_most": count, "submodel": _SUBMODEL} if count else {}))
    measured = [number for number, name in enumerate(names) if name not in ("male", "apoe_e4_alleles")]
    return {
        "research_only": True,
        "positive": _POSITIVE,
        "patterns": patterns,
        "subgroups": _subgroups(names, values, is_impaired, logits[0]),
        "applicability": neighbours.applicability(
            [names[number] for number in measured],
            values[:, measured],
            "the 333 people of the training, a tenth held out at a time, over all measured inputs, a half and a quarter of them",
        ),
        "usual_answers": _usual_answers(logits[0, 0]),
    }


def _usual_answers(logits: Floats) -> dict[str, Any]:
    """Return how held-out log-odds (people,) of whole requests are spread, as probabilities: the card's reference for drift."""
    probabilities = np.round(1 / (1 + np.exp(-logits)), _PROBABILITY_DECIMALS)
    spread = histogram_of(probabilities)
    impaired = int((probabilities > _HALF).sum())
    return {
        "over": _USUAL_OVER,
        "rows": len(probabilities),
        "counts": {"Control": len(probabilities) - impaired, _POSITIVE: impaired},
        "histograms": {_POSITIVE: {"edges": [round(edge, _EDGE_DECIMALS) for edge in spread.edges], "counts": spread.counts}},
    }


def _judge(logits: Floats, is_impaired: Ints, over: str) -> dict[str, Any]:
    """Return scores and thresholds of held-out log-odds (repeats, people)."""
    probabilities = 1 / (1 + np.exp(-logits))
    of_repeats = [scores.classification(np.stack([1 - p, p], axis=1), is_impaired) for p in probabilities]
    kept: Mapping[str, Metric] = {name: _mean([each[name] for each in of_repeats]) for name in ("roc_auc", "brier")}
    found = scores.score(kept, len(is_impaired), over)
    return {"scores": found, "thresholds": scores.thresholds(probabilities.T, is_impaired, _THRESHOLDS, over)}


def _mean(metrics: Sequence[Metric]) -> Metric:
    return lambda times: float(np.mean([metric(times) for metric in metrics]))


def _subgroups(names: Sequence[str], values: Floats, is_impaired: Ints, logits: Floats) -> list[dict[str, Any]]:
    age, male, alleles = (values[:, names.index(name)] for name in ("age", "male", "apoe_e4_alleles"))
    middle = float(np.median(age))
    groups = [
        ("sex", "female", male == 0),
        ("sex", "male", male == 1),
        ("age", "below the median", age < middle),
        ("age", "the median or above", age >= middle),
        ("APOE epsilon-4", "no allele", alleles == 0),
        ("APOE epsilon-4", "one or two alleles", alleles > 0),
    ]
    found = []
    for name, value, is_in in groups:
        judged = _judge(logits[:, is_in], is_impaired[is_in], _OVER.replace("333", str(int(is_in.sum()))))
        found.append({"name": name, "value": value, "rows": int(is_in.sum()), **judged})
    return found


def spread(pairs: Pairs, over: str) -> dict[str, Any]:
    """Return between what the answers of models trained on others lie, by the answer: 95 % of those to similar answers."""
    own, other = pairs
    place = np.log(own / (1 - own))
    low, high = [0.0], []
    for at in _AT:
        distance = np.abs(place - np.log(at / (1 - at)))
        width = max(_NEAR, float(np.partition(distance, _FEWEST_PAIRS)[_FEWEST_PAIRS]))
        ends = np.quantile(other[distance <= width], [(1 - _COVERAGE) / 2, (1 + _COVERAGE) / 2])
        low.append(min(float(ends[0]), at))
        high.append(max(float(ends[1]), at))
    lows, highs = np.maximum.accumulate([*low, low[-1]]), np.maximum.accumulate([high[0], *high, 1.0])
    return {
        "coverage": _COVERAGE,
        "at": [0.0, *_AT, 1.0],
        "low": [round(float(each), _DECIMALS) for each in lows],
        "high": [round(float(each), _DECIMALS) for each in highs],
        "over": over,
    }
