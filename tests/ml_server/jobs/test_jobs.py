"""Long jobs with a real gunicorn: what is answered, and what ends meanwhile."""

import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from ml_server.storage.jobs import MOST_ATTEMPTS, MOST_WAITING
from tests.ml_server.conftest import StartServer
from tests.ml_server.jobs.asking import kill_runner, look, runners, send, wait_for, wait_until_over
from tests.ml_server.server import DEADLINE_S, Server
from tests.serving.server import wait_until

pytestmark = pytest.mark.slow
# How far the slow model counts: for some tenths of a second, and for hours.
SHORT, ENDLESS = 15_000.0, 1e12
ROWS = 6
Start = Any


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def slow(start_server: StartServer, slow_model_dir: Path, state_dir: Path) -> Server:
    """A server whose model takes as long as it is told."""
    server = start_slow(start_server, slow_model_dir, state_dir)
    server.report_with("READY")
    server.report_with("READY")
    return server


def start_slow(start_server: StartServer, slow_model_dir: Path, state_dir: Path) -> Server:
    return start_server(ML_MODEL_DIR=str(slow_model_dir), ML_STATE_DIR=str(state_dir), ML_MAX_BATCH="1")


def batch(rounds: float, rows: int = ROWS) -> dict[str, Any]:
    return {"items": [{"id": number, "features": {"rounds": rounds}} for number in range(rows)]}


def is_begun(told: dict[str, Any]) -> bool:
    return int(told["progress"]["rows_done"]) > 0 or told["state"] == "done"


def is_whole(told: dict[str, Any], rows: int = ROWS) -> bool:
    """Every item is answered once, in its place."""
    results = told["result"]["results"]
    is_right = all(each["ok"] and each["predictions"] == {"Control": 0.5, "Impaired": 0.5} for each in results)
    places = [(each["index"], each["id"]) for each in results]
    return told["state"] == "done" and is_right and places == [(number, number) for number in range(rows)]


@pytest.mark.parametrize("is_explained", [False, True], ids=["plain", "explained"])
def test_answer_is_predicts(start_server: StartServer, state_dir: Path, features: dict[str, Any], *, is_explained: bool) -> None:
    """A job of more items than a batch may have gets what /predict answers to its pieces, to the last bit."""
    server = start_server(ML_STATE_DIR=str(state_dir), ML_MAX_BATCH="7")
    server.report_with("READY")
    items = [{"id": number, "features": {**features, "age": 60 + number % 30}} for number in range(20)]
    items[4]["features"] = {**features, "tau": "much"}
    task = send(server, {"items": items, "explain": is_explained, "exlain": 1}).json()
    assert (task["state"], task["progress"]) == ("queued", {"rows_done": 0, "rows": 20})
    told = wait_until_over(server, task)
    pieces = [server.predict({"items": items[begin : begin + 7], "explain": is_explained}).json() for begin in (0, 7, 14)]
    expected = [
        {**entry, "index": 7 * number + entry["index"]} for number, piece in enumerate(pieces) for entry in piece["results"]
    ]
    result = told["result"]
    assert result["results"] == expected
    assert (told["http_status"], result["request_id"]) == (200, task["request_id"])
    assert result["warnings"] == ["exlain is not known and was ignored; did you mean explain?"]
    assert {key: result[key] for key in pieces[0] if key.startswith("model_")} == {
        key: pieces[0][key] for key in pieces[0] if key.startswith("model_")
    }


def test_single_is_predicts(start_server: StartServer, state_dir: Path, features: dict[str, Any]) -> None:
    server = start_server(ML_STATE_DIR=str(state_dir))
    server.report_with("READY")
    ours = wait_until_over(server, send(server, {"features": features}).json())["result"]
    theirs = server.predict({"features": features}).json()
    passing = ("request_id", "inference_ms")
    assert {key: ours[key] for key in ours if key not in passing} == {key: theirs[key] for key in theirs if key not in passing}


def test_refused_at_once(start_server: StartServer, state_dir: Path, features: dict[str, Any]) -> None:
    """What /predict would refuse is refused when it is sent, for the same reasons."""
    key = "0123456789abcdef"
    server = start_server(ML_STATE_DIR=str(state_dir), ML_API_KEY=key, ML_MAX_BODY_BYTES="4096")
    server.report_with("READY")
    url = f"{server.url}/predict/alzheimer_biomarkers/async"
    ours = {"X-API-Key": key, "Content-Type": "application/json"}
    wrong: list[tuple[int, bytes, dict[str, str]]] = [
        (400, b"{", ours),
        (401, b"{}", {"Content-Type": "application/json"}),
        (413, b"{" + b" " * 5000, ours),
        (415, b"{}", {**ours, "Content-Type": "text/plain"}),
        (422, b'{"features": {"age": "old"}}', ours),
        (422, b'{"items": []}', ours),
    ]
    for status, body, headers in wrong:
        answer = requests.post(url, body, headers=headers, timeout=DEADLINE_S)
        theirs = requests.post(f"{server.url}/predict", body, headers=headers, timeout=DEADLINE_S)
        assert answer.status_code == theirs.status_code == status
        assert answer.json()["code"] == theirs.json()["code"]
        assert [each["field"] for each in answer.json()["details"]] == [each["field"] for each in theirs.json()["details"]]
    sent = {"features": features}
    assert send(server, sent, model="nobody", **ours).json()["code"] == "unknown_model"
    other = send(server, {**sent, "model_name": "other"}, **ours)
    assert (other.status_code, other.json()["details"][0]["field"]) == (422, "model_name")
    assert send(server, {**sent, "model_version": "9.9.9"}, **ours).status_code == 404
    task = send(server, sent, **ours).json()
    assert look(server, task)["code"] == "unauthorized"
    assert requests.delete(f"{server.url}{task['status_url']}", timeout=DEADLINE_S).status_code == 401


