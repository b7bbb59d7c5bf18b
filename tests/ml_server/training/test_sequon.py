from pathlib import Path

import numpy as np
import pytest

from ml_server.config import Settings
from ml_server.inference import InferenceService
from ml_server.schemas import check_features
from ml_server.training.sequon import NAME, VERSION, build, has_sequon, make_data


@pytest.mark.parametrize(
    ("protein", "found"),
    [("NAS", True), ("NAT", True), ("NPS", False), ("NAA", False), ("AANNSTA", True), ("NS", False), ("", False)],
)
def test_rule_is_that_of_biology(protein: str, found: bool) -> None:
    assert has_sequon(protein) is found


def test_model_has_learnt_the_rule(sequon_dir: Path) -> None:
    """From labels of which a tenth is wrong."""
    service = InferenceService(Settings(model_dir=sequon_dir, model=NAME))
    service.load()
    model = service.model()
    proteins, labels = make_data(200, 7)
    truth = np.array([has_sequon(protein) for protein in proteins])
    assert 5 < (labels != truth).sum() < 40
    rows = [check_features({"protein": protein}, model.card) for protein in proteins]
    found = [answer.numbers[1] > 0.5 for answer in service.predict(model, rows, explain=False)]  # type: ignore[union-attr]
    assert (np.array(found) == truth).mean() > 0.97


def test_model_is_made_alike_again(sequon_dir: Path, tmp_path: Path) -> None:
    build(tmp_path)
    for file in ("model.onnx", "model.json"):
        assert (tmp_path / file).read_bytes() == (sequon_dir / NAME / VERSION / file).read_bytes()
