"""What a worker has counted outlives it."""

import os
import signal
import stat
from pathlib import Path

import pytest

from ml_server.card import Card
from ml_server.silent import ledger
from ml_server.silent.ledger import About, Counted, Ledger


@pytest.fixture
def about(card: Card) -> About:
    return About("1.0.0", "abc", card)


def test_counts_of_killed_worker(tmp_path: Path, about: About) -> None:
    """A process that is killed leaves its counts, and is known to be gone."""
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        mine = Ledger(tmp_path, "t", about)
        mine.see(5)
        mine.skip("busy", 2)
        mine.see(1)
        os.write(tell, b".")
        signal.pause()
    os.read(told, 1)
    (token,) = ledger.tokens(tmp_path, "t")
    assert ledger.read(tmp_path, "t", token) == (Counted(6, 2, 0, 0), about, True)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    found = ledger.read(tmp_path, "t", token)
    assert found == (Counted(6, 2, 0, 0), about, False)
    assert found[0].sent == 4


def test_closed_is_gone(tmp_path: Path, about: About) -> None:
    mine = Ledger(tmp_path, "t", about)
    assert stat.S_IMODE(ledger.path_of(tmp_path, "t", mine.token).stat().st_mode) == 0o600
    mine.close()
    found = ledger.read(tmp_path, "t", mine.token)
    assert found is not None
    assert not found[2]


def test_trials_are_kept_apart(tmp_path: Path, about: About) -> None:
    one, other = Ledger(tmp_path, "t", about), Ledger(tmp_path, "u", about)
    assert (ledger.tokens(tmp_path, "t"), ledger.tokens(tmp_path, "u")) == ({one.token}, {other.token})
    ledger.clear(tmp_path, {"u"})
    assert (ledger.tokens(tmp_path, "t"), ledger.tokens(tmp_path, "u")) == (set(), {other.token})
    assert ledger.read(tmp_path, "t", one.token) is None
