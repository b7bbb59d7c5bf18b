"""Shifts that must be seen, and faithful streams in which none may be, through the real server and its database."""

import itertools
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from ml_server.app import create_app
from ml_server.card import Card
from ml_server.config import Settings
from tests.ml_server.conftest import StartServer
from tests.ml_server.drift.streams import (
    NAME,
    Counted,
    Person,
    card_of,
    changed,
    drifted,
    of_card,
    of_rows,
    pack,
    standard_deviation,
    without_histograms,
)
from tests.ml_server.server import DEADLINE_S, Server

Stream = Callable[[Card, int], Iterator[Person]]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tmp_path_factory.mktemp("packed"))


@pytest.fixture(scope="module")
def card(models: Path) -> Card:
    return card_of(models)


@pytest.fixture
def counted(tmp_path: Path, models: Path) -> Counted:
    return Counted(tmp_path / "state", models)


def _moved(card: Card, name: str, by: float) -> Callable[[Person], Person]:
    """Move an input by so many standard deviations, where it is given."""
    step = by * standard_deviation(card, name)
    return lambda person: person if person[name] is None else {**person, name: person[name] + step}


SHIFTS: dict[str, tuple[str, Callable[[Card], Callable[[Person], Person]]]] = {
    "half_a_deviation_up": ("albumin", lambda card: _moved(card, "albumin", 0.5)),
    "half_a_deviation_down": ("crp", lambda card: _moved(card, "crp", -0.5)),
    # From g/l to what another laboratory calls the same: a third less.
    "other_unit": ("albumin", lambda _: lambda person: {**person, "albumin": person["albumin"] and person["albumin"] * 0.7}),
    "always_missing": ("crp", lambda _: lambda person: {**person, "crp": None}),
    "category_vanishes": ("ward", lambda _: lambda person: {**person, "ward": "internal"}),
    "one_sex_only": ("sex", lambda _: lambda person: {**person, "sex": "F"}),
}


@pytest.mark.parametrize("stream", [of_card, of_rows])
@pytest.mark.parametrize("kind", SHIFTS)
def test_shift_is_seen_within_500(counted: Counted, card: Card, kind: str, stream: Stream) -> None:
    """After 1,000 faithful people."""
    counted.ask(stream(card, 1), 1000)
    assert not drifted(counted.drift())
    name, change = SHIFTS[kind]
    counted.ask(changed(stream(card, 2), change(card)), 500, size=50)
    version = counted.drift()
    assert drifted(version) == [name]
    assert version["verdict"] == "drifted"


@pytest.mark.slow
@pytest.mark.parametrize("stream", [of_card, of_rows])
def test_faithful_50_000_are_as_they_were(counted: Counted, card: Card, stream: Stream) -> None:
    """Looked at after every 250 people."""
    people = stream(card, 3)
    for _ in range(200):
        counted.ask(people, 250)
        version = counted.drift()
        assert not drifted(version)
        assert not drifted(version, "answers")
    assert version["people_ever"] == 50_000
    assert 500 <= version["people"] < 550
    # Without what chance adds to it.
    assert max(each["psi"] for each in version["inputs"]) < 0.1


def test_few_people_say_nothing(counted: Counted, card: Card) -> None:
    counted.ask(changed(of_card(card, 4), lambda person: {**person, "ward": "internal", "crp": None}), 99)
    version = counted.drift()
    assert (version["verdict"], version["people"]) == ("too_few", 99)
    assert {each["psi"] for each in version["inputs"]} == {None}


def test_direction_and_shares_are_told(counted: Counted, card: Card) -> None:
    counted.ask(changed(of_card(card, 5), _moved(card, "albumin", -0.6)), 500)
    by_name = {each["name"]: each for each in counted.drift()["inputs"]}
    albumin = by_name["albumin"]
    assert albumin["direction"] == -1
    assert albumin["psi"] > 0.1
    assert sum(albumin["today"]) == pytest.approx(1, abs=0.01)
    assert len(albumin["labels"]) == len(albumin["today"]) == len(albumin["in_training"])
    assert by_name["crp"]["missing_share"] == pytest.approx(by_name["crp"]["missing_share_in_training"], abs=0.05)


