"""Questions about the single results that are kept: the last ones, how a check stood meanwhile, and how its values are spread."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from monitor_blueprint.domain.models import Status
from monitor_blueprint.storage.timestamps import from_ms, to_ms

# Beside what a check has measured, each result keeps how long it took, and how long what was asked took to answer.
DURATION_MS = "duration_ms"
LATENCY_MS = "latency_ms"


@dataclass(frozen=True, slots=True)
class PastResult:
    """A result as it is kept: `values` by aspect."""

    at: datetime
    status: Status
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Spell:
    """From one moment to another a check said the same; None: nobody has watched."""

    since: datetime
    until: datetime
    status: Status | None


@dataclass(frozen=True, slots=True)
class Spread:
    """Of what was measured in a time: how often, and below which value half and 95 of a hundred of it lay."""

    at_s: int
    count: int
    half: float
    most: float


class ResultReads:
    """Questions about `result`."""

    def __init__(self, query: Callable[[str, Mapping[str, object]], list[tuple[Any, ...]]]) -> None:
        self._query = query

    def last(self, check: str, limit: int) -> tuple[PastResult, ...]:
        """Return the newest results of a check, the newest first."""
        rows = self._query(
            "SELECT at, status, coalesce(measured, '{}') FROM result WHERE check_name = :check ORDER BY at DESC LIMIT :limit",
            {"check": check, "limit": limit},
        )
        return tuple(PastResult(from_ms(at), Status(status), msgspec.json.decode(body)) for at, status, body in rows)

    def spells(self, check: str, since: datetime, until: datetime, covers_s: float) -> tuple[Spell, ...]:
        """Return how a check stood from one moment to another, without a gap, the oldest first.

        A result says how things are until the next one, but not for longer than `covers_s`; from then on nobody has watched.
        """
        longest = timedelta(seconds=covers_s)
        # Only those that begin something: another status, or the first after a time without any.
        rows = self._query(
            "SELECT at, status, before_at FROM (SELECT at, status, lag(at) OVER (ORDER BY at) AS before_at,"
            " lag(status) OVER (ORDER BY at) AS before FROM result WHERE check_name = :check AND at >= :since AND at < :until)"
            " WHERE before_at IS NULL OR status != before OR at - before_at > :longest",
            {
                "check": check,
                "since": to_ms(since - longest),
                "until": to_ms(until),
                "longest": round(covers_s * 1000),
            },
        )
        newest = self._query(
            "SELECT max(at) FROM result WHERE check_name = :check AND at < :until", {"check": check, "until": to_ms(until)}
        )[0][0]
        if not rows:
            return (Spell(since, until, None),)
        begun = [(from_ms(at), Status(status), from_ms(before) if before is not None else None) for at, status, before in rows]
        # Until when the last before each of them, and the newest of all, was good.
        ends = [before + longest if before is not None else None for _, _, before in begun[1:]] + [from_ms(newest) + longest]
        found: list[Spell] = []
        reached = since
        for (at, status, _), end, following in itertools.zip_longest(begun, ends, [at for at, _, _ in begun[1:]]):
            if at > reached:
                found.append(Spell(reached, at, None))
            stop = min(part for part in (end, following, until) if part is not None)
            if stop > max(at, reached):
                found.append(Spell(max(at, reached), stop, status))
            reached = max(reached, stop)
        if reached < until:
            found.append(Spell(reached, until, None))
        return tuple(found)

    def values(self, check: str, aspect: str, since: datetime, until: datetime) -> list[float]:
        """Return what was measured of an aspect, in order."""
        rows = self._query(
            "SELECT measured ->> :aspect AS value FROM result WHERE check_name = :check AND at >= :since AND at < :until"
            " AND value IS NOT NULL ORDER BY value",
            {"check": check, "aspect": aspect, "since": to_ms(since), "until": to_ms(until)},
        )
        return [float(value) for (value,) in rows]

    def spread(self, check: str, aspect: str, since: datetime, until: datetime, step: timedelta) -> tuple[Spread, ...]:
        """Return how the values of an aspect are spread, by times of `step`: by nearest rank, so each was really measured."""
        rows = self._query(
            "SELECT at / :step * :step / 1000, measured ->> :aspect AS value FROM result"
            " WHERE check_name = :check AND at >= :since AND at < :until AND value IS NOT NULL ORDER BY 1, 2",
            {
                "check": check,
                "aspect": aspect,
                "since": to_ms(since),
                "until": to_ms(until),
                "step": round(step.total_seconds() * 1000),
            },
        )
        found = []
        for at_s, grouped in itertools.groupby(rows, key=operator.itemgetter(0)):
            values = [float(value) for _, value in grouped]
            found.append(Spread(at_s, len(values), rank(values, 50), rank(values, 95)))
        return tuple(found)


def rank(ordered: list[float], percent: int) -> float:
    """Return the least of the values, which are in order, below or at which so many of a hundred lie."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
