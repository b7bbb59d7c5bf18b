"""LightGBM's and XGBoost's models, exported by onnxmltools, and CatBoost's, which exports itself."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import catboost
import lightgbm
import numpy as np
import onnxmltools
import pandas as pd
import xgboost
from onnxmltools.convert.common.data_types import FloatTensorType

from tests.exports.case import Case
from tests.exports.patients import NUMBERS, is_sick, people, severity, stay, without_some

_OPSET = 15
_LIGHTGBM = f"LightGBM {lightgbm.__version__}, onnxmltools {onnxmltools.__version__}"
_XGBOOST = f"XGBoost {xgboost.__version__}, onnxmltools {onnxmltools.__version__}"
_CATBOOST = f"CatBoost {catboost.__version__}"
_LEAVES = {"n_estimators": 10, "num_leaves": 6, "min_child_samples": 5, "random_state": 1, "n_jobs": 1, "verbose": -1}
_DEPTH = {"n_estimators": 10, "max_depth": 3, "random_state": 1, "n_jobs": 1}


def cases() -> Iterator[Case]:
    """All of them."""
    frame = without_some(people(seed=6)[NUMBERS], NUMBERS, seed=61)
    yield from _lightgbm(frame)
    yield from _xgboost(frame)
    yield from _catboost(frame)


def _export(
    name: str,
    about: str,
    estimator: Any,
    inputs: pd.DataFrame,
    truth: pd.Series,
    *,
    made_by: str,
    model: Any = None,
    refused: tuple[str, ...] = (),
    **options: Any,
) -> Case:
    convert = onnxmltools.convert_lightgbm if made_by == _LIGHTGBM else onnxmltools.convert_xgboost
    if model is None:
        types = [("input", FloatTensorType([None, len(inputs.columns)]))]
        model = convert(estimator, name=name, initial_types=types, target_opset=_OPSET, **options).SerializeToString()
    is_classifier = hasattr(estimator, "predict_proba")
    return Case(
        name=name,
        about=about,
        made_by=made_by,
        model=model,
        rows=pd.concat([inputs, truth], axis=1),
        reference=None if refused else _reference(estimator, inputs, truth),
        told={"target": truth.name},
        expected={} if refused else {"task": "classification" if is_classifier else "regression"},
        refused=refused,
    )


def _reference(estimator: Any, inputs: pd.DataFrame, truth: pd.Series) -> pd.DataFrame:
    if hasattr(estimator, "predict_proba"):
        return pd.DataFrame(
            estimator.predict_proba(inputs.to_numpy()), columns=[str(name) for name in np.ravel(estimator.classes_)]
        )
    return pd.DataFrame({truth.name: estimator.predict(inputs.to_numpy())})


def _lightgbm(frame: pd.DataFrame) -> Iterator[Case]:
    whole = people(seed=6)
    values, sick, severe, nights = frame.to_numpy(), is_sick(whole, 6), severity(whole, 6), stay(whole, 6)
    yield _export(
        "lgbm_zipmap_nan",
        "missing values, whose side of each split was learnt; a sequence of maps",
        lightgbm.LGBMClassifier(**_LEAVES).fit(values, sick),
        frame,
        sick,
        made_by=_LIGHTGBM,
    )
    graded = pd.Series(severe.map({"mild": 0, "moderate": 1, "severe": 2}), name="grade")
    yield _export(
        "lgbm_three_nan",
        "three classes as one matrix, missing values learnt",
        lightgbm.LGBMClassifier(**_LEAVES).fit(values, graded),
        frame,
        graded,
        made_by=_LIGHTGBM,
        zipmap=False,
    )
    yield _export(
        "lgbm_number_nan",
        "one number, missing values learnt",
        lightgbm.LGBMRegressor(**_LEAVES).fit(values, nights),
        frame,
        nights,
        made_by=_LIGHTGBM,
    )
    ranker = lightgbm.LGBMRanker(**_LEAVES).fit(values, graded, group=[20] * (len(graded) // 20))
    ranked = _export("lgbm_ranker", "", ranker, frame, graded.rename("score"), made_by=_LIGHTGBM)
    yield replace(
        ranked,
        about="a ranker's scores: numbers that have no truth to be compared with",
        rows=frame,
        told={"task": "regression"},
    )


def _xgboost(frame: pd.DataFrame) -> Iterator[Case]:
    whole = people(seed=6)
    values, sick, severe, nights = frame.to_numpy(), is_sick(whole, 6), severity(whole, 6), stay(whole, 6)
    graded = pd.Series(severe.map({"mild": 0, "moderate": 1, "severe": 2}), name="grade")
    for name, about, estimator, truth in (
        ("xgb_two_nan", "two classes, missing values learnt", xgboost.XGBClassifier(**_DEPTH), sick),
        ("xgb_three_nan", "three classes, missing values learnt", xgboost.XGBClassifier(**_DEPTH), graded),
        ("xgb_number_nan", "one number, missing values learnt", xgboost.XGBRegressor(**_DEPTH), nights),
    ):
        yield _export(name, about, estimator.fit(values, truth), frame, truth, made_by=_XGBOOST)
    native = xgboost.XGBClassifier(**_DEPTH | {"n_estimators": 2}).fit(values, sick)
    yield _export(
        "no_xgboost_own_format",
        "XGBoost's own format under the name of an ONNX file",
        native,
        frame,
        sick,
        made_by=_XGBOOST,
        model=bytes(native.get_booster().save_raw("json")),
        refused=("ONNX",),
    )


def _catboost(frame: pd.DataFrame) -> Iterator[Case]:
    whole = people(seed=6)
    numbers, sick, nights = whole[NUMBERS].astype(float), is_sick(whole, 6), stay(whole, 6)
    settings: Mapping[str, Any] = {"iterations": 10, "depth": 3, "random_seed": 1, "verbose": False, "allow_writing_files": False}
    for name, about, estimator, truth in (
        ("cat_two", "two classes, a sequence of maps as CatBoost writes it", catboost.CatBoostClassifier(**settings), sick),
        ("cat_number", "one number", catboost.CatBoostRegressor(**settings), nights),
    ):
        estimator.fit(numbers.to_numpy(), truth)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "model.onnx"
            estimator.save_model(str(path), format="onnx")
            model = path.read_bytes()
        yield _export(name, about, estimator, numbers, truth, made_by=_CATBOOST, model=model)
