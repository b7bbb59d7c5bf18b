"""The thread that compares: requests are answered together, and what comes of each is as if it had been asked alone."""

import json
import os
import random
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ml_server import prediction, priority
from ml_server.config import BUNDLED_MODELS
from ml_server.errors import ModelFaultError, PredictionTimeoutError
from ml_server.model import Answer, Model
from ml_server.pinned import Pinned, load_pinned
from ml_server.prediction import Progress
from ml_server.silent import ring, wire
from ml_server.silent.comparing import Difference
from ml_server.silent.ledger import About
from ml_server.silent.second import Second
from ml_server.silent.wire import Asked
from ml_server.silent.work import Work
from ml_server.storage.silent import Count
from tests.ml_server.conftest import NAME, VERSION

TOO_MUCH = 8.45


@pytest.fixture(autouse=True)
def own_session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What steps back is the thread, and not all that has been started with pytest."""
    monkeypatch.setattr(priority, "_GROUP", tmp_path / "autogroup")


@pytest.fixture(scope="module")
def service() -> Pinned:
    return load_pinned(BUNDLED_MODELS, NAME, VERSION, "", 10.0)


@pytest.fixture(scope="module")
def about(service: Pinned) -> About:
    return About(VERSION, service.model().digest, service.model().card)


def asked(service: Pinned, content: Any) -> Asked:
    """What a worker hands on of a request."""
    progress = Progress()
    body = json.dumps(content).encode()
    prediction.predict(body, "r", service, 256, progress)
    assert progress.observed is not None
    answered = [
        (place, result.numbers)
        for place, result in zip(progress.observed.places, progress.observed.results, strict=True)
        if isinstance(result, Answer)
    ]
    return Asked(100, "application/json", body, [place for place, _ in answered], [numbers for _, numbers in answered])


@pytest.fixture(scope="module")
def requests(service: Pinned) -> list[Asked]:
    """Single ones, and a batch with an item that is wrong."""
    chance = random.Random(1)
    features = dict(service.model().card.golden_samples[1].features)
    people = [{**features, "Cystatin_C": chance.uniform(8.3, 8.6), "VEGF": chance.uniform(16, 17)} for _ in range(60)]
    batch = {"items": [{"features": people[0]}, {"features": {"VEGF": "much"}}, {"features": people[1]}]}
    return [*(asked(service, {"features": each}) for each in people), asked(service, batch)]


def test_same_version_is_same_in_company(service: Pinned, about: About, requests: list[Asked]) -> None:
    """Some models put out other last bits in a batch: that is no difference between versions."""
    compared = Second(service).compare([(each, about) for each in requests])
    assert [len(each.rows) for each in compared] == [*[1] * 60, 2]
    rows = [row for each in compared for row in each.rows]
    assert all(isinstance(row, Difference) and (row.size, row.is_same) == (0, True) for row in rows)
    assert all(each.busy_us > 0 for each in compared)


def test_differences_are_those_alone(service: Pinned, about: About, requests: list[Asked]) -> None:
    moved = [
        Asked(each.elapsed_us, each.content_type, each.body, each.places, [[1 - one, one] for one, *_ in each.numbers])
        for each in requests
    ]
    second = Second(service)
    together = second.compare([(each, about) for each in moved])
    alone = [compared for each in moved for compared in second.compare([(each, about)])]
    assert [each.rows for each in together] == [each.rows for each in alone]
    assert {row.size for each in together for row in each.rows if isinstance(row, Difference)} - {0, 1}


class Failing(Pinned):
    """Answers none of several rows, and none of one person."""

    error: Exception = PredictionTimeoutError("the model took longer")

    def predict(self, model: Model, rows: Any, **options: Any) -> Any:
        """Fail, or answer."""
        if len(rows) > 1 or rows[0].values[0] == TOO_MUCH:
            raise self.error
        return super().predict(model, rows, **options)


@pytest.mark.parametrize("error", [PredictionTimeoutError("the model took longer"), ModelFaultError("no"), ZeroDivisionError()])
def test_one_takes_no_other_with_it(service: Pinned, about: About, error: Exception) -> None:
    features = service.model().card.golden_samples[1].features
    people = [{**features, "Cystatin_C": value} for value in (8.4, TOO_MUCH, 8.5)]
    group = [asked(service, {"features": each}) for each in people]
    failing = Failing(service.model(), BUNDLED_MODELS, 10.0)
    failing.error = error
    counts = told(Work(Second(failing)), group, about)
    assert counts.pop(Count(f"{VERSION} {about.digest}", "failed", getattr(error, "code", "crashed"))) == 1
    assert counts[Count(f"{VERSION} {about.digest}", "compared", "")] == 2


def told(made: Work, group: list[Asked], about: About) -> Counter[Count]:
    """Have all compared, and return what came of it; each row is accounted for once."""
    ours, handle = ring.make()
    theirs = ring.Ring(handle)
    os.close(handle)
    made.meet("w", about, theirs)
    for each in group:
        assert ours.put(wire.encode(each))
    assert made.waiting == {"w"}
    made.start()
    counts: Counter[Count] = Counter()
    accounted: Counter[str] = Counter()
    pause = threading.Event()
    while made.waiting:
        pause.wait(0.01)
        with made.resting():
            some_counts, some_accounted = made.take()
        counts.update(some_counts)
        accounted.update(some_accounted)
    assert accounted == {"w": sum(len(each.places) for each in group)}
    made.part_from_all_but(set())
    return counts


def test_all_are_told_once(service: Pinned, about: About, requests: list[Asked]) -> None:
    counts = told(Work(Second(service)), requests * 20, about)
    active = f"{VERSION} {about.digest}"
    assert counts[Count(active, "compared", "")] == counts[Count(active, "decided", "same")] == 20 * 62
    times = [count.kind for count in counts.elements() if count.kind.endswith("_time")]
    assert Counter(times) == {"active_time": 20 * 61, "second_time": 20 * 61}


def test_ends_at_what_it_cannot_read(service: Pinned, about: About, caplog: pytest.LogCaptureFixture) -> None:
    """So that the process is started anew; and it says nothing of what that was."""
    made = Work(Second(service))
    ours, handle = ring.make()
    made.meet("w", about, ring.Ring(handle))
    os.close(handle)
    ours.put(b"no record, but Hong Gildong")
    made.start()
    pause = threading.Event()
    while made.is_alive:
        pause.wait(0.01)
    assert "Gildong" not in caplog.text
    assert "it ends with ValidationError" in caplog.text
