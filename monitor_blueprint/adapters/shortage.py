"""Whether it is our own want of descriptors, threads or memory that something failed by: then the target is not to blame."""

from __future__ import annotations

import errno
import os

from monitor_blueprint.domain.models import ProbeError
from monitor_blueprint.domain.text import NOTHING, Public, fill


class ShortageError(ProbeError):
    """The monitor had not what it needs to look: nothing is known of the target, not even that it is absent."""


# By the reasons that the catalogue has sentences for.
_NO_MEMORY, NO_THREADS = fill("no_memory"), fill("no_threads")
_OURS = {
    errno.EMFILE: fill("no_descriptors"),
    errno.ENFILE: fill("no_descriptors_left"),
    errno.ENOMEM: _NO_MEMORY,
    errno.ENOBUFS: _NO_MEMORY,
}
# Libraries that wrap an error keep it in one of these, or among the arguments.
_WRAPPED = ("__cause__", "__context__", "reason")


def shortage(error: BaseException | None) -> Public:
    """Return which want of ours is behind an error; "" where none is.

    A failure that shows no such error may come of one all the same: a resolver that could not open its files has "no such
    name". So it is also tried whether there is a descriptor at all.
    """
    return named(error) or _descriptors()


def raise_if_short(error: BaseException | None = None) -> None:
    """Raise ShortageError where it is our own want that the error came of, or that would have kept us from seeing right."""
    found = shortage(error)
    if found:
        raise ShortageError(found) from error


def named(error: BaseException | None) -> Public:
    """Return which want of ours an error says itself that it came of, however deep it is wrapped; "" where it does not."""
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop()
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, MemoryError):
            return _NO_MEMORY
        if isinstance(each, OSError) and each.errno in _OURS:
            return _OURS[each.errno]
        if isinstance(each, RuntimeError) and "start new thread" in str(each):
            return NO_THREADS
        waiting += [*(getattr(each, name, None) for name in _WRAPPED), *each.args]
    return NOTHING


def _descriptors() -> Public:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        return _OURS.get(error.errno or 0, NOTHING)
    return NOTHING
