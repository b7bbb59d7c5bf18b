"""What one health check writes into the log: the guide's steps, line by line, with their levels."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from monitor_blueprint.domain.models import ABSENT, CheckResult, Reading, State, Status
from monitor_blueprint.domain.text import Public, fill, joined, member
from monitor_blueprint.text import ko, render
from monitor_blueprint.text.health_log import LEVELS

Line = tuple[int, Public]
_LEFT_OUT = (ABSENT, "no_unit")


def framed(lines: Sequence[Line], overall: Status) -> Iterator[Line]:
    """Return the lines of a complete health check with the guide's head and foot."""
    for text in (ko.RULE, ko.START, ko.RULE):
        yield logging.INFO, fill(text)
    yield from lines
    for text in (ko.RULE, ko.END, ko.RULE):
        yield logging.INFO, fill(text, overall=member(overall))


def unchanged(state: State, overall: Status) -> Public:
    """Return the one line that stands for a health check that found what the one before had found."""
    head = fill(ko.UNCHANGED, overall=member(overall), count=len(state.checks))
    return joined("", [head, render.left_over(state)])


def steps(
    results: Sequence[CheckResult], state: State, numbers: Mapping[str, int], previous: Mapping[str, CheckResult]
) -> Iterator[Line]:
    """Return the steps by their numbers: of the checks that ran, and of those with a previous result that were not due.

    What was not due has its part in the overall status, and the numbers have no gap.
    """
    ran = {result.check: result for result in results}
    kinds = {name: (ran.get(name) or previous[name]).kind for name in numbers if name in ran or name in previous}
    titles = Counter(render.title(name, kind) for name, kind in kinds.items())
    shared = {name for name, kind in kinds.items() if titles[render.title(name, kind)] > 1}
    for name, number in numbers.items():
        if name in ran:
            yield logging.INFO, render.step(number, name, ran[name].kind, is_shared=name in shared)
            for reading in ran[name].readings:
                yield _line(ran[name], reading, state)
        elif name in previous and name in state.checks:
            yield logging.INFO, render.step(number, name, previous[name].kind, is_shared=name in shared)
            yield _previous(previous[name], state)


def _line(result: CheckResult, reading: Reading, state: State) -> Line:
    level, text = LEVELS[reading.status], render.line(result, reading)
    if reading.aspect in _LEFT_OUT or (reading.is_settling and reading.status is Status.OK):
        level = logging.INFO
    elif reading.status is Status.CRITICAL and state.checks[result.check].status is not Status.CRITICAL:
        level, text = logging.WARNING, fill(ko.UNCONFIRMED, line=text)
    return level, text


def _previous(result: CheckResult, state: State) -> Line:
    """Return the line of a check that was not due: its worst reading, and its status even where that is of its age only."""
    level, text = _line(result, max(result.readings, key=lambda reading: reading.status.severity), state)
    status = state.checks[result.check].status
    if status is not Status.OK:
        level = LEVELS[status]
    return level, fill(ko.NOT_DUE, line=text, at=render.local(result.at))
