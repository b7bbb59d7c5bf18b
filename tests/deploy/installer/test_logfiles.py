"""The two log files in a directory that may be somebody else's; only root can hand files over."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

import pytest

from deploy.installer.logfiles import NAMES, ensure_log_files, main, rotation_user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

OURS = "daemon"
US = pwd.getpwnam(OURS)
SOMEBODY = pwd.getpwnam("nobody")


@pytest.fixture
def log_dir(tmp_path: Path) -> Path:
    return tmp_path / "log"


def make(log_dir: Path, owner: int, mode: int = 0o755, group: int = 0) -> None:
    log_dir.mkdir()
    os.chown(log_dir, owner, group)
    log_dir.chmod(mode)


def put(path: Path, owner: int, mode: int = 0o600) -> None:
    path.write_text("earlier\n")
    os.chown(path, owner, owner)
    path.chmod(mode)


def assert_ours(path: Path) -> None:
    found = path.lstat()
    assert (found.st_uid, found.st_gid, stat.filemode(found.st_mode)) == (US.pw_uid, US.pw_gid, "-rw-r--r--")


def test_a_new_server_gets_everything(log_dir: Path) -> None:
    assert ensure_log_files(log_dir, OURS) == [f"{each}: made" for each in (log_dir, *(log_dir / name for name in NAMES))]
    for name in NAMES:
        assert_ours(log_dir / name)
    assert (log_dir.owner(), stat.S_IMODE(log_dir.stat().st_mode)) == (OURS, 0o755)
    assert ensure_log_files(log_dir, OURS) == []


@pytest.mark.parametrize("owner", [0, US.pw_uid, SOMEBODY.pw_uid], ids=["root", "ours", "somebody"])
def test_a_directory_stays_as_it_is(log_dir: Path, owner: int) -> None:
    """And all that is in it, but for our two files."""
    make(log_dir, owner, 0o750)
    put(log_dir / "access.log", SOMEBODY.pw_uid)
    before = log_dir.stat(), (log_dir / "access.log").stat()
    assert ensure_log_files(log_dir, OURS) == [f"{log_dir / name}: made" for name in NAMES]
    after = log_dir.stat(), (log_dir / "access.log").stat()
    assert [(each.st_uid, each.st_gid, each.st_mode) for each in after] == [
        (each.st_uid, each.st_gid, each.st_mode) for each in before
    ]
    for name in NAMES:
        assert_ours(log_dir / name)


@pytest.mark.parametrize(
    ("directory", "file"),
    [(0, 0), (US.pw_uid, 0), (US.pw_uid, SOMEBODY.pw_uid), (0, SOMEBODY.pw_uid), (SOMEBODY.pw_uid, SOMEBODY.pw_uid)],
    ids=str,
)
def test_a_file_given_away_comes_back(log_dir: Path, directory: int, file: int) -> None:
    """With all that is in it: `chown -R` of the directory, or an earlier script that ran as root."""
    make(log_dir, directory)
    put(log_dir / "cron.log", file)
    assert f"{log_dir}/cron.log: belongs to {OURS} again" in ensure_log_files(log_dir, OURS)
    assert_ours(log_dir / "cron.log")
    assert (log_dir / "cron.log").read_text() == "earlier\n"


@pytest.mark.parametrize(
    ("directory", "mode", "group"),
    [(SOMEBODY.pw_uid, 0o755, 0), (0, 0o775, SOMEBODY.pw_gid), (US.pw_uid, 0o1777, 0)],
    ids=["somebody's", "group", "everybody"],
)
def test_planted_file_is_not_handed_over(log_dir: Path, directory: int, mode: int, group: int) -> None:
    """Somebody may have moved a file of root's there, which nobody else could read."""
    make(log_dir, directory, mode, group)
    put(log_dir / "cron.log", 0)
    said = ensure_log_files(log_dir, OURS)
    assert f"{log_dir}/cron.log: a file of root was in the way, and is cron.log.aside-1 now" in said
    assert_ours(log_dir / "cron.log")
    kept = (log_dir / "cron.log.aside-1").stat()
    assert (kept.st_uid, stat.S_IMODE(kept.st_mode)) == (0, 0o600)


def plant_link(path: Path) -> None:
    path.symlink_to(path.parents[1] / "secret")


def plant_second_name(path: Path) -> None:
    path.hardlink_to(path.parents[1] / "secret")


def plant_directory(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("plant", [plant_link, plant_second_name, os.mkfifo, plant_directory])
@pytest.mark.parametrize("owner", [0, SOMEBODY.pw_uid], ids=["root", "somebody"])
def test_what_is_in_the_way_is_moved(log_dir: Path, plant: object, owner: int) -> None:
    make(log_dir, owner)
    put(log_dir.parent / "secret", SOMEBODY.pw_uid)
    for name in NAMES:
        (log_dir / f"{name}.aside-1").touch()
        assert callable(plant)
        plant(log_dir / name)
    assert all(" in the way, and is " in said for said in ensure_log_files(log_dir, OURS)[::2])
    for name in NAMES:
        assert_ours(log_dir / name)
        assert (log_dir / f"{name}.aside-2").lstat()
    secret = (log_dir.parent / "secret").stat()
    assert (secret.st_uid, stat.S_IMODE(secret.st_mode)) == (SOMEBODY.pw_uid, 0o600)


def test_a_closed_directory_is_told(log_dir: Path) -> None:
    make(log_dir, SOMEBODY.pw_uid, 0o700)
    assert ensure_log_files(log_dir, OURS)[-1] == (
        f"{log_dir}: {OURS} may not enter it, so nothing can be written there: sudo chmod o+x {log_dir}"
    )


def test_no_directory_is_told(log_dir: Path) -> None:
    log_dir.write_text("in the way")
    assert ensure_log_files(log_dir, OURS) == [f"{log_dir}: Not a directory"]
    assert ensure_log_files(log_dir / "log", OURS) == [f"{log_dir}/log: Not a directory"] * 2


@pytest.mark.parametrize(("owner", "user"), [(US.pw_uid, OURS), (0, "root"), (SOMEBODY.pw_uid, "root")], ids=str)
def test_rotation_is_the_owners(log_dir: Path, owner: int, user: str) -> None:
    make(log_dir, owner)
    assert rotation_user(log_dir, OURS) == user


def test_the_module_is_a_program(log_dir: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """It says what it did, and what is not its own to change."""
    state_dir = tmp_path / "state"
    assert main(log_dir, state_dir, OURS) == 0
    assert (state_dir.owner(), stat.S_IMODE(state_dir.stat().st_mode)) == (OURS, 0o750)
    assert capsys.readouterr().out.splitlines()[-1] == f"{state_dir}: made"
    os.chown(state_dir, 0, 0)
    assert main(log_dir, state_dir, OURS) == 0
    cure = f"sudo chown {OURS}: {state_dir} {state_dir}/monitor.*"
    assert capsys.readouterr().out == f"{state_dir} does not belong to {OURS}, so no history is kept: {cure}\n"
    assert main(log_dir, state_dir, "no-such-user") == 1
