"""The example of a model of one's own: what its script writes, and the README's way with it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pandas as pd
import pytest
import requests

from tests.ml_server.server import Server

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "own_model"
README = (ROOT / "README.md").read_text(encoding="utf-8")
pytestmark = pytest.mark.slow


def test_script_writes_what_is_there(tmp_path: Path) -> None:
    """The data to the letter, and a model that answers alike."""
    script = tmp_path / "train.py"
    script.write_text((EXAMPLE / "train.py").read_text())
    subprocess.run([sys.executable, script], check=True)
    for name in ("train.csv", "held_out.csv"):
        assert (tmp_path / name).read_text() == (EXAMPLE / name).read_text()
    answers = [pd.read_csv(directory / "predictions.csv").to_numpy() for directory in (tmp_path, EXAMPLE)]
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-5)
    inputs = [[each.name for each in ort.InferenceSession(str(d / "model.onnx")).get_inputs()] for d in (tmp_path, EXAMPLE)]
    assert inputs[0] == inputs[1]


def blocks(word: str) -> list[str]:
    """The README's blocks with this word."""
    return [block for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL) if word in block]


def test_packed_and_served_by_the_readme(tmp_path: Path) -> None:
    """Block by block, but for the server's address."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "neuronova-model").symlink_to(Path(sys.executable).parent / "neuronova-model")
    environ = {"PATH": os.environ["PATH"]}
    for block in blocks("neuronova-model"):
        done = subprocess.run(["bash", "-ec", block], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True)
    assert "added discharge 1.0.0" in done.stdout
    (asked,) = blocks('"crp": null')
    body = json.loads(asked.partition("-d '")[2].rpartition("'")[0])
    (tmp_path / "server").mkdir()
    server = Server(tmp_path / "server", {"ML_MODEL_DIR": str(tmp_path / "var" / "models"), "ML_MODEL": "discharge"})
    try:
        server.report_with("READY")
        answer = requests.post(f"{server.url}/predict", json=body, timeout=30).json()
    finally:
        server.stop()
    assert (answer["ok"], answer["model_name"], set(answer["predictions"])) == (True, "discharge", {"home", "transfer"})
    assert answer["warnings"] == ["crp is missing; the model itself knows what to do"]
