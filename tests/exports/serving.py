"""What a person does with an export: packs it, fills in the form, verifies it, installs it, and asks for every row."""

import base64
import csv
import json
import math
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import requests
from click.testing import CliRunner

from ml_server.cli import program
from tests.exports.case import Kept
from tests.ml_server.server import DEADLINE_S, Server

VERSION = "1.0.0"
_WORDS = """
title = "as said"
intended_use = "as said"
not_for = ["as said"]
training = { data = "as said", citation = "as said", method = "as said" }
"""


@dataclass(frozen=True)
class Tried:
    """What came of packing and verifying a case: its directory where it may be served, and all that was said."""

    directory: Path | None
    said: str


def run(*command: str) -> tuple[bool, str]:
    """Run `neuronova-model`; tell whether it was done, and what it said."""
    result = CliRunner().invoke(program(), command, catch_exceptions=False)
    return result.exit_code == 0, result.output


def pack_and_verify(case: Kept, out: Path, name: str) -> Tried:
    """Pack with what the case says and nothing else, twice, as the form between is filled in; then verify.

    The files are copied, for what is said often names them, and a case's own name tells too much.
    """
    (out / name).mkdir()
    model, data = out / name / "export.onnx", out / name / "rows.csv"
    shutil.copyfile(case.folder / "model.onnx", model)
    shutil.copyfile(case.folder / "train.csv", data)
    form = out / name / "describe.toml"
    if case.reading:
        if (case.folder / "images").is_dir():
            shutil.copytree(case.folder / "images", out / name / "images")
        form.write_text(_form(case))
    command = ["pack", str(model), "--data", str(data), *_told(case)]
    command += ["--name", name, "--version", VERSION, "--out", str(out)]
    if (case.folder / "reference.csv").exists():
        command += ["--reference", str(case.folder / "reference.csv")]
    is_done, first = run(*command)
    if not is_done:
        return Tried(None, first)
    form.write_text(re.sub(r'""', '"as said"', form.read_text()))
    is_done, second = run(*command)
    if not is_done:
        return Tried(None, second)
    directory = out / name / VERSION
    is_done, third = run("verify", str(directory))
    return Tried(directory if is_done else None, f"{first}\n{second}\n{third}")


def _form(case: Kept) -> str:
    """What a person says beforehand of a column that is more than a number or a word."""
    column = next(iter(read(case.folder / "train.csv")[0]))
    return "\n".join(
        [
            _WORDS,
            f"[inputs.{column}]",
            *(f"{key} = {json.dumps(value)}" for key, value in ({"description": "as said"} | case.reading).items()),
            "",
        ]
    )


def _told(case: Kept) -> Iterator[str]:
    for key, value in case.told.items():
        if key == "target":
            for name in [value] if isinstance(value, str) else value:
                yield from ("--target", name)
        else:
            yield from (f"--{key}", ",".join(value) if isinstance(value, list) else value)


def requests_of(case: Kept, directory: Path) -> list[dict[str, Any]]:
    """The rows of the training data as a client sends them: a missing value is null in one row and left out in the next."""
    inputs = msgspec.json.decode((directory / "model.json").read_bytes())["inputs"]
    rows = read(case.folder / "train.csv")
    targets = case.told.get("target", [])
    columns = [name for name in rows[0] if name not in ([targets] if isinstance(targets, str) else targets)]
    # A column whose name is none of the card's was renamed in its place.
    renamed = iter([name for name in columns if name not in {item["name"] for item in inputs}])
    headers = {item["name"]: item["name"] if item["name"] in columns else next(renamed) for item in inputs}
    asked = []
    for number, row in enumerate(rows):
        values = {item["name"]: _value(item, row[headers[item["name"]]], case.folder) for item in inputs}
        asked.append({name: value for name, value in values.items() if value is not None or number % 2})
    return asked


def _value(item: dict[str, Any], text: str, folder: Path) -> Any:
    kind = item.get("type", "number")
    if text == "":
        return None
    if kind == "image":
        return base64.b64encode((folder / text).read_bytes()).decode()
    if kind == "boolean":
        return text in {"True", "true", "1"}
    return float(text) if kind in {"number", "integer"} else text


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class Client:
    """Asks one server about one case."""

    def __init__(self, server: Server, case: Kept) -> None:
        self._url = f"{server.url}/predict"
        self._case = case
        self._session = requests.Session()

    def one_by_one(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """An answer for each row, in a request of its own."""
        return [self._post({"features": row}) for row in rows]

    def together(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """An answer for each row, in one request."""
        results: list[dict[str, Any]] = self._post({"items": [{"features": row} for row in rows]})["results"]
        return results

    def _post(self, content: dict[str, Any]) -> dict[str, Any]:
        answer = self._session.post(self._url, json={**content, "model_name": self._case.name}, timeout=DEADLINE_S)
        assert answer.status_code == 200, answer.text
        decoded: dict[str, Any] = answer.json()
        return decoded


def deviation(answers: Sequence[dict[str, Any]], reference: Path) -> float:
    """The largest difference to what the library says; of numbers above 1, the part of them that it is."""
    largest = 0.0
    for number, (answer, wanted) in enumerate(zip(answers, read(reference), strict=True)):
        assert answer["ok"], f"row {number}: {answer}"
        found = answer["predictions"] or {str(place): value for place, value in enumerate(answer["embedding"])}
        assert found.keys() == wanted.keys()
        for name, text in wanted.items():
            difference = abs(found[name] - float(text)) / max(1.0, abs(float(text)))
            assert math.isfinite(difference)
            largest = max(largest, difference)
    return largest
