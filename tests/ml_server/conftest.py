"""The bundled model, copies of it to break, a slow model, and a real gunicorn."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import onnx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from onnx import TensorProto, helper

from ml_server.app import create_app
from ml_server.card import Card, read_card
from ml_server.config import BUNDLED_MODELS, Settings
from ml_server.inputs import Number
from ml_server.training import sequon
from tests.ml_server.server import Server

NAME, VERSION = "alzheimer_biomarkers", "1.0.0"
StartServer = Callable[..., Server]
InstallSlowModel = Callable[[Path], None]


# The keys by which the bundled card says how good its answers are.
CLAIMS = ("research_only", "positive", "patterns", "submodels", "subgroups", "applicability", "usual_answers", "statements")


@pytest.fixture(scope="session")
def bundled_card() -> Card:
    return read_card((BUNDLED_MODELS / NAME / VERSION / "model.json").read_bytes())


@pytest.fixture(scope="session")
def card(bundled_card: Card) -> Card:
    """The bundled card, without what it says of its answers: to be given other inputs, classes and samples."""
    known = {key: value for key, value in msgspec.to_builtins(bundled_card).items() if key not in CLAIMS}
    return msgspec.convert(known, Card)


@pytest.fixture(scope="session")
def numbers(card: Card) -> list[Number]:
    """The bundled model's inputs, which are all of one kind."""
    return [wanted for wanted in card.inputs if isinstance(wanted, Number)]


@pytest.fixture
def features(card: Card) -> dict[str, Any]:
    """A whole, ordinary request: the second golden sample, which is the middle impaired person."""
    return dict(card.golden_samples[1].features)


@pytest.fixture
def required_features(card: Card) -> dict[str, Any]:
    return dict(card.golden_samples[-1].features)


@pytest.fixture
def app() -> Flask:
    return create_app(Settings())


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    """A model directory of one's own, with the bundled model in it."""
    directory = tmp_path / "models"
    shutil.copytree(BUNDLED_MODELS, directory)
    return directory


def edit_card(directory: Path, **changes: Any) -> None:
    path = directory / "model.json"
    path.write_bytes(msgspec.json.encode({**msgspec.json.decode(path.read_bytes()), **changes}))


def slow_model() -> bytes:
    """An ONNX model that counts to the value of its only input before it answers one half for each class."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["condition_in"], ["condition_out"]),
            helper.make_node("Add", ["count_in", "one"], ["count_out"]),
        ],
        "count",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("condition_in", TensorProto.BOOL, []),
            helper.make_tensor_value_info("count_in", TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("condition_out", TensorProto.BOOL, []),
            helper.make_tensor_value_info("count_out", TensorProto.FLOAT, []),
        ],
        initializer=[helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])],
    )
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMax", ["features"], ["most"], keepdims=0),
            helper.make_node("Cast", ["most"], ["rounds"], to=TensorProto.INT64),
            helper.make_node("Loop", ["rounds", "", "zero"], ["count"], body=body),
            helper.make_node("Mul", ["features", "zero"], ["nothing"]),
            helper.make_node("Mul", ["count", "zero"], ["nothing_either"]),
            helper.make_node("Add", ["nothing", "nothing_either"], ["sum"]),
            helper.make_node("Add", ["sum", "halves"], ["probabilities"]),
        ],
        "slow",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 1])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
        initializer=[
            helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0]),
            helper.make_tensor("halves", TensorProto.FLOAT, [1, 2], [0.5, 0.5]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def echo_model() -> bytes:
    """An ONNX model of two inputs, which it answers as they are for the probabilities of two classes."""
    graph = helper.make_graph(
        [helper.make_node("Identity", ["features"], ["probabilities"])],
        "echo",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def make_slow_model_dir(above: Path, card: Card, rounds: float = 1) -> Path:
    """A model directory whose default model takes as long as its input `rounds` says, `rounds` in its self-test."""
    directory = above / NAME / VERSION
    directory.mkdir(parents=True)
    content = slow_model()
    (directory / "model.onnx").write_bytes(content)
    described = msgspec.to_builtins(card)
    described["sha256"] = hashlib.sha256(content).hexdigest()
    described["inputs"] = [
        {**described["inputs"][0], "name": "rounds", "minimum": 0, "maximum": 1e12, "median": 1, "required": True}
    ]
    described["golden_samples"] = [{"features": {"rounds": rounds}, "expected": {"Control": 0.5, "Impaired": 0.5}}]
    (directory / "model.json").write_bytes(msgspec.json.encode(described))
    return above


@pytest.fixture
def slow_model_dir(tmp_path: Path, card: Card) -> Path:
    """A model directory whose default model takes as long as its input `rounds` says."""
    return make_slow_model_dir(tmp_path / "slow", card)


@pytest.fixture(scope="session")
def sequon_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory with a model of sequences in it."""
    directory = tmp_path_factory.mktemp("sequences")
    sequon.build(directory / sequon.NAME / sequon.VERSION)
    return directory


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Starts real gunicorns, which are stopped when the test is over."""
    servers: list[Server] = []

    def start(**environ: str) -> Server:
        directory = tmp_path / f"server{len(servers)}"
        directory.mkdir()
        server = Server(directory, environ)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()
