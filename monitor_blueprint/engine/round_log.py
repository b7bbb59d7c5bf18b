"""Writes a health check into the log: the guide's steps, and what became of the alerts.

The file has all lines. In the journal a check by the schedule that found nothing new is one line.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from monitor_blueprint.alerts.channel_health import Health
from monitor_blueprint.alerts.outbox import Outbox
from monitor_blueprint.config import SELF_CHECK, Config
from monitor_blueprint.domain.models import Event
from monitor_blueprint.domain.text import fill
from monitor_blueprint.engine.round import SYSTEMD, HealthReport, Round
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text import ko, log_report, render
from monitor_blueprint.text.health_log import LEVELS, HealthLog


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
        self._last_picture: object = None

    def write(self, round_: Round, report: HealthReport) -> None:
        """Write the lines of a round."""
        asides = [*self._notes(), *_silences(round_, report), *self._alerts(round_, report)]
        lines = self._framed(round_, report, [*self._steps(round_, report), *asides])
        # A unit on its way up changes several times in a second; what is the same is said once.
        if lines == self._last_lines and not round_.is_complete:
            return
        self._last_lines = lines
        if not self._log.is_journal or not self._is_unchanged(round_, report, asides):
            for level, text in lines:
                self._log.write(level, text)
            return
        for level, text in lines:
            self._log.keep(level, text)
        summary = LEVELS[report.overall], log_report.unchanged(report.decision.state, report.overall)
        for level, text in (summary, *asides):
            self._log.show(level, text)

    def _is_unchanged(self, round_: Round, report: HealthReport, asides: Sequence[log_report.Line]) -> bool:
        """Tell whether the schedule has found the same as the time before, whatever the measured values are by now."""
        if not round_.is_complete or round_.is_manual:
            return False
        seen = [
            (result.check, [(reading.aspect, reading.status, reading.is_settling) for reading in result.readings])
            for result in report.latest.values()
        ]
        statuses = {name: (check.status, check.notified) for name, check in report.decision.state.checks.items()}
        before, self._last_picture = self._last_picture, (seen, statuses, list(asides))
        return before == self._last_picture and not report.decision.events

    def _framed(self, round_: Round, report: HealthReport, lines: list[log_report.Line]) -> list[log_report.Line]:
        if round_.is_complete:
            return [*log_report.framed(lines, report.overall)]
        if round_.reason == SYSTEMD:
            names = render.named((result.check for result in report.results), ", ")
            return [(logging.INFO, fill(ko.TRIGGERED, names=names)), *lines]
        return lines

    def _steps(self, round_: Round, report: HealthReport) -> list[log_report.Line]:
        # A round of some checks says nothing of the others.
        previous = report.latest if round_.is_complete else {}
        return [*log_report.steps(report.results, report.decision.state, self._numbers, previous)]

    def _notes(self) -> list[log_report.Line]:
        return [(logging.WARNING, fill(ko.NOTE, note=note)) for note in self._store.notes()]

    def _alerts(self, round_: Round, report: HealthReport) -> list[log_report.Line]:
        names = self._outbox.channel_names
        # A check by hand that cannot use the database delivers nothing: what it would tell ends with it.
        events: Sequence[Event] = () if round_.is_manual and self._store.problem else report.decision.events
        lines = [(logging.INFO, render.event_line(event, names)) for event in events]
        if not names:
            lines.insert(0, (logging.ERROR, fill(ko.NO_CHANNEL)))
        elif all(found.health is not Health.OK for found in self._outbox.channel_health(report.started_at).values()):
            lines.insert(0, (logging.ERROR, fill(ko.ALL_CHANNELS_FAILING, names=render.named(names, ", "))))
        return lines


def _silences(round_: Round, report: HealthReport) -> list[log_report.Line]:
    """Return what is not told; a complete check says it of everything, another of what it has looked at."""
    looked_at = {"*", *(result.check for result in report.results)}
    return [
        (logging.INFO, render.silence_line(silence))
        for silence in report.decision.silences
        if round_.is_complete or silence.check in looked_at
    ]
