import numpy as np
import onnxruntime as ort
import pytest

from ml_server.card import Card
from ml_server.config import BUNDLED_MODELS
from ml_server.errors import BrokenModelError, PredictionTimeoutError
from ml_server.runtimes import load_runtime
from tests.ml_server.conftest import NAME, VERSION, slow_model

BUNDLED = (BUNDLED_MODELS / NAME / VERSION / "model.onnx").read_bytes()


def test_probabilities_are_onnxruntimes(card: Card) -> None:
    """The probabilities are those of a bare session."""
    rows = [[sample.features.get(wanted.name, wanted.median) for wanted in card.inputs] for sample in card.golden_samples]
    bare = ort.InferenceSession(BUNDLED).run(["probabilities"], {"features": np.array(rows, dtype=np.float32)})[0]
    runtime = load_runtime("onnx", BUNDLED, input_count=len(card.inputs), class_count=2)
    assert runtime.run(rows, 10) == bare.tolist()


def test_long_run_is_given_up() -> None:
    """A run that takes too long is given up, and the next one is answered."""
    runtime = load_runtime("onnx", slow_model(), input_count=1, class_count=2)
    with pytest.raises(PredictionTimeoutError, match=r"longer than 0\.05 s"):
        runtime.run([[1e12]], 0.05)
    assert runtime.run([[1.0]], 10) == [[0.5, 0.5]]


def test_what_is_no_onnx_is_refused() -> None:
    with pytest.raises(BrokenModelError, match="onnxruntime cannot load the model"):
        load_runtime("onnx", b"pickle", input_count=1, class_count=2)


def test_other_inputs_are_refused() -> None:
    """A model with other inputs than its card's is refused."""
    with pytest.raises(BrokenModelError, match=r"shape \(n, 14\)"):
        load_runtime("onnx", BUNDLED, input_count=14, class_count=2)


def test_other_classes_are_refused() -> None:
    """A model with other classes than its card's is refused."""
    with pytest.raises(BrokenModelError, match=r"'probabilities' of shape \(n, 3\)"):
        load_runtime("onnx", BUNDLED, input_count=15, class_count=3)


@pytest.mark.parametrize("kind", ["onxx", "pickles", "__init__"])
def test_unknown_runtime_is_refused(kind: str) -> None:
    """An unknown runtime is refused, with those that there are."""
    with pytest.raises(BrokenModelError, match=r"is not known; allowed: .*onnx"):
        load_runtime(kind, BUNDLED, input_count=15, class_count=2)
