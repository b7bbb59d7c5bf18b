import numpy as np
import onnxruntime as ort
import pytest

from ml_server.card import Card
from ml_server.config import BUNDLED_MODELS
from ml_server.errors import BrokenModelError, PredictionTimeoutError
from ml_server.runtimes import load_runtime
from tests.ml_server.conftest import NAME, VERSION, slow_model

BUNDLED = (BUNDLED_MODELS / NAME / VERSION / "model.onnx").read_bytes()


def test_the_probabilities_are_those_of_a_bare_session(card: Card) -> None:
    rows = [[sample.features.get(wanted.name, wanted.median) for wanted in card.inputs] for sample in card.golden_samples]
    bare = ort.InferenceSession(BUNDLED).run(["probabilities"], {"features": np.array(rows, dtype=np.float32)})[0]
    runtime = load_runtime("onnx", BUNDLED, input_count=len(card.inputs), class_count=2)
    assert runtime.run(rows, 10) == bare.tolist()


def test_a_run_that_takes_too_long_is_given_up() -> None:
    runtime = load_runtime("onnx", slow_model(), input_count=1, class_count=2)
    with pytest.raises(PredictionTimeoutError, match=r"longer than 0\.05 s"):
        runtime.run([[1e12]], 0.05)
    assert runtime.run([[1.0]], 10) == [[0.5, 0.5]]


def test_what_is_no_onnx_is_refused() -> None:
    with pytest.raises(BrokenModelError, match="onnxruntime cannot load the model"):
        load_runtime("onnx", b"pickle", input_count=1, class_count=2)


def test_a_model_with_other_inputs_than_its_card_is_refused() -> None:
    with pytest.raises(BrokenModelError, match=r"shape \(n, 14\)"):
        load_runtime("onnx", BUNDLED, input_count=14, class_count=2)


def test_a_model_with_other_classes_than_its_card_is_refused() -> None:
    with pytest.raises(BrokenModelError, match=r"'probabilities' of shape \(n, 3\)"):
        load_runtime("onnx", BUNDLED, input_count=15, class_count=3)


@pytest.mark.parametrize("kind", ["onxx", "pickles", "__init__"])
def test_an_unknown_runtime_is_refused_with_those_that_there_are(kind: str) -> None:
    with pytest.raises(BrokenModelError, match=r"is not known; allowed: .*onnx"):
        load_runtime(kind, BUNDLED, input_count=15, class_count=2)
