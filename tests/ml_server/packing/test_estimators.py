"""Fitted estimators of scikit-learn are exported, compared with themselves and packed."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from ml_server.packing import PackingError, Saved, pack
from ml_server.repository import read_version
from ml_server.schemas import check_features

NUMBERS, WORDS = ["age", "blood pressure"], ["sex", "ward"]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


def patients(rows: int = 200) -> pd.DataFrame:
    """Numbers, words and truths; some of the second number and of the second word are missing."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.integers(20, 90, rows),
            "blood pressure": rng.normal(120, 15, rows).round(1),
            "sex": rng.choice(["F", "M"], rows),
            "ward": rng.choice(["er", "icu", "general"], rows),
            "is_smoker": rng.random(rows) < 0.3,
        }
    )
    frame.loc[rng.random(rows) < 0.1, "blood pressure"] = np.nan
    frame["ward"] = frame["ward"].where(rng.random(rows) > 0.1)
    return frame


PATIENTS = patients()
RISK = PATIENTS["age"] + 20 * (PATIENTS["sex"] == "M") + 15 * PATIENTS["is_smoker"]
OUTCOME = (RISK > 70).map({True: "sick", False: "well"}).rename("outcome")
COMPLETE = PATIENTS[["age", "is_smoker"]]


def pipeline(words: Any, last: Any) -> Pipeline:
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = [("numbers", numbers, NUMBERS), ("words", words, WORDS), ("truths", "passthrough", ["is_smoker"])]
    return Pipeline([("columns", ColumnTransformer(columns)), ("last", last)])


def packed(tmp_path: Path, estimator: Any, features: Any = PATIENTS, y: Any = OUTCOME, **more: Any) -> Saved:
    if y is None:
        estimator.fit(features)
    else:
        estimator.fit(features, y)
    return pack(estimator, features, y, name="model", version="1.0.0", out=tmp_path, **more)


@pytest.mark.parametrize(
    "words",
    [
        OneHotEncoder(handle_unknown="ignore"),
        make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")),
        make_pipeline(SimpleImputer(strategy="constant", fill_value="missing"), OneHotEncoder(handle_unknown="ignore")),
    ],
    ids=["missing is a category", "the commonest", "a word for it"],
)
def test_words_and_missing_values_are_packed(tmp_path: Path, words: Any) -> None:
    """Whatever the pipeline does with a missing word: the card says that the model knows it."""
    card = packed(tmp_path, pipeline(words, LogisticRegression(max_iter=1000))).packed.card
    assert {item["name"]: (item["type"], item["missing"]) for item in card["inputs"]} == {
        "age": ("number", "refuse"),
        "blood_pressure": ("number", "nan"),
        "sex": ("category", "refuse"),
        "ward": ("category", "nan"),
        "is_smoker": ("boolean", "refuse"),
    }
    assert card["classes"] == ["sick", "well"]


def test_trees_behind_a_scaler_agree(tmp_path: Path) -> None:
    """In float32 the scaler's rounding puts some people on the other side of a split: the export calculates in float64."""
    saved = packed(tmp_path, pipeline(OneHotEncoder(handle_unknown="ignore"), RandomForestClassifier(20, random_state=0)))
    assert "the answers are those of the reference predictions to 1e-05" in saved.packed.notes


@pytest.mark.parametrize(
    ("estimator", "y", "task"),
    [
        (LinearRegression(), RISK.rename("risk"), "regression"),
        (LinearRegression(), pd.DataFrame({"a": RISK, "b": 2.0 * COMPLETE["age"]}), "regression"),
        (
            RandomForestClassifier(5, random_state=0),
            pd.DataFrame({"a": RISK > 70, "b": COMPLETE["is_smoker"]}).astype(int),
            "multi_label",
        ),
        (MultiOutputClassifier(LogisticRegression()), pd.DataFrame({"a": RISK > 70, "b": RISK > 50}).astype(int), "multi_label"),
        (PCA(2), None, "embedding"),
        (make_pipeline(StandardScaler(), LogisticRegression()), OUTCOME, "classification"),
    ],
    ids=["a number", "numbers", "labels of a forest", "labels one by one", "a vector", "classes"],
)
def test_tasks_are_those_of_the_estimator(tmp_path: Path, estimator: Any, y: Any, task: str) -> None:
    assert packed(tmp_path, estimator, COMPLETE.assign(x=RISK * 0.5), y).packed.card["task"] == task


