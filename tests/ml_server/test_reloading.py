"""`POST /api/reload_model`, on a real gunicorn."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from ml_server.store import Store
from tests.ml_server import small_models
from tests.ml_server.conftest import StartServer
from tests.ml_server.load import Load
from tests.ml_server.server import DEADLINE_S, Server
from tests.ml_server.small_models import NAME, install

pytestmark = pytest.mark.slow

KEY, ADMIN_KEY = "key-of-the-predictions", "key-of-the-administrators"
BODY = {"features": {"a": 0.4, "b": -0.3}}


@pytest.fixture
def models(tmp_path: Path) -> Path:
    install(tmp_path / "models")
    return tmp_path / "models"


def start(start_server: StartServer, models: Path, **environ: str) -> Server:
    server = start_server(ML_MODEL_DIR=str(models), ML_MODEL=NAME, **environ)
    for _ in range(2):
        server.report_with("READY")
    return server


def reload(server: Server, key: str = ADMIN_KEY) -> requests.Response:
    url = f"{server.url}/api/reload_model"
    return requests.post(url, json={}, headers={"X-API-Key": key} if key else {}, timeout=300)


def reloaded(server: Server) -> dict[str, Any]:
    answer = reload(server)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_activated_version_is_served_at_once(start_server: StartServer, models: Path) -> None:
    """Whoever asks after the answer gets the new version, and no request is lost meanwhile."""
    server = start(start_server, models, ML_ADMIN_KEY=ADMIN_KEY)
    install(models, version="1.1.0")
    Store(models, lambda _entry: []).activate(NAME, "1.1.0")
    with Load(server.url, BODY) as load:
        told = reloaded(server)
        load.wait_for_more()
    assert load.failures == []
    assert (told["ok"], told["model_version"], told["message"]) == (True, "1.1.0", "serves small 1.1.0")
    assert {server.predict(BODY).json()["model_digest"] for _ in range(10)} == {told["model_digest"]}


def test_bad_candidate_is_refused(start_server: StartServer, models: Path) -> None:
    """The answer says why, and nobody has reloaded."""
    server = start(start_server, models, ML_ADMIN_KEY=ADMIN_KEY)
    workers = server.workers()
    install(models, version="1.1.0", golden_samples=[small_models.sample(0.5, 1.0)])
    told = reloaded(server)
    assert (told["ok"], told["model_version"]) == (False, "1.0.0")
    assert told["message"].startswith("not reloaded: small 1.1.0 is refused: golden_samples: ")
    assert told["findings"][0]["field"] == "golden_samples"
    assert server.workers() == workers


def test_changed_files_are_refused(start_server: StartServer, models: Path) -> None:
    server = start(start_server, models, ML_ADMIN_KEY=ADMIN_KEY)
    install(models, title="Changed")
    assert "give what is new a new version" in reloaded(server)["message"]


def test_same_version_may_be_reloaded(start_server: StartServer, models: Path) -> None:
    """As a card whose samples could tell more was served before they were asked to."""
    install(models, golden_samples=[small_models.sample(0.5, 1.0)])
    server = start(start_server, models, ML_ADMIN_KEY=ADMIN_KEY)
    workers = set(server.workers())
    assert reloaded(server)["ok"] is True
    assert not workers & {int(pid) for pid in server.workers()} or len(set(server.workers()) - workers) == 2


def test_only_administrators_reload(start_server: StartServer, models: Path) -> None:
    server = start(start_server, models, ML_API_KEY=KEY, ML_ADMIN_KEY=ADMIN_KEY)
    for key, status in (("", 401), ("another-key-altogether", 401), (KEY, 403)):
        answer = reload(server, key)
        assert (answer.status_code, answer.json()["ok"]) == (status, False)
    assert server.predict(BODY, **{"X-API-Key": ADMIN_KEY}).status_code == 401


def test_nobody_reloads_without_a_key(start_server: StartServer, models: Path) -> None:
    server = start(start_server, models, ML_API_KEY=KEY)
    answer = reload(server, KEY)
    assert answer.status_code == 403
    assert "set ML_ADMIN_KEY" in answer.json()["error"]


def test_one_reload_at_a_time(start_server: StartServer, models: Path) -> None:
    """Who asks meanwhile is told."""
    server = start(start_server, models, ML_ADMIN_KEY=ADMIN_KEY)
    install(models, version="1.1.0")
    with ThreadPoolExecutor() as pool:
        told = [each.result(DEADLINE_S) for each in [pool.submit(reloaded, server) for _ in range(4)]]
    assert any(each["ok"] for each in told)
    assert all(each["ok"] or "under way" in each["message"] for each in told)
