"""What `watch` looks at: the records as they are now, whatever becomes of their file or of the configuration."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from monitor_blueprint.cli.opening import Opened, not_read, open_store, operator, read_config
from monitor_blueprint.config import ConfigError
from monitor_blueprint.console import orders
from monitor_blueprint.console.channels import ChannelDocument, channels
from monitor_blueprint.console.checks import StatusAnswer, status
from monitor_blueprint.console.orders import Order
from monitor_blueprint.console.view import View
from monitor_blueprint.domain.access import Role, Visitor
from monitor_blueprint.engine.monitor import make_outbox
from monitor_blueprint.engine.self_check import SelfCheck
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text import ko, ko_config, ko_watch
from monitor_blueprint.text.health_log import HealthLog

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

    def __init__(self, opened: Opened) -> None:
        """Open the records, or end the command where that cannot be done."""
        self._opened = opened
        self._fault = ""
        self._store = open_store(opened.config)
        self._opened_at = time.monotonic()
        self._log = HealthLog(opened.config.log_dir)
        self._visitor = Visitor(operator(), Role.OPERATE)
        self._version = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *of: object) -> None:
        self._store.close()
        self._log.close()

    def look(self) -> Seen:
        """Return how everything is now."""
        self._follow_the_configuration()
        if self._store.problem and time.monotonic() - self._opened_at >= _OPEN_AGAIN_S:
            # What stands in for the file in memory grows old.
            self._reopen()
        self._version = self._store.reads.version()
        settings = self._opened.config
        outbox = make_outbox(settings, self._store)
        self_check = SelfCheck(settings, self._store, self._log, outbox, watched=self._opened.watched)
        view = View(settings, self._store, self_check, self._visitor, datetime.now(UTC))
        found = status(view), tuple(channels(view, outbox).channels)
        unread = not_read(self._store)
        notes = (unread, self._fault, *(ko.NOTE.format(note=note) for note in self._store.notes()))
        return Seen(*found, notes=tuple(note for note in notes if note), is_read=not unread)

    def has_changed(self) -> bool:
        """Tell whether another program has written since the last look."""
        return self._store.reads.version() != self._version

    @property
    def operator(self) -> str:
        """Return who looks."""
        return self._visitor.name

    def acknowledge(self, number: int) -> str:
        """Take care of an incident; return what has become of that, in a sentence."""
        now = datetime.now(UTC)
        taken = self._store.run(lambda tx: orders.acknowledge(Order(tx, self._visitor, now), number))
        if self._store.problem:
            return ko.NOT_KEPT.format(reason=self._store.problem)
        return (ko.ACKNOWLEDGED if taken else ko_watch.GONE_MEANWHILE).format(number=number, by=self._visitor.name)

    def _follow_the_configuration(self) -> None:
        """Go by what the monitor goes by now; where there is nothing to go by, by what was there before."""
        before = self._opened.config
        try:
            self._opened, self._fault = read_config(), ""
        except ConfigError as error:
            self._fault = ko_config.fault(str(error))
            return
        settings = self._opened.config
        if settings.log_dir != before.log_dir:
            self._log.close()
            self._log = HealthLog(settings.log_dir)
        if settings.database != before.database:
            self._reopen()

    def _reopen(self) -> None:
        self._store.close()
        self._store = Store(self._opened.config.database)
        self._opened_at = time.monotonic()
