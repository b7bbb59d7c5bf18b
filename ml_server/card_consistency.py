"""What a card says of its own answers, held against the rest of it: every contradiction at once."""

from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import pairwise
from typing import Any

from ml_server.errors import Detail
from ml_server.evidence import Applicability, Claims, Pattern, Spread, Threshold, UsualAnswers
from ml_server.inputs import Input, Scalar
from ml_server.inputs.date import Date
from ml_server.inputs.number import Number

_BINARY = 2


def problems(
    card: Claims,
    inputs: Sequence[Input],
    samples: Sequence[Mapping[str, Any]],
    *,
    files: Set[str],
    classes: Sequence[str],
    targets: Sequence[str],
    is_one_true: bool,
) -> Iterator[Detail]:
    """Yield what does not fit; `samples` are the features of the golden samples, `files` the names that are taken.

    `is_one_true` tells whether one of `classes` is, rather than any number of them; `targets` are the names of values.
    """
    known = {item.name: item for item in inputs}
    yield from _patterns(card, known)
    yield from _submodels(card, known, samples, files)
    yield from _positive(card, classes)
    if card.applicability is not None:
        yield from _applicability(card.applicability, known)
    if card.usual_answers is not None:
        yield from _usual_answers(card.usual_answers, classes, targets, is_one_true=is_one_true)


def _patterns(card: Claims, known: Mapping[str, Input]) -> Iterator[Detail]:
    submodels = {each.name for each in card.submodels}
    for number, pattern in enumerate(card.patterns):
        path = f"patterns[{number}]"
        lost = [name for name in pattern.missing if name not in known]
        needed = [name for name in pattern.missing if name in known and known[name].is_required]
        if lost:
            yield Detail(f"{path}.missing", f"names what is no input: {', '.join(lost)}")
        if needed:
            yield Detail(f"{path}.missing", f"names what has to be given: {', '.join(needed)}")
        if pattern.submodel is not None and pattern.submodel not in submodels:
            yield Detail(f"{path}.submodel", "is none of submodels")
        if card.limit is not None and card.limit.score not in pattern.scores:
            yield Detail(f"{path}.scores", f"has no {card.limit.score}, which limit is about")
        if pattern.spread is not None:
            yield from _spread(pattern.spread, f"{path}.spread")
    if card.limit is not None and not card.patterns:
        yield Detail("limit", "needs patterns with scores")


def _spread(spread: Spread, path: str) -> Iterator[Detail]:
    if not len(spread.at) == len(spread.low) == len(spread.high):
        yield Detail(path, "must have as many low and high as at")
    elif spread.at[0] != 0 or spread.at[-1] != 1 or any(a >= b for a, b in pairwise(spread.at)):
        yield Detail(f"{path}.at", "must rise from 0 to 1")
    elif any(not low <= at <= high for low, at, high in zip(spread.low, spread.at, spread.high, strict=True)):
        yield Detail(path, "must have each of at between its low and its high")


def _submodels(
    card: Claims, known: Mapping[str, Input], samples: Sequence[Mapping[str, Any]], files: Set[str]
) -> Iterator[Detail]:
    names = [each.name for each in card.submodels]
    if len(set(names)) != len(names):
        yield Detail("submodels", "two submodels have the same name")
    taken = set(files)
    asked = {submodel_of(card.patterns, missing_of(sample, known)) for sample in samples}
    for number, each in enumerate(card.submodels):
        path = f"submodels[{number}]"
        if each.file in taken:
            yield Detail(f"{path}.file", "is the name of another file of this model")
        taken.add(each.file)
        lost = [name for name in each.inputs if name not in known]
        if lost or len(set(each.inputs)) != len(each.inputs):
            yield Detail(f"{path}.inputs", f"names what is no input: {', '.join(lost)}" if lost else "names an input twice")
        whole = [name for name in each.inputs if name in known and not isinstance(known[name], Scalar)]
        if whole:
            yield Detail(f"{path}.inputs", f"names what is no single value: {', '.join(whole)}")
        if each.name not in asked:
            yield Detail("golden_samples", f"has none that the submodel {each.name} answers")


def missing_of(features: Mapping[str, Any], names: Mapping[str, Any]) -> list[str]:
    """Return the names of inputs that features do not give."""
    return [name for name in names if features.get(name) is None]


def fits(pattern: Pattern, missing: Sequence[str]) -> bool:
    """Tell whether a pattern is about requests that lack these."""
    most = len(pattern.missing) if pattern.at_most is None else pattern.at_most
    return len(missing) <= most and set(missing) <= set(pattern.missing)


def submodel_of(patterns: Sequence[Pattern], missing: Sequence[str]) -> str | None:
    """Return the submodel that answers a request which lacks these; None where the model itself does."""
    return next((pattern.submodel for pattern in patterns if fits(pattern, missing)), None)


def _positive(card: Claims, classes: Sequence[str]) -> Iterator[Detail]:
    if card.positive is not None:
        if len(classes) != _BINARY or card.positive not in classes:
            yield Detail("positive", "must be one of two classes")
        return
    told: list[list[Threshold]] = [each.thresholds for each in card.patterns] + [each.thresholds for each in card.subgroups]
    if any(told) or any(pattern.spread for pattern in card.patterns):
        yield Detail("positive", "is missing: thresholds and spread are about one of two classes")


def _applicability(claimed: Applicability, known: Mapping[str, Input]) -> Iterator[Detail]:
    path = "applicability"
    measured = [name for name in claimed.inputs if isinstance(known.get(name), Number | Date)]
    if measured != claimed.inputs or len(set(measured)) != len(measured):
        yield Detail(f"{path}.inputs", "must name inputs that are numbers or dates, each once")
    count = len(claimed.inputs)
    for key in ("center", "scale", "loadings", "own"):
        if len(getattr(claimed, key)) != count:
            yield Detail(f"{path}.{key}", f"must have one entry for each of the {count} inputs")
    if len({len(row) for row in claimed.loadings}) > 1:
        yield Detail(f"{path}.loadings", "must have as many factors for each input")
    if any(a > b for a, b in pairwise(claimed.quantiles)):
        yield Detail(f"{path}.quantiles", "must not fall")
    if not claimed.unusual <= claimed.refused:
        yield Detail(f"{path}.unusual", "must not be beyond refused")


def _usual_answers(usual: UsualAnswers, classes: Sequence[str], targets: Sequence[str], *, is_one_true: bool) -> Iterator[Detail]:
    path = "usual_answers"
    if usual.counts and (set(usual.counts) != set(classes) or not classes):
        yield Detail(f"{path}.counts", "must have one for each class or label, and for nothing else")
    elif usual.counts and is_one_true and sum(usual.counts.values()) != usual.rows:
        yield Detail(f"{path}.counts", "must be as many as rows together: each person has one likeliest class")
    elif any(count > usual.rows for count in usual.counts.values()):
        yield Detail(f"{path}.counts", "must not be more than rows")
    for name, histogram in usual.histograms.items():
        if name not in (*classes, *targets):
            yield Detail(f"{path}.histograms.{name}", "is about what is no class, label or target")
        elif len(histogram.edges) != len(histogram.counts) + 1 or any(a >= b for a, b in pairwise(histogram.edges)):
            yield Detail(f"{path}.histograms.{name}.edges", "must rise, and be one more than counts")
        elif sum(histogram.counts) != usual.rows:
            yield Detail(f"{path}.histograms.{name}.counts", "must be as many as rows together")
