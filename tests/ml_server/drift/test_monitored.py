"""What the server says of drift is what the monitor and the command line read."""

from pathlib import Path

import msgspec
import pytest
import requests
from click.testing import CliRunner

from ml_server.cli import program
from monitor_blueprint.probes import drift
from tests.ml_server.conftest import StartServer
from tests.ml_server.drift.streams import NAME, Counted, card_of, changed, of_card, pack
from tests.ml_server.server import DEADLINE_S


def test_monitor_reads_it(tmp_path: Path) -> None:
    models = pack(tmp_path / "packed")
    counted = Counted(tmp_path / "state", models)
    counted.ask(changed(of_card(card_of(models), 1), lambda person: {**person, "crp": None, "ward": "internal"}), 500)
    body = counted.client.get("/api/drift?brief=true").data
    (version,) = msgspec.json.decode(body, type=drift.Drifts).models
    moved, missing = drift._readings(version)
    assert (moved.aspect, missing.aspect, missing.facts["percent"]) == ("drifted", "missing", 100)


@pytest.mark.slow
def test_status_tells_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start_server: StartServer) -> None:
    models = pack(tmp_path / "packed")
    environ = {"ML_MODEL_DIR": str(models), "ML_MODEL": NAME, "ML_STATE_DIR": str(tmp_path / "kept"), "ML_WORKERS": "1"}
    server = start_server(**environ)
    server.report_with("READY")
    people = changed(of_card(card_of(models), 2), lambda person: {**person, "crp": None})
    for _ in range(2):
        server.predict({"items": [{"features": next(people)} for _ in range(250)]})
    assert requests.get(f"{server.url}/drift", timeout=DEADLINE_S).json()["models"][0]["people"] == 500
    for name, value in {**environ, "ML_BIND": server.url.removeprefix("http://")}.items():
        monkeypatch.setenv(name, value)
    told = CliRunner().invoke(program(), ["status"]).output
    assert "1 OF 5 INPUTS ARE NOT AS IN TRAINING (the last 500 people)" in told
    assert "crp: missing in 100 %" in told
