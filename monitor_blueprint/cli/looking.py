"""What `watch` looks at: the records as they are now, whatever becomes of their file or of the configuration."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from monitor_blueprint import config
from monitor_blueprint.cli.opening import not_read, open_config, open_store, view_of
from monitor_blueprint.console import orders
from monitor_blueprint.console.channels import ChannelDocument, channels
from monitor_blueprint.console.checks import StatusAnswer, status
from monitor_blueprint.console.orders import Order
from monitor_blueprint.engine.monitor import make_outbox
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text import ko, ko_watch

# To open a large file takes a while.
_OPEN_AGAIN_S = 15.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to be shown.

    Attributes:
        status: how everything is.
        channels: how the channels fare.
        notes: what is the matter with the records or the configuration.
        is_read: the records could be read; else the status is of what was read last, if anything.
    """

    status: StatusAnswer
    channels: tuple[ChannelDocument, ...]
    notes: tuple[str, ...] = ()
    is_read: bool = True


class Looking:
    """Looks again and again, each time with the moment's configuration and records; a context that closes them."""

    def __init__(self) -> None:
        """Open the records, or end the command where that cannot be done."""
        self._opened_config = open_config()
        self._changed = self._changed_at()
        self._store = open_store(self._opened_config.config)
        self._opened_at = time.monotonic()
        self._version = 0
        self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *of: object) -> None:
        self._store.close()

    def look(self) -> Seen:
        """Return how everything is now."""
        self._follow_the_configuration()
        if self._store.problem and time.monotonic() - self._opened_at >= _OPEN_AGAIN_S:
            # What stands in for the file in memory grows old.
            self._reopen()
        self._version = self._store.reads.version()
        view = replace(self._view, now=datetime.now(UTC))
        found = status(view), tuple(channels(view, self._outbox).channels)
        unread = not_read(self._store)
        notes = (unread, self._opened_config.warning, *(ko.NOTE.format(note=note) for note in self._store.notes()))
        return Seen(*found, notes=tuple(note for note in notes if note), is_read=not unread)

    def has_changed(self) -> bool:
        """Tell whether another program has written since the last look."""
        return self._store.reads.version() != self._version

    @property
    def operator(self) -> str:
        """Return who looks."""
        return self._view.visitor.name

    def acknowledge(self, number: int) -> str:
        """Take care of an incident; return what has become of that, in a sentence."""
        visitor, now = self._view.visitor, datetime.now(UTC)
        taken = self._store.run(lambda tx: orders.acknowledge(Order(tx, visitor, now), number))
        if self._store.problem:
            return ko.NOT_KEPT.format(reason=self._store.problem)
        return (ko.ACKNOWLEDGED if taken else ko_watch.GONE_MEANWHILE).format(number=number, by=visitor.name)

    def _begin(self) -> None:
        self._view = view_of(self._opened_config, self._store)
        self._outbox = make_outbox(self._opened_config.config, self._store)

    def _reopen(self) -> None:
        self._store.close()
        self._store = Store(self._opened_config.config.database)
        self._opened_at = time.monotonic()
        self._begin()

    def _follow_the_configuration(self) -> None:
        """Read the file anew where it has been changed; where it cannot be used, what the monitor runs by is looked at."""
        changed = self._changed_at()
        if changed != self._changed:
            self._changed, self._opened_config = changed, open_config()
            self._reopen()

    @staticmethod
    def _changed_at() -> int:
        try:
            return Path(os.environ.get("NEURONOVA_CONFIG") or config.DEFAULT_FILE).stat().st_mtime_ns
        except OSError:
            return 0
