"""What the tests of texts speak of: two services that are down, and a disk that is full."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitor_blueprint.domain.models import CheckResult, Event, EventKind, Reading, Status
from monitor_blueprint.domain.text import Public

AT = datetime(2025, 12, 6, 5, 35, 1, tzinfo=UTC)
FLASK_DOWN = CheckResult(
    "Flask",
    "service",
    (Reading("unit", Status.CRITICAL, facts={"unit": Public("ml.service"), "state": Public("failed/failed")}),),
    AT,
)
DJANGO_DOWN = CheckResult(
    "Django",
    "service",
    (
        Reading("unit", facts={"unit": Public("site.service")}),
        Reading("http", Status.CRITICAL, facts={"reason": Public("status"), "http_status": 502}, is_symptom=True),
    ),
    AT,
)
DISK_FULL = CheckResult("Disk", "disk", (Reading("usage", Status.CRITICAL, 91.7, "%", facts={"path": Public("/")}),), AT)
RESULTS = {"Django": DJANGO_DOWN, "Flask": FLASK_DOWN, "Disk": DISK_FULL}


def event(kind: EventKind = EventKind.OPENED, checks: tuple[str, ...] = ("Django", "Flask")) -> Event:
    return Event(kind, AT, 7, AT - timedelta(minutes=65), checks, failing=checks)
