"""What the documents are made of: the monitor's parts, who looks, and when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

from monitor_blueprint.config import Config
from monitor_blueprint.domain import maintenance
from monitor_blueprint.domain.access import Visitor
from monitor_blueprint.domain.models import Silence, Status
from monitor_blueprint.domain.text import Private, Public
from monitor_blueprint.engine.self_check import SelfCheck
from monitor_blueprint.storage.reads import Reads
from monitor_blueprint.storage.store import Store

StatusWord = Literal["OK", "WARNING", "CRITICAL", "UNKNOWN"]
_WORDS: dict[Status, StatusWord] = {
    Status.OK: "OK",
    Status.WARNING: "WARNING",
    Status.CRITICAL: "CRITICAL",
    Status.UNKNOWN: "UNKNOWN",
}
# Of these JSON knows no escape of its own, and a terminal obeys some of them.
_UNPRINTABLE = re.compile(r"[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an answer."""


class Answer(Document, frozen=True, kw_only=True):
    """A whole answer to a question that could be answered."""

    ok: Literal[True] = True


@dataclass(frozen=True, slots=True)
class View:
    """Who looks at what, and when.

    Attributes:
        config, store, self_check: the monitor's parts.
        visitor: who looks: text from outside is shown to those only who may see it.
        now: the moment.
        next_check_at: when the schedule looks again, where this process knows it.
    """

    config: Config
    store: Store
    self_check: SelfCheck
    visitor: Visitor
    now: datetime
    next_check_at: datetime | None = None

    @property
    def reads(self) -> Reads:
        """Return what can be asked of the store."""
        return self.store.reads

    def typed(self, text: str | Private | None) -> str | None:
        """Return text that a person has typed or that came from outside; None for whoever may not see it."""
        if text is None or not self.visitor.is_trusted:
            return None
        return text.text if isinstance(text, Private) else text

    def silences(self) -> tuple[Silence, ...]:
        """Return the silences that have not ended, and those that the maintenance windows amount to now."""
        return (*self.reads.silences(self.now), *maintenance.active(self.config.windows, self.now))


def status_word(status: Status) -> StatusWord:
    """Return what a status is called."""
    return _WORDS[status]


def _plain(value: Any) -> str:
    if isinstance(value, Public):
        return str(value)
    raise NotImplementedError(type(value).__name__)


_encoder = msgspec.json.Encoder(enc_hook=_plain)


def encode(document: Any, *, is_for_people: bool = False) -> bytes:
    """Return a document as JSON without a character that a terminal would obey; indented for people."""
    written = _encoder.encode(document)
    text = (msgspec.json.format(written, indent=2) if is_for_people else written).decode()
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode() + b"\n"
