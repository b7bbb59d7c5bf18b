"""What the server answers is what the monitor and the command line read."""

from pathlib import Path

import msgspec
import pytest
import requests
from click.testing import CliRunner

from ml_server.cli import program
from monitor_blueprint.probes import feedback
from tests.ml_server.conftest import StartServer
from tests.ml_server.feedback.echoes import Served, request, write
from tests.ml_server.feedback.test_summary import RIGHT, _judge, _score
from tests.ml_server.server import DEADLINE_S


def test_monitor_reads_it(tmp_path: Path) -> None:
    served = Served(tmp_path, scores=_score(**RIGHT))
    _judge(served, 600, is_broken=True)
    body = served.client.get("/api/feedback/summary?brief=true").data
    assert len(body) < 10_000
    (version,) = msgspec.json.decode(body, type=feedback.Summary).models
    (reading, *_) = [each for each in feedback._readings(version) if each.aspect == "roc_auc"]
    assert (reading.facts["card"], reading.facts["judged"]) == ("0.82", 600)


@pytest.mark.slow
def test_status_tells_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start_server: StartServer) -> None:
    models = write(tmp_path / "models", "classification", scores=_score(roc_auc=0.5))
    environ = {"ML_MODEL_DIR": str(models), "ML_MODEL": "echo", "ML_STATE_DIR": str(tmp_path / "state")}
    server = start_server(**environ)
    server.report_with("READY")
    for name, value in {**environ, "ML_BIND": server.url.removeprefix("http://")}.items():
        monkeypatch.setenv(name, value)
    assert "feedback: no answers yet" in CliRunner().invoke(program(), ["status"]).output
    server.predict({"items": [request(0.2, 0.8)] * 3})
    # That waits for what another worker has not written yet.
    requests.post(f"{server.url}/feedback", json={"request_id": "none", "correct": True}, timeout=DEADLINE_S)
    told = CliRunner().invoke(program(), ["status"]).output
    assert "too few to say" in told
    assert "0 of 3 answers judged" in told
