"""What a channel is given, and what it may answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is to deliver.

    Attributes:
        id: the same for every attempt and every channel; letters, digits, "-", "_" and "." only.
        subject: one line, for channels that have one.
        body: the whole text, first line included.
        at: when it happened (not when it is sent), UTC.
        incident: number of the incident; 0 for none.
        kind: the event's kind, or "" for a message that is not about an event.
    """

    id: str
    subject: str
    body: str
    at: datetime
    incident: int = 0
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The channel accepted the message; `problem` says for whom it did not, where only some were reached."""

    answer: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """Not accepted now; `after_s` is how long the other side asked to be left alone, in seconds."""

    reason: str
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Will never be accepted like this; trying again is no use."""

    reason: str


Outcome = Delivered | Retry | Refused