def test_columns_of_pandas_own_types_are_read(tmp_path: Path) -> None:
    own = PATIENTS.astype({"age": "Int64", "is_smoker": "boolean", "ward": "string", "sex": "category"})
    columns = [("numbers", make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS), ("sex", OneHotEncoder(), ["sex"])]
    card = packed(tmp_path, make_pipeline(ColumnTransformer(columns), LogisticRegression()), own).packed.card
    assert [item["missing"] for item in card["inputs"]] == ["refuse", "nan", "refuse", "nan", "refuse"]


def test_a_search_is_its_best_estimator(tmp_path: Path) -> None:
    search = GridSearchCV(pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()), {"last__C": [0.1, 1.0]}, cv=2)
    assert packed(tmp_path, search).packed.card["classes"] == ["sick", "well"]


def test_arrays_have_numbered_columns(tmp_path: Path) -> None:
    saved = packed(tmp_path, LogisticRegression(), COMPLETE.to_numpy(float), (RISK > 70).to_numpy())
    assert [item["name"] for item in saved.packed.card["inputs"]] == ["x0", "x1"]


def test_a_filled_form_ends_it(tmp_path: Path) -> None:
    """The same call, twice: the second reads what was filled in, and the card is one that a server reads."""
    estimator = make_pipeline(StandardScaler(), LogisticRegression())
    form = packed(tmp_path, estimator, COMPLETE).form
    form.write_text(form.read_text("utf-8").replace('""', '"as said"'), "utf-8")
    saved = packed(tmp_path, estimator, COMPLETE)
    assert "Nothing is left open" in str(saved)
    card = read_version(saved.directory, "model", "1.0.0").card
    assert card is not None
    assert check_features({"age": 64, "is_smoker": True}, card).values == (64.0, 1.0)


def test_held_out_people_are_scored(tmp_path: Path) -> None:
    held_out = (COMPLETE[:50], OUTCOME[:50])
    scores = packed(tmp_path, LogisticRegression(), COMPLETE, held_out=held_out).packed.card["scores"]
    assert scores["roc_auc"]["over"] == "50 rows that were not trained on"


def test_held_out_people_give_an_interval(tmp_path: Path) -> None:
    """From the rows that were trained on it would be too narrow, so there is none."""
    risk = (RISK + np.random.default_rng(0).normal(0, 5, len(RISK))).rename("risk")
    (target,) = packed(tmp_path, LinearRegression(), COMPLETE, risk, held_out=(COMPLETE, risk)).packed.card["targets"]
    assert target["interval"]["coverage"] == 0.9
    assert "interval" not in packed(tmp_path, LinearRegression(), COMPLETE, risk).packed.card["targets"][0]


def test_exporters_are_imported_when_asked() -> None:
    """Serving needs none of them, nor does packing a file."""
    code = "import sys, ml_server.cli.pack; print({'sklearn', 'skl2onnx', 'onnx', 'pandas', 'lightgbm'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    ("estimator", "words"),
    [
        (LinearSVC(), "CalibratedClassifierCV"),
        (FunctionTransformer(np.log1p), "FunctionTransformer"),
        (CalibratedClassifierCV(LogisticRegression(), method="isotonic", cv=2), r"reference(.|\n)* row \d(.|\n)*sigmoid"),
    ],
    ids=["no probabilities", "not exported", "an export that is wrong"],
)
def test_what_cannot_be_served_is_refused(tmp_path: Path, estimator: Any, words: str) -> None:
    with pytest.raises(PackingError, match=words):
        packed(tmp_path, estimator, COMPLETE)
    assert not list(tmp_path.rglob("model.json"))


def test_trees_that_ask_for_missing_are_refused(tmp_path: Path) -> None:
    """The exporter would search for a float next to infinity for ever."""
    holes = PATIENTS[NUMBERS].assign(age=PATIENTS["age"].where(PATIENTS["sex"] == "M"))
    with pytest.raises(PackingError, match="SimpleImputer"):
        packed(tmp_path, RandomForestClassifier(5, random_state=0), holes, PATIENTS["sex"])


def test_other_names_of_classes_are_noted(tmp_path: Path) -> None:
    """Nobody can tell whether 0 is well, unless the target says well."""
    estimator, numbers = LogisticRegression(max_iter=1000), (RISK > 70).astype(int)
    notes = packed(tmp_path, estimator, COMPLETE, numbers, classes=("well", "sick")).packed.notes
    assert any("0 is well, 1 is sick; neither target nor reference has these names" in note for note in notes)
    with pytest.raises(PackingError, match="the model's own order: sick, well"):
        packed(tmp_path, estimator, COMPLETE, OUTCOME, classes=("well", "sick"))
