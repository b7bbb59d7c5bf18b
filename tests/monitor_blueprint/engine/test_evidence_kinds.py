from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from monitor_blueprint.config import Check, parse
from monitor_blueprint.domain.decision import Decision
from monitor_blueprint.domain.models import CheckResult, CheckState, Event, EventKind, Facts, Reading, State, Status
from monitor_blueprint.domain.text import Public
from monitor_blueprint.engine.evidence_kinds import begin_of, requests_begin, sections, subjects
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


def decided(*events: Event, results: tuple[CheckResult, ...] = ()) -> Decision:
    return Decision(State(), events, results)


def opened(*checks: str, since: datetime = NOW, consequences: Mapping[str, tuple[str, ...]] | None = None) -> Event:
    sinces = dict.fromkeys(checks, since)
    return Event(EventKind.OPENED, NOW, 1, since, checks, failing=checks, consequences=consequences or {}, since=sinces)


def checks_of(*checks: dict[str, object]) -> Sequence[Check]:
    return parse({"check": list(checks)}, {}, source="monitor.toml").checks


SERVICES: list[dict[str, object]] = [
    {"name": name, "kind": "service", "unit": unit} for name, unit in {"Django": "site", "Flask": "ml"}.items()
]
UNITS = ["nginx", "site", "ml"]


def test_a_failure_began_shortly_before() -> None:
    """Before it was seen; one that a check has counted over a time of its own, in that time."""
    since = NOW - timedelta(minutes=10)
    checks = checks_of(*SERVICES, {"name": "Restarts", "kind": "restarts", "units": UNITS}, {"name": "OOM", "kind": "oom"})
    decision = decided(opened("Flask", "Restarts", "OOM", since=since))
    assert [since - begin_of(check, decision, NOW) for check in checks[1:]] == [timedelta(minutes=m) for m in (2, 5, 60)]
    assert begin_of(checks[0], decision, NOW) == NOW - timedelta(minutes=2)


def known(**since: datetime) -> State:
    """Return that these checks are well, each since when."""
    return State({name: CheckState(since=at) for name, at in since.items()})


def test_a_unit_went_down_when_systemd_says() -> None:
    """Of a check that is only asked now and then it may have been since it was asked."""
    since = NOW - timedelta(minutes=10)
    _, flask, page = checks_of(*SERVICES, {"name": "Page", "kind": "http", "url": "http://127.0.0.1/"})
    checks = [flask, *(replace(page, policy=replace(page.policy, interval_s=every_s)) for every_s in (30.0, 300.0))]
    down = CheckResult("Flask", "service", (Reading("unit", Status.CRITICAL, facts={"state": Public("failed/failed")}),), NOW)
    decision = decided(opened("Flask", "Page", since=since), results=(down,))
    before = known(Flask=since - timedelta(days=1), Page=since - timedelta(days=1))
    spans = [since - begin_of(check, decision, NOW, before) for check in checks]
    assert [span.total_seconds() for span in spans] == [10, 30, 120]


def test_nothing_is_from_before_the_recovery() -> None:
    """Of the check itself, or of what it depends on; also where it counts over a time of its own."""
    restarts: dict[str, object] = {"name": "Restarts", "kind": "restarts", "units": UNITS}
    checks = checks_of(SERVICES[1], SERVICES[0] | {"depends_on": ["Flask"]}, restarts)
    decision = decided(opened("Django", "Restarts"))
    day = timedelta(days=1)
    recovered = NOW - timedelta(seconds=4)
    before = known(Flask=recovered, Django=NOW - day, Restarts=recovered)
    assert [begin_of(check, decision, NOW, before) for check in checks[1:]] == [recovered, recovered]
    assert requests_begin(checks[1:], decision, NOW, before) == recovered


def test_requests_are_of_the_failure_alone() -> None:
    """A check that counts restarts over five minutes says nothing of the requests of that time."""
    checks = checks_of({"name": "Restarts", "kind": "restarts", "units": UNITS})
    before = known(Restarts=NOW - timedelta(days=1))
    assert requests_begin(checks, decided(opened("Restarts")), NOW, before) == NOW - timedelta(seconds=10)


def test_causes_come_before_consequences() -> None:
    decision = decided(opened("Django", "Flask", consequences={"Django": ("Flask",)}))
    assert [each.unit for each in subjects(checks_of(*SERVICES), decision, NOW)] == ["ml", "site"]


def test_only_who_takes_part_is_looked_at() -> None:
    """Of many units the worst first; all of them where the result names none."""
    many = checks_of({"name": "Restarts", "kind": "restarts", "units": UNITS})
    facts: Facts = {"units": Public("nginx ×1, ml ×4"), "unit": Public("ml")}
    result = CheckResult("Restarts", "restarts", (Reading("restarts", Status.CRITICAL, facts=facts),), NOW)
    decision = decided(opened("Restarts"), results=(result,))
    assert [each.unit for each in subjects(many, decision, NOW)] == ["ml", "nginx"]
    assert [each.unit for each in subjects(many, decided(opened("Restarts")), NOW)] == UNITS


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
