from pathlib import Path

import pytest

from ml_server.check import main
from tests.ml_server.conftest import NAME, VERSION


def test_good_server_is_a_0(capsys: pytest.CaptureFixture[str]) -> None:
    """A server that would come up is a 0."""
    assert main() == 0
    assert capsys.readouterr().out == "alzheimer_biomarkers 1.0.0: ok\nserves alzheimer_biomarkers 1.0.0\n"


def test_failing_model_is_a_1(model_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A model that fails is a 1, with the reason."""
    (model_dir / NAME / VERSION / "model.onnx").write_bytes(b"x")
    monkeypatch.setenv("ML_MODEL_DIR", str(model_dir))
    assert main() == 1
    assert "model.onnx was changed" in capsys.readouterr().err


def test_wrong_setting_is_a_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong setting is a 1, with its name."""
    monkeypatch.setenv("ML_WORKER", "2")
    assert main() == 1
    assert capsys.readouterr().err == "wrong settings: ML_WORKER is not a setting; did you mean ML_WORKERS?\n"
