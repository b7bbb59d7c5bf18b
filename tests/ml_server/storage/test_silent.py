"""The counts of silent trials in the database: none twice, none half."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_server.storage.database import Database
from ml_server.storage.silent import Count, Kept, OfLedger, Silent

SEEN, COMPARED, LOST = (Count("1.0.0 abc", kind, "") for kind in ("seen", "compared", "lost"))


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Silent]:
    database = Database(tmp_path, pytest.fail)
    made = Silent(database)
    made.know(kept("t"))
    yield made
    database.close()


def kept(name: str, started: float = 1.0) -> Kept:
    return Kept(name, "m", "2.0.0", "def", started, None, 0, "")


def test_lost_with_the_process(silent: Silent) -> None:
    """What was handed on to a process that is gone, and was not kept by it, is lost."""
    silent.meet("t", "w", 0)
    silent.add("t", {COMPARED: 7}, {"w": 7})
    silent.meet("t", "w", 10)
    silent.add("t", {COMPARED: 5}, {"w": 5})
    counts, ledgers = silent.figures("t")
    assert (counts[COMPARED], ledgers["w"]) == (12, OfLedger(12, 3, False))


def test_lost_with_the_worker(silent: Silent) -> None:
    """A ledger is added up once, with what did not arrive."""
    silent.add("t", {COMPARED: 7}, {"w": 7})
    for _ in range(2):
        silent.close("t", "w", "1.0.0 abc", 9, {SEEN: 11})
    counts, ledgers = silent.figures("t")
    assert (counts[SEEN], counts[LOST], ledgers["w"].is_closed) == (11, 2, True)


def test_latest_are_remembered(silent: Silent) -> None:
    for number in range(20):
        silent.know(kept(f"n{number}", 2.0 + number))
    silent.know(kept("n19", 21.0))
    silent.begin("n19")
    found = silent.trials()
    assert (len(found), found[0].id, found[0].starts) == (10, "n19", 1)
    assert silent.figures("t") == ({}, {})


def test_problem_goes_with_a_start(silent: Silent) -> None:
    silent.fail("t", "it is broken")
    assert silent.trials()[0].problem == "it is broken"
    silent.begin("t")
    silent.end("t", 9.0)
    silent.end("t", 10.0)
    (found,) = silent.trials()
    assert (found.problem, found.ended) == ("", 9.0)
