"""A silent trial with a real gunicorn: every prediction is in the report once, whatever ends meanwhile."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from click.testing import CliRunner

from ml_server import silent_trial
from ml_server.cli import program
from ml_server.silent.comparer import MODULE
from ml_server.store import Store, StoreError
from ml_server.trial_store import start_trial, stop_trial
from tests.ml_server import small_models
from tests.ml_server.conftest import StartServer
from tests.ml_server.jobs.asking import running
from tests.ml_server.load import Load
from tests.ml_server.server import DEADLINE_S, Server
from tests.ml_server.small_models import NAME, install

pytestmark = pytest.mark.slow
FEATURES = {"a": 0.4, "b": -0.3}
OLD, NEW = "1.0.0", "2.0.0"
Told = dict[str, Any]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two versions of a model, the older of which is due."""
    models = tmp_path / "models"
    models.mkdir()
    install(models, version=OLD)
    install(models, version=NEW, title="Another one")
    made = Store(models, lambda entry: [])
    made.activate(NAME, OLD)
    return made


@pytest.fixture
def start(start_server: StartServer, store: Store, tmp_path: Path) -> Iterator[Callable[[], Server]]:
    def started() -> Server:
        server = start_server(ML_MODEL_DIR=str(store.model_dir), ML_MODEL=NAME, ML_STATE_DIR=str(tmp_path / "state"))
        server.report_with("READY")
        server.report_with("READY")
        return server

    yield started
    silent_trial.end_trial(store.model_dir)


def look(server: Server) -> Told:
    answer = requests.get(f"{server.url}/trial", timeout=DEADLINE_S)
    assert answer.status_code == 200, (answer.text, server.stdout.read_text()[-2000:])
    told: Told = answer.json()["trial"]
    return told


def wait_for(server: Server, is_so: Callable[[Told], bool]) -> Told:
    end = time.monotonic() + DEADLINE_S
    while (told := look(server)) is None or not is_so(told):
        assert time.monotonic() < end, told
        time.sleep(0.02)
    return told


def begin(server: Server, store: Store) -> None:
    """Have the trial begin: every worker counts, and the process answers."""
    start_trial(store, NAME, NEW)
    wait_for(server, lambda told: told["workers"] == 2 and told["process_starts"] == 1)
    asked = 0
    while not (told := look(server))["against"] or told["against"][0]["compared"] < 4:
        server.predict({"features": FEATURES})
        asked += 1
        assert asked < 5000


def settled(server: Server) -> Told:
    """The report when nothing waits any more."""
    return wait_for(server, lambda told: told["workers"] == 2 and told["against"][0]["waiting"] == 0)


def outcomes(against: Told) -> int:
    """All that came of the predictions."""
    reasons = [*against["failed"].values(), *against["skipped"].values()]
    return int(against["compared"] + sum(reasons) + against["lost"] + against["waiting"])


def comparers(server: Server) -> list[int]:
    return running(server, MODULE)


def test_same_version_is_same(start: Callable[[], Server], store: Store) -> None:
    server = start()
    begin(server, store)
    with Load(server.url, {"features": FEATURES}) as load:
        load.wait_for_more()
    before = settled(server)["against"][0]
    server.predict({"items": [{"features": FEATURES}, {"features": {"a": "much"}}, {"features": FEATURES}]})
    server.predict({"features": {}})
    requests.post(
        f"{server.url}/predict", json={"features": FEATURES}, headers={"User-Agent": "neuronova-monitor"}, timeout=DEADLINE_S
    )
    after = wait_for(server, lambda told: told["against"][0]["compared"] >= before["compared"] + 2)["against"][0]
    assert load.failures == []
    assert after["predictions"] == before["predictions"] + 2 == outcomes(after)
    assert (after["version"], after["agreement"]["count"]) == (OLD, after["compared"])
    assert after["confusion"] == [{"active": "yes", "candidate": "yes", "count": after["compared"]}]
    assert [each["count"] for each in after["differences"] if each["count"]] == [after["compared"]]
    assert after["active"]["p50_ms"] > 0
    assert after["candidate"]["p50_ms"] > 0


