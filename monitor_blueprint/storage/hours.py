"""What was measured, and how things were, over a long time: from the hours that the database sums up."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from monitor_blueprint.domain.models import Status
from monitor_blueprint.storage.timestamps import from_ms, to_ms

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# A result says how things are until the next one, but not for longer than this: after that nobody knows.
COVERS_S = 900.0
# The hours are few and small: a year of them stays, however soon the single results are forgotten.
KEEP_HOURS = timedelta(days=400)
_HOUR_MS = 3_600_000
_KEEP_MS = round(KEEP_HOURS.total_seconds() * 1000)
PRUNE = tuple(
    f"DELETE FROM {table} WHERE at < min(:before, (SELECT max(started_at) FROM cycle) - {_KEEP_MS})"  # noqa: S608 - constants
    for table in ("summary", "watched_hour")
)


@dataclass(frozen=True, slots=True)
class Buckets:
    """What was measured, column by column: from which second on (since 1970), how often, and between which values."""

    at_s: tuple[int, ...] = ()
    count: tuple[int, ...] = ()
    least: tuple[float, ...] = ()
    mean: tuple[float, ...] = ()
    greatest: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Watched:
    """How long a check was up (OK or WARNING), down and unknown within a time, in seconds; the rest nobody has watched."""

    up_s: float = 0.0
    down_s: float = 0.0
    unknown_s: float = 0.0

    @property
    def availability(self) -> float | None:
        """Return the share (0 to 1) of up in up and down; None when neither was seen."""
        return self.up_s / self.known_s if self.known_s > 0 else None

    @property
    def known_s(self) -> float:
        """Return for how long it is known how the check was."""
        return self.up_s + self.down_s

    @property
    def worst(self) -> Status | None:
        """Return the worst that was seen, None where nobody has watched."""
        if self.down_s > 0:
            return Status.CRITICAL
        if self.unknown_s > 0:
            return Status.UNKNOWN
        return Status.OK if self.up_s > 0 else None

    def longer(self, status: Status, lasted_s: float) -> Watched:
        """Return it with some seconds more of a status."""
        if status is Status.UNKNOWN:
            return replace(self, unknown_s=self.unknown_s + lasted_s)
        if status is Status.CRITICAL:
            return replace(self, down_s=self.down_s + lasted_s)
        return replace(self, up_s=self.up_s + lasted_s)


# From one moment to the other.
Times = tuple[datetime, datetime]
Query = Callable[[str, Mapping[str, object]], list[tuple[Any, ...]]]


class HourReads:
    """Questions about long times."""

    def __init__(self, query: Query) -> None:
        self._query = query

    def series(self, check: str, aspects: Sequence[str], times: Times, step: timedelta) -> dict[str, Buckets]:
        """Return what was measured between two moments, in buckets of `step`, by aspect; where nothing was, none.

        A step of a day or more (of whole ones, UTC) is answered from the days, one of an hour or more (of whole ones) from the
        hours, a shorter one from the results; the first bucket has all that its hour or day has.
        """
        hours = 24 if step >= DAY else 1 if step >= HOUR else 0
        since = to_ms(times[0])
        rows = self._query(
            _FROM_SUMMARY if hours else _FROM_RESULTS,
            {
                "check": check,
                "aspects": msgspec.json.encode(list(aspects)).decode(),
                "since": since - since % (hours * _HOUR_MS) if hours else since,
                "until": to_ms(times[1]),
                "step": round(step.total_seconds() * 1000),
                "hours": hours,
            },
        )
        of_aspects = itertools.groupby(rows, key=operator.itemgetter(0))
        return {aspect: Buckets(*list(zip(*of_one, strict=True))[1:]) for aspect, of_one in of_aspects}

    def extremes(self, aspects: Mapping[str, str], since: datetime) -> dict[str, tuple[float, float]]:
        """Return the least and the greatest of one aspect of each check since the hour in which a moment was.

        `aspects` are by the checks' names; a check of which nothing was measured is not there.
        """
        rows = self._query(
            "SELECT check_name, min(least), max(greatest) FROM json_each(:aspects) AS wanted CROSS JOIN summary"
            " WHERE check_name = wanted.key AND aspect = wanted.value AND hours = 1 AND at >= :since GROUP BY check_name",
            {
                "aspects": msgspec.json.encode(dict(aspects)).decode(),
                "since": to_ms(since.replace(minute=0, second=0, microsecond=0)),
            },
        )
        return {name: (least, greatest) for name, least, greatest in rows}

    def watched(self, checks: Sequence[str], bounds: Sequence[datetime], now: datetime) -> dict[str, list[Watched]]:
        """Return how long each check was up and down in the times between the bounds, oldest first, the last of which has `now`.

        The bounds are whole hours: one within an hour takes all of the hour for what is before it.
        """
        spans = [[to_ms(since), to_ms(until)] for since, until in itertools.pairwise(bounds)]
        rows = self._query(
            "SELECT name.value, span.key, sum(up_ms), sum(down_ms), sum(unknown_ms)"
            " FROM json_each(:checks) AS name CROSS JOIN json_each(:spans) AS span CROSS JOIN watched_hour"
            " WHERE check_name = name.value AND at >= span.value ->> 0 AND at < span.value ->> 1"
            " GROUP BY name.key, span.key",
            {"checks": msgspec.json.encode(list(checks)).decode(), "spans": msgspec.json.encode(spans).decode()},
        )
        found = {name: [Watched()] * len(spans) for name in checks}
        for name, number, up_ms, down_ms, unknown_ms in rows:
            found[name][number] = Watched(up_ms / 1000, down_ms / 1000, unknown_ms / 1000)
        # The newest result is in no hour yet, as no other has come after it.
        for name, kept_at, status in self._query("SELECT check_name, kept_at, status FROM latest", {}):
            if name in found:
                covered_ms = min(to_ms(now), kept_at + round(COVERS_S * 1000)) - max(kept_at, to_ms(bounds[-2]))
                found[name][-1] = found[name][-1].longer(Status(status), max(0.0, covered_ms / 1000))
        return found

    def parts(self, check: str, since: datetime, until: datetime, step: timedelta) -> dict[datetime, Watched]:
        """Return how long a check was up and down, by times of `step` (whole hours, UTC), by when they begin; where nobody
        watched, nothing; the newest result counts in none yet.
        """
        rows = self._query(
            "SELECT at / :step * :step, sum(up_ms), sum(down_ms), sum(unknown_ms) FROM watched_hour"
            " WHERE check_name = :check AND at >= :since AND at < :until GROUP BY 1",
            {"check": check, "since": to_ms(since), "until": to_ms(until), "step": round(step.total_seconds() * 1000)},
        )
        return {from_ms(at): Watched(up / 1000, down / 1000, unknown / 1000) for at, up, down, unknown in rows}

    def over(self, checks: Sequence[str], since: datetime, now: datetime) -> dict[str, Watched]:
        """Return how long each check was up and down since the hour in which a moment was."""
        bounds = (since.replace(minute=0, second=0, microsecond=0), now)
        return {name: watched for name, (watched,) in self.watched(checks, bounds, now).items()}


# Each value is taken out of its JSON once only.
_FROM_RESULTS = (
    "WITH measured_at AS MATERIALIZED (SELECT aspect.key AS number, aspect.value AS aspect, at / :step * :step AS bucket,"
    " measured ->> aspect.value AS value FROM result CROSS JOIN json_each(:aspects) AS aspect"
    " WHERE check_name = :check AND at >= :since AND at < :until)"
    " SELECT aspect, bucket / 1000, count(*), min(value), round(avg(value), 3), max(value) FROM measured_at"
    " WHERE value IS NOT NULL GROUP BY number, bucket"
)
_FROM_SUMMARY = (
    "SELECT aspect.value, at / :step * :step / 1000 AS bucket, sum(count), min(least), round(sum(total) / sum(count), 3),"
    " max(greatest)"
    " FROM json_each(:aspects) AS aspect CROSS JOIN summary WHERE check_name = :check AND aspect = aspect.value"
    " AND hours = :hours AND at >= :since AND at < :until GROUP BY aspect.key, bucket"
)
