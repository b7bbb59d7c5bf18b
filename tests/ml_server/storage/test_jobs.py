"""Long jobs in the database: their order, their bounds, and when they expire."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_server.storage import jobs as storage
from ml_server.storage.database import Database
from ml_server.storage.drift import DriftStore
from ml_server.storage.jobs import KEPT_S, KNOWN_S, Full, Job, Jobs

NOW = 1_800_000_000.0
SENT = b'{"features": {"age": 71.987654}}'


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path, pytest.fail)
    yield made
    made.close()


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database)


def new(name: str, created: float = NOW) -> Job:
    return Job(
        id=name,
        state="queued",
        request_id="r",
        model="m",
        version="1.0.0",
        digest="d",
        content_type="application/json",
        bytes=len(SENT),
        rows=3,
        rows_done=0,
        piece_rows=1,
        attempts=0,
        created=created,
        started=None,
        finished=None,
        expires=created + KEPT_S,
        status=None,
    )


def state(jobs: Jobs, name: str, now: float = NOW) -> str | None:
    found = jobs.find(name, now)
    return found[0].state if found else None


def files(database: Database) -> bytes:
    return b"".join(path.read_bytes() for path in database.path.parent.iterdir())


def test_first_come_first(jobs: Jobs) -> None:
    jobs.add(new("b", NOW + 1), SENT)
    jobs.add(new("a", NOW), SENT)
    assert jobs.ahead(new("b", NOW + 1)) == 1
    claimed = jobs.claim(NOW + 2)
    assert claimed is not None
    assert (claimed.id, claimed.attempts, jobs.body(claimed)) == ("a", 0, SENT)
    again = jobs.claim(NOW + 3)
    assert again is not None
    assert (again.id, again.attempts, again.started) == ("a", 1, NOW + 2)


def test_release_is_no_attempt(jobs: Jobs) -> None:
    jobs.add(new("a"), SENT)
    for _ in range(5):
        job = jobs.claim(NOW)
        assert job is not None
        assert job.attempts == 0
        jobs.release(job)
    assert state(jobs, "a") == "queued"


def test_piece_ends_the_count(jobs: Jobs) -> None:
    """What was done is kept, and what ended the process before is forgiven."""
    jobs.add(new("a"), SENT)
    jobs.claim(NOW)
    job = jobs.claim(NOW)
    assert job is not None
    assert jobs.keep_piece(job, 0, b"{}", 1)
    again = jobs.claim(NOW)
    assert again is not None
    assert (again.attempts, again.rows_done, jobs.pieces(again)) == (1, 1, [b"{}"])


def test_finished_leaves_nothing_sent(jobs: Jobs, database: Database) -> None:
    jobs.add(new("a"), SENT)
    job = jobs.claim(NOW)
    assert job is not None
    jobs.keep_piece(job, 0, b'{"piece": 1}', 1)
    assert b"71.987654" in files(database)
    jobs.finish(job, 200, b'{"answer": 1}', NOW + 10)
    assert b"71.987654" not in files(database)
    assert b'{"piece": 1}' not in files(database)
    found = jobs.find("a", NOW + 10)
    assert found is not None
    assert (found[0].state, found[0].rows_done, found[1]) == ("done", 3, b'{"answer": 1}')
    assert jobs.counts() == [("m", "1.0.0", "done", 1, 3)]


def test_answer_expires(jobs: Jobs, database: Database) -> None:
    """An answer is not given after its time, deleted soon after that, and forgotten days later."""
    jobs.add(new("a"), SENT)
    job = jobs.claim(NOW)
    assert job is not None
    jobs.finish(job, 200, b'{"answer": 1}', NOW)
    assert state(jobs, "a", NOW + KEPT_S - 1) == "done"
    assert jobs.find("a", NOW + KEPT_S) == (job._replace(
        state="expired", started=NOW, finished=NOW, rows_done=3, attempts=1, bytes=13, status=200, expires=NOW + KEPT_S
    ), None)  # fmt: skip
    jobs.sweep(NOW + KEPT_S)
    assert b'{"answer": 1}' not in files(database)
    assert state(jobs, "a", NOW + KEPT_S) == "expired"
    jobs.sweep(NOW + KEPT_S + KNOWN_S)
    assert state(jobs, "a") is None


def test_waiting_expires_too(jobs: Jobs, database: Database) -> None:
    """What could not be answered for a day is deleted; what is being worked on is not."""
    jobs.add(new("a"), SENT)
    jobs.add(new("b", NOW + 1), SENT)
    jobs.claim(NOW)
    jobs.sweep(NOW + KEPT_S + 1)
    assert (state(jobs, "a", NOW + KEPT_S + 1), state(jobs, "b", NOW + KEPT_S + 1)) == ("running", "expired")
    assert jobs.counts() == [("m", "1.0.0", "expired", 1, 3)]


def test_forgotten_is_gone(jobs: Jobs, database: Database) -> None:
    jobs.add(new("a"), SENT)
    job = jobs.claim(NOW)
    assert job is not None
    assert jobs.forget("a")
    assert not jobs.forget("a")
    assert b"71.987654" not in files(database)
    assert not jobs.keep_piece(job, 0, b"{}", 1)
    jobs.finish(job, 200, b"{}", NOW)
    assert (state(jobs, "a"), jobs.counts(), jobs.has_work()) == (None, [], False)


def test_what_goes_with_a_piece_is_one_step(jobs: Jobs, database: Database) -> None:
    """Of what is written beside it all is kept, or nothing; and nothing for a job that nobody wants."""
    jobs.add(new("a"), SENT)
    job = jobs.claim(NOW)
    assert job is not None
    count = DriftStore(database)

    def also() -> None:
        count.add(("m", "1.0.0", "d"), "{}", 1, [(1, [1])], 0)

    def fails() -> None:
        also()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        jobs.keep_piece(job, 0, b"{}", 1, fails)
    assert (jobs.pieces(job), count.windows()) == ([], [])
    jobs.keep_piece(job, 0, b"{}", 1, also)
    jobs.finish(job, 200, b"{}", NOW, also)
    assert [window.people_ever for window in count.windows()] == [2]
    jobs.forget("a")
    assert not jobs.keep_piece(job, 0, b"{}", 1, fails)
    jobs.finish(job, 200, b"{}", NOW, fails)


def test_bytes_are_bounded(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that nobody fetches count, until they expire."""
    monkeypatch.setattr(storage, "MOST_BYTES", 100)
    jobs.add(new("a"), SENT)
    job = jobs.claim(NOW)
    assert job is not None
    jobs.finish(job, 200, b"x" * 80, NOW)
    with pytest.raises(Full):
        jobs.add(new("b"), SENT)
    jobs.sweep(NOW + KEPT_S)
    jobs.add(new("b", NOW + KEPT_S), SENT)


def test_deleted_while_others_read(jobs: Jobs, database: Database) -> None:
    """Who reads just then keeps nothing of it in the log."""
    jobs.add(new("a"), SENT)
    reads, may_end = threading.Event(), threading.Event()

    def read() -> None:
        with database.reading() as connection:
            cursor = connection.execute("SELECT * FROM jobs")
            cursor.fetchone()
            reads.set()
            may_end.wait(10)
            cursor.close()

    reader = threading.Thread(target=read)
    reader.start()
    reads.wait(10)
    timer = threading.Timer(0.2, may_end.set)
    timer.start()
    jobs.forget("a")
    reader.join()
    assert b"71.987654" not in files(database)