def test_nobody_gets_its_answers(start: Callable[[], Server], store: Store) -> None:
    """The version on trial says otherwise, and every answer is that of the other one."""
    swapped = {"no": small_models.probabilities(0.4, -0.3)["yes"], "yes": small_models.probabilities(0.4, -0.3)["no"]}
    install(store.model_dir, version=NEW, classes=["yes", "no"], golden_samples=[{"features": FEATURES, "expected": swapped}])
    server = start()
    expected = server.predict({"features": FEATURES}).json()
    begin(server, store)
    answers = [server.predict({"features": FEATURES}).json() for _ in range(50)]
    told = ("model_version", "model_digest", "prediction", "predictions")
    assert {str([answer[key] for key in told]) for answer in answers} == {str([expected[key] for key in told])}
    (against,) = settled(server)["against"]
    assert against["confusion"] == [{"active": "yes", "candidate": "no", "count": against["compared"]}]
    assert (against["agreement"]["count"], against["agreement"]["of"]) == (0, against["compared"])
    listed = requests.get(f"{server.url}/models", timeout=DEADLINE_S).json()["models"]
    assert {each["version"]: (each["is_default"], each["is_on_trial"]) for each in listed} == {
        OLD: (True, False),
        NEW: (False, True),
    }


def test_counts_outlive_everything(start: Callable[[], Server], store: Store) -> None:
    """Under load a worker and the process of the trial are killed, and the server is reloaded: no count vanishes.

    Of what was in flight when a worker was killed some was counted, and not answered.
    """
    server = start()
    begin(server, store)
    first = settled(server)["against"][0]["predictions"]
    with Load(server.url, {"features": FEATURES}) as load:
        for _ in range(2):
            (comparer,) = comparers(server)
            os.kill(comparer, signal.SIGKILL)
            load.wait_for_more()
            os.kill(server.workers()[0], signal.SIGKILL)
            server.report_with("READY")
            load.wait_for_more()
            wait_for(server, lambda told: told["against"][0]["waiting"] < 1000)
            while not comparers(server):
                load.wait_for_more()
        old = server.workers()
        os.kill(server.process.pid, signal.SIGHUP)
        server.report_with("READY")
        server.report_with("READY")
        load.wait_for_more()
    psutil.wait_procs([psutil.Process(pid) for pid in old if psutil.pid_exists(pid)], DEADLINE_S)
    against = settled(server)["against"][0]
    assert outcomes(against) == against["predictions"]
    assert load.answered <= against["predictions"] - first <= load.answered + len(load.failures)
    assert look(server)["process_starts"] >= 3
    assert against["agreement"]["count"] == against["agreement"]["of"] == against["compared"]


def test_exact_without_kills(start: Callable[[], Server], store: Store) -> None:
    """Over reloads and the death of the process of the trial, every answer is counted, and no other."""
    server = start()
    begin(server, store)
    first = settled(server)["against"][0]["predictions"]
    with Load(server.url, {"features": FEATURES}) as load:
        (comparer,) = comparers(server)
        os.kill(comparer, signal.SIGKILL)
        load.wait_for_more()
        old = server.workers()
        os.kill(server.process.pid, signal.SIGHUP)
        server.report_with("READY")
        server.report_with("READY")
        load.wait_for_more()
    psutil.wait_procs([psutil.Process(pid) for pid in old if psutil.pid_exists(pid)], DEADLINE_S)
    against = settled(server)["against"][0]
    assert load.failures == []
    assert against["predictions"] - first == load.answered
    assert outcomes(against) == against["predictions"]


def test_survives_restart(start: Callable[[], Server], store: Store) -> None:
    server = start()
    begin(server, store)
    for _ in range(20):
        server.predict({"features": FEATURES})
    before = settled(server)["against"][0]
    server.stop()
    server = start()
    after = settled(server)["against"][0]
    assert after == before
    server.predict({"features": FEATURES})
    assert wait_for(server, lambda told: told["against"][0]["predictions"] == before["predictions"] + 1)


def test_other_inputs_are_checked_by_its_card(start: Callable[[], Server], store: Store) -> None:
    """The version on trial reads what the client sent by its own card; what it needs and nobody gave is counted as that."""
    wider = [{**each, "name": each["name"] if each["name"] == "a" else "c"} for each in small_models.card(b"")["inputs"]]
    golden = [{"features": {"a": 0.4, "c": -0.3}, "expected": small_models.card(b"")["golden_samples"][0]["expected"]}]
    install(store.model_dir, version=NEW, inputs=wider, golden_samples=golden)
    server = start()
    start_trial(store, NAME, NEW)
    wait_for(server, lambda told: told["workers"] == 2 and told["process_starts"] == 1)
    asked = 0
    while not (against := look(server)["against"]) or not against[0]["failed"]:
        server.predict({"features": FEATURES})
        asked += 1
        assert asked < 5000
    (against,) = settled(server)["against"]
    assert against["failed"] == {"not_given": outcomes(against) - sum(against["skipped"].values())}
    assert (against["compared"], against["agreement"]) == (0, None)


