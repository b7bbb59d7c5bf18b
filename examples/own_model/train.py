"""A pipeline as a data scientist has it (text columns, missing values), trained, exported and packed.

Run it in the environment that you train in, which needs pandas and this project with its extra for scikit-learn:

    pip install pandas '.[sklearn]'
    python examples/own_model/train.py

The people are made up: there is nothing to be learnt from them.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

HERE = Path(__file__).parent
NUMBERS, TEXTS = ["age", "crp", "albumin"], ["sex", "ward"]


def people(count: int, seed: int) -> pd.DataFrame:
    """Return made-up patients, some without a laboratory value, and whether each went home or to another hospital."""
    chance = np.random.default_rng(seed)
    data = pd.DataFrame(
        {
            "age": chance.integers(18, 95, count),
            "crp": np.round(chance.lognormal(2.5, 0.9, count), 1),
            "albumin": np.round(chance.normal(38, 5, count), 1),
            "sex": chance.choice(["F", "M"], count),
            "ward": chance.choice(["internal", "surgery", "neurology"], count, p=[0.5, 0.3, 0.2]),
        }
    )
    risk = 0.04 * (data["age"] - 60) + 0.03 * (data["crp"] - 20) - 0.1 * (data["albumin"] - 38)
    risk += data["ward"].map({"internal": 0.0, "surgery": -0.5, "neurology": 1.0})
    data["outcome"] = np.where(chance.random(count) < 1 / (1 + np.exp(-risk)), "transfer", "home")
    for name, share in (("crp", 0.15), ("albumin", 0.2)):
        data.loc[chance.random(count) < share, name] = np.nan
    return data


def train(data: pd.DataFrame) -> Pipeline:
    """Return a fitted pipeline."""
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), NUMBERS),
        (OneHotEncoder(handle_unknown="ignore"), TEXTS),
    )
    model: Pipeline = make_pipeline(columns, LogisticRegression(max_iter=1000))
    model.fit(data[NUMBERS + TEXTS], data["outcome"])
    return model


def main() -> None:
    """Write the model, the data and the library's own predictions: what `neuronova-model pack` asks for."""
    data = people(300, seed=1)
    model = train(data)
    types = [(name, FloatTensorType([None, 1])) for name in NUMBERS] + [(name, StringTensorType([None, 1])) for name in TEXTS]
    exported = convert_sklearn(model, initial_types=types, target_opset={"": 18, "ai.onnx.ml": 3})
    (HERE / "model.onnx").write_bytes(exported.SerializeToString())
    data.to_csv(HERE / "train.csv", index=False)
    predictions = pd.DataFrame(model.predict_proba(data[NUMBERS + TEXTS]), columns=model.classes_)
    predictions.to_csv(HERE / "predictions.csv", index=False)
    people(150, seed=2).to_csv(HERE / "held_out.csv", index=False)


if __name__ == "__main__":
    main()
