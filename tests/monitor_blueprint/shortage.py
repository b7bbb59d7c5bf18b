"""A system that has no more threads or descriptors to give: a real limit, lifted again at the end."""

from __future__ import annotations

import itertools
import logging
import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Each time larger: the C library keeps the stack of a thread that has ended, for the next one that is content with it.
_stacks = itertools.count(1 << 30, 1 << 20)


@contextmanager
def few_threads(count: int) -> Iterator[None]:
    """Give `count` threads more and no other: each wants more memory than there is address space left."""
    stack = next(_stacks)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = threading.stack_size(stack)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + count * stack + stack // 2, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        threading.stack_size(before)


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Give not one descriptor more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The lowest that is free; those beyond it count no less.
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def said(logger: str, words: str) -> Iterator[threading.Event]:
    """An event that happens when a log line has these words."""
    event = threading.Event()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if words in record.getMessage():
                event.set()

    listener = Listener()
    logging.getLogger(logger).addHandler(listener)
    try:
        yield event
    finally:
        logging.getLogger(logger).removeHandler(listener)
