from __future__ import annotations

import errno
from pathlib import Path

import pytest
import requests

from monitor_blueprint.adapters.shortage import ShortageError, named, raise_if_short, shortage
from monitor_blueprint.text import ko


def wrapped(error: BaseException) -> BaseException:
    """The error as a library hands it on that hides it: its context, and no more."""
    hiding = requests.ConnectionError("Failed to establish a new connection")
    hiding.__context__ = error
    return hiding


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.EMFILE, ""), "no_descriptors"),
        (OSError(errno.ENFILE, ""), "no_descriptors_left"),
        (OSError(errno.ENOMEM, ""), "no_memory"),
        (OSError(errno.ENOBUFS, ""), "no_memory"),
        (MemoryError(), "no_memory"),
        (RuntimeError("can't start new thread"), "no_threads"),
        (OSError(errno.ECONNREFUSED, ""), ""),
        (RuntimeError("x"), ""),
        (requests.ConnectionError(requests.Timeout(OSError(errno.EMFILE, ""))), "no_descriptors"),
        (None, ""),
    ],
)
def test_own_want_is_told_from_others(error: BaseException | None, expected: str) -> None:
    assert named(error) == shortage(error) == expected
    if error is not None:
        assert named(wrapped(error)) == expected
    if expected:
        assert expected in ko.REASONS
        with pytest.raises(ShortageError, match=expected):
            raise_if_short(error)


def test_circle_of_errors_has_an_end() -> None:
    first, second = ValueError(), LookupError()
    first.__cause__, second.__cause__ = second, first
    assert named(first) == ""


def test_trying_keeps_no_descriptor() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    raise_if_short()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
