"""What the site's Django asks, of a real gunicorn: features, sequences and images, single and as a batch."""

import base64
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import pytest
import requests
from jsonschema import Draft202012Validator
from onnx import TensorProto, helper, numpy_helper

from ml_server.card import Card
from ml_server.training.sequon import AMINO_ACIDS, has_sequon
from tests.ml_server.conftest import StartServer
from tests.ml_server.inputs.test_image import dicom, saved
from tests.ml_server.server import Server

# What the site knows of its people, and nobody else is to know.
PAGE = {
    "doctor_name": "Kim Uisa",
    "patient_name": "Hong Gil-dong",
    "doctor_id": "D-77",
    "patient_id": "900101-1234567",
    "encounter_id": 123456789,
}
PROTEIN = "MFVFLVLLPLVSSQCVNLTTRTQLPPAYTNSFTRGVYYPDKVFRSSVLHSTQDLFLPFFSNVTWFHAIHVSGTNGTKRFDNPVLPFNDGVYFASTEKSNIIRGWIFGTTLD"
_WORDS = "GCC TGC GAC GAG TTC GGC CAC ATC AAG CTG ATG AAC CCC CAG AGA AGC ACC GTG TGG TAC"
_CODONS = {letter: _WORDS[4 * place : 4 * place + 3] for place, letter in enumerate(AMINO_ACIDS)}
DNA = "".join(_CODONS[letter] for letter in PROTEIN)


