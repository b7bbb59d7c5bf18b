"""The remote end is a real HTTP server with the bundled model behind the Open Inference Protocol."""

import hashlib
import http.server
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime as ort
import pytest

from ml_server.card import Card
from ml_server.config import BUNDLED_MODELS, Settings
from ml_server.errors import BrokenModelError, ModelFaultError, ModelUnavailableError, PredictionTimeoutError
from ml_server.inference import InferenceService
from ml_server.runtimes import Runtime, load_runtime
from ml_server.schemas import check_features
from ml_server.tensors import TEXT, TensorSpec
from tests.ml_server.conftest import NAME, VERSION, edit_card

BUNDLED = str(BUNDLED_MODELS / NAME / VERSION / "model.onnx")
PATH = "/v2/models/remote/versions/3"
METADATA = {
    "name": "remote",
    "inputs": [{"name": "features", "datatype": "FP32", "shape": [-1, 15]}],
    "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]}],
}


class Remote(http.server.ThreadingHTTPServer):
    """A server that knows one model; `answers` replaces what it says to a path, as status and content."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        self.session = ort.InferenceSession(BUNDLED)
        self.answers: dict[str, tuple[int, Any]] = {}
        self.connections: list[socket.socket] = []
        self.drips = threading.Event()
        self.is_over = threading.Event()
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def address(self) -> bytes:
        return json.dumps({"url": f"http://127.0.0.1:{self.server_port}", "model": "remote", "version": "3"}).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Remote

    def setup(self) -> None:
        super().setup()
        self.server.connections.append(self.connection)

    def do_GET(self) -> None:
        self._answer(METADATA if self.path == PATH else None)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        (tensor,) = asked["inputs"]
        rows = np.array(tensor["data"], dtype=np.float32).reshape(tensor["shape"])
        (found,) = self.server.session.run([asked["outputs"][0]["name"]], {tensor["name"]: rows})
        output = {"name": "probabilities", "datatype": "FP32", "shape": found.shape, "data": found.ravel().tolist()}
        self._answer({"model_name": "remote", "outputs": [output]})

    def _answer(self, content: Any) -> None:
        status, content = self.server.answers.get(self.path, (404 if content is None else 200, content))
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.drips.is_set():
            self.wfile.write(body[:1])
            self.server.is_over.wait()
        else:
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(port: int = 0) -> Iterator[Remote]:
    with Remote(port) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.is_over.set()
            server.shutdown()
            thread.join()
            for connection in server.connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def remote() -> Iterator[Remote]:
    with serving() as server:
        yield server


def load(card: Card, content: bytes) -> Runtime:
    return load_runtime(msgspec.structs.replace(card, runtime="remote", file="remote.json"), content)


def rows_of(card: Card) -> dict[str, Any]:
    rows = [check_features(sample.features, card).values for sample in card.golden_samples]
    return {"features": np.array(rows, dtype=np.float32)}


def test_answers_are_the_remote_models(card: Card, remote: Remote) -> None:
    """To the bit, over one connection."""
    runtime = load(card, remote.address)
    assert runtime.inputs == (TensorSpec("features", "float32", (None, 15)),)
    (bare,) = remote.session.run(["probabilities"], rows_of(card))
    for _ in range(3):
        assert runtime.run(rows_of(card), "probabilities", 10).tolist() == bare.tolist()
    assert len(remote.connections) == 1


def test_tensors_of_all_types_are_known(card: Card, remote: Remote) -> None:
    kinds = {"BOOL": "bool", "BYTES": TEXT, "INT8": "int8", "UINT64": "uint64", "FP16": "float16", "FP64": "float64"}
    inputs = [{"name": name, "datatype": name, "shape": [-1, 1]} for name in kinds]
    remote.answers[PATH] = (200, {**METADATA, "inputs": inputs})
    assert {spec.name: spec.dtype for spec in load(card, remote.address).inputs} == kinds


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((500, {"error": "tau 7.2 is too high"}), ModelUnavailableError),
        ((400, {"error": "tau 7.2 is too high"}), ModelFaultError),
        ((200, b"<html>"), ModelFaultError),
        ((200, {"outputs": []}), ModelFaultError),
        ((200, {"outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [1, 2], "data": [0.5]}]}), ModelFaultError),
        ((200, {"outputs": [{"name": "probabilities", "datatype": "X", "shape": [1], "data": [0.5]}]}), ModelFaultError),
        ((200, {"outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [1], "data": ["a"]}]}), ModelFaultError),
    ],
)
def test_bad_answers_are_told(card: Card, remote: Remote, answer: tuple[int, Any], error: type[Exception]) -> None:
    """In our own words."""
    runtime = load(card, remote.address)
    remote.answers[f"{PATH}/infer"] = answer
    with pytest.raises(error) as told:
        runtime.run(rows_of(card), "probabilities", 10)
    assert "tau" not in str(told.value)
    del remote.answers[f"{PATH}/infer"]
    assert len(runtime.run(rows_of(card), "probabilities", 10)) == len(card.golden_samples)


def test_slow_answer_is_given_up(card: Card, remote: Remote) -> None:
    """One that drips as well."""
    runtime = load(card, remote.address)
    remote.drips.set()
    with pytest.raises(PredictionTimeoutError, match=r"longer than 0\.1 s"):
        runtime.run(rows_of(card), "probabilities", 0.1)
    remote.drips.clear()
    assert len(runtime.run(rows_of(card), "probabilities", 10)) == len(card.golden_samples)


def test_closed_connection_is_opened_anew(card: Card) -> None:
    with serving() as first:
        runtime = load(card, first.address)
        port = first.server_port
    with serving(port):
        assert len(runtime.run(rows_of(card), "probabilities", 10)) == len(card.golden_samples)
    with pytest.raises(ModelUnavailableError):
        runtime.run(rows_of(card), "probabilities", 10)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "remote.json"),
        (b'{"url": "http://127.0.0.1:1"}', "remote.json: .*model"),
        (b'{"url": "file:///etc", "model": "m"}', "remote.json: .*url"),
        (b'{"url": "http://user:secret@127.0.0.1", "model": "m"}', "remote.json: .*url"),
    ],
)
def test_wrong_address_is_told(card: Card, content: bytes, problem: str) -> None:
    with pytest.raises(BrokenModelError, match=problem):
        load(card, content)


def test_unknown_model_is_told(card: Card, remote: Remote) -> None:
    with pytest.raises(BrokenModelError, match="does not know or tell the model other"):
        load(card, remote.address.replace(b'"remote"', b'"other"'))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def test_server_that_comes_later_is_found(tmp_path: Path) -> None:
    """It is not served until then, and needs no restart."""
    directory = Path(shutil.copytree(BUNDLED_MODELS / NAME / VERSION, tmp_path / NAME / VERSION))
    port = free_port()
    address = json.dumps({"url": f"http://127.0.0.1:{port}", "model": "remote", "version": "3"}).encode()
    (directory / "remote.json").write_bytes(address)
    edit_card(directory, runtime="remote", file="remote.json", sha256=hashlib.sha256(address).hexdigest())
    service = InferenceService(Settings(model_dir=tmp_path))
    service.load()
    assert service.load_away()
    assert not service.is_ready
    with pytest.raises(ModelUnavailableError, match="does not answer"):
        service.model()
    with serving(port):
        assert not service.load_away()
        assert service.is_ready
        assert service.model().card.runtime == "remote"
