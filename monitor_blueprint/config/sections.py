"""What the file may say, section by section; the limits are in the types.

What a check or a channel may say besides is in the `Options` of its own file, in `probes/` and `notifiers/`.
"""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal
from zoneinfo import available_timezones

import msgspec
from msgspec import Meta

from monitor_blueprint.config.suggestions import unknown

_LocalTime = Annotated[time, Meta(tz=False, description='a local time such as "02:00:00"')]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Section [monitor]: what concerns the whole monitor."""

    every_minutes: Annotated[int, Meta(ge=1, le=30)] = 5
    reminder_minutes: Annotated[int, Meta(ge=0, le=1440)] = 60
    grace_s: Annotated[float, Meta(ge=0, le=300)] = 10.0
    keep_days: Annotated[int, Meta(ge=1, le=3650)] = 30
    log_dir: Annotated[str, Meta(min_length=1)] = "var/log"
    state_dir: Annotated[str, Meta(min_length=1)] = "var/lib"
    public_page: bool = False


class CheckSection(msgspec.Struct, frozen=True, kw_only=True):
    """Section [[check]]: what every kind of check may say."""

    name: Annotated[
        str,
        Meta(pattern=r"^[^\s\"'*]{1,40}\Z", description="a text of 1 to 40 characters without blanks, quotes and *"),
    ]
    kind: str
    depends_on: tuple[str, ...] = ()
    confirm: Annotated[int, Meta(ge=1, le=20)] = 1
    interval_s: Annotated[float, Meta(ge=0)] | None = None
    grace_s: Annotated[float, Meta(ge=0, le=3600)] | None = None
    runbook: Annotated[
        str, Meta(pattern=r"^[^\x00-\x1f\x7f]{0,300}\Z", description="one line of 300 characters at most, or a link")
    ] = ""

    def __post_init__(self) -> None:
        """Refuse a link that cannot be followed, or that would show everybody a password."""
        scheme, is_link, rest = self.runbook.partition("://")
        if is_link and " " not in scheme and (scheme not in ("http", "https") or not rest or "@" in rest.partition("/")[0]):
            raise ValueError("runbook must be a text, or an http or https link without a password in it")


class MaintenanceSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Section [[maintenance]]: a weekly window in which nothing is sent."""

    days: Annotated[tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...], Meta(min_length=1)]
    start: _LocalTime
    end: _LocalTime
    timezone: str
    checks: tuple[str, ...] = ("*",)
    why: str = ""

    def __post_init__(self) -> None:
        """Refuse a time zone that does not exist, and a window in which there is no time."""
        zones = available_timezones()
        if self.timezone not in zones:
            raise ValueError(unknown("timezone", self.timezone, sorted(zones)))
        if self.start == self.end:
            raise ValueError('start and end must be two different local times such as "02:00:00"')
