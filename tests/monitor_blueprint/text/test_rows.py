from __future__ import annotations

from datetime import timedelta

import pytest

from monitor_blueprint.domain.models import CheckResult, CheckState, Reading, Status
from monitor_blueprint.domain.text import Private, Public
from monitor_blueprint.text import rows
from tests.monitor_blueprint.text.samples import AT, DJANGO_DOWN

pytestmark = pytest.mark.usefixtures("seoul")


def test_a_row_shows_what_counts() -> None:
    """The status that counts, and since when."""
    row = rows.row(DJANGO_DOWN, CheckState(Status.OK, since=AT), AT + timedelta(minutes=3))
    assert row == rows.Row(
        "Django",
        Public("Django 상태"),
        Status.OK,
        (Private("Django: 정상 실행 중"), Private("Django API: 응답 이상 (HTTP 502)")),
        "3분",
        "2025-12-06 14:35:01 KST",
    )
    assert rows.row(DJANGO_DOWN, None, AT).status is Status.CRITICAL


def test_what_is_absent_is_left_out() -> None:
    absent = Reading("absent", facts={"unit": Public("nginx")})
    assert rows.row(CheckResult("Nginx", "service", (absent,), AT), None, AT).is_left_out
    assert not rows.row(CheckResult("Nginx", "service", (absent, Reading("http")), AT), None, AT).is_left_out


@pytest.mark.parametrize(
    ("value", "expected"), [(None, ""), (0.0, "0%"), (0.5, "50%"), (0.12349, "12.34%"), (0.999999, "99.99%"), (1.0, "100%")]
)
def test_a_share_is_rounded_down(value: float | None, expected: str) -> None:
    assert rows.share(value) == expected


@pytest.mark.parametrize(("values", "expected"), [((), ""), ((62.5,), "62.5%"), ((70.25, 1.5, 99.987), "1.5 ~ 99.99%")])
def test_a_range_has_the_readings_unit(values: tuple[float, ...], expected: str) -> None:
    result = CheckResult("Memory", "memory", (Reading("note", unit="x"), Reading("usage", value=1.0, unit="%")), AT)
    assert rows.value_range(result, values) == expected


def test_a_range_below_one_has_the_smaller_unit() -> None:
    result = CheckResult("Backup", "backup", (Reading("age", value=0.2, unit="h"),), AT)
    assert rows.value_range(result, (0.0, 0.2)) == "0 ~ 12분"
    assert rows.value_range(result, (0.2, 3.0)) == "0.2 ~ 3시간"


def test_a_range_without_a_unit() -> None:
    assert rows.value_range(DJANGO_DOWN, (1.0, 2.0)) == "1 ~ 2"


def test_a_range_is_in_korean() -> None:
    """And is no subtraction: a certificate's days may be below nothing."""
    result = CheckResult("Certificate", "tls", (Reading("expiry", value=1.0, unit="d"),), AT)
    assert rows.value_range(result, (-27.4, 1.5)) == "-27.4 ~ 1.5일"
