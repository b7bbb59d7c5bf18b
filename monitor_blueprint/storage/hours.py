"""What was measured, and how things were, over a long time: from the hours that the database sums up."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from monitor_blueprint.domain.models import Status
from monitor_blueprint.storage.timestamps import from_ms, to_ms

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# The hours are few and small: a year of them stays, however soon the single results are forgotten.
KEEP_HOURS = timedelta(days=400)
_HOUR_MS = 3_600_000
_KEEP_MS = round(KEEP_HOURS.total_seconds() * 1000)
PRUNE = tuple(
    f"DELETE FROM {table} WHERE at < min(:before, (SELECT max(started_at) FROM cycle) - {_KEEP_MS})"  # noqa: S608 - constants
    for table in ("summary", "watched_hour")
)


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was measured from `at` on, until the next bucket begins: how often, and between which values."""

    at: datetime
    count: int
    least: float
    mean: float
    greatest: float


@dataclass(frozen=True, slots=True)
class Watched:
    """How long a check was up (OK or WARNING), down and unknown within a time, in seconds; the rest nobody has watched."""

    up_s: float = 0.0
    down_s: float = 0.0
    unknown_s: float = 0.0


# From one moment to the other.
Times = tuple[datetime, datetime]
Query = Callable[[str, Mapping[str, object]], list[tuple[Any, ...]]]


class HourReads:
    """Questions about long times."""

    def __init__(self, query: Query) -> None:
        self._query = query

    def series(self, check: str, aspects: Sequence[str], times: Times, step: timedelta) -> dict[str, list[Bucket]]:
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
        found: dict[str, list[Bucket]] = {}
        for aspect, at, count, least, mean, greatest in rows:
            found.setdefault(aspect, []).append(Bucket(from_ms(at), count, least, mean, greatest))
        return found

    def watched(self, checks: Sequence[str], bounds: Sequence[datetime]) -> dict[str, list[Watched]]:
        """Return how long each check was up and down in the times between the bounds (whole hours, oldest first)."""
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
        return found

    def last_kept(self) -> dict[str, tuple[datetime, Status]]:
        """Return the newest result of each check that is in no hour yet, as no other has come after it."""
        rows = self._query("SELECT check_name, kept_at, status FROM latest", {})
        return {name: (from_ms(kept_at), Status(status)) for name, kept_at, status in rows}


_FROM_RESULTS = (
    "SELECT aspect.value, at / :step * :step AS bucket, count(*), min(measured ->> aspect.value), avg(measured ->> aspect.value),"
    " max(measured ->> aspect.value) FROM json_each(:aspects) AS aspect CROSS JOIN result"
    " WHERE check_name = :check AND at >= :since AND at < :until AND measured ->> aspect.value IS NOT NULL"
    " GROUP BY aspect.key, bucket"
)
_FROM_SUMMARY = (
    "SELECT aspect.value, at / :step * :step AS bucket, sum(count), min(least), sum(total) / sum(count), max(greatest)"
    " FROM json_each(:aspects) AS aspect CROSS JOIN summary WHERE check_name = :check AND aspect = aspect.value"
    " AND hours = :hours AND at >= :since AND at < :until GROUP BY aspect.key, bucket"
)
