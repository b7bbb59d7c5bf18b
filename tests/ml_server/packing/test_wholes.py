"""Models of sequences and images are packed with what the form says of them."""

import base64
import io
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from onnx import TensorProto, helper
from PIL import Image

from ml_server.packing import Packed, PackingError, Wishes, pack_model
from ml_server.packing.form import Said
from ml_server.packing.table import Table, read_table, table_of
from ml_server.packing.wholes import suggestion

LETTERS = "ACGT"
SIDE = 8
DNA = {"type": "sequence", "alphabet": LETTERS, "length": 6, "seq_type": "dna"}
IMAGE = {"type": "image", "width": SIDE, "height": SIDE, "channels": 3, "scale": 1 / 255}


def reader(given: str, kind: int, shape: tuple[int | None, ...]) -> bytes:
    """Return a model that adds up all of what it reads, weighted, for two classes."""
    columns = math.prod(size for size in shape if size is not None)
    weights = np.random.default_rng(0).normal(size=(columns, 2)).astype(np.float32)
    nodes = [
        helper.make_node("Cast", [given], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["numbers"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(given, kind, shape)],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, (None, 2))],
        [helper.make_tensor("weights", TensorProto.FLOAT, weights.shape, weights.ravel())],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content: bytes = model.SerializeToString()
    return content


def wishes(**inputs: dict[str, Any]) -> Wishes:
    return Wishes("reader", "1.0.0", ("outcome",), said=Said(inputs=inputs))


def sequences(rows: int = 40) -> Table:
    rng = np.random.default_rng(1)
    texts = ["".join(rng.choice(list(LETTERS), rng.integers(2, 7))) for _ in range(rows)]
    return table_of({"sequence": texts, "outcome": rng.integers(0, 2, rows)})


def pictures(folder: Path, rows: int = 12) -> Table:
    """Return a table of the names of files."""
    rng = np.random.default_rng(2)
    for number in range(rows):
        points: npt.NDArray[np.uint8] = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        Image.fromarray(points).save(folder / f"{number}.png")
    lines = ["image,outcome", *(f"{number}.png,{number % 2}" for number in range(rows))]
    (folder / "train.csv").write_text("\n".join(lines))
    return read_table(folder / "train.csv")


def packed(kind: int, shape: tuple[int | None, ...], **said: Any) -> Packed:
    return pack_model(reader("sequence", kind, shape), sequences(), wishes(sequence={**DNA, **said}))


def test_sequences_are_packed() -> None:
    card = packed(TensorProto.INT64, (None, 6)).card
    assert {key: card["inputs"][0][key] for key in ("name", *DNA)} == {"name": "sequence", **DNA}
    assert packed(TensorProto.FLOAT, (None, 6, 4), encoding="one_hot").open_fields[-1] == "inputs.sequence.description"


def test_golden_sequences_are_nobodys() -> None:
    """Their letters are those of somebody, in another order; the shortest and the longest are among them."""
    given = [sample["features"]["sequence"] for sample in packed(TensorProto.INT64, (None, 6)).card["golden_samples"]]
    assert (min(map(len, given)), max(map(len, given))) == (2, 6)
    assert len(set(given) - set(sequences().columns["sequence"])) > len(given) / 2


def test_unreadable_sequences_are_named() -> None:
    table = sequences()
    texts = ("ACGX", None, *table.columns["sequence"][2:])
    wrong = replace(table, columns={**table.columns, "sequence": texts})
    with pytest.raises(PackingError, match="2 of 40 are not read: line 2"):
        pack_model(reader("sequence", TensorProto.INT64, (None, 6)), wrong, wishes(sequence=DNA))


def test_wrong_words_in_the_form_are_named() -> None:
    with pytest.raises(PackingError, match="alphabt"):
        packed(TensorProto.INT64, (None, 6), alphabt="ACGT")


def test_images_are_packed(tmp_path: Path) -> None:
    model = reader("image", TensorProto.FLOAT, (None, 3, SIDE, SIDE))
    card = pack_model(model, pictures(tmp_path), wishes(image=IMAGE)).card
    assert {key: card["inputs"][0][key] for key in IMAGE} == IMAGE
    files = {path.read_bytes() for path in tmp_path.glob("*.png")}
    for sample in card["golden_samples"]:
        content = base64.b64decode(sample["features"]["image"])
        assert content not in files
        assert Image.open(io.BytesIO(content)).size == (SIDE, SIDE)


def test_lost_files_are_named(tmp_path: Path) -> None:
    table = pictures(tmp_path)
    (tmp_path / "3.png").unlink()
    model = reader("image", TensorProto.FLOAT, (None, 3, SIDE, SIDE))
    with pytest.raises(PackingError, match="1 of 12 are not read: line 5"):
        pack_model(model, table, wishes(image=IMAGE))


@pytest.mark.parametrize(
    ("kind", "shape", "words"),
    [
        (TensorProto.INT64, (None, 24), 'type = "sequence"'),
        (TensorProto.FLOAT, (None, 24, 4), 'length = 24, encoding = "one_hot"'),
        (TensorProto.FLOAT, (None, 4, 24), 'length = 24, encoding = "one_hot_first"'),
        (TensorProto.UINT8, (None, 3, 16, 24), 'width = 24, height = 16, channels = 3, layout = "first"'),
        (TensorProto.FLOAT, (None, 16, 24, 1), 'channels = 1, layout = "last", scale'),
    ],
)
def test_what_to_say_is_suggested(kind: int, shape: tuple[int | None, ...], words: str) -> None:
    """Where the form says nothing yet: as far as the shape tells, ready to be copied into it."""
    with pytest.raises(PackingError) as raised:
        pack_model(reader("tensor", kind, shape), sequences(), Wishes("reader", "1.0.0", ("outcome",)))
    assert "[inputs.sequence]" in raised.value.message
    assert words in raised.value.message


def test_open_sizes_are_left_open() -> None:
    assert "length = 0" in suggestion("int64", (None, None), "x")