def test_answers_are_counted_without_reference(tmp_path: Path) -> None:
    """Those to the people of the training are none: a model is surer of them."""
    models = pack(tmp_path / "packed", has_held_out=False)
    counted = Counted(tmp_path / "state", models)
    counted.ask(of_card(card_of(models), 6), 300)
    (answers,) = counted.drift()["answers"]
    assert (answers["verdict"], answers["reference"], answers["labels"]) == ("no_reference", "nothing", ["home", "transfer"])
    assert answers["in_training"] is None
    assert sum(answers["today"]) == pytest.approx(1)


def test_answers_have_the_held_out_ones(counted: Counted, card: Card) -> None:
    """As class counts, and as a probability of ten bins."""
    counted.ask(of_rows(card, 6), 500)
    prediction, probability = counted.drift()["answers"]
    assert card.usual_answers is not None
    assert (prediction["verdict"], prediction["reference"], prediction["labels"]) == ("steady", "counts", ["home", "transfer"])
    assert prediction["in_training"] == [round(card.usual_answers.counts[name] / 150, 4) for name in ("home", "transfer")]
    assert (probability["name"], probability["verdict"]) == ("probability of transfer", "steady")
    assert (probability["reference"], len(probability["labels"])) == ("histogram", 10)
    assert probability["psi"] < 0.2


def test_shifted_answers_are_seen_within_500(tmp_path: Path, models: Path, card: Card) -> None:
    """Of the people of whom the model is fairly sure that they are transferred."""
    some = list(itertools.islice(of_rows(card, 14), 250))
    items = [{"features": each} for each in some]
    answer: Any = Counted(tmp_path / "other", models).client.post("/predict", json={"items": items}).json
    sure = [each for each, told in zip(some, answer["results"], strict=True) if told["predictions"]["transfer"] > 0.55]
    counted = Counted(tmp_path / "state", models)
    counted.ask(itertools.cycle(sure), 500, size=50)
    version = counted.drift()
    assert version["verdict"] == "drifted"
    assert set(drifted(version, "answers")) == {"prediction", "probability of transfer"}
    text = counted.client.get("/metrics").text
    assert f'neuronova_ml_drift_answers{{model="{NAME}",version="1.0.0"}} 2.0' in text
    assert 'neuronova_ml_drift_answer_psi{answer="probability of transfer"' in text
    brief: Any = counted.client.get("/drift?brief=true").json
    assert {each["name"] for each in brief["models"][0]["answers"]} == {"prediction", "probability of transfer"}


def test_incomplete_requests_are_not_held_against_whole_ones(tmp_path: Path, bundled_card: Card) -> None:
    """Nobody lacked anything in the training of the bundled model: submodels answer who does, and are not so sure."""
    client = create_app(Settings(state_dir=tmp_path)).test_client()
    whole = bundled_card.golden_samples[0].features
    required = {item.name: whole[item.name] for item in bundled_card.inputs if item.is_required}
    client.post("/predict", json={"items": [{"features": each} for each in [whole] * 110 + [required] * 90]})
    told: Any = client.get("/drift").json
    (version,) = told["models"]
    assert [each["name"] for each in version["answers"]] == ["prediction", "probability of Impaired"]
    assert {(each["people"], each["missing_share"]) for each in version["answers"]} == {(110, 0.45)}


def test_card_without_histograms_has_its_range(tmp_path: Path) -> None:
    """What nobody in training had is seen even so; a category is held against nothing."""
    models = pack(tmp_path / "packed")
    card = card_of(models)
    without_histograms(models)
    counted = Counted(tmp_path / "state", models)
    counted.ask(of_card(card, 7), 1000)
    version = counted.drift()
    verdicts = {each["name"]: (each["reference"], each["verdict"]) for each in version["inputs"]}
    assert verdicts["albumin"] == ("range", "steady")
    assert verdicts["ward"] == ("nothing", "no_reference")
    counted.ask(changed(of_card(card, 8), lambda person: {**person, "age": int(person["age"] * 1.6)}), 500)
    assert drifted(counted.drift()) == ["age"]


