from pathlib import Path

import pytest

from ml_server.check import main
from tests.ml_server import small_models
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


def test_huge_candidate_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Before a reload, too, it takes nobody down, and the good one is said to be served."""
    small_models.install(tmp_path)
    small_models.install(tmp_path, small_models.hungry(2300), version="1.1.0")
    monkeypatch.setenv("ML_MODEL_DIR", str(tmp_path))
    monkeypatch.setenv("ML_MODEL", small_models.NAME)
    assert main() == 1
    told = capsys.readouterr()
    assert told.out.endswith("serves small 1.0.0\n")
    assert "small 1.1.0 is not served: it asks for more than 512 MB of memory" in told.err