def test_looked_on_as_predictions(start_server: StartServer, state_dir: Path, features: dict[str, Any]) -> None:
    """Feedback finds its answers, by the place in the whole job, and drift counts its people."""
    server = start_server(ML_STATE_DIR=str(state_dir), ML_MAX_BATCH="7")
    server.report_with("READY")
    items = [{"id": f"i{number}", "prediction_id": f"p{number}", "features": features} for number in range(20)]
    items[4]["features"] = {**features, "tau": "much"}
    task = send(server, {"items": items}).json()
    wait_until_over(server, task)
    truths = [
        {"request_id": task["request_id"], "index": 15, "correct": True},
        {"request_id": task["request_id"], "id": "i19", "correct": True},
        {"prediction_id": "p3", "correct": False},
        {"request_id": task["request_id"], "index": 4, "correct": True},
    ]
    told = requests.post(f"{server.url}/api/feedback", json={"items": truths}, timeout=DEADLINE_S).json()["results"]
    assert [each.get("outcome") for each in told] == ["recorded", "recorded", "recorded", None]
    assert [each["prediction_of"]["index"] for each in told[:3]] == [15, 19, 3]
    assert looked_on(server) == {"drift": 19, "feedback": 19}


def looked_on(server: Server) -> dict[str, int]:
    """How many answers drift and feedback know of, of the only version."""
    (moved,) = requests.get(f"{server.url}/drift", timeout=DEADLINE_S).json()["models"]
    (judged,) = requests.get(f"{server.url}/feedback/summary", timeout=DEADLINE_S).json()["models"]
    return {"drift": moved["people_ever"], "feedback": judged["windows"][-1]["answered"]}


def test_nothing_is_kept_nowhere(start_server: StartServer, features: dict[str, Any]) -> None:
    """Without a directory it is said what to do."""
    server = start_server()
    server.report_with("READY")
    answer = send(server, {"features": features})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "ML_STATE_DIR" in answer.json()["error"]
    assert requests.get(f"{server.url}/task/x", timeout=DEADLINE_S).status_code == 403


def test_killed_runner_goes_on(slow: Server) -> None:
    """A runner that is killed is started again, and goes on where it was."""
    task = send(slow, batch(SHORT)).json()
    done = wait_for(slow, task, is_begun)["progress"]["rows_done"]
    kill_runner(slow)
    told = look(slow, task)
    assert told["progress"]["rows_done"] >= done
    assert is_whole(wait_until_over(slow, task))
    assert looked_on(slow) == {"drift": ROWS, "feedback": ROWS}
    slow.stop()  # the runner puts its line after its answer
    (line,) = [line for line in slow.stdout.read_text().splitlines() if f"request_id={task['request_id']}" in line]
    assert f"status=200 rows={ROWS} answered={ROWS} " in line


def test_everything_is_killed(slow: Server) -> None:
    """All workers and the runner at once."""
    task = send(slow, batch(SHORT)).json()
    wait_for(slow, task, is_begun)
    for pid in [*slow.workers(), *runners(slow)]:
        os.kill(pid, signal.SIGKILL)
    slow.report_with("READY")
    slow.report_with("READY")
    assert is_whole(wait_until_over(slow, task))


def test_survives_reload(slow: Server) -> None:
    task = send(slow, batch(SHORT)).json()
    wait_for(slow, task, is_begun)
    os.kill(slow.process.pid, signal.SIGHUP)
    slow.report_with("READY")
    slow.report_with("READY")
    assert is_whole(wait_until_over(slow, task))
    # The next one is the new workers'.
    assert is_whole(wait_until_over(slow, send(slow, batch(1.0)).json()))


def test_survives_upgrade(slow: Server) -> None:
    task = send(slow, batch(SHORT)).json()
    wait_for(slow, task, is_begun)
    os.kill(slow.process.pid, signal.SIGUSR2)
    slow.report_with("READY")
    slow.report_with("READY")
    os.kill(slow.process.pid, signal.SIGTERM)
    successor = int(slow.report_with("MAINPID")["MAINPID"])
    slow.process.wait(DEADLINE_S)
    assert is_whole(wait_until_over(slow, task))
    os.kill(successor, signal.SIGTERM)
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(successor).wait(DEADLINE_S)


