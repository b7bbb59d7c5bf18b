"""Whatever is changed can be put back, exactly, and nothing that somebody has changed since."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.installer.changes import Changes
from deploy.installer.failure import Failure
from deploy.installer.journal import Journal, begin
from deploy.installer.states import State, state_of

ME = {"user": "root", "group": "root"}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return begin(tmp_path / "state" / "before")


@pytest.fixture
def changes(journal: Journal) -> Changes:
    return Changes(journal, begin(journal.directory / "run"), is_version_1=False)


def everything(folder: Path) -> dict[str, State]:
    return {str(path.relative_to(folder)): state_of(path) for path in folder.rglob("*")}


def put_all_back(journal: Journal) -> list[str]:
    return [journal.restore(entry, is_exact=True) for entry in list(journal.paths()) if "state" not in entry.path.name]


def a_file(path: Path) -> None:
    path.write_text("theirs\n")
    path.chmod(0o4751)
    os.utime(path, ns=(1, 1_500_000_000_123_456_789))


def a_link(path: Path) -> None:
    path.symlink_to("nowhere")


def nothing(_path: Path) -> None:
    pass


@needs_root
@pytest.mark.parametrize("make", [a_file, a_link, nothing])
def test_a_replaced_file_comes_back(tmp_path: Path, changes: Changes, make: Callable[[Path], None]) -> None:
    """Content, owner, mode and time are what they were; a link is put back, not what it points to."""
    place = tmp_path / "usr" / "bin"
    place.mkdir(parents=True)
    make(place / "program")
    if make is a_file:
        os.chown(place / "program", 1234, 2345)
        (place / "program").chmod(0o4751)
    before = everything(tmp_path / "usr")
    changes.put(place / "program", b"ours, below /opt/neuronova/current/", 0o755)
    changes.put(place / "program", b"ours anew, below /opt/neuronova/current/", 0o755)
    assert everything(tmp_path / "usr") != before
    assert put_all_back(Journal(changes.run.directory)) == [""]
    assert everything(tmp_path / "usr") == before


@needs_root
def test_missing_directories_go_again(tmp_path: Path, changes: Changes) -> None:
    changes.put(tmp_path / "a" / "b" / "c", b"x")
    put_all_back(Journal(changes.run.directory))
    assert not (tmp_path / "a").exists()


@needs_root
def test_directory_with_somebodys_file_stays(tmp_path: Path, changes: Changes) -> None:
    changes.put(tmp_path / "a" / "ours", b"x")
    (tmp_path / "a" / "theirs").touch()
    put_all_back(Journal(changes.run.directory))
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["theirs"]


@needs_root
def test_a_file_changed_since_stays(tmp_path: Path, changes: Changes) -> None:
    """What somebody has put there since is theirs, and it is said where the one before is."""
    path = tmp_path / "program"
    path.write_text("theirs")
    changes.put(path, b"ours, below /opt/neuronova/current/")
    path.write_text("theirs anew")
    [note] = put_all_back(Journal(changes.run.directory))
    assert str(path) in note
    assert path.read_text() == "theirs anew"
    assert "0000-program" in note


@needs_root
def test_edited_file_of_ours_goes(tmp_path: Path, changes: Changes) -> None:
    path = tmp_path / "gunicorn_monitor.service"
    changes.put(path, b"ExecStart=/opt/neuronova/current/venv/bin/python")
    path.write_text("ExecStart=/opt/neuronova/current/venv/bin/python -v")
    put_all_back(Journal(changes.run.directory))
    assert not path.exists()


@needs_root
def test_an_edit_in_a_foreign_file(tmp_path: Path, changes: Changes) -> None:
    """A crontab comes back only while nobody else has edited it."""
    path = tmp_path / "crontab"
    path.write_text("one\ntwo\n")
    path.chmod(0o600)
    changes.rewrite(path, b"two\n")
    assert state_of(path).mode == 0o600
    # Also where what they have written names us.
    path.write_text("two\nthree /opt/neuronova/current/\n")
    assert put_all_back(Journal(changes.run.directory)) != [""]
    assert path.read_text() == "two\nthree /opt/neuronova/current/\n"


@needs_root
def test_a_log_keeps_what_was_written(tmp_path: Path, changes: Changes) -> None:
    """An uninstallation gives a log's owner back, a purge its content as well."""
    log = tmp_path / "health_check.log"
    log.write_text("theirs\n")
    os.chown(log, 1234, 1234)
    changes.about_to(log, how="log", scope="data")
    os.chown(log, 0, 0)
    log.write_text("theirs\nours\n")
    entry = changes.before.entries[str(log)]
    changes.before.restore(entry, is_exact=False)
    assert log.read_text() == "theirs\nours\n"
    assert state_of(log).uid == 1234
    changes.before.restore(entry, is_exact=True)
    assert log.read_text() == "theirs\n"
    assert state_of(log).uid == 1234


