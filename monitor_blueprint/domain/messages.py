"""What a channel is given, and what it may answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor_blueprint.domain.text import NOTHING, Public


@dataclass(frozen=True, slots=True)
class Item:
    """What a message says of one check.

    Attributes:
        name: what the check is called there; "" where the line has no such beginning.
        said: what is the matter with it.
        since: since when, in words and with the zone; "" where that is not said.
        notes: what else: how often it has changed, what has brought it about.
        commands: what to type to see more.
        advice: label and value of what else stands below it, such as the operators' own runbook.
    """

    name: Public
    said: Public
    since: Public = NOTHING
    notes: tuple[Public, ...] = ()
    commands: tuple[Public, ...] = ()
    advice: tuple[tuple[Public, Public], ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a message with a title of its own: a piece of evidence, or what was told of an earlier moment."""

    title: Public
    lines: tuple[Public, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """The parts of a message's body, for a channel that can show more than text; together they say what the body says.

    Attributes:
        level: the word in brackets that the title begins with, such as "CRITICAL"; "" where there is none.
        title: the first line.
        facts: label and value of each line about the whole; the label is "" where a line has none.
        items: the lines about single checks.
        sections: evidence, and earlier messages.
        incident: label and value of what names the incident.
        commands: what the incident may be taken on and read with: label and command.
        link: the address of the incident's page; "" where there is none.
        notes: what else is said of the message itself.
    """

    level: Public
    title: Public
    facts: tuple[tuple[Public, Public], ...] = ()
    items: tuple[Item, ...] = ()
    sections: tuple[Section, ...] = ()
    incident: tuple[tuple[Public, Public], ...] = ()
    commands: tuple[tuple[Public, Public], ...] = ()
    link: Public = NOTHING
    notes: tuple[Public, ...] = ()


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
        to: for which of the channel's receivers it is; empty for a channel that knows no receivers.
        is_repeat: all or some of it may have arrived before.
        is_plain: it is to go out as nothing but text: more than that may be what was not taken.
        outline: the parts of the body; None where a channel is to make do with the text.
        page: the same as HTML; "" as above.
    """

    id: str
    subject: Public
    body: Public
    at: datetime
    incident: int = 0
    kind: str = ""
    to: tuple[str, ...] = ()
    is_repeat: bool = False
    is_plain: bool = False
    outline: Outline | None = None
    page: Public = NOTHING


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a channel waits for the other side, in seconds; those of a mail server are RFC 5321's (4.5.3.2).

    Attributes:
        connect_s: for a connection, to each address that a name has.
        greeting_s: for a mail server's greeting.
        command_s: for its answer to a command (and for TLS).
        data_s: for its leave to send the text.
        block_s: for it to take the text.
        accept_s: for its word that it has accepted the text.
        answer_s: for the whole answer of an HTTP server.
    """

    connect_s: float = 30.0
    greeting_s: float = 300.0
    command_s: float = 300.0
    data_s: float = 120.0
    block_s: float = 180.0
    accept_s: float = 600.0
    answer_s: float = 60.0

    @property
    def total_s(self) -> float:
        """Return how long one attempt may take at most: a greeting, some commands, the text, and some connecting."""
        smtp_s = self.greeting_s + 5 * self.command_s + self.data_s + self.block_s + self.accept_s
        return 4 * self.connect_s + max(smtp_s, self.answer_s)


# For what somebody waits for: a person who tries a channel, and a program that has to end.
SHORT_WAITS = Waits(10.0, 30.0, 30.0, 30.0, 30.0, 30.0, 30.0)


@dataclass(slots=True)
class Handover:
    """One attempt, as the channel sees it: how long it may wait, and how far it has come.

    Attributes:
        waits: the limits.
        is_out: from here on the message may have arrived, whatever is heard of it; the channel sets it just before.
    """

    waits: Waits = field(default_factory=Waits)
    is_out: bool = False

    def failed(self, reason: str) -> Retry | InDoubt:
        """Return the outcome of an attempt that broke off here."""
        return InDoubt(reason) if self.is_out else Retry(reason)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The channel accepted the message; `remark` is what is wrong with the way that it took all the same."""

    answer: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """Not accepted now, and nothing has arrived; `after_s` is how long the other side asked to be left alone, in seconds."""

    reason: str
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class InDoubt:
    """It went out and was not acknowledged: it may have arrived or not."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Not accepted as things are: somebody has to do something about it."""

    reason: str


@dataclass(frozen=True, slots=True)
class PerReceiver:
    """One outcome for each of `Message.to`, where they differ."""

    outcomes: Mapping[str, Delivered | Retry | InDoubt | Refused]


Single = Delivered | Retry | InDoubt | Refused
Outcome = Single | PerReceiver


def outcomes_by_receiver(outcome: Outcome, to: tuple[str, ...]) -> dict[str, Single]:
    """Return how it ended for each receiver ("" for a channel that knows none); one that is not named must be tried again."""
    names = to or ("",)
    if isinstance(outcome, PerReceiver):
        return {name: outcome.outcomes.get(name, Retry("no answer about this receiver")) for name in names}
    return dict.fromkeys(names, outcome)
