"""The ML server as it runs in production: a real gunicorn with the configuration that the unit file names."""

import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import onnxruntime as ort
import psutil
import pytest
import requests

from ml_server.card import Card
from ml_server.config import BUNDLED_MODELS
from tests.ml_server import small_models
from tests.ml_server.conftest import NAME, VERSION, StartServer, edit_card
from tests.ml_server.load import FRESH, KEPT, Load
from tests.ml_server.server import DEADLINE_S, Server

Features = dict[str, Any]
PATIENT, DOCTOR = "홍길동", "Dr. Kim Minsu"

ASK = b"GET /health HTTP/1.1\r\nHost: clinic\r\nConnection: close\r\n\r\n"

pytestmark = pytest.mark.slow


def connect(server: Server) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), DEADLINE_S)


@pytest.mark.parametrize("wrong", [{"ML_MAX_BODY_BYTES": "16MB"}, {"ML_WORKER": "2"}])
def test_wrong_setting_has_its_own_status(tmp_path: Path, wrong: dict[str, str]) -> None:
    """Refused in one line; who only sees the status knows what kind of mistake it is."""
    server = Server(tmp_path, wrong)
    status = server.process.wait(DEADLINE_S)
    server.stop()
    assert status == os.EX_CONFIG
    (line,) = server.stderr.read_text().splitlines()
    assert line.startswith(f"Error: wrong settings: {next(iter(wrong))} ")


def raw(server: Server, request: bytes, *, hang_up: bool = False) -> bytes:
    """Whatever the server answers to these bytes (and, where so wanted, their end), until it closes the connection."""
    with connect(server) as connection:
        connection.sendall(request)
        if hang_up:
            connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def held(worker: int) -> int:
    """How many clients a worker has accepted."""
    connections = psutil.Process(worker).net_connections("tcp")
    return sum(connection.status == psutil.CONN_ESTABLISHED for connection in connections)


def wait_until(is_so: Callable[[], bool]) -> None:
    """Until something is so that no event tells of."""
    end = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def wait_gone(pid: int) -> None:
    """Until a process has ended, which need not be a child of this one."""
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(DEADLINE_S)


def test_ready_when_it_says_so(start_server: StartServer) -> None:
    """The server is ready when it says so."""
    server = start_server()
    report = server.next_report()
    assert report == {"READY": "1", "STATUS": f"serving {NAME} {VERSION} (master {server.process.pid})"}
    answer = server.health()
    assert (answer.status_code, answer.content) == (200, b'{"ok":true,"status":"alive","model_version":"1.0.0"}')


def test_forking_master_has_no_threads(start_server: StartServer) -> None:
    server = start_server()
    server.report_with("READY")
    assert psutil.Process(server.process.pid).num_threads() == 1


def test_probabilities_are_onnxruntimes(start_server: StartServer, bundled_card: Card) -> None:
    """The probabilities are those of a bare session: of the submodel, which reads NaN, where something is missing."""
    server = start_server()
    server.report_with("READY")
    (submodel,) = bundled_card.submodels
    folder = BUNDLED_MODELS / NAME / VERSION
    whole, partial = (ort.InferenceSession(str(folder / file)) for file in (bundled_card.file, submodel.file))
    for sample in bundled_card.golden_samples:
        names = [wanted.name for wanted in bundled_card.inputs]
        session = whole if sample.features.keys() >= set(names) else partial
        row = [sample.features.get(name, np.nan) for name in (names if session is whole else submodel.inputs)]
        (expected,) = session.run(["probabilities"], {"features": np.array([row], dtype=np.float32)})[0].tolist()
        assert list(server.predict({"features": sample.features}).json()["predictions"].values()) == expected