@needs_root
def test_a_tree_goes_with_all_in_it(tmp_path: Path, changes: Changes) -> None:
    changes.make_directory(tmp_path / "releases", is_tree=True)
    (tmp_path / "releases" / "1.0.0" / "venv").mkdir(parents=True)
    put_all_back(Journal(changes.run.directory))
    assert not (tmp_path / "releases").exists()


@needs_root
def test_a_foreign_directory_stays(tmp_path: Path, changes: Changes) -> None:
    """A directory that was there is neither changed nor removed."""
    path = tmp_path / "log"
    path.mkdir(mode=0o755)
    os.chown(path, 1234, 1234)
    (path / "access.log").touch()
    before = everything(tmp_path / "log")
    changes.make_directory(path, 0o750, is_tree=True)
    assert state_of(path) == State("directory", 0o755, 1234, 1234)
    put_all_back(Journal(changes.run.directory))
    assert everything(tmp_path / "log") == before


def test_the_copy_comes_before_the_change(tmp_path: Path, journal: Journal) -> None:
    """The manifest on the disk knows of a change before it is made."""
    path = tmp_path / "file"
    path.write_text("theirs")
    journal.remember(path, made="file:whatever")
    entry = Journal(journal.directory).entries[str(path)]
    assert (journal.directory / entry.copy).read_text() == "theirs"


def test_a_journal_is_root_s_alone(journal: Journal) -> None:
    """What somebody else may have written is never put back."""
    journal.directory.chmod(0o770)
    with pytest.raises(Failure, match="root alone"):
        Journal(journal.directory)


def test_a_planted_journal_is_refused(tmp_path: Path) -> None:
    elsewhere = begin(tmp_path / "planted" / "before")
    (tmp_path / "before").symlink_to(elsewhere.directory)
    with pytest.raises(Failure, match="root alone"):
        Journal(tmp_path / "before")


def test_a_torn_manifest_is_told(journal: Journal) -> None:
    (journal.directory / "manifest.json").write_text('{"facts": {}, "entries": [{"key"')
    with pytest.raises(Failure, match=r"manifest\.json cannot be read"):
        Journal(journal.directory)


def test_a_socket_is_not_touched(tmp_path: Path, journal: Journal) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Failure, match="neither a file nor a directory"):
        journal.remember(tmp_path / "pipe")


def test_what_an_earlier_begin_left(tmp_path: Path) -> None:
    """A begin that was killed leaves nothing that the next one does not remove."""
    (tmp_path / ".state.new-1" / "before").mkdir(parents=True)
    begin(tmp_path / "state" / "before")
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_an_ended_journal_is_gone(journal: Journal) -> None:
    journal.end()
    assert list(journal.directory.parent.iterdir()) == []
    journal.end()


@needs_root
def test_what_is_in_order_stays(tmp_path: Path, changes: Changes) -> None:
    """A file that is just so is not written again."""
    path = tmp_path / "program"
    changes.put(path, b"ours", 0o755)
    before = path.stat()
    changes.put(path, b"ours", 0o755)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_ino == before.st_ino
    changes.put(path, b"ours", 0o644)
    assert state_of(path).mode == 0o644