def test_survives_restarts(start_server: StartServer, slow_model_dir: Path, state_dir: Path) -> None:
    """A job is put down when the server stops, however often, and that is not held against it."""
    task: dict[str, Any] = {}
    for _ in range(MOST_ATTEMPTS + 1):
        server = start_slow(start_server, slow_model_dir, state_dir)
        server.report_with("READY")
        task = task or send(server, batch(ENDLESS, 1)).json()
        wait_for(server, task, lambda told: told["state"] == "running")
        server.stop()
    server = start_slow(start_server, slow_model_dir, state_dir)
    server.report_with("READY")
    assert wait_for(server, task, lambda told: told["state"] == "running")


def test_killer_is_given_up(slow: Server) -> None:
    """A job that ends its process is tried a few times; the next one is answered."""
    task, other = send(slow, batch(ENDLESS, 1)).json(), send(slow, batch(1.0)).json()
    killed = 0
    for _ in range(MOST_ATTEMPTS):
        killed = kill_runner(slow, but=killed)
    told = wait_until_over(slow, task)
    assert (told["state"], told["http_status"], told["result"]["code"]) == ("failed", 500, "job_failed")
    assert is_whole(wait_until_over(slow, other))


def test_forgotten_while_running(slow: Server) -> None:
    """A job that is deleted makes way for the next one, and nobody knows it any more."""
    endless, other = send(slow, batch(ENDLESS, 1)).json(), send(slow, batch(1.0)).json()
    wait_for(slow, endless, lambda told: told["state"] == "running")
    assert look(slow, other)["ahead"] == 1
    url = f"{slow.url}{endless['status_url']}"
    assert requests.delete(url, timeout=DEADLINE_S).json()["ok"]
    assert is_whole(wait_until_over(slow, other))
    assert requests.get(url, timeout=DEADLINE_S).json()["code"] == "unknown_task"
    assert requests.delete(url, timeout=DEADLINE_S).status_code == 404


def test_predictions_go_on(slow: Server) -> None:
    """While one runs others are answered, by a process that is the only one of its kind and the first to go."""
    tasks = [send(slow, batch(ENDLESS, 1)).json() for _ in range(4)]
    wait_for(slow, tasks[0], lambda told: told["state"] == "running")
    assert slow.predict({"features": {"rounds": 1.0}}).status_code == 200
    (runner,) = runners(slow)
    assert Path(f"/proc/{runner}/oom_score_adj").read_text().strip() == "1000"
    group = Path(f"/proc/{runner}/autogroup")
    assert not group.exists() or group.read_text().endswith(" nice 5\n")
    policies = {os.sched_getscheduler(thread.id) for thread in psutil.Process(runner).threads()}
    assert policies == {os.SCHED_OTHER, os.SCHED_IDLE}
    metrics = requests.get(f"{slow.url}/metrics", timeout=DEADLINE_S).text
    assert 'neuronova_ml_jobs_waiting{state="queued"} 3.0' in metrics
    assert 'neuronova_ml_jobs_waiting{state="running"} 1.0' in metrics


def test_queue_is_bounded(slow: Server) -> None:
    for _ in range(MOST_WAITING):
        assert send(slow, batch(ENDLESS, 1)).status_code == 202
    answer = send(slow, batch(ENDLESS, 1))
    assert (answer.status_code, answer.json()["code"], "Retry-After" in answer.headers) == (503, "overloaded", True)


def test_what_was_sent_is_gone(start_server: StartServer, state_dir: Path, features: dict[str, Any]) -> None:
    """As soon as a job is done, nothing of what was sent is in a file or a log."""
    server = start_server(ML_STATE_DIR=str(state_dir))
    server.report_with("READY")
    secret = 71.23456789
    items = [{"id": number, "features": {**features, "age": secret}} for number in range(600)]
    told = wait_until_over(server, send(server, {"items": items, "patient_name": "Hong Gildong"}).json())
    assert told["state"] == "done"
    files = [path for path in state_dir.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o077 for path in files} == {0}

    def kept() -> bytes:
        return b"".join(path.read_bytes() for path in [*files, server.stdout, server.stderr])

    # The log beside the database is cleared next, once nobody reads in it.
    wait_until(lambda: b"71.23456789" not in kept())
    assert b"Gildong" not in kept()
    assert f"request_id={told['result']['request_id']} model=alzheimer_biomarkers".encode() in kept()


def test_removed_version_is_said(slow: Server, slow_model_dir: Path) -> None:
    """What was accepted for one version is never answered by another."""
    endless, task = send(slow, batch(ENDLESS, 1)).json(), send(slow, batch(1.0)).json()
    wait_for(slow, endless, lambda told: told["state"] == "running")
    (card,) = slow_model_dir.glob("*/*/model.json")
    card.write_bytes(card.read_bytes() + b"\n")
    requests.delete(f"{slow.url}{endless['status_url']}", timeout=DEADLINE_S)
    told = wait_until_over(slow, task)
    assert (told["state"], told["http_status"], told["result"]["code"]) == ("failed", 503, "model_unavailable")