def test_patients_are_named_nowhere(start_server: StartServer, features: Features) -> None:
    """Patients are named in no answer, no log and no file."""
    server = start_server()
    server.report_with("READY")
    names = {"patient_name": PATIENT, "doctor_name": DOCTOR, PATIENT: DOCTOR}
    answers = [
        server.predict({"features": features, **names}),
        server.predict({"clinical_features": {**features, "tau": PATIENT, PATIENT: DOCTOR}, **names}),
        server.predict({"items": [{"id": PATIENT, "features": {"tau": DOCTOR}, **names}, names], **names}),
        server.predict({"features": features, "explain": PATIENT, "model_name": DOCTOR}),
        server.predict({"features": features, **names}, **{"X-Request-ID": DOCTOR, "X-Patient": "Kim Minsu"}),
        server.predict([names]),
    ]
    assert [answer.status_code for answer in answers] == [200, 422, 200, 422, 200, 400]
    seen = b"".join(answer.content + str(answer.headers).encode() for answer in answers)
    for request in (
        f"GET /{DOCTOR} HTTP/9.9\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\n{DOCTOR}: {PATIENT}\r\n\r\n",
        f"{DOCTOR} / HTTP/1.1\r\n\r\n",
        f"GET /?patient=Kim-Minsu{'x' * 5000} HTTP/1.1\r\n\r\n",
        f"GET /Kim+Minsu HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Patient: Kim Minsu{'x' * 9000}\r\n\r\n",
        f"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Transfer-Encoding: chunked\r\n\r\n{DOCTOR}\r\n",
    ):
        answer = raw(server, request.encode())
        assert b"application/json" in answer, answer
        assert b"html" not in answer.lower()
        seen += answer
    server.stop()
    for file in [server.stdout, server.stderr, *(path for path in server.work.rglob("*") if path.is_file())]:
        seen += file.read_bytes()
    assert b"predict request_id=" in seen
    for name in (PATIENT, "Minsu", json_escaped(PATIENT)):
        assert name.encode() not in seen


def json_escaped(text: str) -> str:
    return text.encode("unicode-escape").decode()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", 400),
        (b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 10_000 + b"\r\n\r\n", 431),
        (b"POST /predict HTTP/1.1\r\nTransfer-Encoding: foo\r\n\r\n", 501),
        (b"POST /predict HTTP/1.1\r\nHost: x\r\nExpect: a miracle\r\n\r\n", 417),
    ],
)
def test_no_http_is_refused(server: Server, request_bytes: bytes, status: int) -> None:
    """What is no HTTP is refused, in the envelope."""
    head, _, body = raw(server, request_bytes).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert re.fullmatch(rb'\{"ok":false,"code":"\w+","error":"[\w -]+","details":\[\],"request_id":"\w{32}"\}', body)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    running = Server(tmp_path_factory.mktemp("server"), {})
    running.report_with("READY")
    yield running
    running.stop()


def test_onnxruntime_calls_nobody(server: Server, features: Features) -> None:
    """ONNX Runtime leaves no trace, and calls nobody."""
    server.predict({"features": features})
    assert [path.name[:20] for path in server.work.iterdir()] == ["neuronova-ml-metrics"]
    for worker in server.workers():
        process = psutil.Process(worker)
        assert [line.status for line in process.net_connections("inet") if line.laddr[0] != "127.0.0.1"] == []


def test_broken_chunks_are_a_400(server: Server) -> None:
    answer = raw(server, HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"


def chunked(body: bytes, size: int) -> bytes:
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])


@pytest.mark.parametrize("chunk_bytes", [100, 100_000])
def test_chunked_body_has_a_limit(start_server: StartServer, features: Features, chunk_bytes: int) -> None:
    """A chunked body is read to its limit, and refused beyond."""
    server = start_server(ML_MAX_BODY_BYTES="2048", ML_WORKERS="1")
    server.report_with("READY")
    # What is beyond the limit is white space: cut off there, the body would be a good request.
    for length, status in ((2047, b"200"), (2048, b"200"), (2049, b"413"), (9000, b"413")):
        body = json.dumps({"features": features}).encode().ljust(length)
        answer = raw(server, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body, chunk_bytes))
        assert answer.startswith(b"HTTP/1.1 " + status), (length, answer)
        assert b"\r\nContent-Type: application/json\r\n" in answer


