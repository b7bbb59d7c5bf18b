"""What a person may type: durations, sentences, numbers."""

from __future__ import annotations

import re
from datetime import timedelta

import click

from monitor_blueprint.console.orders import LONGEST_SILENCE
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.text import ko

# As large as SQLite's integers are.
NUMBER = click.IntRange(1, 2**63 - 1)
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Duration(click.ParamType[timedelta]):
    """A duration such as "30m", "2h" or "1h30m"."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the duration, or refuse what is none."""
        text = str(value)
        if not re.fullmatch(r"(\d+[smhd])+", text):
            self.fail(ko.BAD_DURATION.format(value=text), param, ctx)
        seconds = sum(int(count) * _UNITS_S[unit] for count, unit in re.findall(r"(\d+)([smhd])", text))
        if not 0 < seconds <= LONGEST_SILENCE.total_seconds():
            self.fail(ko.BAD_DURATION.format(value=text), param, ctx)
        return timedelta(seconds=seconds)


class Words(click.ParamType[str]):
    """What a person says, in one line without control characters; nothing at all is refused."""

    name = "text"

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the words on one line, or refuse nothing at all."""
        words = clean(str(value), self._limit)
        if not words:
            self.fail(ko.NO_WORDS, param, ctx)
        return words
