"""Watches the watcher: run by a timer of its own, tells over a path of its own that the monitor is gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from monitor_blueprint import messages
from monitor_blueprint.notifiers import Channel, Delivered, Message
from monitor_blueprint.probes import _http

GONE_AFTER = timedelta(minutes=15)


class _Memory(msgspec.Struct, frozen=True):
    """What is remembered from run to run: since when the monitor is gone, and which channels were told."""

    gone_since: datetime | None = None
    told: tuple[str, ...] = ()


def look(url: str, memory: Path, last_check_at: datetime | None, channels: Sequence[Channel], now: datetime) -> list[str]:
    """Ask the monitor how it is; tell each channel once when it has been gone for 15 minutes, and once when it is back.

    Returns one line for each thing that was found or done. A channel that cannot be reached is tried again the next time.
    """
    before = _read(memory)
    is_alive = _http.fetch(url, 5.0).status == 200
    if is_alive and not before.told:
        _write(memory, _Memory())
        return []
    if is_alive:
        untold = _tell(before.told, channels, messages.deadman(is_gone=False, last=last_check_at, now=now), "back", now)
        _write(memory, _Memory(None, untold) if untold else _Memory())
        return [messages.DEADMAN_BACK_SUBJECT]
    known = [moment for moment in (before.gone_since, last_check_at) if moment is not None and moment <= now]
    gone_since = before.gone_since or max(known, default=now)
    if now - gone_since < GONE_AFTER:
        _write(memory, _Memory(gone_since, before.told))
        return [messages.DEADMAN_WAITING.format(since=messages.local(gone_since))]
    names = tuple(channel.name for channel in channels if channel.name not in before.told)
    untold = _tell(names, channels, messages.deadman(is_gone=True, last=last_check_at, now=now), "gone", gone_since)
    _write(memory, _Memory(gone_since, (*before.told, *(name for name in names if name not in untold))))
    return [messages.DEADMAN_SUBJECT]


def _tell(names: Sequence[str], channels: Sequence[Channel], texts: tuple[str, str], what: str, at: datetime) -> tuple[str, ...]:
    """Send to the channels named; return those that did not accept."""
    message = Message(f"nn-deadman-{what}-{at:%Y%m%dT%H%M%S}", *texts, at)
    return tuple(
        channel.name for channel in channels if channel.name in names and not isinstance(channel.send(message, 10.0), Delivered)
    )


def _read(path: Path) -> _Memory:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Memory)
    except (OSError, msgspec.MsgspecError):
        return _Memory()


def _write(path: Path, memory: _Memory) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_bytes(msgspec.json.encode(memory))
    new.replace(path)
