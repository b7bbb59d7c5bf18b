"""What a worker hands on to the process of the trial: records in memory that both have, so that neither calls the kernel for it.

One process puts and one takes, and nobody waits: what finds no room is not put, and what is not whole yet is not taken. The
memory belongs to no file. It outlives its worker for as long as the other one has it.
"""

import errno
import mmap
import os
import struct
import zlib

_HEAD_BYTES = 64
ROOM_BYTES = 4 * 1024 * 1024
# More than one record may have.
MOST_BYTES = 1024 * 1024
# How long a record is, and its sum: another processor may see that there is one before it sees all of it.
_BEFORE = struct.Struct("<II")
# As in linux/memfd.h: nothing is ever run out of it. Some systems demand that it is said.
_MFD_NOEXEC_SEAL = 8
# The cells of the head: bytes that were ever put, bytes that were ever taken, whether there is one who takes.
_PUT, _TAKEN, _READ = range(3)


class Ring:
    """The memory behind a handle, as one of the two has it."""

    def __init__(self, handle: int) -> None:
        """Share the memory.

        Raises:
            OSError: there is none behind the handle.
            ValueError: there is not so much.
        """
        memory = memoryview(mmap.mmap(handle, _HEAD_BYTES + ROOM_BYTES))
        self._cells = memory[:_HEAD_BYTES].cast("Q")
        self._room = memory[_HEAD_BYTES:]

    @property
    def put_bytes(self) -> int:
        """Return how much was ever put."""
        return self._cells[_PUT]

    @property
    def has_more(self) -> bool:
        """Tell whether there is something to take."""
        return self._cells[_PUT] != self._cells[_TAKEN]

    @property
    def is_read(self) -> bool:
        """Tell whether there is one who takes, as far as that one has said."""
        return bool(self._cells[_READ])

    def read(self, *, is_read: bool) -> None:
        """Say whether there is one who takes."""
        self._cells[_READ] = is_read

    def put(self, record: bytes) -> bool:
        """Put a record, and tell whether there was room for it."""
        begin = self._cells[_PUT]
        if begin + _BEFORE.size + len(record) - self._cells[_TAKEN] > ROOM_BYTES:
            return False
        content = _BEFORE.pack(len(record), zlib.crc32(record)) + record
        place = begin % ROOM_BYTES
        first = ROOM_BYTES - place
        if len(content) <= first:
            self._room[place : place + len(content)] = content
        else:
            self._room[place:] = content[:first]
            self._room[: len(content) - first] = content[first:]
        self._cells[_PUT] = begin + len(content)
        return True

    def look(self) -> bytes | None:
        """Return the next record, which stays until it is taken; None where there is none, or none that is whole yet."""
        begin, end = self._cells[_TAKEN], self._cells[_PUT]
        if end - begin < _BEFORE.size:
            return None
        length, checksum = _BEFORE.unpack(self._at(begin, _BEFORE.size))
        if length > end - begin - _BEFORE.size:
            return None
        record = self._at(begin + _BEFORE.size, length)
        return record if zlib.crc32(record) == checksum else None

    def take(self, record: bytes) -> None:
        """Make room of the next record, which is this one."""
        self._cells[_TAKEN] += _BEFORE.size + len(record)

    def _at(self, begin: int, length: int) -> bytes:
        place = begin % ROOM_BYTES
        content = bytes(self._room[place : place + length])
        return content + bytes(self._room[: length - len(content)])


def make() -> tuple[Ring, int]:
    """Return a new one, and its handle, which is to be closed once the other one has it.

    Raises:
        OSError: there is no memory for it.
    """
    handle = _memory()
    try:
        os.ftruncate(handle, _HEAD_BYTES + ROOM_BYTES)
        return Ring(handle), handle
    except OSError:
        os.close(handle)
        raise


def _memory() -> int:
    try:
        return os.memfd_create("silent", os.MFD_CLOEXEC | _MFD_NOEXEC_SEAL)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    return os.memfd_create("silent", os.MFD_CLOEXEC)  # a kernel before 6.3 does not know the flag
