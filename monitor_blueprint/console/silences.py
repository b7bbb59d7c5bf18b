"""When nothing is told: silences, and the maintenance windows of the configuration."""

from __future__ import annotations

from datetime import datetime

from monitor_blueprint.console.view import Answer, Document, View
from monitor_blueprint.domain.models import Silence


class SilenceDocument(Document, frozen=True, kw_only=True):
    """Between two moments nothing is sent about a check ("*": any); why, and by whom, is for operators."""

    number: int
    check: str
    starts_at: datetime
    ends_at: datetime
    is_active: bool
    why: str | None
    by: str | None


class SilencesAnswer(Answer, frozen=True, kw_only=True):
    """The silences that have not ended; those that are over, too, where that was asked for."""

    silences: list[SilenceDocument]


class WindowDocument(Document, frozen=True, kw_only=True):
    """A weekly window of the configuration; `active_until` while it is open."""

    days: list[str]
    start: str
    end: str
    timezone: str
    checks: list[str]
    why: str | None
    active_until: datetime | None


class MaintenanceAnswer(Answer, frozen=True, kw_only=True):
    """The windows of the configuration, which only the file changes, and the silences: windows that somebody made by hand."""

    windows: list[WindowDocument]
    silences: list[SilenceDocument]


def silences(view: View, *, is_past_wanted: bool = False) -> SilencesAnswer:
    """Return the silences that have not ended, or all that are remembered."""
    return SilencesAnswer(silences=_past(view) if is_past_wanted else active_silences(view))


def active_silences(view: View) -> list[SilenceDocument]:
    """Return the silences that have not ended, those that have yet to begin included."""
    return _documents(view, view.reads.silences(view.now))


def silence(view: View, number: int) -> SilenceDocument | None:
    """Return one silence, over or not."""
    return next((each for each in _past(view) if each.number == number), None)


def maintenance(view: View) -> MaintenanceAnswer:
    """Return the windows, and the silences."""
    return MaintenanceAnswer(
        windows=[
            WindowDocument(
                days=[day.name.lower() for day in window.days],
                start=window.start.isoformat(),
                end=window.end.isoformat(),
                timezone=window.zone.key,
                checks=list(window.checks),
                why=view.typed(window.why),
                active_until=max((each.ends_at for each in window.silences(view.now)), default=None),
            )
            for window in view.config.windows
        ],
        silences=active_silences(view),
    )


def _past(view: View) -> list[SilenceDocument]:
    return _documents(view, view.reads.all_silences())


def _documents(view: View, found: tuple[Silence, ...]) -> list[SilenceDocument]:
    authors = view.reads.story.silenced_by() if found and view.visitor.is_trusted else {}
    return [
        SilenceDocument(
            number=each.number,
            check=each.check,
            starts_at=each.starts_at,
            ends_at=each.ends_at,
            is_active=each.starts_at <= view.now < each.ends_at,
            why=view.typed(each.why),
            by=authors.get(each.number),
        )
        for each in found
    ]
