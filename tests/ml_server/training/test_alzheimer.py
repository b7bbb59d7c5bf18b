from pathlib import Path

import pytest

from ml_server.config import BUNDLED_MODELS
from ml_server.training.alzheimer import build
from tests.ml_server.conftest import NAME, VERSION


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("file", ["model.onnx", "partial.onnx", "model.json"])
def test_rebuild_equals_bundled_model(rebuilt: Path, file: str) -> None:
    """A rebuild is the bundled model, byte for byte."""
    assert (rebuilt / file).read_bytes() == (BUNDLED_MODELS / NAME / VERSION / file).read_bytes()


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("rebuilt")
    build(directory)
    return directory
