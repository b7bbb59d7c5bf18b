"""What the page and the command `status` show of a check: a row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor_blueprint.domain.models import ABSENT, CheckResult, CheckState, Status
from monitor_blueprint.text import render


@dataclass(frozen=True, slots=True)
class Row:
    """A check as the page and the command line show it."""

    name: str
    title: str
    status: Status
    lines: tuple[str, ...]
    since: str
    at: str
    is_left_out: bool = False


def row(result: CheckResult, state: CheckState | None, now: datetime) -> Row:
    """Return a check as it is shown: its title, what each reading says, and since when it has been so."""
    since = state.since if state is not None else None
    return Row(
        name=result.check,
        title=render.title(result.check, result.kind),
        status=state.status if state is not None else result.status,
        lines=tuple(render.line(result, reading) for reading in result.readings),
        since=render.duration((now - since).total_seconds()) if since else "",
        at=render.local(result.at),
        is_left_out=[reading.aspect for reading in result.readings] == [ABSENT],
    )


def share(value: float | None) -> str:
    """Return a share of time (0 to 1) in percent; rounded down, so that 100 % is only said of a whole."""
    return "" if value is None else f"{math.floor(value * 10000) / 100:g}%"


def value_range(result: CheckResult, values: Sequence[float]) -> str:
    """Return the least and the greatest of the values, with the unit that the check measures in."""
    if not values:
        return ""
    unit = next((reading.unit for reading in result.readings if reading.value is not None), "")
    return f"{min(values):.4g} - {max(values):.4g}{unit}"
