"""From Python: a fitted estimator and the data that it was trained on, exported, compared with itself and packed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ml_server.packing.assembly import Packed, Wishes, pack_model
from ml_server.packing.assignment import card_name
from ml_server.packing.export import NUMBERS, export, is_matrix, kinds
from ml_server.packing.form import Said, read_form
from ml_server.packing.interpretation import Asked
from ml_server.packing.making_up import make_up
from ml_server.packing.refusal import PackingError
from ml_server.packing.saving import Saved, save
from ml_server.packing.table import Table, table_of
from ml_server.packing.unseen import Others
from ml_server.verification.findings import Finding

_HELD_OUT = "rows that were held out"


def pack(
    estimator: Any,
    X: Any,  # noqa: N803 - scikit-learn's names
    y: Any = None,
    *,
    name: str,
    version: str,
    held_out: tuple[Any, Any] | None = None,
    classes: Sequence[str] = (),
    out: Path | str = "packed",
    describe: Path | str | None = None,
) -> Saved:
    """Export an estimator, compare it with itself, and write its card and the form to `<out>/<name>`.

    `X` is a data frame or an array of shape (rows, columns), as it was trained on, with its missing values; `y` the target,
    a column for each if there are several. `held_out` is another X and y, not trained on, for honest scores. `classes` are
    better names for the classes, in the order of `estimator.classes_`.

    Raises:
        PackingError: it cannot be exported, or its export does not answer as it does; says what to do.
    """
    out = Path(out)
    form = out / name / "describe.toml" if describe is None else Path(describe)
    columns = _columns(X)
    targets = {} if y is None else _targets(y, [header for header, _ in columns])
    data = table_of({**dict(columns), **targets})
    predictions, task = _predictions(estimator, X)
    said = _with_codes(read_form(form) if form.exists() else Said(), columns if is_matrix(estimator) else ())
    wishes = Wishes(name, version, tuple(targets), {}, Asked(task=task, classes=classes), said, form.name)
    judged = None
    others = _made_up(estimator, X)
    if held_out is not None:
        held = _columns(held_out[0])
        judged = table_of({**dict(held), **_targets(held_out[1], [header for header, _ in held])})
        others = [*others, *_of_held_out(estimator, held_out[0], data)]
    packed = _packed(estimator, columns, wishes, data=data, predictions=predictions, held_out=judged, others=others)
    return save(packed, out, form)


def _packed(
    estimator: Any,
    columns: Sequence[tuple[str, Any]],
    wishes: Wishes,
    *,
    data: Table,
    predictions: Table,
    held_out: Table | None,
    others: Sequence[Others],
) -> Packed:
    """Return the first export that answers as the estimator; what is wrong with the first where none does."""
    first: PackingError | None = None
    for numbers in NUMBERS:
        try:
            content = export(estimator, kinds(columns), numbers)
            return pack_model(content, data, wishes, predictions=predictions, held_out=held_out, others=others)
        except PackingError as error:
            first = first or error
    assert first is not None  # noqa: S101 - there are kinds of numbers
    raise first


def _made_up(estimator: Any, features: Any) -> list[Others]:
    """Return people made up with what the estimator answers for them; none where it has no answer."""
    for are_between in (True, False):
        try:
            people = make_up(features, are_between=are_between)
            answers, _ = _predictions(estimator, people)
        except Exception:  # noqa: BLE001, S112 - whatever an estimator raises for a number that it takes for a category
            continue
        return [
            Others("people made up, with values halfway between those of the training", table_of(dict(_columns(people))), answers)
        ]
    return []


def _of_held_out(estimator: Any, features: Any, data: Table) -> list[Others]:
    """Return the rows that were held out with what the estimator answers for them; without those of which it knows a text
    not, as serving refuses them too.
    """
    table = table_of(dict(_columns(features)))
    try:
        return [Others(_HELD_OUT, table, _predictions(estimator, features)[0])]
    except Exception as error:  # noqa: BLE001 - whatever an estimator raises
        reason = error
    texts = [header for header, kind in kinds(_columns(features)) if kind == "text" and header in data.columns]
    known = {header: set(data.columns[header]) for header in texts}
    rows = [row for row in range(table.rows) if all(table.columns[header][row] in known[header] for header in texts)]
    try:
        kept = features.iloc[rows] if hasattr(features, "iloc") else np.asarray(features)[rows]
        answers, _ = _predictions(estimator, kept)
    except Exception:  # noqa: BLE001 - as above
        found = f"the estimator has no answer for it: {type(reason).__name__}: {str(reason).strip().partition(chr(10))[0][:300]}"
        remedy = "give rows with the columns and types that it was trained on"
        raise PackingError([Finding("held_out", found, "rows that it predicts", remedy)]) from None
    return [Others(_HELD_OUT, table.only(rows), answers)]


def _with_codes(said: Said, columns: Sequence[tuple[str, Any]]) -> Said:
    """Add the codes of pandas' categories, which LightGBM reads in their order."""
    inputs = dict(said.inputs)
    for header, values in columns:
        if str(values.dtype) == "category":
            name = card_name(header)
            codes = {str(category): float(code) for code, category in enumerate(values.cat.categories)}
            inputs[name] = {"codes": codes, **inputs.get(name, {})}
    return msgspec.structs.replace(said, inputs=inputs)


def _columns(features: Any) -> list[tuple[str, Any]]:
    """Return name and values of each column of a data frame or an array."""
    if hasattr(features, "columns"):
        return [(str(header), features[header]) for header in features.columns]
    values = np.asarray(features)
    if values.ndim != 2:
        raise PackingError([Finding("X", f"an array of {values.ndim} axes", "(rows, columns)", "give what it was trained on")])
    return [(f"x{number}", values[:, number]) for number in range(values.shape[1])]


def _targets(y: Any, taken: Sequence[str]) -> Mapping[str, Any]:
    if hasattr(y, "columns"):
        found = [(str(header), y[header]) for header in y.columns]
    else:
        values = np.asarray(y)
        header = getattr(y, "name", None)
        is_one = values.ndim == 1
        found = [(str(header or "target"), values)] if is_one else [(f"target_{n}", column) for n, column in enumerate(values.T)]
    return {f"{header}_" if header in taken else header: values for header, values in found}


def _predictions(estimator: Any, features: Any) -> tuple[Table, str | None]:
    """Return what the estimator itself answers, and the task where only it can tell."""
    if hasattr(estimator, "predict_proba"):
        found = estimator.predict_proba(features)
        if isinstance(found, list):  # of each label the probabilities of no and yes
            return table_of({f"label_{number}": pair[:, 1] for number, pair in enumerate(found)}), "multi_label"
        names = [str(value) for value in getattr(estimator, "classes_", range(found.shape[1]))]
        is_many = not np.allclose(found.sum(axis=1), 1)
        return table_of(dict(zip(names, found.T, strict=True))), "multi_label" if is_many else "classification"
    if hasattr(estimator, "classes_"):
        remedy = "put it into sklearn.calibration.CalibratedClassifierCV, or train it with probabilities"
        raise PackingError([Finding("estimator", "a classifier without predict_proba", "probabilities", remedy)])
    if hasattr(estimator, "predict"):
        values = np.asarray(estimator.predict(features))
        values = values.reshape(len(values), -1)
        return table_of({f"{number}": column for number, column in enumerate(values.T)}), "regression"
    values = np.asarray(estimator.transform(features))
    return table_of({f"{number}": column for number, column in enumerate(values.T)}), "embedding"
