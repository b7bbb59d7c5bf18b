"""Models as people's tools write them: packed by one command, served, and answered as by the library that trained them."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests

from tests.exports.case import Kept, read_cases
from tests.exports.serving import Client, Tried, deviation, pack_and_verify, requests_of
from tests.ml_server.server import DEADLINE_S, Server

CASES = read_cases()
SERVED = [case for case in CASES if not case.refused]
REFUSED = [case for case in CASES if case.refused]
TOLERANCE = 1e-5
LOADING = "it is loading"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@dataclass(frozen=True)
class Installed:
    """Every case that may be served, installed in one server."""

    tried: dict[str, Tried]
    server: Server


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """One server for all, so that they are also each other's neighbours."""
    models = tmp_path_factory.mktemp("models")
    tried = {case.name: pack_and_verify(case, models, case.name) for case in SERVED}
    default = next(name for name, result in tried.items() if result.directory)
    server = Server(tmp_path_factory.mktemp("server"), {"ML_MODEL_DIR": str(models), "ML_MODEL": default, "ML_WORKERS": "1"})
    server.report_with("READY")
    while any(model["error"] == LOADING for model in _models(server)):
        time.sleep(0.2)
    yield Installed(tried, server)
    server.stop()


def _models(server: Server) -> list[dict[str, Any]]:
    models: list[dict[str, Any]] = requests.get(f"{server.url}/models", timeout=DEADLINE_S).json()["models"]
    return models


def test_there_are_enough_cases() -> None:
    assert len(SERVED) >= 30
    assert len(REFUSED) >= 12


@pytest.mark.parametrize("case", SERVED, ids=lambda case: case.name)
def test_it_answers_as_its_library(installed: Installed, case: Kept) -> None:
    tried = installed.tried[case.name]
    assert tried.directory, tried.said
    card = msgspec.json.decode((tried.directory / "model.json").read_bytes())
    assert card["task"] == case.expected["task"]
    rows, client = requests_of(case, tried.directory), Client(installed.server, case)
    for answers in (client.one_by_one(rows), client.together(rows)):
        assert deviation(answers, case.folder / "reference.csv") <= TOLERANCE


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_it_is_refused_in_words(tmp_path: Path, case: Kept) -> None:
    """With the reason that the case names, and a remedy."""
    tried = pack_and_verify(case, tmp_path, "candidate")
    assert tried.directory is None, tried.said
    assert [word for word in (*case.refused, "remedy:") if word.lower() not in tried.said.lower()] == [], tried.said


@pytest.mark.parametrize("ward", [-1, 3])
def test_an_id_that_nobody_had_is_refused(installed: Installed, ward: int) -> None:
    """The table would have an answer for -1: that of its last row."""
    (case,) = [case for case in CASES if case.name == "torch_ids"]
    directory = installed.tried[case.name].directory
    assert directory is not None
    features = requests_of(case, directory)[0] | {"ward": ward}
    answer = installed.server.predict({"features": features, "model_name": case.name})
    assert answer.status_code == 422
    assert [detail["field"] for detail in answer.json()["details"]] == ["ward"]


def test_whole_numbers_may_be_more_than_were_seen(installed: Installed) -> None:
    """Where the model reckons with them."""
    (case,) = [case for case in CASES if case.name == "sk_lr_integers"]
    directory = installed.tried[case.name].directory
    assert directory is not None
    features = requests_of(case, directory)[0] | {"falls": 4}
    assert installed.server.predict({"features": features, "model_name": case.name}).status_code == 200
