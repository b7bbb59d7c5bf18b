"""A worker's line to the process of a trial: each prediction is handed on, or it is counted why not."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ml_server.model import Answer, Model, load_model
from ml_server.observing import Observed
from ml_server.repository import read_version
from ml_server.schemas import Row
from ml_server.silent import ledger, ring, wire
from ml_server.silent.feed import Line
from ml_server.silent.ledger import Counted
from ml_server.silent.ring import Ring
from ml_server.silent_trial import Trial
from tests.ml_server.small_models import NAME, install

BODY = b'{"features":{"a":0.4,"b":-0.3}}'


@pytest.fixture
def model(tmp_path: Path) -> Model:
    (tmp_path / "models").mkdir()
    install(tmp_path / "models", version="1.0.0")
    return load_model(read_version(tmp_path / "models" / NAME / "1.0.0", NAME, "1.0.0"))


@pytest.fixture
def line(tmp_path: Path, model: Model) -> Iterator[Line]:
    made = Line(tmp_path, Trial("t", NAME, "2.0.0", "", 0.0), model)
    yield made
    made.close()


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    with wire.listen(tmp_path) as made:
        yield made


@pytest.fixture
def meet(line: Line, listening: socket.socket) -> Iterator[Callable[[], tuple[socket.socket, Ring]]]:
    connections = []

    def met() -> tuple[socket.socket, Ring]:
        line.look()
        connection, _ = listening.accept()
        connections.append(connection)
        found = wire.meet(connection)
        assert found is not None
        return connection, found[1]

    yield met
    for connection in connections:
        connection.close()


def hand_on(line: Line, body: bytes = BODY) -> None:
    answer = Answer([0.4, 0.6], None, ())
    line.hand_on(Observed(line.model, [Row((0.4, -0.3), ())], [answer], [0], asked=(body, "application/json")), 0.001)


def counted(directory: Path) -> Counted:
    (token,) = ledger.tokens(directory, "t")
    found = ledger.read(directory, "t", token)
    assert found is not None
    return found[0]


def test_nobody_listens(line: Line, tmp_path: Path) -> None:
    line.look()
    hand_on(line)
    assert counted(tmp_path) == Counted(1, busy=0, away=1, large=0)


def test_only_who_takes_is_given(line: Line, meet: Callable[[], tuple[socket.socket, Ring]], tmp_path: Path) -> None:
    _, other = meet()
    hand_on(line)
    assert counted(tmp_path).away == 1
    other.read(is_read=True)
    hand_on(line)
    record = other.look()
    assert record is not None
    assert wire.decode(record) == wire.Asked(1000, "application/json", BODY, [0], [[0.4, 0.6]])
    assert counted(tmp_path) == Counted(2, busy=0, away=1, large=0)
    other.read(is_read=False)
    hand_on(line)
    assert counted(tmp_path).away == 2


def test_without_room_is_skipped(line: Line, meet: Callable[[], tuple[socket.socket, Ring]], tmp_path: Path) -> None:
    _, other = meet()
    other.read(is_read=True)
    hand_on(line, bytes(ring.MOST_BYTES))
    for _ in range(5):
        hand_on(line, bytes(ring.MOST_BYTES - 100))
    assert counted(tmp_path) == Counted(6, busy=1, away=0, large=1)
    assert counted(tmp_path).sent == 4


def test_greets_who_comes_after(line: Line, meet: Callable[[], tuple[socket.socket, Ring]], tmp_path: Path) -> None:
    """Who is gone without a word is noticed; the next one has a ring of its own, and is told what went to others."""
    connection, other = meet()
    other.read(is_read=True)
    hand_on(line)
    connection.close()
    _, new = meet()
    assert not new.has_more
    hand_on(line)
    assert counted(tmp_path) == Counted(2, busy=0, away=1, large=0)


def test_greeting_is_understood(tmp_path: Path, listening: socket.socket) -> None:
    made, handle = ring.make()
    for said in (wire.encode(wire.Hello("t", "token", 7)), b"what"):
        connection = wire.connect(tmp_path)
        assert connection is not None
        with connection, listening.accept()[0] as accepted:
            accepted.setblocking(False)
            with pytest.raises(BlockingIOError):
                wire.meet(accepted)
            socket.send_fds(connection, [said], [handle])
            found = wire.meet(accepted)
            if said == b"what":
                assert found is None
                continue
            assert found is not None
            assert found[0] == wire.Hello("t", "token", 7)
            made.put(b"record")
            assert found[1].look() == b"record"
            assert wire.is_open(accepted)
            connection.close()
            assert not wire.is_open(accepted)
            assert wire.meet(accepted) is None
    os.close(handle)
