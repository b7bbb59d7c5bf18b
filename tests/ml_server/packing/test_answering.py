"""What is given to `pack` and does not go together is told in words, not by a traceback of somebody else's."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from ml_server.packing import PackingError, pack
from ml_server.packing.exporters import known_faults

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
X = pd.DataFrame({"age": np.arange(100.0), "crp": np.arange(100.0)[::-1] / 7})
Y = pd.Series(["well", "sick"] * 50, name="outcome")


def packed(tmp_path: Path, *, features: Any = X, y: Any = Y, estimator: Any = None, **more: Any) -> str:
    fitted = LogisticRegression().fit(X, Y) if estimator is None else estimator
    return str(pack(fitted, features, y, name="m", version="1.0.0", out=tmp_path, **more))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"y": Y[:50]}, "50 values(.|\n)*100, one for each row of X"),
        ({"held_out": (X[:20], Y[:19])}, "held_out's y(.|\n)*19 values(.|\n)*20"),
        ({"y": None, "held_out": (X, Y)}, "X_train has none"),
        ({"held_out": (X, None)}, "X_train has one"),
        ({"held_out": X}, "held_out=\\(X_test, y_test\\)"),
        ({"held_out": (X[["age"]], Y)}, "held_out(.|\n)*the estimator has no answer"),
        ({"estimator": "model.joblib"}, "not its path"),
        ({"estimator": LogisticRegression}, "LogisticRegression\\(...\\).fit"),
        ({"estimator": LogisticRegression()}, "fit it first"),
        ({"features": X.to_numpy()[0]}, "an array of 1 axes|no answer"),
    ],
    ids=["y", "held-out y", "no y", "no held-out y", "no pair", "columns", "a path", "a class", "not fitted", "a row"],
)
def test_what_does_not_go_together_is_told(tmp_path: Path, given: dict[str, Any], words: str) -> None:
    with pytest.raises(PackingError, match=words) as caught:
        packed(tmp_path, **given)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_boosters_of_other_libraries_are_told(tmp_path: Path) -> None:
    booster = type("Booster", (), {"__module__": "lightgbm.basic", "predict": lambda _, features: features})()
    with pytest.raises(PackingError, match="LGBMClassifier or LGBMRegressor"):
        packed(tmp_path, estimator=booster)


def test_held_out_targets_need_no_name(tmp_path: Path) -> None:
    assert "fields only a person" in packed(tmp_path, held_out=(X[:20], Y[:20].to_numpy()))


def test_decimals_are_numbers(tmp_path: Path) -> None:
    features = X.assign(age=[Decimal(str(value)) for value in X["age"]])
    assert "Written" in packed(tmp_path, features=features)


def test_steps_that_exporters_get_wrong_are_named() -> None:
    words = pd.DataFrame({"ward": ["er", None, "icu", "er"]}, dtype=object)
    assert "encoded_missing_value=-1" in known_faults(make_pipeline(OrdinalEncoder().fit(words), LogisticRegression()))
    assert not known_faults(OrdinalEncoder(encoded_missing_value=-1).fit(words))
    assert "KNNImputer" in known_faults(make_pipeline(KNNImputer(), SimpleImputer(add_indicator=True)))
    assert "add_indicator" in known_faults(SimpleImputer(add_indicator=True))
