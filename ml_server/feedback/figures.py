"""How good answers were, by what turned out to be true: each figure with its 95 % interval, and nothing of too few cases.

Shares have Wilson's interval (1927), areas under the curve that of DeLong, DeLong and Clarke-Pearson (1988) on the scale of
log-odds, or Newcombe's (2006, method 5) where no two are in the wrong order; means the normal one of their standard error;
calibration is the logistic regression of the truth on the log-odds (Cox 1958) with Wald's.
"""

import math
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from ml_server.intervals import Z, wilson

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Under so many of each kind nothing is said: an interval of ten cases is some 0.5 wide. (From 100 on a validation is thought to
# be enough: Collins, Ogundimu and Altman 2016.)
FEWEST = 10
FEWEST_IN_ALL = 20
_MOST_CLASSES = 20
_NEAREST = 1e-6
_WILSON, _DELONG, _NORMAL, _COX = "Wilson 1927", "DeLong 1988", "normal", "Cox 1958"
HIGHER_IS_BETTER = ("sensitivity", "specificity", "roc_auc", "accuracy", "coverage")
LOWER_IS_BETTER = ("brier", "mae", "rmse")


class Figure(msgspec.Struct, frozen=True):
    """One figure of merit, of the class, label or target `of` ("" for all); `value` is None where `people` are too few.

    `people` are those over whom it is, or of the fewer kind.
    """

    name: str
    of: str
    value: float | None
    low: float | None
    high: float | None
    people: int
    method: str

    @property
    def full_name(self) -> str:
        """Return what a card calls it."""
        return f"{self.of}_{self.name}" if self.of else self.name


def of_classes(probabilities: Floats, said: Ints, truth: Ints, classes: Sequence[str]) -> list[Figure]:
    """Return the figures of one true class for each person.

    `probabilities` (people, classes); `said` and `truth` (people,) are the class's place, -1 where none was predicted. Of two
    classes the second is the case.
    """
    count = len(classes)
    is_true = truth[:, np.newaxis] == np.arange(count)
    is_said = said[:, np.newaxis] == np.arange(count)
    judged = [1] if count == 2 else list(range(min(count, _MOST_CLASSES)))
    found = [
        figure
        for place in judged
        for figure in _of_class(is_said[:, place], is_true[:, place], "" if count == 2 else classes[place])
    ]
    found.append(_area(probabilities[:, judged], is_true[:, judged]))
    found.append(_share("accuracy", "", said == truth))
    errors = ((probabilities - is_true) ** 2).sum(axis=1) / (2 if count == 2 else 1)
    found.append(_mean("brier", "", errors))
    if count == 2:
        found += _calibration(probabilities[:, 1], is_true[:, 1])
    return found


def of_labels(probabilities: Floats, said: Ints, truth: Ints, labels: Sequence[str]) -> list[Figure]:
    """Return the figures of any number of true labels; all three of shape (people, labels)."""
    is_true, is_said = truth == 1, said == 1
    found = [
        figure
        for place, label in enumerate(labels[:_MOST_CLASSES])
        for figure in _of_class(is_said[:, place], is_true[:, place], label)
    ]
    found.append(_area(probabilities, is_true))
    found.append(_mean("accuracy", "", (is_said == is_true).mean(axis=1)))
    found.append(_mean("brier", "", ((probabilities - is_true) ** 2).mean(axis=1)))
    return found


def of_values(predicted: Floats, truth: Floats, target: str, reach: tuple[float, float] | None) -> list[Figure]:
    """Return the figures of one target, both (people,); `reach` is how far the truth may be below and above, by the card."""
    errors = truth - predicted
    found = [_mean("mae", target, np.abs(errors)), _root(_mean("rmse", target, errors**2)), _mean("bias", target, -errors)]
    if reach is not None:
        below, above = reach
        found.append(_share("coverage", target, (errors >= -below) & (errors <= above), fewest=FEWEST_IN_ALL))
    return found


def _of_class(is_said: npt.NDArray[np.bool_], is_true: npt.NDArray[np.bool_], of: str) -> Iterator[Figure]:
    yield _share("sensitivity", of, is_said[is_true])
    yield _share("specificity", of, ~is_said[~is_true])


def _share(name: str, of: str, is_right: npt.NDArray[np.bool_], fewest: int = FEWEST) -> Figure:
    count = len(is_right)
    if count < fewest:
        return Figure(name, of, None, None, None, count, _WILSON)
    return Figure(name, of, float(is_right.mean()), *wilson(int(is_right.sum()), count), count, _WILSON)


def _mean(name: str, of: str, values: Floats) -> Figure:
    count = len(values)
    if count < FEWEST_IN_ALL:
        return Figure(name, of, None, None, None, count, _NORMAL)
    mean, half = float(values.mean()), Z * float(values.std(ddof=1)) / math.sqrt(count)
    return Figure(name, of, mean, mean - half, mean + half, count, _NORMAL)


def _root(square: Figure) -> Figure:
    if square.value is None or square.low is None or square.high is None:
        return square
    low, high = math.sqrt(max(0.0, square.low)), math.sqrt(square.high)
    return msgspec.structs.replace(square, value=math.sqrt(square.value), low=low, high=high)


def _area(figure: Floats, is_true: npt.NDArray[np.bool_]) -> Figure:
    """Return the mean area under the curves of several columns, each of cases against all others.

    The variance is DeLong's: of the mean, over the people, of what each adds to every area.
    """
    cases = is_true.sum(axis=0)
    fewest = int(np.minimum(cases, len(is_true) - cases).min())
    if fewest < FEWEST:
        return Figure("roc_auc", "", None, None, None, fewest, _DELONG)
    added = np.zeros(len(is_true))
    areas = []
    for column in range(figure.shape[1]):
        area, parts = _placed(figure[:, column], is_true[:, column])
        areas.append(area)
        added += parts
    area, variance = float(np.mean(areas)), float((added**2).sum()) / figure.shape[1] ** 2
    if variance <= 0 or not 0 < area < 1:
        return Figure("roc_auc", "", area, *_newcombe(area, fewest, len(is_true) - fewest), fewest, "Newcombe 2006")
    middle, half = math.log(area / (1 - area)), Z * math.sqrt(variance) / (area * (1 - area))
    low, high = (1 / (1 + math.exp(-(middle + sign * half))) for sign in (-1, 1))
    return Figure("roc_auc", "", area, low, high, fewest, _DELONG)


def _placed(figure: Floats, is_case: npt.NDArray[np.bool_]) -> tuple[float, Floats]:
    """Return the area, and what each person adds to its error: the squares of these add up to its variance."""
    cases, others = np.sort(figure[is_case]), np.sort(figure[~is_case])
    placed = np.empty(len(figure))
    placed[is_case] = _below(others, figure[is_case])
    placed[~is_case] = 1 - _below(cases, figure[~is_case])
    area = float(placed[is_case].mean())
    count = np.where(is_case, len(cases), len(others))
    return area, (placed - area) / np.sqrt(count * (count - 1.0))


def _below(ordered: Floats, values: Floats) -> Floats:
    """Return the share of the ordered ones that are less than each value, ties by halves."""
    left, right = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    return np.asarray((left + right) / (2 * len(ordered)))


def _newcombe(area: float, cases: int, others: int) -> tuple[float, float]:
    """Return the interval of an area whose own variance is none: where (area - x) is Z standard errors of x."""
    more = (cases + others) / 2 - 1

    def excess(x: float) -> float:
        variance = x * (1 - x) * (1 + more * (1 - x) / (2 - x) + more * x / (1 + x)) / (cases * others)
        return (area - x) ** 2 - Z * Z * variance

    def edge(far: float) -> float:
        near = area
        for _ in range(60):
            middle = (near + far) / 2
            near, far = (near, middle) if excess(middle) > 0 else (middle, far)
        return far

    return (edge(0.0) if area > 0 else 0.0), (edge(1.0) if area < 1 else 1.0)


def _calibration(probability: Floats, is_case: npt.NDArray[np.bool_]) -> list[Figure]:
    """Return slope and intercept of the truth's log-odds on the answer's; 1 and 0 are perfect."""
    names = ("calibration_slope", "calibration_intercept")
    fewest = int(min(is_case.sum(), (~is_case).sum()))
    nothing = [Figure(name, "", None, None, None, fewest, _COX) for name in names]
    if fewest < FEWEST:
        return nothing
    near = np.clip(probability, _NEAREST, 1 - _NEAREST)
    fitted = _logistic(np.log(near / (1 - near)), is_case.astype(np.float64))
    if fitted is None:
        return nothing
    (intercept, slope), errors = fitted
    pairs = zip(names, (slope, intercept), (errors[1], errors[0]), strict=True)
    return [Figure(name, "", value, value - Z * error, value + Z * error, fewest, _COX) for name, value, error in pairs]


def _logistic(x: Floats, y: Floats) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return intercept and slope and their standard errors by Newton's method; None where the two kinds do not overlap."""
    design = np.stack([np.ones_like(x), x], axis=1)
    weights = np.array([0.0, 1.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        information = design.T @ (design * (p * (1 - p))[:, np.newaxis])
        try:
            step = np.linalg.solve(information, design.T @ (y - p))
            inverse = np.linalg.inv(information)
        except np.linalg.LinAlgError:
            return None
        weights = weights + step
        if not np.isfinite(weights).all() or abs(weights[1]) > 100:
            return None
        if float(np.abs(step).max()) < 1e-9:
            errors = np.sqrt(np.diag(inverse))
            return (float(weights[0]), float(weights[1])), (float(errors[0]), float(errors[1]))
    return None
