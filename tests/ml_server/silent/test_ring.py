"""What is put into a ring comes out of it, as it was, once and in order; whoever dies meanwhile."""

import mmap
import os
import random
import signal
from collections.abc import Iterator

import pytest

from ml_server.silent import ring
from ml_server.silent.ring import ROOM_BYTES, Ring

RECORDS = 20_000


@pytest.fixture
def handle() -> Iterator[int]:
    _, handle = ring.make()
    yield handle
    os.close(handle)


def take(of: Ring) -> bytes | None:
    record = of.look()
    if record is not None:
        of.take(record)
    return record


def records(count: int) -> Iterator[bytes]:
    chance = random.Random(1)
    for number in range(count):
        yield b"%d " % number * chance.randrange(1, 400)


def test_comes_out_in_order(handle: int) -> None:
    """Over the end of the room again and again, with whatever rests in it."""
    one, other = Ring(handle), Ring(handle)
    chance = random.Random(2)
    waiting: list[bytes] = []
    for record in records(RECORDS):
        assert one.put(record)
        waiting.append(record)
        while len(waiting) > 3 and chance.random() < 0.7:
            assert take(other) == waiting.pop(0)
    assert one.put_bytes > 2 * ROOM_BYTES
    assert [take(other) for _ in waiting] == waiting
    assert (take(other), other.has_more) == (None, False)


def test_full_is_full(handle: int) -> None:
    one, other = Ring(handle), Ring(handle)
    record = bytes(ring.MOST_BYTES)
    put = 0
    while one.put(record):
        put += 1
    assert put == ROOM_BYTES // len(record) - 1
    assert take(other) == record
    assert one.put(record)
    assert not one.put(record)


def test_half_of_a_record_waits(handle: int) -> None:
    """What another processor does not see yet is not taken before it does."""
    one, other = Ring(handle), Ring(handle)
    one.put(b"whole")
    one.put(b"after")
    with mmap.mmap(handle, 0) as memory:
        at = memory.find(b"whole")
        memory[at] = 0
        assert (other.look(), other.has_more) == (None, True)
        memory[at] = ord("w")
    assert [take(other), take(other)] == [b"whole", b"after"]


def test_outlives_who_put(handle: int) -> None:
    """A process that is killed leaves what it has put; another one takes while it puts."""
    pid = os.fork()
    if pid == 0:
        mine = Ring(handle)
        for record in records(RECORDS):
            while not mine.put(record):
                os.sched_yield()
        os.kill(os.getpid(), signal.SIGKILL)
    other = Ring(handle)
    taken: list[bytes | None] = []
    is_over = False
    while not is_over:
        is_over = os.waitpid(pid, os.WNOHANG)[0] == pid  # first: what it has put is there now
        taken += iter(lambda: take(other), None)
    assert taken == list(records(RECORDS))


def test_says_who_takes(handle: int) -> None:
    one, other = Ring(handle), Ring(handle)
    assert not one.is_read
    other.read(is_read=True)
    assert one.is_read
    other.read(is_read=False)
    assert not one.is_read
