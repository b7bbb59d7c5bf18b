"""What a person may type: durations, sentences, numbers."""

from __future__ import annotations

import re
from datetime import timedelta

import click

from monitor_blueprint.console.orders import LONGEST_SILENCE
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.domain.text import configured
from monitor_blueprint.text import ko, ko_commands

# As large as SQLite's integers are.
_NUMBER_MAX = 2**63 - 1
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


class Number(click.ParamType[int]):
    """The number of an incident or a silence."""

    name = "number"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, or refuse what is none."""
        text = str(value)
        if not re.fullmatch(r"[0-9]{1,19}", text) or not 1 <= int(text) <= _NUMBER_MAX:
            self.fail(ko_commands.NO_NUMBER.format(value=clean(text, 40)), param, ctx)
        return int(text)


class Seconds(click.ParamType[float]):
    """So many seconds, within limits."""

    name = "seconds"

    def __init__(self, least: float, most: float) -> None:
        self._least = least
        self._most = most

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or refuse what is none or beyond a limit."""
        text = str(value)
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) and self._least <= float(text) <= self._most:
            return float(text)
        return self.fail(ko_commands.NO_SECONDS.format(value=clean(text, 40), least=self._least, most=self._most), param, ctx)


class OneOf(click.Choice[str]):
    """One of some words."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word, or refuse one that is not among them."""
        text = str(value)
        if text not in self.choices:
            names = ", ".join(self.choices)
            self.fail(ko_commands.NOT_ONE_OF.format(value=clean(text, 40), names=names), param, ctx)
        return text


class Address(click.ParamType[str]):
    """The address of something that speaks HTTP."""

    name = "url"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address, or refuse what is none."""
        text = str(value)
        if not re.fullmatch(r"(https?|http\+unix)://[^\s/]+(/\S*)?", text):
            self.fail(ko_commands.NO_ADDRESS.format(value=configured(text)), param, ctx)
        return text


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
