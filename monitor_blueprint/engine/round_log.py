"""Writes a health check into the log: the guide's steps, and what became of the alerts."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from monitor_blueprint.alerts.channel_health import Health
from monitor_blueprint.alerts.outbox import Outbox
from monitor_blueprint.config import SELF_CHECK, Config
from monitor_blueprint.domain.models import Event
from monitor_blueprint.engine.round import SYSTEMD, HealthReport, Round
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text import ko, log_report, render
from monitor_blueprint.text.health_log import HealthLog


class RoundLog:
    """Writes one round after the other, and what is the same only once."""

    def __init__(self, config: Config, store: Store, log: HealthLog, outbox: Outbox) -> None:
        """Take what is to be written about, and the log."""
        self._store = store
        self._log = log
        self._outbox = outbox
        self._numbers = {check.name: number for number, check in enumerate(config.checks, 1)}
        self._numbers[SELF_CHECK] = len(self._numbers) + 1
        self._last_lines: Sequence[log_report.Line] = ()

    def write(self, round_: Round, report: HealthReport) -> None:
        """Write the lines of a round."""
        lines = [*self._steps(round_, report), *self._notes(), *self._alerts(round_, report)]
        lines = self._framed(round_, report, lines)
        # A unit on its way up changes several times in a second; what is the same is said once.
        if lines == self._last_lines and not round_.is_complete:
            return
        self._last_lines = lines
        for level, text in lines:
            self._log.write(level, text)

    def _framed(self, round_: Round, report: HealthReport, lines: list[log_report.Line]) -> list[log_report.Line]:
        if round_.is_complete:
            return [*log_report.framed(lines, report.overall)]
        if round_.reason == SYSTEMD:
            names = ", ".join(result.check for result in report.results)
            return [(logging.INFO, ko.TRIGGERED.format(names=names)), *lines]
        return lines

    def _steps(self, round_: Round, report: HealthReport) -> list[log_report.Line]:
        # A round of some checks says nothing of the others.
        previous = report.latest if round_.is_complete else {}
        return [*log_report.steps(report.results, report.decision.state, self._numbers, previous)]

    def _notes(self) -> list[log_report.Line]:
        return [(logging.WARNING, ko.NOTE.format(note=note)) for note in self._store.notes()]

    def _alerts(self, round_: Round, report: HealthReport) -> list[log_report.Line]:
        names = self._outbox.channel_names
        # A check by hand that cannot use the database delivers nothing: what it would tell ends with it.
        events: Sequence[Event] = () if round_.is_manual and self._store.problem else report.decision.events
        lines = [(logging.INFO, render.event_line(event, names)) for event in events]
        if not names:
            lines.insert(0, (logging.ERROR, ko.NO_CHANNEL))
        elif all(found.health is not Health.OK for found in self._outbox.channel_health(report.started_at).values()):
            lines.insert(0, (logging.ERROR, ko.ALL_CHANNELS_FAILING.format(names=", ".join(names))))
        return lines