def test_broken_off_body_is_refused(server: Server, features: Features) -> None:
    # All that came is a good request by itself.
    body = json.dumps({"features": features}).encode()
    whole = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    assert raw(server, whole, hang_up=True).startswith(b"HTTP/1.1 200 ")
    for broken in (
        HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) + 50) + body,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body, 100).removesuffix(b"0\r\n\r\n"),
    ):
        answer = raw(server, broken, hang_up=True)
        assert answer.startswith(b"HTTP/1.1 400 "), answer
        assert b'"code":"bad_request"' in answer, answer
        assert b"\r\nContent-Type: application/json\r\n" in answer


def test_failed_model_is_never_ready(start_server: StartServer, model_dir: Path, features: Features) -> None:
    """A model that fails is never called ready, and health says why."""
    (model_dir / NAME / VERSION / "model.onnx").write_bytes(b"changed")
    server = start_server(ML_MODEL_DIR=str(model_dir), ML_WORKERS="1")
    report = server.next_report()
    assert set(report) == {"STATUS"}
    assert "model.onnx was changed" in report["STATUS"]
    answer = server.health()
    assert answer.status_code == 503
    assert "model.onnx was changed" in answer.json()["error"]
    assert server.predict({"features": features}).status_code == 503


def test_wrong_setting_stops_start(start_server: StartServer) -> None:
    """A wrong setting stops the start, with its name."""
    server = start_server(ML_WORKER="2")
    assert server.process.wait(DEADLINE_S) != 0
    assert "ML_WORKER is not a setting; did you mean ML_WORKERS?" in server.stderr.read_text()
    assert "Traceback" not in server.stderr.read_text()


def test_public_address_needs_key(start_server: StartServer) -> None:
    """An address that others reach stops the start where there is no key."""
    server = start_server(ML_BIND="0.0.0.0:0")
    assert server.process.wait(DEADLINE_S) != 0
    assert "ML_API_KEY must be set where ML_BIND is not a loopback address" in server.stderr.read_text()


def test_the_watchdog_is_fed(start_server: StartServer) -> None:
    assert start_server(WATCHDOG_USEC="2000000").report_with("WATCHDOG") == {"WATCHDOG": "1"}


def test_metrics_count_all_workers(start_server: StartServer, features: Features) -> None:
    server = start_server(ML_WORKERS="3")
    for _ in range(3):
        server.report_with("READY")
    # A connection each, so that any worker may get it.
    for _ in range(30):
        assert server.predict({"features": features}).status_code == 200
    answer = raw(server, b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").decode()
    assert 'neuronova_ml_predicted_rows_total{model="alzheimer_biomarkers",version="1.0.0"} 30.0' in answer
    assert 'neuronova_ml_model_ready{model="alzheimer_biomarkers"} 1.0' in answer
    (directory,) = server.work.iterdir()
    server.stop()
    assert not directory.exists()


def test_killed_worker_costs_its_connections(start_server: StartServer, features: Features) -> None:
    """A killed worker costs what was on its connections; whoever asks again is answered."""
    server = start_server()
    server.report_with("READY")
    server.report_with("READY")
    with Load(server.url, {"features": features}) as load:
        os.kill(server.workers()[0], signal.SIGKILL)
        server.report_with("READY")
        load.wait_for_more()
    assert len(load.failures) <= KEPT + FRESH, load.failures
    assert server.health().status_code == 200


def test_silent_clients_take_no_thread(start_server: StartServer) -> None:
    """Clients that have not asked yet take no thread from others."""
    server = start_server(ML_WORKERS="1", ML_THREADS="2")
    server.report_with("READY")
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connect(server)) for _ in range(8)]
        # A thread for each, as gunicorn has it, would take the others 20 seconds.
        assert requests.get(f"{server.url}/health", timeout=15).status_code == 200
        for connection in silent:
            connection.sendall(ASK)
        for connection in silent:
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")


