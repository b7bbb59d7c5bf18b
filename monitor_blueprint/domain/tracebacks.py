"""Python's tracebacks in what a program has printed: which exception it was, and where in the program's own code.

Whoever prints it, line by line or at once, prints its frames before its name; the last frame that is of no library is where
somebody looks first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

_HEAD = "Traceback (most recent call last)"
_FRAME = re.compile(r'[\s|]*File "(?P<path>[^"]{1,300})", line (?P<line>\d{1,6})(?:, in (?P<function>[\w.<>]{1,80}))?')
# A class begins with a capital; what stands before is its module.
_LAST = re.compile(r"(?P<name>(?:[A-Za-z_]\w{0,60}\.){0,8}[A-Z]\w{0,60})(?::\s|:?\s*\Z)")
_OTHERS = re.compile(r"/(?:site|dist)-packages/|/lib(?:64)?/python3|\A<|/\.venv/|/venv/")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in its own code a program was."""

    path: str
    line: int
    function: str


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception of a traceback.

    Attributes:
        at: when it was printed.
        name: its class, with its module.
        place: the last frame of the program's own code; None where all of them are of libraries.
    """

    at: datetime
    name: str
    place: Place | None

    @property
    def class_name(self) -> str:
        """Return the name of the class alone."""
        return self.name.rpartition(".")[2]


def raised(printed: Iterable[tuple[datetime, str, str]]) -> list[Raised]:
    """Return the exceptions of all tracebacks, oldest first; of each entry moment, process and message are given.

    Two processes of a service print theirs at the same time, line by line.
    """
    found: list[Raised] = []
    places: dict[str, Place | None] = {}
    for at, process, message in printed:
        for line in message.split("\n"):
            if _HEAD in line:
                places[process] = None
            elif process in places and (frame := _FRAME.match(line)):
                if not _OTHERS.search(frame["path"]):
                    places[process] = Place(frame["path"], int(frame["line"]), frame["function"] or "")
            elif process in places and (last := _LAST.match(line)):
                found.append(Raised(at, last["name"], places.pop(process)))
    return found
