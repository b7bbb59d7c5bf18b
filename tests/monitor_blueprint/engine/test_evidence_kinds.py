from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from monitor_blueprint.config import parse
from monitor_blueprint.domain.models import CheckResult, Facts, Reading, Status
from monitor_blueprint.domain.text import Public
from monitor_blueprint.engine.evidence_kinds import sections
from monitor_blueprint.storage.store import Store
from monitor_blueprint.storage.writes import Transaction

NOW = datetime(2025, 12, 6, 5, 35, 1, tzinfo=UTC)
DOCUMENT = {
    "check": [
        {"name": "Flask", "kind": "service", "unit": "ml", "url": "http://127.0.0.1:9000/health"},
        {"name": "Disk", "kind": "disk", "path": "/"},
        {"name": "Memory", "kind": "memory"},
    ]
}


def record(result: CheckResult, transaction: Transaction) -> None:
    transaction.record_round(result.at, 1.0, result.status, [result])


def test_evidence_fits_the_kind(tmp_path: Path) -> None:
    checks = parse(DOCUMENT, {}, source="monitor.toml").checks
    with Store(tmp_path / "monitor.db") as store:
        found = [title for title, _ in sections(checks, (), store.reads, NOW, 0.0)]
    assert found == ["threads ml", "answers Flask", "disk /"]


@pytest.mark.parametrize("aspect", ["unmounted", "replaced", "device", "access"])
def test_a_disk_that_is_not_there_is_not_listed(tmp_path: Path, aspect: str) -> None:
    """At its place lies another one, whose directories say nothing."""
    disk = parse(DOCUMENT, {}, source="monitor.toml").checks[1:2]
    lost = CheckResult("Disk", "disk", (Reading(aspect, Status.CRITICAL),), NOW)
    with Store(tmp_path / "monitor.db") as store:
        assert not list(sections(disk, (lost,), store.reads, NOW, 0.0))


def test_last_answers_are_those_before(tmp_path: Path) -> None:
    """Whenever something changed; with what was measured."""
    flask = parse(DOCUMENT, {}, source="monitor.toml").checks[:1]
    with Store(tmp_path / "monitor.db") as store:
        for minutes, status, http_status in ((30, Status.OK, 200), (10, Status.CRITICAL, 503), (0, Status.OK, 200)):
            facts: Facts = {"http_status": http_status, "latency_ms": 12.5, "reason": Public("status")}
            at = NOW - timedelta(minutes=minutes)
            result = CheckResult("Flask", "service", (Reading("http", status, facts=facts),), at)
            store.run(partial(record, result))
        text = dict(sections(flask, (), store.reads, NOW, 0.0))["answers Flask"]()
    first, second = text.splitlines()
    assert first.endswith("Flask API: 응답 정상 (HTTP 200) [http_status 200, latency_ms 12.5]")
    assert second.endswith("Flask API: 응답 이상 (HTTP 503) [http_status 503, latency_ms 12.5]")
