"""The golden check against a real ML server: whatever model that serves, and without a trace in its operators' log."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_server.config import BUNDLED_MODELS
from monitor_blueprint.domain.models import Status
from monitor_blueprint.probes import golden
from tests.ml_server.conftest import NAME, VERSION, edit_card
from tests.ml_server.server import Server
from tests.ml_server.test_gunicorn import wait_gone
from tests.monitor_blueprint.probes.looking import looking

pytestmark = pytest.mark.slow
KEY = "0123456789abcdef"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    shutil.copytree(BUNDLED_MODELS, tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def server(tmp_path: Path, models: Path) -> Iterator[Server]:
    directory = tmp_path / "server"
    directory.mkdir()
    running = Server(directory, {"ML_MODEL_DIR": str(models), "ML_WORKERS": "1", "ML_API_KEY": KEY})
    try:
        running.report_with("READY")
        yield running
    finally:
        running.stop()


def test_the_model_that_is_served_is_asked(server: Server, models: Path) -> None:
    """The bundled one, then a newer version that a reload brings; all along nobody has made a prediction."""
    options = golden.Options(url=f"{server.url}/predict")
    assert golden.is_possible(options)
    for version in (VERSION, "1.1.0"):
        answer, latency = golden.probe(options, looking(environ={"ML_API_KEY": KEY})).readings
        assert (answer.status, answer.facts["model_version"], answer.facts["samples"]) == (Status.OK, version, 8)
        assert latency.value is not None
        if version == VERSION:
            shutil.copytree(models / NAME / VERSION, models / NAME / "1.1.0")
            edit_card(models / NAME / "1.1.0", version="1.1.0")
            (before,) = server.workers()
            os.kill(server.process.pid, signal.SIGHUP)
            server.report_with("READY")
            wait_gone(before)
    (refused,) = golden.probe(options, looking()).readings
    assert (refused.aspect, refused.facts["reason"]) == ("refused", "key")
    lines = server.stdout.read_text().splitlines()
    assert len([line for line in lines if "] INFO: probe request_id=" in line]) == 16
    assert not [line for line in lines if "predict" in line]
    assert server.predict({"features": {}}, **{"X-API-Key": KEY}).status_code == 422
    assert len([line for line in server.stdout.read_text().splitlines() if "predict" in line]) == 1
