"""Watches the watcher: run by a timer of its own, tells over a path of its own that the monitor is gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from monitor_blueprint.adapters.http import fetch
from monitor_blueprint.alerts.attempt import send_to_all
from monitor_blueprint.domain.messages import Delivered, Message
from monitor_blueprint.domain.text import Public, configured, fill
from monitor_blueprint.notifiers import Channel
from monitor_blueprint.text import ko, messages, render

GONE_AFTER = timedelta(minutes=15)
# How often the timer looks (systemd/neuronova-deadman.timer).
PERIOD = timedelta(minutes=5)
HTTP_OK = 200


class _Record(msgspec.Struct, frozen=True):
    """What is remembered from run to run: since when the monitor is gone, and which channels were told."""

    gone_since: datetime | None = None
    # Its name in the file is that of the first version.
    notified: tuple[str, ...] = msgspec.field(default=(), name="told")


_RECORD = msgspec.json.Decoder(_Record)


def check(
    url: str, path: Path, last_check_at: datetime | None, channels: Sequence[Channel], now: datetime
) -> tuple[list[Public], bool]:
    """Ask the monitor how it is; tell each channel once when it has been gone for 15 minutes, and once when it is back.

    Gone is a monitor that does not answer and has not kept a health check for so long: its pages may be out of reach (all
    connections taken, say) while it does its work.

    Returns one line for each thing that was found or done, and whether all of it could be done. A channel that cannot
    be reached is tried again the next time.
    """
    before = _read(path)
    is_at_work = last_check_at is not None and timedelta(0) <= now - last_check_at < GONE_AFTER
    answer = fetch(url, 5.0)
    if (answer.status == HTTP_OK and not answer.failure) or (is_at_work and before.notified):
        untold = _tell(before.notified, channels, messages.deadman(is_gone=False, last=last_check_at, now=now), "back", now)
        lines = [fill(ko.DEADMAN_BACK_SUBJECT)] if before.notified else []
        return _conclude(lines, untold, path, _Record(None, untold))
    known = [moment for moment in (before.gone_since, last_check_at) if moment is not None and moment <= now]
    gone_since = max(known, default=now)
    if now - gone_since < GONE_AFTER:
        lines = [fill(ko.DEADMAN_WAITING, since=render.local(gone_since))]
        return _conclude(lines, (), path, _Record(gone_since, before.notified))
    names = tuple(channel.name for channel in channels if channel.name not in before.notified)
    if not _write(path, before) and now - gone_since >= GONE_AFTER + PERIOD:
        # Without a record it can be told once all the same: by the one check that comes just after the 15 minutes.
        names = ()
    untold = _tell(names, channels, messages.deadman(is_gone=True, last=last_check_at, now=now), "gone", gone_since)
    notified = (*before.notified, *(name for name in names if name not in untold))
    return _conclude([fill(ko.DEADMAN_SUBJECT)], untold, path, _Record(gone_since, notified))


def _conclude(lines: list[Public], untold: Sequence[str], path: Path, record: _Record) -> tuple[list[Public], bool]:
    if untold:
        lines.append(fill(ko.DEADMAN_UNTOLD, names=render.named(untold, ", ")))
    is_kept = _write(path, record)
    if not is_kept:
        lines.append(fill(ko.DEADMAN_FORGETFUL, path=configured(path)))
    return lines, is_kept and not untold


def _tell(
    names: Sequence[str], channels: Sequence[Channel], texts: tuple[Public, Public], what: str, at: datetime
) -> tuple[str, ...]:
    """Send to the channels named, to all at once; return those that did not accept in time."""
    message = Message(f"nn-deadman-{what}-{at:%Y%m%dT%H%M%S}", *texts, at)
    # One that hangs (a name server, a mail server that drips its answer) holds up no other, and not the end of this program.
    sent = send_to_all(message, [channel for channel in channels if channel.name in names])
    outcomes = [each for one in sent for each in one.by_name()]
    return tuple(dict.fromkeys(name.split(" ")[0] for name, outcome in outcomes if not isinstance(outcome, Delivered)))


def _read(path: Path) -> _Record:
    try:
        return _RECORD.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError):
        return _Record()


def _write(path: Path, record: _Record) -> bool:
    """Keep the record; False where that cannot be done."""
    new = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(msgspec.json.encode(record))
        new.replace(path)
    except OSError:
        return False
    return True
