"""Streams of people for the model of the examples, packed as the README says, and a server that counts them."""

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from click.testing import CliRunner

from ml_server.app import create_app
from ml_server.card import Card, read_card
from ml_server.cli import program
from ml_server.config import Settings
from ml_server.inputs import Boolean, Category, Number

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "own_model"
NAME = "discharge"
Person = dict[str, Any]


def pack(directory: Path, *, has_held_out: bool = True) -> Path:
    """Pack the example as a model directory."""
    data = ["--data", str(EXAMPLE / "train.csv"), "--target", "outcome", "--reference", str(EXAMPLE / "predictions.csv")]
    data += ["--held-out", str(EXAMPLE / "held_out.csv")] if has_held_out else []
    told = ["--name", NAME, "--version", "1.0.0", "--describe", str(EXAMPLE / "describe.toml"), "--out", str(directory)]
    done = CliRunner().invoke(program(), ["pack", str(EXAMPLE / "model.onnx"), *data, *told])
    assert done.exit_code == 0, done.output
    return directory


def card_of(models: Path) -> Card:
    """The card of the packed example."""
    return read_card((models / NAME / "1.0.0" / "model.json").read_bytes())


def without_histograms(models: Path) -> None:
    """Take out of the card what people of today are held against."""
    path = models / NAME / "1.0.0" / "model.json"
    card = msgspec.json.decode(path.read_bytes())
    for item in card["inputs"]:
        for key in ("histogram", "counts", "missing_share"):
            item.pop(key, None)
    path.write_bytes(msgspec.json.encode(card))


def of_card(card: Card, seed: int) -> Iterator[Person]:
    """People drawn from what the card says, each input for itself."""
    rng = np.random.default_rng(seed)
    while True:
        person: Person = {}
        for item in card.inputs:
            assert isinstance(item, Number | Boolean | Category)
            value: Any = None
            if rng.random() >= (item.missing_share or 0):
                value = _drawn(item, rng)
            person[item.name] = value
        yield person


def _drawn(item: Number | Boolean | Category, rng: np.random.Generator) -> Any:
    if isinstance(item, Number):
        assert item.histogram is not None
        counts, edges = np.array(item.histogram.counts), item.histogram.edges
        place = int(rng.choice(len(counts), p=counts / counts.sum()))
        value = float(rng.uniform(edges[place], edges[place + 1]))
        if item.schema()["type"] == "integer":
            low, high = int(np.ceil(edges[place])), int(np.ceil(edges[place + 1])) - (place < len(counts) - 1)
            value = int(rng.integers(low, max(low, high) + 1))
        return value
    assert item.counts is not None
    names = list(item.counts)
    weights = np.array([item.counts[name] for name in names], dtype=float)
    name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    return name if isinstance(item, Category) else name == "true"


def of_rows(card: Card, seed: int) -> Iterator[Person]:
    """People drawn from those in training, whole: the inputs belong together."""
    rng = np.random.default_rng(seed)
    with (EXAMPLE / "train.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kinds = {item.name: item for item in card.inputs}
    people = [{name: _read(kinds[name], text) for name, text in row.items() if name in kinds} for row in rows]
    while True:
        yield dict(people[int(rng.integers(len(people)))])


def _read(item: Any, text: str) -> Any:
    if not text:
        return None
    if isinstance(item, Number):
        return int(text) if item.schema()["type"] == "integer" else float(text)
    return text == "true" if isinstance(item, Boolean) else text


def changed(people: Iterator[Person], change: Callable[[Person], Person]) -> Iterator[Person]:
    """The same people, each changed."""
    return (change(person) for person in people)


class Counted:
    """A server of the packed example."""

    def __init__(self, state: Path, models: Path) -> None:
        self.app = create_app(Settings(state_dir=state, model_dir=models, model=NAME))
        self.client = self.app.test_client()

    def ask(self, people: Iterator[Person], count: int, size: int = 250) -> None:
        """Ask of so many people, a batch at a time."""
        for begin in range(0, count, size):
            batch = [{"features": next(people)} for _ in range(min(size, count - begin))]
            answer: Any = self.client.post("/predict", json={"items": batch}).json
            assert all(each["ok"] for each in answer["results"]), answer

    def drift(self) -> Any:
        """What is said of the only version."""
        answer: Any = self.client.get("/api/drift").json
        (version,) = answer["models"]
        return version


def drifted(version: Any, part: str = "inputs") -> list[str]:
    """The names of the inputs, or answers, that are not as they were."""
    return [each["name"] for each in version[part] if each["verdict"] in ("drifted", "missing")]


def standard_deviation(card: Card, name: str) -> float:
    """That of an input, by its histogram."""
    (item,) = [each for each in card.inputs if each.name == name]
    assert isinstance(item, Number)
    assert item.histogram is not None
    edges, counts = np.array(item.histogram.edges), np.array(item.histogram.counts, dtype=float)
    middles: Sequence[float] = (edges[1:] + edges[:-1]) / 2
    mean = np.average(middles, weights=counts)
    return float(np.sqrt(np.average((np.array(middles) - mean) ** 2, weights=counts)))
