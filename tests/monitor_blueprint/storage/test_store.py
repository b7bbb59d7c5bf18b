from __future__ import annotations

import multiprocessing
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import CheckResult, CheckState, Event, EventKind, Incident, Reading, Silence, State, Status
from monitor_blueprint.domain.receivers import delivered
from monitor_blueprint.domain.text import Private, Public
from monitor_blueprint.storage.reads import IncidentFilter
from monitor_blueprint.storage.spans import Span
from monitor_blueprint.storage.sqlite import last_moved_aside
from monitor_blueprint.storage.store import Store
from monitor_blueprint.storage.writes import Transaction

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STATE = State(
    checks={"Flask": CheckState(status=Status.CRITICAL, since=NOW, flips=(NOW,), aspects={"unit": Status.CRITICAL})},
    incident=Incident(7, NOW, NOW),
    last_incident_number=7,
)
EVENT = Event(EventKind.OPENED, NOW, 7, NOW, ("Flask",), failing=("Flask",), since={"Flask": NOW})
MESSAGE = Message("7-opened", Public("subject"), Public("본문"), NOW, 7, "opened")
RECEIVERS = (("slack", ""), ("email", "ops@example.com"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "monitor.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store(path, busy_timeout_s=0.1) as store:
        yield store


def result(status: Status = Status.OK, at: datetime = NOW, check: str = "Flask", value: float = 12.5) -> CheckResult:
    reading = Reading("http", status, value, "ms", facts={"code": 200})
    return CheckResult(check, "service", (reading,), at, 3.5, {"position": 4})


def commit_incident(tx: Transaction) -> None:
    tx.save_state(STATE, NOW)
    tx.add_event(EVENT, MESSAGE, RECEIVERS)
    tx.add_evidence(7, [("unit ml", Private("exited")), ("journal", Private("Killed"))], NOW)
    tx.record_round(NOW, 120.0, Status.CRITICAL, [result(Status.CRITICAL)], "schedule")


def accept(tx: Transaction, channel: str, name: str, at: datetime = NOW) -> None:
    """All that is in the log is accepted."""
    before, newest = tx.outbox.receiver(channel, name), tx.outbox.newest()
    tx.outbox.settle(before, delivered(before, newest, at), [Span(before.cursor + 1, newest)], "delivered", at)


def record(store: Store, one: CheckResult) -> None:
    store.run(lambda tx: tx.record_round(one.at, 1.0, one.status, [one]))


def saved(store: Store) -> State:
    return store.reads.state()


def fill_the_disk(directory: Path) -> Path:
    filler = directory / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 512, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return filler


def test_saved_data_survives_restart(path: Path) -> None:
    """What is saved is there after a restart."""
    with Store(path) as store:
        assert store.problem == ""
        store.run(commit_incident)
    with Store(path) as store:
        assert saved(store) == STATE
        assert store.reads.checkpoints() == {"Flask": {"position": 4}}
        assert store.reads.latest_results() == {"Flask": replace(result(Status.CRITICAL), checkpoint={})}
        detail = store.reads.incident(7)
        assert detail is not None
        assert [record.event for record in detail.events] == [EVENT]
        # What is closest to the failure comes first, as it was given.
        assert [(one.title, one.text) for one in detail.evidence] == [
            ("unit ml", Private("exited")),
            ("journal", Private("Killed")),
        ]
        assert [(one.channel, one.state) for one in detail.deliveries] == [("email", "pending"), ("slack", "pending")]
        assert store.notes() == ()


def test_story_begins_when_somebody_looked(store: Store) -> None:
    """What is over since long ago has no story of the weeks in which nobody looked."""
    store.run(commit_incident)
    detail = store.reads.incident(7)
    assert detail is not None
    assert detail.watched == detail.incident
    old = replace(detail, incident=replace(detail.incident, opened_at=NOW - timedelta(days=58)))
    assert old.watched.opened_at == EVENT.at - timedelta(days=1)


def test_database_is_not_world_readable(path: Path, store: Store) -> None:
    """Only the owner and the group can read the database."""
    store.run(commit_incident)
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o137 == 0, file


def test_missing_directory_is_made(tmp_path: Path) -> None:
    with Store(tmp_path / "var" / "lib" / "monitor.db") as store:
        assert store.problem == ""


def test_what_raises_leaves_nothing_behind(store: Store) -> None:
    def fail(tx: Transaction) -> None:
        commit_incident(tx)
        raise LookupError

    with pytest.raises(LookupError):
        store.run(fail)
    assert saved(store) == State()
    assert store.reads.outbox_status() == {}
    assert store.problem == ""


def test_program_mistake_is_no_damage(store: Store) -> None:
    """A mistake in the program is not taken for a broken database."""
    with pytest.raises(sqlite3.ProgrammingError):
        store.run(lambda tx: tx._connection.execute("SELECT ?", ()))
    assert store.problem == ""


def test_transactions_do_not_nest(store: Store) -> None:
    """The past may be asked from within a transaction, but no other transaction be begun."""

    def ask(tx: Transaction) -> int:
        commit_incident(tx)
        return len(store.reads.incidents())

    assert store.run(ask) == 1
    with pytest.raises(RuntimeError):
        store.run(lambda tx: store.run(lambda other: other.reads.state()))
    assert store.problem == ""


def test_repeated_event_is_sent_once(store: Store) -> None:
    """An event that is added twice is sent once."""
    store.run(commit_incident)
    store.run(commit_incident)
    assert {name: status.pending for name, status in store.reads.outbox_status().items()} == {"email": 1, "slack": 1}


def test_closed_incident_is_in_history(store: Store) -> None:
    """A closed incident is in the history, with its times."""
    store.run(commit_incident)
    store.run(lambda tx: tx.save_state(State(last_incident_number=7), NOW + MINUTE))
    (incident,) = store.reads.incidents()
    assert (incident.number, incident.opened_at, incident.closed_at) == (7, NOW, NOW + MINUTE)
    assert incident.checks == ("Flask",)


def test_incident_has_all_that_was_named(store: Store) -> None:
    """What a message named as failing belongs to the incident from its first moment, not only once it is well again."""
    told = replace(EVENT, failing=("Flask", "Django"))
    store.run(lambda tx: tx.save_state(STATE, NOW))
    store.run(lambda tx: tx.add_event(told, replace(MESSAGE, id="nn-7-named"), ()))
    assert store.reads.incidents()[0].checks == ("Flask", "Django")
    assert store.reads.incidents(where=IncidentFilter(check="Django"))[0].number == 7
    assert store.reads.incidents(where=IncidentFilter(text="jang"))[0].number == 7
    assert store.reads.incidents(where=IncidentFilter(text="nginx")) == ()


def test_who_acknowledged_is_in_the_history(store: Store) -> None:
    store.run(commit_incident)
    acked = replace(STATE, incident=Incident(7, NOW, NOW, acked_by="kim"))
    store.run(lambda tx: tx.save_state(acked, NOW + MINUTE))
    assert store.reads.incidents()[0].acked_by == "kim"


def test_silences_are_added_listed_and_ended(store: Store) -> None:
    silence = Silence("Flask", NOW, NOW + 30 * MINUTE, "배포")
    number = store.run(lambda tx: tx.add_silence(silence))
    assert store.run(lambda tx: tx.reads.silences(NOW)) == (replace(silence, number=number),)
    assert store.run(lambda tx: tx.reads.silences(NOW + 30 * MINUTE)) == ()
    assert store.run(lambda tx: tx.end_silence(number, NOW + MINUTE)) is True
    assert store.run(lambda tx: tx.end_silence(number, NOW + MINUTE)) is False
    assert store.reads.silences(NOW + MINUTE) == ()


@pytest.mark.parametrize(("version", "body"), [(1, "{not json"), (1, '{"checks": 5}'), (99, "{}")])
def test_unreadable_state_begins_afresh(path: Path, store: Store, version: int, body: str) -> None:
    """A state that cannot be read begins afresh, says so, and uses no number twice."""
    store.run(commit_incident)
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE state SET version = ?, body = ?", (version, body))
    assert saved(store) == State(last_incident_number=7)
    (note,) = store.notes()
    assert "begun afresh" in note


def test_availability_and_series(store: Store) -> None:
    statuses = [Status.OK, Status.OK, Status.CRITICAL, Status.WARNING, Status.UNKNOWN]
    for number, status in enumerate(statuses):
        at = NOW + number * 10 * MINUTE
        record(store, result(status, at, value=float(number)))
    flask = store.reads.hours.over(["Flask"], NOW, NOW + 50 * MINUTE)["Flask"]
    assert flask.availability == pytest.approx(30 / 40)
    assert flask.known_s == pytest.approx(40 * 60)
    series = store.reads.hours.series("Flask", ["http", "unit"], (NOW, NOW + 50 * MINUTE), MINUTE)
    assert {aspect: each.mean for aspect, each in series.items()} == {"http": (0, 1, 2, 3, 4)}


def test_unwatched_time_counts_neither_way(store: Store) -> None:
    """A time in which nobody looked counts neither way."""
    for at, status in [(NOW, Status.CRITICAL), (NOW + 600 * MINUTE, Status.OK)]:
        record(store, result(status, at))
    found = store.reads.hours.over(["Flask", "nobody"], NOW, NOW + 615 * MINUTE)
    assert {name: each.availability for name, each in found.items()} == {"Flask": pytest.approx(0.5), "nobody": None}


def test_quick_results_are_thinned(path: Path, store: Store) -> None:
    """Results in quick succession are kept only where the status changed."""
    for second in range(20):
        at = NOW + timedelta(seconds=second)
        status = Status.OK if second < 10 else Status.CRITICAL
        record(store, result(status, at))
    assert store.reads.hours.series("Flask", ["http"], (NOW, NOW + MINUTE), MINUTE)["http"].count == (2,)
    assert store.reads.latest_results()["Flask"].at == NOW + timedelta(seconds=19)
    last = store.reads.last_round()
    assert last is not None
    assert last.started_at == NOW + timedelta(seconds=19)


def test_a_month_of_results_is_small(path: Path, store: Store) -> None:
    def half_a_day(tx: Transaction) -> None:
        for number in range(144):
            at = NOW + number * 5 * MINUTE
            tx.record_round(at, 1.0, Status.OK, [result(at=at, check=f"check {n}", value=number / 7) for n in range(15)])

    store.run(half_a_day)
    store.close()
    assert path.stat().st_size * 60 < 30_000_000


def test_old_data_is_forgotten(store: Store) -> None:
    """What is old is forgotten, but no open incident and nothing undelivered."""

    def add(tx: Transaction) -> None:
        for number in (1, 2):
            tx.save_state(State(incident=Incident(number, NOW, NOW)), NOW)
            tx.add_event(replace(EVENT, incident=number), replace(MESSAGE, id=f"{number}-opened"), RECEIVERS)
            tx.add_evidence(number, [("journal", Private("x"))], NOW)
            accept(tx, "slack", "")
            if number == 1:
                accept(tx, "email", "ops@example.com")
        tx.save_state(State(), NOW)
        commit_incident(tx)
        tx.add_silence(Silence("*", NOW, NOW))

    store.run(add)
    store.run(lambda tx: tx.prune(NOW + timedelta(days=29)))
    assert [incident.number for incident in store.reads.incidents()] == [7, 2, 1]
    store.run(lambda tx: tx.prune(NOW + timedelta(days=31)))
    assert [incident.number for incident in store.reads.incidents()] == [7, 2]
    kept = store.reads.incident(7)
    assert kept is not None
    assert kept.events
    assert kept.evidence
    assert kept.deliveries
    assert store.reads.outbox_status()["email"].pending == 2
    assert store.reads.rounds() == ()
    assert store.reads.latest_results() == {}
    assert store.reads.hours.series("Flask", ["http"], (NOW, NOW + MINUTE), MINUTE) == {}


def test_corrupt_database_is_moved_aside(path: Path) -> None:
    """A corrupt database is moved aside, and a new one begun."""
    path.write_bytes(b"this is no database at all" * 1000)
    with Store(path) as store:
        assert store.problem == ""
        (note,) = store.notes()
        (aside,) = path.parent.glob("monitor.db.corrupt-*Z")
        assert note == f"corrupt database moved to {aside}, a new one begun"
        store.run(commit_incident)
        assert saved(store) == STATE


def test_repeated_damage_fills_no_disk(path: Path) -> None:
    """A disk that damages the database again and again is not filled up."""
    for number in range(5):
        path.write_bytes(b"this is no database at all" * 1000)
        Store(path).close()
        newest = max(path.parent.glob("monitor.db.corrupt-*Z"))
        # SQLite removes them, but not where another process has the file open.
        for suffix in ("-wal", "-shm"):
            newest.with_name(newest.name + suffix).write_bytes(b"%d" % number)
    kept = sorted(path.parent.glob("monitor.db.corrupt-*Z"))
    assert len(kept) == 3
    assert [each.with_name(f"{each.name}-wal").read_bytes() for each in kept] == [b"2", b"3", b"4"]
    assert len(list(path.parent.glob("monitor.db.corrupt-*"))) == 3 * len(("", "-wal", "-shm"))
    moved = last_moved_aside(path)
    assert moved is not None
    assert moved[0] == kept[-1]


def test_readable_remains_are_taken_over(path: Path) -> None:
    """What can still be read of a damaged database is taken over."""
    with Store(path) as store:
        store.run(commit_incident)

        def much(tx: Transaction) -> None:
            for number in range(3000):
                at = NOW + number * 5 * MINUTE
                tx.record_round(at, 1.0, Status.OK, [result(at=at, check="disk")])

        store.run(much)
    # The last pages hold results only.
    with path.open("r+b") as file:
        file.seek(-20_000, os.SEEK_END)
        file.write(os.urandom(20_000))
    with Store(path) as store:
        assert "corrupt database moved" in store.notes()[0]
        assert saved(store) == STATE
        assert store.reads.outbox_status()["slack"].pending == 1


def test_damage_while_running_loses_nothing(path: Path, store: Store) -> None:
    """Damage while running neither stops the work nor loses the state."""
    store.run(commit_incident)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.write(b"\0" * path.stat().st_size)
    later = replace(STATE, last_incident_number=8)
    store.run(lambda tx: tx.save_state(later, NOW + MINUTE))
    assert saved(store) == later
    assert store.problem == ""
    assert "corrupt database moved" in store.notes()[0]


def test_deleted_file_is_begun_anew(path: Path, store: Store) -> None:
    """A deleted file is begun anew, with the state it had."""
    store.run(commit_incident)
    for file in path.parent.iterdir():
        file.unlink()
    assert saved(store) == STATE
    assert store.reads.outbox_status()["email"].pending == 1
    assert path.exists()
    assert store.notes() == ("database file was deleted or replaced: opened anew",)


def test_newer_database_is_left_alone(path: Path) -> None:
    """A database of a newer program is left alone."""
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("PRAGMA user_version = 99")
    with Store(path) as store:
        assert "newer program" in store.problem
        store.run(commit_incident)
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_locked_database_is_written_later(path: Path, store: Store) -> None:
    """A locked database is stood in for, and what was kept meanwhile is written back."""
    store.run(commit_incident)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        later = replace(STATE, last_incident_number=8)

        def work(tx: Transaction) -> State:
            found = tx.reads.state()
            tx.save_state(later, NOW + MINUTE)
            accept(tx, "slack", "", NOW + MINUTE)
            tx.add_event(replace(EVENT, kind=EventKind.RECOVERED), replace(MESSAGE, id="7-recovered"), RECEIVERS)
            tx.record_round(NOW + MINUTE, 1.0, Status.OK, [result(at=NOW + MINUTE)])
            tx.add_silence(Silence("*", NOW, NOW + 60 * MINUTE))
            return found

        assert store.run(work) == STATE
        assert "locked" in store.problem
        store.try_to_heal(NOW + MINUTE)
        assert "locked" in store.problem
        assert store.reads.outbox_status()["slack"].pending == 1
    store.try_to_heal(NOW + 3 * MINUTE)
    assert store.problem == ""
    assert store.notes() == ("database is usable again, what was kept in memory is written",)
    with Store(path) as another:
        assert saved(another) == later
        detail = another.reads.incident(7)
        assert detail is not None
        assert [(one.event_id, one.channel, one.state) for one in detail.deliveries] == [
            ("7-opened", "email", "pending"),
            ("7-opened", "slack", "delivered"),
            ("7-recovered", "email", "pending"),
            ("7-recovered", "slack", "pending"),
        ]
        assert len(another.reads.rounds()) == 2
        assert len(another.reads.silences(NOW)) == 1


@pytest.mark.parametrize("is_ended_in_memory", [True, False])
def test_silence_that_was_ended_stays_ended(path: Path, store: Store, is_ended_in_memory: bool) -> None:
    """Whoever ended it: the monitor in its memory, or somebody else in the file that it could not use."""
    silence = Silence("Flask", NOW, NOW + 60 * MINUTE)
    ended, lasting = (store.run(lambda tx: tx.add_silence(silence)) for _ in range(2))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert store.run(lambda tx: tx.end_silence(ended, NOW + MINUTE) if is_ended_in_memory else True)
        assert "locked" in store.problem
    if not is_ended_in_memory:
        with Store(path) as another:
            assert another.run(lambda tx: tx.end_silence(ended, NOW + MINUTE))
    store.try_to_heal(NOW + 2 * MINUTE)
    assert store.problem == ""
    assert store.reads.silences(NOW + 2 * MINUTE) == (replace(silence, number=lasting),)


def test_foreign_lock_allows_reading(path: Path) -> None:
    """A database in the hands of somebody else is still read."""
    with Store(path) as store:
        store.run(commit_incident)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with Store(path, busy_timeout_s=0.1) as store:
            assert store.problem == "database cannot be used: database is locked"
            assert saved(store) == STATE


def test_returning_database_keeps_its_contents(tmp_path: Path) -> None:
    """A database that could not even be read keeps what it holds when it comes back."""
    with Store(tmp_path / "disk" / "monitor.db") as store:
        store.run(commit_incident)
    place = tmp_path / "mount"
    place.touch()
    with Store(place / "monitor.db") as store:
        assert store.problem == "database cannot be used: File exists"
        assert saved(store) == State()
        fresh = State(incident=Incident(1, NOW + MINUTE, NOW + MINUTE), last_incident_number=1)
        store.run(lambda tx: tx.save_state(fresh, NOW + MINUTE))
        place.unlink()
        (tmp_path / "disk").rename(place)
        store.try_to_heal(NOW)
        assert store.problem == ""
        # What was told last counts, but the next incident gets a number of its own.
        assert saved(store) == replace(fresh, last_incident_number=7)
        assert [incident.number for incident in store.reads.incidents()] == [7, 1]


def test_healing_is_not_always_tried(path: Path, store: Store) -> None:
    """Healing is not tried at every health check."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        store.run(commit_incident)
        store.try_to_heal(NOW)
    store.try_to_heal(NOW + timedelta(seconds=30))
    assert store.problem
    store.try_to_heal(NOW + timedelta(seconds=61))
    assert not store.problem


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_full_disk_loses_no_event(tmp_path: Path) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("this container may not mount")
    try:
        with Store(mount / "monitor.db") as store:
            store.run(lambda tx: tx.save_state(State(), NOW))
            filler = fill_the_disk(mount)

            def much(tx: Transaction) -> None:
                commit_incident(tx)
                tx.add_evidence(7, [(f"part {n}", Private("x" * 4000)) for n in range(100)], NOW)

            store.run(much)
            assert "full" in store.problem
            assert saved(store) == STATE
            store.try_to_heal(NOW)
            assert store.problem
            filler.unlink()
            store.try_to_heal(NOW + 2 * MINUTE)
            assert store.problem == ""
        with Store(mount / "monitor.db") as store:
            assert saved(store) == STATE
            assert store.reads.outbox_status()["slack"].pending == 1
    finally:
        subprocess.run(["umount", "-l", mount], check=True)


def test_full_database_loses_no_event(path: Path, store: Store) -> None:
    """A database that may grow no further loses no event."""
    store.run(lambda tx: tx._connection.execute("PRAGMA max_page_count = 1"))

    def much(tx: Transaction) -> None:
        commit_incident(tx)
        tx.add_evidence(7, [(f"part {n}", Private("x" * 4000)) for n in range(100)], NOW)

    store.run(much)
    assert "full" in store.problem
    assert store.reads.outbox_status()["slack"].pending == 1
    store.try_to_heal(NOW)
    assert store.problem == ""
    assert saved(store) == STATE


@pytest.mark.parametrize("is_there", [True, False])
def test_unwritable_directory_stops_nothing(tmp_path: Path, is_there: bool) -> None:
    """A directory that cannot be written is no reason to stop."""
    home = tmp_path / "home"
    home.mkdir()
    if is_there:
        with Store(home / "monitor.db") as store:
            store.run(commit_incident)
        (home / "monitor.db").chmod(0o440)
    home.chmod(0o550)
    program = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC\n"
        "from monitor_blueprint.storage.store import Store\n"
        "store = Store(Path(sys.argv[1])); number = store.reads.state().last_incident_number\n"
        "store.run(lambda tx: tx.save_state(tx.reads.state(), datetime.now(UTC))); print(number, store.problem)"
    )
    # Even root must not be able to write there.
    demoted = ["setpriv", "--inh-caps=-dac_override", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*demoted, sys.executable, "-c", program, str(home / "monitor.db")],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    number, _, problem = done.stdout.strip().partition(" ")
    assert number == ("7" if is_there else "0")
    assert problem == "database cannot be used: Permission denied"


def count_up(path: Path, times: int) -> None:
    with Store(path) as store:
        for _ in range(times):
            store.run(lambda tx: tx.save_state(State(last_incident_number=tx.reads.state().last_incident_number + 1), NOW))
        assert store.problem == ""


def test_processes_overwrite_nothing(path: Path) -> None:
    """Processes that read and save do not overwrite each other."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=count_up, args=(path, 20)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with Store(path) as store:
        assert saved(store).last_incident_number == 60


def save_in_child(store: Store) -> None:
    store.run(lambda tx: tx.save_state(replace(STATE, last_incident_number=8), NOW))
    store.run(lambda tx: tx.add_silence(Silence("*", NOW, NOW + MINUTE)))
    os._exit(0 if not store.problem else 1)


def test_store_survives_a_fork(store: Store) -> None:
    """A store that was opened before a fork is safe on both sides."""
    store.run(commit_incident)
    child = multiprocessing.get_context("fork").Process(target=save_in_child, args=(store,))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert saved(store).last_incident_number == 8
    store.run(lambda tx: tx.save_state(STATE, NOW))
    assert len(store.reads.silences(NOW)) == 1
    assert store.problem == ""


def test_threads_may_share_a_store(store: Store) -> None:
    def count() -> None:
        for _ in range(50):
            store.run(lambda tx: tx.save_state(State(last_incident_number=tx.reads.state().last_incident_number + 1), NOW))
            store.reads.rounds()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert saved(store).last_incident_number == 200


_PASS_BY = """
import sys
from pathlib import Path
from monitor_blueprint.storage.store import Store
with Store(Path(sys.argv[1])) as store:
    print(store.reads.state().last_incident_number)
"""


def test_second_store_costs_no_lock(path: Path, store: Store) -> None:
    """Another process that ends takes nothing away from one that has the file open twice."""
    store.run(lambda tx: tx.save_state(replace(STATE, last_incident_number=1), NOW))
    with Store(path):
        for number in (2, 3):
            passed = [sys.executable, "-c", _PASS_BY, str(path)]
            root = Path(__file__).parents[3]
            done = subprocess.run(passed, check=True, cwd=root, capture_output=True, text=True, timeout=60)
            assert done.stdout.strip() == str(number - 1)
            state = replace(STATE, last_incident_number=number)
            store.run(lambda tx, state=state: tx.save_state(state, NOW))  # type: ignore[misc]