def test_lingering_clients_take_no_thread(start_server: StartServer) -> None:
    """Clients that do not close their connection take no thread from others."""
    server = start_server(ML_WORKERS="1", ML_THREADS="2")
    server.report_with("READY")
    with contextlib.ExitStack() as stack:
        # A thread for each, for the two seconds that it is waited for, would take more than the test has.
        clients = [stack.enter_context(connect(server)) for _ in range(200)]
        for client in clients:
            client.sendall(ASK)
        for client in clients:
            answer = b"".join(iter(lambda client=client: client.recv(65536), b""))  # type: ignore[misc]
            assert answer.startswith(b"HTTP/1.1 200 OK")
        (worker,) = server.workers()
        wait_until(lambda: held(worker) == 0)


def test_unread_body_ends_its_connection(start_server: StartServer) -> None:
    """A long body that was refused unread ends its connection with the answer."""
    server = start_server(ML_WORKERS="1", ML_MAX_BODY_BYTES="2048")
    server.report_with("READY")
    (worker,) = server.workers()
    with contextlib.closing(http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=DEADLINE_S)) as client:
        for _ in range(2):
            client.request("POST", "/predict", b" " * 1000)
            short = client.getresponse()
            assert short.read()
            assert (short.status, short.getheader("Connection")) == (415, "keep-alive")
    head = HEAD.replace(b"Connection: close\r\n", b"")
    for rest in (b"Content-Length: 2000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b" " * 4096, 4096)):
        wait_until(lambda: held(worker) == 0)
        answer = raw(server, head + rest)
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"\r\nConnection: close\r\n" in answer


def test_reload_ignores_silent_clients(start_server: StartServer) -> None:
    """A reload waits for nobody who has not asked."""
    server = start_server(ML_WORKERS="1", ML_THREADS="2", ML_TIMEOUT_S="600")  # longer than the test has
    server.report_with("READY")
    (worker,) = server.workers()
    with connect(server), connect(server), connect(server):
        wait_until(lambda: held(worker) == 3)
        os.kill(server.process.pid, signal.SIGHUP)
        server.report_with("READY")
        wait_gone(worker)


def test_a_reload_loses_no_request(start_server: StartServer, features: Features) -> None:
    server = start_server()
    server.report_with("READY")
    server.report_with("READY")
    with Load(server.url, {"features": features}) as load:
        for _ in range(2):
            before = server.workers()
            os.kill(server.process.pid, signal.SIGHUP)
            server.report_with("READY")
            server.report_with("READY")
            for worker in before:
                wait_gone(worker)
            load.wait_for_more()
            assert not set(before) & set(server.workers())
    assert load.failures == []


def test_reload_serves_new_version(start_server: StartServer, model_dir: Path) -> None:
    """A reload serves a version that was installed meanwhile."""
    server = start_server(ML_MODEL_DIR=str(model_dir), ML_WORKERS="1")
    server.report_with("READY")
    shutil.copytree(model_dir / NAME / VERSION, model_dir / NAME / "1.1.0")
    edit_card(model_dir / NAME / "1.1.0", version="1.1.0")
    (before,) = server.workers()
    os.kill(server.process.pid, signal.SIGHUP)
    assert "1.1.0" in server.report_with("READY")["STATUS"]
    wait_gone(before)
    assert server.health().json()["model_version"] == "1.1.0"


def test_replacement_worker_serves_the_same(start_server: StartServer, model_dir: Path, features: Features) -> None:
    """A worker in a dead one's place serves what the others serve, to the bit, whatever became of the files."""
    server = start_server(ML_MODEL_DIR=str(model_dir))
    server.report_with("READY")
    server.report_with("READY")
    newer = model_dir / NAME / "1.1.0"
    shutil.copytree(model_dir / NAME / VERSION, newer)
    edit_card(newer, version="1.1.0")
    os.kill(server.workers()[0], signal.SIGKILL)
    assert VERSION in server.report_with("READY")["STATUS"]
    digest = hashlib.sha256((newer / "model.json").read_bytes()).hexdigest()[:12]
    before = server.workers()
    os.kill(server.process.pid, signal.SIGHUP)
    for _ in range(2):
        assert "1.1.0" in server.report_with("READY")["STATUS"]
    for worker in before:
        wait_gone(worker)
    (newer / "model.onnx").write_bytes(b"something else")
    os.kill(server.workers()[0], signal.SIGKILL)
    assert "1.1.0" in server.report_with("READY")["STATUS"]
    shutil.rmtree(newer)
    os.kill(server.workers()[0], signal.SIGKILL)
    assert "1.1.0" in server.report_with("READY")["STATUS"]
    assert {server.predict({"features": features}).json()["model_digest"] for _ in range(20)} == {digest}


def test_slow_neighbour_delays_no_default(start_server: StartServer, model_dir: Path, slow_model_dir: Path) -> None:
    """A model whose self-test never ends in time is loaded when the default is served already, and stops no end."""
    slow = shutil.copytree(slow_model_dir / NAME / VERSION, model_dir / "slow" / VERSION)
    sample = {"features": {"rounds": 1e12}, "expected": {"Control": 0.5, "Impaired": 0.5}}
    edit_card(slow, name="slow", golden_samples=[sample])
    server = start_server(ML_MODEL_DIR=str(model_dir), ML_WORKERS="1")
    server.report_with("READY")
    listed = requests.get(f"{server.url}/models", timeout=DEADLINE_S).json()["models"]
    assert [(model["name"], model["is_served"], model["error"]) for model in listed] == [
        (NAME, True, None),
        ("slow", False, "it is loading"),
    ]
    os.kill(server.process.pid, signal.SIGTERM)
    server.process.wait(DEADLINE_S)


def test_broken_candidate_takes_none_down(start_server: StartServer, model_dir: Path, features: Features) -> None:
    """Not at a start, and not at a reload: an older version is served, and that is told loudly."""
    newer = model_dir / NAME / "1.1.0"
    shutil.copytree(model_dir / NAME / VERSION, newer)
    edit_card(newer, version="1.1.0", sha256="0" * 64)
    server = start_server(ML_MODEL_DIR=str(model_dir), ML_WORKERS="1")
    for _ in range(2):
        status = server.report_with("READY")["STATUS"]
        assert f"serving {NAME} {VERSION} " in status
        assert f"because {NAME} 1.1.0 is not served: model.onnx was changed" in status
        assert server.predict({"features": features}).json()["model_version"] == VERSION
        assert (
            f'neuronova_ml_model_fallback{{model="{NAME}"}} 1.0' in requests.get(f"{server.url}/metrics", timeout=DEADLINE_S).text
        )
        os.kill(server.process.pid, signal.SIGHUP)


def test_huge_candidate_takes_none_down(start_server: StartServer, tmp_path: Path) -> None:
    """A few hundred bytes that ask for 2.3 GB, as the newest version and as a neighbour: no worker has loaded them."""
    models = tmp_path / "models"
    small_models.install(models)
    small_models.install(models, small_models.hungry(2300), version="1.1.0")
    small_models.install(models, small_models.hungry(2300), name="hungry")
    server = start_server(ML_MODEL_DIR=str(models), ML_MODEL=small_models.NAME, ML_WORKERS="1")
    status = server.report_with("READY")["STATUS"]
    assert "serving small 1.0.0 " in status
    assert "because small 1.1.0 is not served: it asks for more than 512 MB of memory" in status
    (worker,) = server.workers()
    wait_until(lambda: "it is loading" not in requests.get(f"{server.url}/models", timeout=DEADLINE_S).text)
    listed = requests.get(f"{server.url}/models", timeout=DEADLINE_S).json()["models"]
    assert {model["name"]: model["is_served"] for model in listed if model["version"] == "1.0.0"} == {
        "hungry": False,
        "small": True,
    }
    assert server.workers() == [worker]


def test_master_has_no_runtime(server: Server) -> None:
    def has_runtime(pid: int) -> bool:
        return "onnxruntime" in Path(f"/proc/{pid}/maps").read_text()

    assert all(has_runtime(worker) for worker in server.workers())
    assert not has_runtime(server.process.pid)


def test_slow_predictions_leave_health_free(start_server: StartServer, slow_model_dir: Path) -> None:
    """Slow predictions leave a thread for health."""
    server = start_server(ML_MODEL_DIR=str(slow_model_dir), ML_WORKERS="1", ML_THREADS="4", ML_TIMEOUT_S="5")
    server.report_with("READY")
    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(server.predict, {"features": {"rounds": 1e12}}) for _ in range(3)]
        first = next(as_completed(asked, DEADLINE_S))
        assert first.result().json()["code"] == "overloaded"
        assert server.health().status_code == 200
        assert [answer.done() for answer in asked if answer is not first] == [False, False]
        codes = [answer.result().json()["code"] for answer in asked if answer is not first]
    assert codes == ["prediction_timeout", "prediction_timeout"]


