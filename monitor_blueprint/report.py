"""What one health check writes into the log: the guide's steps, line by line, with their levels."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence

from monitor_blueprint import messages, wording
from monitor_blueprint.core.models import CheckResult, State, Status
from monitor_blueprint.health_log import LEVELS

Line = tuple[int, str]
_LEFT_OUT = ("absent", "no_unit")


def framed(lines: Sequence[Line], overall: Status) -> Iterator[Line]:
    """Return the lines of a complete health check with the guide's head and foot."""
    for text in (messages.RULE, messages.START, messages.RULE):
        yield logging.INFO, text
    yield from lines
    for text in (messages.RULE, messages.END.format(overall=overall.name), messages.RULE):
        yield logging.INFO, text


def steps(results: Sequence[CheckResult], state: State, numbers: Mapping[str, int]) -> Iterator[Line]:
    """Return the steps of the checks that ran, by their numbers."""
    for result in results:
        yield logging.INFO, wording.step(numbers[result.check], result.check, result.kind)
        yield from _readings(result, state)


def standing_faults(results: Sequence[CheckResult], state: State, latest: Mapping[str, CheckResult]) -> Iterator[Line]:
    """Return a line for each check that was not due and is not well: it has its part in the overall status."""
    ran = {result.check for result in results}
    for name, check in state.checks.items():
        if name not in ran and name in latest and check.status is not Status.OK:
            said, at = wording.worst_line(name, latest), wording.local(latest[name].at)
            yield LEVELS[check.status], messages.NOT_DUE.format(line=said, at=at)


def _readings(result: CheckResult, state: State) -> Iterator[Line]:
    for reading in result.readings:
        level, text = LEVELS[reading.status], wording.line(result, reading)
        if reading.aspect in _LEFT_OUT or (reading.is_settling and reading.status is Status.OK):
            level = logging.INFO
        elif reading.status is Status.CRITICAL and state.checks[result.check].status is not Status.CRITICAL:
            level, text = logging.WARNING, messages.UNCONFIRMED.format(line=text)
        yield level, text
