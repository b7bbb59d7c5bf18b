"""Two kinds of text, told apart by type: what may leave this machine, and what came from outside.

`Public` is what we have written ourselves, and what has been held against a list of ours. Only that goes into a message, a
log that others read, a metric or an answer without a token. It is made by the functions below and by nothing else, and a
plain `str` is not one: mypy refuses it, and what checks at run time takes it for `Private`.

`Private` is everything else. It is kept, redacted, for this machine's administrators, who are shown its `text`; whoever
writes it into a sentence by accident writes a mask.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from monitor_blueprint.domain.language import said
from monitor_blueprint.domain.sanitize import MASK, clean, redact

# An address alone: without credentials, query and fragment. What a person has typed as a password may have a "/" in it, and then
# no rule says where it ends: before a port that is no number it began, and it ends with the last "@".
_ADDRESS = re.compile(
    r"(?P<scheme>[\w+.-]+://)(?:[^\s/]*@|[^\s/:?#\[\]]*:(?!\d{1,5}(?:/|\Z))\S*@)?(?P<rest>[^\s?#]*)(?:[?#]\S*)?"
)
# A port, or a password that begins with figures: who cannot be told is not shown.
_DOUBTFUL = re.compile(r"(?<=://)[^\s/@]*:\d{1,5}/[^\s?#]*@")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_FRAMES = 4


class Public(str):
    """Text that may leave this machine."""

    __slots__ = ()


NOTHING = Public("")


@dataclass(frozen=True, slots=True, repr=False)
class Private:
    """Text that came from outside; `text` is what it says, for whoever may know."""

    text: str

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"Private({MASK})"

    def __format__(self, spec: str) -> str:
        return MASK


class ExplainedError(Exception):
    """Something could not be done: `told` is what everybody may know of why, `detail` what there is to know."""

    def __init__(self, told: Public, detail: Private | None = None) -> None:
        super().__init__(told)
        self.told = told
        self.detail = detail

    @property
    def whole(self) -> str:
        """Return all of it, for this machine's administrators."""
        return self.detail.text if self.detail is not None else self.told


# What can stand in a sentence of ours, and in a document that everybody may read.
Fact = Public | int | float
# (No `Sequence`: a `str` is one.)
Document = Fact | None | list["Document"] | Mapping[str, "Document"]


def fill(template: str, **facts: Fact) -> Public:
    """Return a sentence of ours (a constant of the program, never a text that came from anywhere) with its places filled.

    It is said in the language that is spoken.
    """
    return Public(said(template).format(**facts))


def joined(separator: str, parts: Iterable[Public]) -> Public:
    """Return the parts with a separator of ours between them."""
    return Public(separator.join(parts))


def word(text: str, known: Collection[str]) -> Public | None:
    """Return the text if it is one of a list of ours, and nothing otherwise."""
    return Public(text) if text in known else None


def configured(text: object) -> Public:
    """Return a name, path or address that the program or its configuration has chosen, without credentials and query."""
    return Public(_DOUBTFUL.sub(f"{MASK}@", _ADDRESS.sub(r"\g<scheme>\g<rest>", clean(str(text)))))


def prescribed(text: str) -> Public:
    """Return what an operator has written for everybody who is told of a failure."""
    return Public(clean(text, 300))


def label(name: str) -> Public:
    """Return a name that stands in the program's code (an aspect, a unit of measure); what does not look like one is masked."""
    return Public(name if not name or _NAME.fullmatch(name) or name in _UNITS else MASK)


def member(of: Enum) -> Public:
    """Return what a member of an enumeration is called."""
    return Public(of.name)


def moment(at: datetime, form: str) -> Public:
    """Return a moment in a form of `strftime`."""
    return Public(at.strftime(form))


def iso(at: datetime) -> Public:
    """Return a moment as ISO 8601 has it."""
    return Public(at.isoformat())


def class_name(of: object) -> Public:
    """Return the name of an object's class, an exception's above all; never the text of that."""
    return Public(type(of).__name__)


def fault_of(error: BaseException) -> Public:
    """Return which exception it is, of what it came, and where in the code it was raised: all but its text."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    where = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    cause = error.__cause__
    of = f", from {type(cause).__name__}" if cause is not None else ""
    return Public(f"{type(error).__name__}{of} ({where})" if where else f"{type(error).__name__}{of}")


def private(text: object, limit: int = 200) -> Private:
    """Return text from outside as it is kept: on one line, without secrets and without people."""
    return Private(clean(redact(str(text)), limit))


_UNITS = ("%", "ms", "/min", "h", "d", "s")
