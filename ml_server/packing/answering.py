"""What an estimator itself answers, and whether what was given is an estimator and data that go together."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ml_server.packing.refusal import PackingError
from ml_server.packing.table import Table, table_of
from ml_server.verification.findings import Finding

_FITTED = "a fitted estimator, and what it was trained on"
# Classes whose boosters answer and cannot be exported, by the library's name.
_WRAPPERS = {
    "lightgbm": "LGBMClassifier or LGBMRegressor (lightgbm.LGBMClassifier(...).fit(X, y))",
    "xgboost": "XGBClassifier or XGBRegressor (xgboost.XGBClassifier(...).fit(X, y))",
    "catboost": "the CatBoostClassifier itself, exported by its save_model(format='onnx'), to neuronova-model pack",
}


def check_estimator(estimator: Any) -> None:
    """Look at what was given as an estimator.

    Raises:
        PackingError: it is none; says what to give.
    """
    library = type(estimator).__module__.partition(".")[0]
    remedy = ""
    if isinstance(estimator, type):
        remedy = f"give a fitted one: {estimator.__name__}(...).fit(X, y)"
    elif library in _WRAPPERS and not hasattr(estimator, "fit"):
        remedy = f"give {_WRAPPERS[library]}"
    elif not hasattr(estimator, "predict") and not hasattr(estimator, "transform"):
        remedy = "give the fitted estimator itself (what joblib.load returns, not its path)"
    if remedy:
        name = estimator.__name__ if isinstance(estimator, type) else f"{library}.{type(estimator).__name__}"
        raise PackingError([Finding("estimator", f"a {name}", "a fitted estimator, as scikit-learn has them", remedy)])


def answers_of(estimator: Any, features: Any, field: str) -> tuple[Table, str | None]:
    """Return what the estimator itself answers, and the task where only it can tell; `field` names the rows in complaints.

    Raises:
        PackingError: it has no answer, or none that can be served.
    """
    try:
        return _answers(estimator, features)
    except PackingError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever an estimator raises
        words = str(error).strip().partition("\n")[0][:300]
        found = f"the estimator has no answer for it: {type(error).__name__}: {words}"
        remedy = f"{'fit it first, and ' if field == 'X' else ''}give the columns, types and categories that it was trained on"
        raise PackingError([Finding(field, found, _FITTED, remedy)]) from None


def _answers(estimator: Any, features: Any) -> tuple[Table, str | None]:
    if hasattr(estimator, "predict_proba"):
        found = estimator.predict_proba(features)
        if isinstance(found, list):  # of each label the probabilities of no and yes
            return table_of({f"label_{number}": pair[:, 1] for number, pair in enumerate(found)}, first=0), "multi_label"
        names = [str(value) for value in getattr(estimator, "classes_", range(found.shape[1]))]
        is_many = not np.allclose(found.sum(axis=1), 1)
        table = table_of(dict(zip(names, found.T, strict=True)), first=0)
        return table, "multi_label" if is_many else "classification"
    if hasattr(estimator, "classes_"):
        remedy = "put it into sklearn.calibration.CalibratedClassifierCV, or train it with probabilities"
        raise PackingError([Finding("estimator", "a classifier without predict_proba", "probabilities", remedy)])
    task = "regression" if hasattr(estimator, "predict") else "embedding"
    values = np.asarray(estimator.predict(features) if task == "regression" else estimator.transform(features))
    values = values.reshape(len(values), -1)
    return table_of({f"{number}": column for number, column in enumerate(values.T)}, first=0), task


def columns_of(features: Any, field: str) -> list[tuple[str, Any]]:
    """Return name and values of each column of a data frame or an array.

    Raises:
        PackingError: it is neither.
    """
    if hasattr(features, "columns"):
        return [(str(header), features[header]) for header in features.columns]
    values = np.asarray(features)
    if values.ndim != 2:
        raise PackingError([Finding(field, f"an array of {values.ndim} axes", "(rows, columns)", "give what it was trained on")])
    return [(f"x{number}", values[:, number]) for number in range(values.shape[1])]


def targets_of(y: Any, taken: Sequence[str], rows: int, field: str, names: Sequence[str] = ()) -> Mapping[str, Any]:
    """Return the columns of a target by name: those of `names` where there are as many.

    Raises:
        PackingError: it has not as many values as there are rows.
    """
    if hasattr(y, "columns"):
        found = [(str(header), y[header]) for header in y.columns]
    else:
        values = np.asarray(y)
        header = getattr(y, "name", None)
        is_one = values.ndim == 1
        columns = [] if is_one or values.ndim != 2 else list(values.T)
        found = [(str(header or "target"), values)] if is_one else [(f"target_{n}", column) for n, column in enumerate(columns)]
    lengths = {len(values) for _, values in found}
    if lengths != {rows}:
        told = f"{next(iter(lengths))} values" if lengths else "no column of values"
        remedy = "give X and y of the same split, as they come out of train_test_split"
        raise PackingError([Finding(field, told, f"{rows}, one for each row of X", remedy)])
    if len(names) == len(found):
        return dict(zip(names, (values for _, values in found), strict=True))
    return {f"{header}_" if header in taken else header: values for header, values in found}
