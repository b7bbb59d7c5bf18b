"""Keras's networks, exported by itself."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import pandas as pd

from tests.exports.case import Case
from tests.exports.patients import NUMBERS, SEVERITIES, is_sick, people, severity, stay

_MADE_BY = f"Keras {keras.__version__}"


def cases() -> Iterator[Case]:
    """All of them."""
    keras.utils.set_random_seed(1)
    frame = people(seed=12)
    numbers, sick, severe, nights = frame[NUMBERS], is_sick(frame, 12), severity(frame, 12), stay(frame, 12)
    values = numbers.to_numpy(dtype=np.float32)
    one = _fit(numbers, keras.layers.Dense(1, "sigmoid"), "binary_crossentropy", sick.to_numpy(dtype=np.float32))
    chance = one.predict(values, verbose=0)[:, 0]
    yield Case(
        name="keras_one_sigmoid",
        about="one sigmoid column for two classes",
        made_by=_MADE_BY,
        model=export(one),
        rows=numbers.join(sick),
        reference=pd.DataFrame({"0": 1 - chance, "1": chance}),
        told={"target": "is_sick"},
        expected={"task": "classification"},
    )
    codes = severe.map(SEVERITIES.index).to_numpy()
    three = _fit(numbers, keras.layers.Dense(3, "softmax"), "sparse_categorical_crossentropy", codes)
    yield Case(
        name="keras_softmax",
        about="three classes, whose order only a person knows",
        made_by=_MADE_BY,
        model=export(three),
        rows=numbers.join(severe),
        reference=pd.DataFrame(three.predict(values, verbose=0), columns=SEVERITIES),
        told={"target": "severity", "classes": SEVERITIES},
        expected={"task": "classification"},
    )
    line = _fit(numbers, keras.layers.Dense(1), "mse", nights.to_numpy(dtype=np.float32))
    yield Case(
        name="keras_number",
        about="one number",
        made_by=_MADE_BY,
        model=export(line),
        rows=numbers.join(nights),
        reference=pd.DataFrame(line.predict(values, verbose=0), columns=["stay_days"]),
        told={"target": "stay_days"},
        expected={"task": "regression"},
    )
    parts = [keras.layers.Input((1,), name=name) for name in NUMBERS]
    joined = keras.layers.BatchNormalization(momentum=0.5)(keras.layers.Concatenate()(parts))
    by_name = keras.Model(parts, keras.layers.Dense(3, "softmax")(keras.layers.Dense(8, "relu")(joined)))
    by_name.compile(optimizer=keras.optimizers.Adam(0.03), loss="sparse_categorical_crossentropy")
    columns = [values[:, [place]] for place in range(len(NUMBERS))]
    by_name.fit(columns, codes, epochs=60, batch_size=len(values), verbose=0)
    yield Case(
        name="keras_named_inputs",
        about="an input of its own for each column",
        made_by=_MADE_BY,
        model=export(by_name),
        rows=numbers.join(severe),
        reference=pd.DataFrame(by_name.predict(columns, verbose=0), columns=SEVERITIES),
        told={"target": "severity", "classes": SEVERITIES},
        expected={"task": "classification"},
    )
    adapted = keras.layers.Normalization()
    adapted.adapt(values)
    lost = _fit(numbers, keras.layers.Dense(1, "sigmoid"), "binary_crossentropy", sick.to_numpy(dtype=np.float32), adapted)
    yield Case(
        name="no_keras_lost_constants",
        about="tf2onnx makes inputs of the means and deviations of a Normalization layer: their values are lost",
        made_by=_MADE_BY,
        model=export(lost),
        rows=numbers.join(sick),
        told={"target": "is_sick"},
        refused=("normalization", "columns"),
    )


def _fit(numbers: pd.DataFrame, last: Any, loss: str, truth: Any, scale: Any = None) -> Any:
    values = numbers.to_numpy(dtype=np.float32)
    scale = scale or keras.layers.BatchNormalization(momentum=0.5)
    network = keras.Sequential([keras.layers.Input((len(NUMBERS),)), scale, keras.layers.Dense(8, "relu"), last])
    network.compile(optimizer=keras.optimizers.Adam(0.03), loss=loss)
    network.fit(values, truth, epochs=60, batch_size=len(values), verbose=0)
    return network


def export(network: Any) -> bytes:
    """Export as Keras does it."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model.onnx"
        network.export(str(path), format="onnx", verbose=False)
        return path.read_bytes()