def test_upgrade_loses_no_request(start_server: StartServer, features: Features) -> None:
    """An upgrade loses no request, and hands over at its end."""
    server = start_server()
    server.report_with("READY")
    server.report_with("READY")
    # A reload first: gunicorn then takes a new copy of the environment, which must still name systemd.
    os.kill(server.process.pid, signal.SIGHUP)
    server.report_with("READY")
    server.report_with("READY")
    with Load(server.url, {"features": features}) as load:
        os.kill(server.process.pid, signal.SIGUSR2)
        reports = [server.report_with("STATUS") for _ in range(2)]
        successor = master_of(reports[0])
        assert successor != server.process.pid
        assert all(set(report) == {"READY", "STATUS"} and master_of(report) == successor for report in reports)
        load.wait_for_more()
        os.kill(server.process.pid, signal.SIGTERM)
        assert server.report_with("MAINPID") == {"MAINPID": str(successor)}
        server.process.wait(DEADLINE_S)
        load.wait_for_more()
    assert load.failures == []
    assert len(server.workers(successor)) == 2
    os.kill(successor, signal.SIGTERM)
    wait_gone(successor)


def test_failed_upgrade_leaves_old_server(start_server: StartServer, model_dir: Path, features: Features) -> None:
    """An upgrade that fails leaves the old server as it was."""
    server = start_server(ML_MODEL_DIR=str(model_dir))
    server.report_with("READY")
    server.report_with("READY")
    workers = server.workers()
    with Load(server.url, {"features": features}) as load:
        (model_dir / NAME / VERSION / "model.onnx").write_bytes(b"changed")
        os.kill(server.process.pid, signal.SIGUSR2)
        (successor,) = wait_for_child(server, besides=workers)
        wait_gone(successor)
        load.wait_for_more()
    assert load.failures == []
    assert set(workers) <= set(server.workers())
    assert "Worker failed to boot" in server.stderr.read_text()


def test_an_upgrade_can_be_taken_back(start_server: StartServer, features: Features) -> None:
    server = start_server()
    server.report_with("READY")
    server.report_with("READY")
    with Load(server.url, {"features": features}) as load:
        os.kill(server.process.pid, signal.SIGUSR2)
        successor = master_of(server.report_with("STATUS"))
        os.kill(successor, signal.SIGTERM)
        wait_gone(successor)
        load.wait_for_more()
    assert load.failures == []
    assert server.process.poll() is None


def master_of(report: dict[str, str]) -> int:
    found = re.search(r"\(master (\d+)\)", report["STATUS"])
    assert found
    return int(found[1])


def wait_for_child(server: Server, besides: list[int]) -> list[int]:
    """The master's new children as soon as there are any; it reports nothing that could be waited for."""
    while not (new := [child for child in server.workers() if child not in besides]):
        pass
    return new
