"""What people did, and what befell the monitor itself: the part of an incident's story that no check tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class StoryKind(StrEnum):
    """What happened."""

    ACKED = "acked"
    SILENCED = "silenced"
    UNSILENCED = "unsilenced"
    UNACKED = "unacked"
    NOTED = "noted"
    CHECKED = "checked"
    TRIED = "tried"
    ADMITTED = "token_added"
    DISMISSED = "token_revoked"
    TURNED_AWAY = "turned_away"
    STARTED = "started"
    STOPPED = "stopped"
    CONFIGURED = "configured"


@dataclass(frozen=True, slots=True)
class StoryEntry:
    """One thing that happened; `facts` are what its sentence needs."""

    at: datetime
    kind: StoryKind
    facts: Mapping[str, str] = field(default_factory=dict)


def began(
    before: StoryEntry | None, after: StoryEntry | None, digest: str, checks: tuple[str, ...], now: datetime
) -> tuple[StoryEntry, ...]:
    """Return what is to be noted when the monitor begins: that it does, how it had ended, and what was configured meanwhile.

    Args:
        before: the last beginning; None for the first.
        after: the last end; a beginning with no end after it was cut short.
        digest, checks: of the configuration that is in use now.
        now: the moment.
    """
    is_cut_short = before is not None and (after is None or after.at < before.at)
    entries = [
        StoryEntry(now, StoryKind.STARTED, {"digest": digest, "checks": "\n".join(checks), "cut": "1" if is_cut_short else ""})
    ]
    if before is not None and before.facts.get("digest") != digest:
        known = before.facts.get("checks", "").split("\n")
        facts = {
            "digest": digest,
            "added": " ".join(name for name in checks if name not in known),
            "removed": " ".join(name for name in known if name not in checks),
        }
        entries.append(StoryEntry(now, StoryKind.CONFIGURED, facts))
    return tuple(entries)