def ask(server: Server, path: str, content: Any = None, **query: Any) -> Any:
    url = f"{server.url}{path}"
    answer = requests.post(url, json=content, timeout=60) if content is not None else requests.get(url, params=query, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(server: Server) -> str:
    """All that the server has said, after it has ended."""
    server.stop()
    return server.stdout.read_text() + server.stderr.read_text()


def is_nothing_said(server: Server, *secrets: str) -> bool:
    said = told(server)
    return "predict" in said and not any(secret in said for secret in (*map(str, PAGE.values()), *secrets))


@pytest.fixture
def sequences(start_server: StartServer, sequon_dir: Path) -> Server:
    server = start_server(ML_MODEL_DIR=str(sequon_dir), ML_MODEL="sequon")
    server.report_with("READY")
    return server


@pytest.mark.slow
def test_features_are_answered_with_whatever_the_page_sends(start_server: StartServer, features: dict[str, Any]) -> None:
    server = start_server()
    server.report_with("READY")
    pixels = [[number % 256 for number in range(512)]] * 1024
    expected = ask(server, "/api/predict", {"clinical_features": features})["predictions"]
    for image in (None, "", "x" * 3_000_000, pixels, [float(number) for number in range(300_000)]):
        answer = ask(server, "/api/predict", {**PAGE, "clinical_features": features, "image_data": image})
        assert answer["predictions"] == expected
        assert answer["warnings"] == (["image_data was ignored: this model reads no image"] if image else [])
    batch = {**PAGE, "items": [{"id": "a", "clinical_features": features}, {"id": 2, "features": {}}], "image_data": "x"}
    results = ask(server, "/api/predict", batch)["results"]
    assert [(result["index"], result["id"], result["ok"]) for result in results] == [(0, "a", True), (1, 2, False)]
    people = ask(server, "/api/example_data", num_people=4, samples_per_person=3, disease_ratio=0.9)["items"]
    assert [len(person["samples"]) for person in people] == [3] * 4
    assert is_nothing_said(server)


@pytest.mark.slow
def test_sequences_are_answered(sequences: Server) -> None:
    protein = ask(sequences, "/api/predict", {**PAGE, "sequence": PROTEIN, "seq_type": "protein"})
    assert (protein["ok"], protein["model_name"], protein["prediction"]) == (True, "sequon", "sequon")
    assert "translation" not in protein
    for content in (
        {"sequence": PROTEIN},
        {"sequence": f">hong gil-dong\n{PROTEIN[:60]}\n{PROTEIN[60:].lower()}\n", "seq_type": "auto"},
        {"sequence": DNA, "seq_type": "dna"},
        {"sequence": "GG" + DNA + "TAAGGG", "seq_type": "auto", "frame": 2, "stop_at_stop": True},
        {"sequence": DNA.replace("T", "U"), "seq_type": "rna", "frame": 0, "stop_at_stop": False, "image_data": [1, 2]},
        {"features": {"protein": PROTEIN}, "task3_threshold": 0.5, "organism_hint": "virus"},
    ):
        answer = ask(sequences, "/api/predict", {**PAGE, **content})
        assert answer["predictions"] == protein["predictions"]
        if content.get("seq_type") in ("dna", "rna") or "frame" in content:
            assert answer["translation"]["protein_sequence"] == PROTEIN
    assert is_nothing_said(sequences, PROTEIN[:20], DNA[:20])


@pytest.mark.slow
def test_batches_of_sequences_are_answered(sequences: Server) -> None:
    items = [
        {"id": "dna", "sequence": DNA},
        {"id": "protein", "sequence": PROTEIN, "seq_type": "protein"},
        {"id": "later", "sequence": "G" + DNA, "frame": 1},
        {"id": "letters", "sequence": "MKJ1"},
        {"id": "none"},
    ]
    answer = ask(sequences, "/api/predict", {**PAGE, "seq_type": "dna", "stop_at_stop": True, "items": items})
    assert (answer["ok"], answer["batch"], answer["model_version"]) == (True, True, "1.0.0")
    results = answer["results"]
    assert [(result["index"], result["id"], result["ok"]) for result in results] == [
        (0, "dna", True),
        (1, "protein", True),
        (2, "later", True),
        (3, "letters", False),
        (4, "none", False),
    ]
    assert len({json.dumps(result["predictions"]) for result in results[:3]}) == 1
    assert [result.get("translation", {}).get("protein_sequence") for result in results[:3]] == [PROTEIN, None, PROTEIN]
    assert [result["details"][0]["field"] for result in results[3:]] == ["sequence", "features"]
    chance = random.Random(1)
    many = ["".join(chance.choices(AMINO_ACIDS, k=chance.randint(3, 2000))) for _ in range(256)]
    found = ask(sequences, "/api/predict", {"items": [{"sequence": protein} for protein in many]})["results"]
    assert [result["prediction"] == "sequon" for result in found] == [has_sequon(protein) for protein in many]


@pytest.mark.slow
def test_what_the_site_shows_is_there(sequences: Server) -> None:
    described = ask(sequences, "/api/schema")
    assert Draft202012Validator(described["request"]).is_valid(described["example_request"])
    assert ask(sequences, "/api/predict", described["example_request"])["predictions"] == pytest.approx(
        described["example_expected"], abs=1e-4
    )
    people = ask(sequences, "/api/example_data", num_people=4, samples_per_person=3, disease_ratio=0.5)["items"]
    assert [(person["person_id"], person["num_samples"]) for person in people] == [(f"example-{n}", 3) for n in range(1, 5)]
    for person, wanted in zip(people, ["sequon", "sequon", "none", "none"], strict=True):
        for index, sample in enumerate(person["samples"]):
            assert (sample["sample_index"], sample["seq_type"]) == (index, "protein")
            assert ask(sequences, "/api/predict", {**PAGE, **sample})["prediction"] == wanted
    for path in ("/health", "/api/health"):
        assert ask(sequences, path) == {"ok": True, "status": "alive", "model_version": "1.0.0"}


def brightness_model() -> bytes:
    """The mean brightness of an image of 4 x 3 points, and a quarter of the age in years / 100, as the share of `bright`."""
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Squeeze", ["age", "one"], ["flat"]),
        helper.make_node("Mul", ["flat", "weight"], ["aged"]),
        helper.make_node("Add", ["mean", "aged"], ["bright"]),
    ]
    graph = helper.make_graph(
        nodes,
        "brightness",
        [
            helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, 3, 4]),
            helper.make_tensor_value_info("age", TensorProto.FLOAT, ["n", 1]),
        ],
        [helper.make_tensor_value_info("bright", TensorProto.FLOAT, ["n"])],
        initializer=[
            numpy_helper.from_array(np.array([1], np.int64), "one"),
            numpy_helper.from_array(np.array(0.0025, np.float32), "weight"),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def grey(value: int) -> Any:
    return np.full((3, 4), value, np.uint8)


@pytest.fixture
def images_dir(tmp_path: Path, card: Card) -> Path:
    content = brightness_model()
    described: dict[str, Any] = msgspec.to_builtins(card)
    picture = {"type": "image", "name": "image", "description": "Slice", "width": 4, "height": 3, "scale": 1 / 255}
    age = {"type": "number", "name": "age", "description": "Age", "unit": "years", "minimum": 0, "maximum": 100, "median": 40}
    described.update(
        name="brightness",
        sha256=hashlib.sha256(content).hexdigest(),
        inputs=[picture, age],
        golden_samples=[
            {
                "features": {"image": base64.b64encode(saved(grey(value))).decode(), "age": age_given},
                "expected": {"Control": 1 - share, "Impaired": share},
            }
            for value, age_given, share in ((51, 20, 0.25), (204, 40, 0.9))
        ],
    )
    directory = tmp_path / "images" / "brightness" / "1.0.0"
    directory.mkdir(parents=True)
    (directory / "model.onnx").write_bytes(content)
    (directory / "model.json").write_bytes(msgspec.json.encode(described))
    return directory.parent.parent


@pytest.mark.slow
def test_images_are_answered(start_server: StartServer, images_dir: Path) -> None:
    """As base64 and as a form, of every kind of file; missing features are filled as ever."""
    server = start_server(ML_MODEL_DIR=str(images_dir), ML_MODEL="brightness")
    server.report_with("READY")
    files = [saved(grey(51)), saved(grey(51), "JPEG"), dicom(grey(51), WindowCenter=127.5, WindowWidth=255)]
    for content in files:
        data = base64.b64encode(content).decode()
        for answer in (
            ask(server, "/api/predict", {**PAGE, "image_data": data, "features": {"age": 20}}),
            ask(server, "/api/predict", {**PAGE, "features": {"age": 20, "image": data}}),
            ask(server, "/api/predict", {**PAGE, "items": [{"image_data": data, "features": {"age": 20}}]})["results"][0],
            requests.post(
                f"{server.url}/api/predict",
                data={**PAGE, "features": '{"age": 20}'},
                files={"image_data": ("Hong Gil-dong.png", content)},
                timeout=60,
            ).json(),
            requests.post(f"{server.url}/predict", data={"features": '{"age": 20}'}, files={"image": content}, timeout=60).json(),
        ):
            assert answer["predictions"]["Impaired"] == pytest.approx(0.25, abs=0.004)
    alone = ask(server, "/api/predict", {"image_data": base64.b64encode(files[0]).decode(), "explain": True})
    assert alone["predictions"]["Impaired"] == pytest.approx(0.3, abs=1e-5)
    assert alone["warnings"] == [
        "age is missing and was filled with the training median",
        "feature_importance is left out: what this model reads is no table of single values",
    ]
    wrong = requests.post(f"{server.url}/predict", files={"image_data": ("x.png", b"GIF89a")}, timeout=60)
    assert (wrong.status_code, wrong.json()["details"]) == (
        422,
        [{"field": "image_data", "problem": "must be a PNG, JPEG or DICOM file"}],
    )
    large = requests.post(f"{server.url}/predict", files={"image_data": b"x" * (16 * 1024 * 1024)}, timeout=60)
    assert large.status_code == 413
    assert "ML_MAX_BODY_BYTES" in large.json()["error"]
    described = ask(server, "/api/schema")
    assert Draft202012Validator(described["request"]).is_valid(described["example_request"])
    assert ask(server, "/api/predict", described["example_request"])["ok"] is True
    assert is_nothing_said(server, "900101", "Gil")