def test_no_value_is_kept(tmp_path: Path, models: Path) -> None:
    counted = Counted(tmp_path / "state", models)
    person = {"age": 67, "crp": 24.7531, "albumin": 41.9753, "sex": "F", "ward": "internal"}
    counted.ask(iter([person] * 150), 150)
    assert counted.drift()["people"] == 150
    written = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert b"24.75" not in written
    assert b"41.97" not in written


def test_probes_are_not_counted(counted: Counted, card: Card) -> None:
    people = of_card(card, 9)
    counted.ask(people, 120)
    items = [{"features": next(people)} for _ in range(200)]
    answer: Any = counted.client.post("/predict", json={"items": items}, headers={"User-Agent": "neuronova-monitor"}).json
    assert answer["ok"]
    assert counted.drift()["people_ever"] == 120


def test_blocks_stay_few(counted: Counted, card: Card, tmp_path: Path) -> None:
    people = of_card(card, 10)
    counted.ask(people, 400, size=1)
    counted.ask(people, 2000)
    counted.drift()
    connection = sqlite3.connect(tmp_path / "state" / "ml_server.db")
    (blocks, most) = connection.execute("SELECT count(*), max(people) FROM drift_blocks").fetchone()
    connection.close()
    assert blocks <= 11
    assert most <= 50


def test_metrics_tell_it(counted: Counted, card: Card) -> None:
    counted.ask(changed(of_card(card, 11), lambda person: {**person, "crp": None}), 500)
    counted.drift()
    text = counted.client.get("/metrics").text
    assert f'neuronova_ml_drift_inputs{{model="{NAME}",version="1.0.0"}} 1.0' in text
    assert f'neuronova_ml_drift_missing_share{{input="crp",model="{NAME}",version="1.0.0"}} 1.0' in text
    assert f'neuronova_ml_drift_psi{{input="albumin",model="{NAME}",version="1.0.0"}}' in text
    assert 'answer="prediction",bin="home"' in text


def test_brief_is_short(counted: Counted, card: Card) -> None:
    counted.ask(changed(of_card(card, 12), lambda person: {**person, "crp": None}), 500)
    answer: Any = counted.client.get("/drift?brief=true").json
    (version,) = answer["models"]
    assert [each["name"] for each in version["inputs"]] == ["crp"]


@pytest.mark.slow
def test_workers_count_together_over_restarts(tmp_path: Path, models: Path, card: Card, start_server: StartServer) -> None:
    """Two workers, each of which sees some; killed, and started again."""
    environ = {"ML_MODEL_DIR": str(models), "ML_MODEL": NAME, "ML_STATE_DIR": str(tmp_path / "kept"), "ML_WORKERS": "2"}
    server = start_server(**environ)
    server.report_with("READY")
    people = of_card(card, 13)

    def ask(server: Server, count: int) -> None:
        for _ in range(count):
            assert server.predict({"features": next(people)}).status_code == 200

    def ever(server: Server) -> int:
        (version,) = requests.get(f"{server.url}/api/drift", timeout=DEADLINE_S).json()["models"]
        return int(version["people_ever"])

    def wait_for(server: Server, count: int) -> None:
        end = time.monotonic() + DEADLINE_S
        while ever(server) < count:
            assert time.monotonic() < end
        assert ever(server) == count

    ask(server, 120)
    wait_for(server, 120)
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait(DEADLINE_S)
    again = start_server(**environ)
    again.report_with("READY")
    ask(again, 40)
    again.process.send_signal(signal.SIGTERM)
    again.process.wait(DEADLINE_S)
    third = start_server(**environ)
    third.report_with("READY")
    wait_for(third, 160)