def test_broken_candidate_is_said(start: Callable[[], Server], store: Store) -> None:
    """A version that cannot be loaded costs nobody anything, and is told."""
    server = start()
    start_trial(store, NAME, NEW)
    (store.model_dir / NAME / NEW / "model.onnx").write_bytes(b"rubbish")
    told = wait_for(server, lambda told: told["problem"] or comparers(server) == [])
    if not told["problem"]:
        for pid in comparers(server):
            os.kill(pid, signal.SIGKILL)
    assert (
        wait_for(server, lambda told: bool(told["problem"]))["problem"]
        == "the version that was to answer has been removed or changed"
    )
    assert server.predict({"features": FEATURES}).status_code == 200
    assert wait_for(server, lambda told: bool(told["against"]))["against"][0]["skipped"] == {"away": 1}


def test_ends_and_is_told(start: Callable[[], Server], store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands start a trial, tell it and end it; what came of it stays."""
    server = start()
    for name, value in {
        "ML_MODEL_DIR": str(store.model_dir),
        "ML_MODEL": NAME,
        "ML_BIND": server.url.removeprefix("http://"),
    }.items():
        monkeypatch.setenv(name, value)

    def command(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(program(), ["trial", *words])
        return done.exit_code, done.output

    assert command("status") == (0, "no version is or was on silent trial\n")
    assert command("start", NAME, OLD)[0] == 1
    code, said = command("start", NAME, NEW)
    assert (code, f"on trial: {NAME} {NEW} " in said) == (0, True)
    assert "on silent trial already" in command("start", NAME, NEW)[1]
    wait_for(server, lambda told: told["workers"] == 2)
    server.predict({"features": FEATURES})
    settled(server)
    code, said = command("status")
    assert (code, "on silent trial since" in said, f"against {OLD}" in said, " 1 predictions" in said) == (0, True, True, True)
    with pytest.raises(StoreError, match="is on silent trial"):
        store.remove(NAME, NEW)
    assert command("stop") == (0, f"ended: {NAME} {NEW}\n")
    ended = wait_for(server, lambda told: told["ended_at"] is not None)
    assert (ended["is_running"], ended["workers"], ended["against"][0]["predictions"]) == (False, 0, 1)
    assert list((tmp_path / "state").glob("*.ledger")) == []
    assert "on silent trial from" in command("status")[1]
    assert command("stop")[0] == 1
    audit = (store.model_dir / "audit.log").read_text()
    assert [line.split()[1] for line in audit.splitlines()] == ["activate", "trial-start", "trial-stop"]


def test_activation_ends_it(start: Callable[[], Server], store: Store) -> None:
    server = start()
    begin(server, store)
    store.activate(NAME, NEW)
    ended = wait_for(server, lambda told: told["ended_at"] is not None)
    assert not ended["is_running"]
    with contextlib.suppress(StoreError):
        stop_trial(store)
        pytest.fail("it is still on trial")


def test_steps_back(start: Callable[[], Server], store: Store) -> None:
    """It is the first to go where memory runs out, and what compares has what the processor has left over."""
    server = start()
    begin(server, store)
    (comparer,) = comparers(server)
    assert Path(f"/proc/{comparer}/oom_score_adj").read_text().strip() == "1000"
    policies = {os.sched_getscheduler(thread.id) for thread in psutil.Process(comparer).threads()}
    assert os.SCHED_IDLE in policies


def test_nothing_of_a_row_is_kept(start: Callable[[], Server], store: Store, tmp_path: Path) -> None:
    server = start()
    begin(server, store)
    for _ in range(20):
        server.predict({"features": {"a": 0.412345678, "b": -0.3}, "patient_name": "Hong Gildong"})
    settled(server)
    files = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    kept = b"".join(path.read_bytes() for path in [*files, server.stdout, server.stderr])
    assert b"412345678" not in kept
    assert b"Gildong" not in kept
