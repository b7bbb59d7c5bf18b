from collections.abc import Sequence

import numpy as np

from ml_server.packing.columns import Column, Reads, Slot, read_column
from ml_server.packing.golden import TOLERANCE, choose
from ml_server.packing.missing import Policy
from ml_server.packing.table import table_of
from tests.ml_server.packing.models import COLUMNS, people

VALUES = people()


def columns(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = VALUES) -> list[Column]:
    table = table_of({name: values[:, place] for place, name in enumerate(COLUMNS)})
    found = []
    for name in COLUMNS:
        read = read_column(Slot(name, name, "features", "float32"), table.columns[name], table.lines, {}, may_guess=False)
        assert isinstance(read, Column)
        found.append(read)
    return found


def answer(weights: Sequence[float], reads: Sequence[Reads]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    logit = sum(weight * np.nan_to_num(read.astype(float)) for weight, read in zip(weights, reads, strict=True))
    p = 1 / (1 + np.exp(-np.asarray(logit)))
    return np.stack([1 - p, p], axis=1)


def chosen(weights: Sequence[float], policies: Sequence[Policy] | None = None, values: Reads = VALUES):  # type: ignore[no-untyped-def]
    own = columns(values)
    known = policies or [Policy("refuse", 0.0)] * len(own)
    answers = answer(weights, [column.reads for column in own])
    return choose(own, known, answers, lambda reads: answer(weights, reads), has_classes=True)


def test_classes_and_ends_are_covered() -> None:
    golden = chosen((1.0, -0.5, 0.3))
    assert {max(range(2), key=lambda place: sample.answer[place]) for sample in golden.samples} == {0, 1}
    for place in range(len(COLUMNS)):
        given = [sample.given[place] for sample in golden.samples]
        assert (min(given), max(given)) == (VALUES[:, place].min(), VALUES[:, place].max())


def test_an_exchange_of_columns_shows() -> None:
    weights = (1.0, 0.9, 0.3)
    golden = chosen(weights)
    for first, second in ((0, 1), (0, 2), (1, 2)):
        other = list(weights)
        other[first], other[second] = other[second], other[first]
        given = [np.array([sample.given[place] for sample in golden.samples]) for place in range(3)]
        wanted = np.array([sample.answer for sample in golden.samples])
        assert np.abs(answer(other, given) - wanted).max() > TOLERANCE


def test_missing_values_are_covered() -> None:
    values = VALUES.copy()
    values[::7, 1] = np.nan
    policies = [Policy("refuse", 0.0), Policy("nan", float("nan")), Policy("refuse", 0.0)]
    golden = chosen((1.0, -0.5, 0.3), policies, values)
    assert any(sample.given[1] is None for sample in golden.samples)
    assert all(sample.given[0] is not None for sample in golden.samples)


def test_nobodys_record_is_in_it() -> None:
    records = {tuple(row) for row in VALUES.tolist()}
    assert not records & {sample.given for sample in chosen((1.0, -0.5, 0.3)).samples}


def test_unseen_classes_are_told() -> None:
    assert chosen((1.0, 0.0, 0.3)).unseen_classes == ()
    assert chosen((0.0, 0.0, 0.0)).unseen_classes == (1,)
