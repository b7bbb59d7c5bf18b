"""Which lines a health check writes, and how loud each is."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from monitor_blueprint.domain.models import CheckResult, CheckState, Incident, Reading, State, Status
from monitor_blueprint.domain.text import Public
from monitor_blueprint.text import log_report, render
from monitor_blueprint.text.health_log import SUCCESS
from monitor_blueprint.text.log_report import Line
from tests.monitor_blueprint.text.samples import AT, DISK_FULL, DJANGO_DOWN, FLASK_DOWN

INFO, WARNING, ERROR = logging.INFO, logging.WARNING, logging.ERROR

pytestmark = pytest.mark.usefixtures("seoul")


def state(**statuses: Status) -> State:
    return State({name: CheckState(status) for name, status in statuses.items()})


def lines(result: CheckResult, status: Status) -> list[Line]:
    """What is written of a check that ran, and whose status is this."""
    found = [*log_report.steps([result], state(**{result.check: status}), {result.check: 1}, {})]
    assert found[0][0] == INFO
    return found[1:]


def not_due(result: CheckResult, status: Status) -> Line:
    """What is written of a check that did not run, and whose status is this."""
    _, line = log_report.steps([], state(**{result.check: status}), {result.check: 1}, {result.check: result})
    return line


def test_a_check_has_the_guides_frame() -> None:
    assert [*log_report.framed([(ERROR, Public("x"))], Status.CRITICAL)] == [
        (INFO, "========================================="),
        (INFO, "NeuroNova 헬스 체크 시작"),
        (INFO, "========================================="),
        (ERROR, "x"),
        (INFO, "========================================="),
        (INFO, "헬스 체크 완료: CRITICAL"),
        (INFO, "========================================="),
    ]


def test_steps_are_in_their_order() -> None:
    """Whatever the order of the results, and whether they are of now or of before."""
    known = state(Django=Status.CRITICAL, Flask=Status.CRITICAL, Disk=Status.CRITICAL)
    numbers = {"Django": 1, "Disk": 2, "Flask": 3}
    found = log_report.steps([FLASK_DOWN, DJANGO_DOWN], known, numbers, {"Disk": DISK_FULL, "Flask": FLASK_DOWN})
    assert [*found] == [
        (INFO, "1. Django 상태 확인 중..."),
        (SUCCESS, "Django: 정상 실행 중"),
        (ERROR, "Django API: 응답 이상 (HTTP 502)"),
        (INFO, "2. 디스크 사용량 확인 중..."),
        (ERROR, "디스크 사용량: 91% (위험) - 이전 결과 (2025-12-06 14:35:01 KST)"),
        (INFO, "3. Flask ML 서버 상태 확인 중..."),
        (ERROR, "Flask: 중지됨 (failed/failed)"),
    ]


def test_two_of_a_kind_are_told_apart() -> None:
    """By their names, and only where they would be called the same."""
    other = replace(DISK_FULL, check="Data")
    known = state(Disk=Status.CRITICAL, Data=Status.CRITICAL, Flask=Status.CRITICAL)
    found = log_report.steps([DISK_FULL, FLASK_DOWN], known, {"Disk": 1, "Data": 2, "Flask": 3}, {"Data": other})
    assert [text for level, text in found if level == INFO] == [
        "1. 디스크 사용량 (Disk) 확인 중...",
        "2. 디스크 사용량 (Data) 확인 중...",
        "3. Flask ML 서버 상태 확인 중...",
    ]


def test_the_unseen_has_no_step() -> None:
    """Nor has what is no longer known: a check that was taken out of the configuration and has come back."""
    assert [*log_report.steps([], state(), {"Flask": 1, "Disk": 2}, {"Disk": DISK_FULL})] == []


@pytest.mark.parametrize("status", [Status.OK, Status.WARNING, Status.UNKNOWN])
def test_the_unconfirmed_is_a_warning(status: Status) -> None:
    assert lines(FLASK_DOWN, status) == [(WARNING, "Flask: 중지됨 (failed/failed) - 재확인 대기")]


@pytest.mark.parametrize("aspect", ["absent", "no_unit"])
def test_the_left_out_is_no_success(aspect: str) -> None:
    ((level, _),) = lines(CheckResult("Nginx", "service", (Reading(aspect),), AT), Status.OK)
    assert level == INFO


@pytest.mark.parametrize(("status", "level"), [(Status.OK, INFO), (Status.WARNING, WARNING), (Status.CRITICAL, WARNING)])
def test_the_settling_is_no_success(status: Status, level: int) -> None:
    settling = Reading("unit", status, facts={"state": Public("activating/start")}, is_settling=True)
    ((found, _),) = lines(CheckResult("Flask", "service", (settling,), AT), Status.OK)
    assert found == level


def test_the_worst_of_before_is_repeated() -> None:
    readings = (Reading("a"), Reading("b", Status.CRITICAL), Reading("c", Status.UNKNOWN, facts={"reason": Public("x")}))
    assert not_due(CheckResult("New", "new", readings, AT), Status.CRITICAL) == (
        ERROR,
        "New: b 위험 - 이전 결과 (2025-12-06 14:35:01 KST)",
    )


@pytest.mark.parametrize(
    ("reading", "status", "level"),
    [
        (Reading("a"), Status.OK, SUCCESS),
        (Reading("a"), Status.WARNING, WARNING),
        (Reading("a"), Status.UNKNOWN, WARNING),
        (Reading("a"), Status.CRITICAL, ERROR),
        (Reading("a", Status.WARNING), Status.OK, WARNING),
        (Reading("a", Status.UNKNOWN), Status.CRITICAL, ERROR),
    ],
)
def test_the_undue_has_its_checks_level(reading: Reading, status: Status, level: int) -> None:
    """Its age alone can make a check UNKNOWN."""
    assert not_due(CheckResult("New", "new", (reading,), AT), status)[0] == level


def test_an_open_incident_is_in_every_short_line() -> None:
    """Though all seems well: what `systemctl status` and the journal show."""
    state = State({"Flask": CheckState()}, Incident(3, AT, AT))
    assert log_report.unchanged(state, Status.OK).endswith(" - 진행 중인 장애 3번")
    assert render.systemd_status(Status.OK, AT, state).endswith(" - 진행 중인 장애 3번")
    down = replace(state, checks={"Flask": CheckState(status=Status.CRITICAL)})
    assert log_report.unchanged(down, Status.CRITICAL).endswith(" - 문제: Flask")
    assert log_report.unchanged(replace(state, incident=None), Status.OK).endswith("변화 없음)")
