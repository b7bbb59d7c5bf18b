"""Feedback with a real gunicorn, its workers, and their ends."""

import contextlib
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from tests.ml_server.conftest import StartServer
from tests.ml_server.feedback.echoes import request, write
from tests.ml_server.server import DEADLINE_S, Server

pytestmark = pytest.mark.slow

# What a killed worker may lose is younger than this; the machine that tests may be busy.
_AGE_S = 2.0


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    models = write(tmp_path / "models", "classification")
    return {"ML_MODEL_DIR": str(models), "ML_MODEL": "echo", "ML_STATE_DIR": str(tmp_path / "state"), "ML_WORKERS": "2"}


def _predict(server: Server) -> str:
    answer = server.predict(request(0.2, 0.8))
    assert answer.status_code == 200
    return str(answer.json()["request_id"])


def _feedback(server: Server, said: dict[str, Any], **headers: str) -> requests.Response:
    return requests.post(f"{server.url}/api/feedback", json=said, headers=headers, timeout=DEADLINE_S)


def _judged(server: Server, ids: list[str]) -> list[bool]:
    told = [
        result
        for begin in range(0, len(ids), 256)
        for result in _feedback(
            server, {"items": [{"request_id": each, "correct": True} for each in ids[begin : begin + 256]]}
        ).json()["results"]
    ]
    return [each["ok"] for each in told]


def test_any_worker_takes_it_at_once(start_server: StartServer, environ: dict[str, str]) -> None:
    server = start_server(**environ)
    server.report_with("READY")
    for _ in range(20):
        assert _feedback(server, {"request_id": _predict(server), "correct": True}).json()["outcome"] == "recorded"
    summary = requests.get(f"{server.url}/api/feedback/summary", timeout=DEADLINE_S).json()
    assert [each["judged"] for each in summary["models"]] == [20]
    assert (
        'neuronova_ml_feedback_judged_total{model="echo",version="1.0.0"} 20.0'
        in requests.get(f"{server.url}/metrics", timeout=DEADLINE_S).text
    )


def test_killed_worker_has_kept_its_answers(start_server: StartServer, environ: dict[str, str]) -> None:
    """Two workers under load, one of them killed: of what was answered before, only the youngest may be lost."""
    server = start_server(**environ)
    server.report_with("READY")
    answered: list[tuple[float, str]] = []

    def ask(_: int) -> None:
        with contextlib.suppress(requests.RequestException):
            answered.append((time.monotonic(), _predict(server)))

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask, number) for number in range(800)]
        while len(answered) < 300:
            assert any(not each.done() for each in asked)
        victim = server.workers()[0]
        killed_at = time.monotonic()
        os.kill(victim, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid) for pid in [victim] if psutil.pid_exists(pid)], timeout=DEADLINE_S)
    ids = [request_id for _, request_id in answered]
    kept = _judged(server, ids)
    missing = [at for (at, _), is_kept in zip(answered, kept, strict=True) if not is_kept]
    assert all(killed_at - _AGE_S < at <= killed_at + 0.5 for at in missing)
    assert len(missing) < 150


def test_end_of_the_server_loses_nothing(start_server: StartServer, environ: dict[str, str]) -> None:
    server = start_server(**environ)
    server.report_with("READY")
    ids = [_predict(server) for _ in range(30)]
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(DEADLINE_S)
    again = start_server(**environ)
    again.report_with("READY")
    assert all(_judged(again, ids))


def test_truth_survives_a_crash(start_server: StartServer, environ: dict[str, str]) -> None:
    server = start_server(**environ)
    server.report_with("READY")
    request_id = _predict(server)
    assert _feedback(server, {"request_id": request_id, "correct": True}).json()["outcome"] == "recorded"
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait(DEADLINE_S)
    again = start_server(**environ)
    again.report_with("READY")
    assert _feedback(again, {"request_id": request_id, "correct": True}).json()["outcome"] == "unchanged"
