"""From Python: a fitted estimator and the data that it was trained on, exported, compared with itself and packed."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ml_server.packing.answering import answers_of, check_estimator, columns_of, targets_of
from ml_server.packing.assembly import Packed, Wishes, pack_model
from ml_server.packing.assignment import card_name
from ml_server.packing.export import NUMBERS, export, is_matrix, kinds
from ml_server.packing.exporters import known_faults
from ml_server.packing.form import Said, read_form
from ml_server.packing.interpretation import Asked
from ml_server.packing.making_up import make_up
from ml_server.packing.refusal import PackingError
from ml_server.packing.saving import Saved, begin_form, save
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
    check_estimator(estimator)
    out = Path(out)
    form = out / name / "describe.toml" if describe is None else Path(describe)
    columns = columns_of(X, "X")
    headers = [header for header, _ in columns]
    targets = {} if y is None else targets_of(y, headers, len(X), "y")
    data = table_of({**dict(columns), **targets}, first=0)
    predictions, task = answers_of(estimator, X, "X")
    said = _with_codes(read_form(form) if form.exists() else Said(), columns if is_matrix(estimator) else ())
    wishes = Wishes(name, version, tuple(targets), {}, Asked(task=task, classes=classes), said, form.name)
    judged = None
    others = _made_up(estimator, X)
    if held_out is not None:
        features, truth = _held_out(held_out, has_target=y is not None)
        held = dict(columns_of(features, "held_out"))
        if truth is not None:
            told = targets_of(truth, headers, len(features), "held_out's y", names=list(targets))
            judged = table_of({**held, **told}, first=0)
        others = [*others, *_of_held_out(estimator, features, data)]
    try:
        packed = _packed(estimator, columns, wishes, data=data, predictions=predictions, held_out=judged, others=others)
    except PackingError as error:
        refusal = PackingError([_in_words_of_frames(finding, estimator) for finding in error.findings], error.inputs)
        begin_form(refusal, form)
        raise refusal from None
    return save(packed, out, form)


def _held_out(given: Any, *, has_target: bool) -> tuple[Any, Any]:
    """Return X and y of the rows that were held out.

    Raises:
        PackingError: it is no pair of them, or has a y where the training has none, or the other way round.
    """
    is_pair = isinstance(given, tuple | list) and len(given) == 2
    if is_pair and (given[1] is not None) is has_target:
        return given[0], given[1]
    found = (
        "no pair of X and y" if not is_pair else f"{'no y, and X_train has one' if has_target else 'a y, and X_train has none'}"
    )
    remedy = "say pack(estimator, X_train, y_train, held_out=(X_test, y_test))"
    raise PackingError([Finding("held_out", found, "X and y, as for the training", remedy)])


def _in_words_of_frames(finding: Finding, estimator: Any) -> Finding:
    """Return a finding with the steps that exporters get wrong, and with rows, as a data frame has no lines."""
    faults = known_faults(estimator) if finding.field.endswith("reference") and "scaler" not in finding.remedy else ""
    found = re.sub(r"\bline (?=\d)", "row ", finding.found)
    return Finding(finding.field, found, finding.wanted, faults or finding.remedy, finding.is_warning)


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
    raise PackingError(first.findings, first.inputs)


def _made_up(estimator: Any, features: Any) -> list[Others]:
    """Return people made up with what the estimator answers for them; none where it has no answer."""
    for are_between in (True, False):
        try:
            people = make_up(features, are_between=are_between)
            answers, _ = answers_of(estimator, people, "X")
        except Exception:  # noqa: BLE001, S112 - whatever an estimator raises for a number that it takes for a category
            continue
        return [
            Others(
                "people made up, with values halfway between those of the training",
                table_of(dict(columns_of(people, "X")), first=0),
                answers,
            )
        ]
    return []


def _of_held_out(estimator: Any, features: Any, data: Table) -> list[Others]:
    """Return the rows that were held out with what the estimator answers for them; without those of which it knows a text
    not, as serving refuses them too.
    """
    columns = columns_of(features, "held_out")
    table = table_of(dict(columns), first=0)
    try:
        return [Others(_HELD_OUT, table, answers_of(estimator, features, "held_out")[0])]
    except PackingError as error:
        texts = [header for header, kind in kinds(columns) if kind == "text" and header in data.columns]
        known = {header: set(data.columns[header]) for header in texts}
        rows = [row for row in range(table.rows) if all(table.columns[header][row] in known[header] for header in texts)]
        if len(rows) in {0, table.rows}:
            raise PackingError(error.findings) from None
    kept = features.iloc[rows] if hasattr(features, "iloc") else np.asarray(features)[rows]
    return [Others(_HELD_OUT, table.only(rows), answers_of(estimator, kept, "held_out")[0])]


def _with_codes(said: Said, columns: Sequence[tuple[str, Any]]) -> Said:
    """Add the codes of pandas' categories, which LightGBM reads in their order."""
    inputs = dict(said.inputs)
    for header, values in columns:
        if str(values.dtype) == "category":
            name = card_name(header)
            codes = {str(category): float(code) for code, category in enumerate(values.cat.categories)}
            inputs[name] = {"codes": codes, **inputs.get(name, {})}
    return msgspec.structs.replace(said, inputs=inputs)
