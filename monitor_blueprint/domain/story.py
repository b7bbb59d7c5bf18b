"""What people did, and what befell the monitor itself: the part of an incident's story that no check tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class StoryKind(StrEnum):
    """What happened. RESTARTED is what is made of an end and the beginning after it where the story is told; RENEWED is a
    service that somebody has restarted, as a deployment does.
    """

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
    RESTARTED = "restarted"
    CONFIGURED = "configured"
    RENEWED = "renewed"


# A monitor that begins again so soon after its end was restarted, or has read its configuration again.
_RESTART_TAKES = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class StoryEntry:
    """One thing that happened; `facts` are what its sentence needs."""

    at: datetime
    kind: StoryKind
    facts: Mapping[str, str] = field(default_factory=dict)


def began(
    before: StoryEntry | None,
    after: StoryEntry | None,
    digest: str,
    checks: tuple[str, ...],
    now: datetime,
    *,
    master: str = "",
) -> tuple[StoryEntry, ...]:
    """Return what is to be noted when the monitor begins: that it does, how it had ended, and what was configured meanwhile.

    Args:
        before: the last beginning; None for the first.
        after: the last end; a beginning with no end after it was cut short.
        digest, checks: of the configuration that is in use now.
        now: the moment.
        master: the process of which the monitor is, where it has one of its own: where that is still the same, only the
            configuration was read again.
    """
    is_cut_short = before is not None and (after is None or after.at < before.at)
    said = {"digest": digest, "checks": "\n".join(checks), "cut": "1" if is_cut_short else ""}
    if master:
        is_same = before is not None and before.facts.get("master") == master
        said |= {"master": master, "reread": "1" if is_same and not is_cut_short else ""}
    entries = [StoryEntry(now, StoryKind.STARTED, said)]
    if before is not None and before.facts.get("digest") != digest:
        known = before.facts.get("checks", "").split("\n")
        facts = {
            "digest": digest,
            "added": " ".join(name for name in checks if name not in known),
            "removed": " ".join(name for name in known if name not in checks),
        }
        entries.append(StoryEntry(now, StoryKind.CONFIGURED, facts))
    return tuple(entries)


def with_restarts(entries: Sequence[StoryEntry]) -> list[StoryEntry]:
    """Return the entries, oldest first, with each restart as one: the end, the beginning, and what was configured meanwhile."""
    told: list[StoryEntry] = []
    for entry in entries:
        ended = next((each for each in reversed(told) if each.kind in _COMINGS_AND_GOINGS), None)
        is_restart = (
            entry.kind is StoryKind.STARTED
            and ended is not None
            and ended.kind is StoryKind.STOPPED
            and entry.at - ended.at <= _RESTART_TAKES
        )
        if not is_restart:
            told.append(entry)
            continue
        changed = next((each for each in told if each.kind is StoryKind.CONFIGURED and each.at == entry.at), None)
        facts = {**changed.facts, "configured": "1"} if changed is not None else {}
        facts |= {"reread": "1"} if entry.facts.get("reread") else {}
        told = [*(each for each in told if each not in (ended, changed)), StoryEntry(entry.at, StoryKind.RESTARTED, facts)]
    return told


_COMINGS_AND_GOINGS = (StoryKind.STARTED, StoryKind.STOPPED, StoryKind.RESTARTED)
