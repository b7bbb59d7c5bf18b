"""A system that has no more threads to give: a real limit, lifted again at the end."""

from __future__ import annotations

import logging
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STACK = 1 << 30


@contextmanager
def few_threads(count: int) -> Iterator[None]:
    """Give `count` threads more and no other: each wants more memory than there is address space left."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = threading.stack_size(_STACK)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + count * _STACK + _STACK // 2, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        threading.stack_size(before)


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
