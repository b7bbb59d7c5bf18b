from __future__ import annotations

from datetime import timedelta

import pytest

from monitor_blueprint.domain.models import CheckResult, CheckState, Incident, Reading, Status
from monitor_blueprint.domain.standing import Standing, Why
from monitor_blueprint.domain.text import Private, Public
from monitor_blueprint.storage.reads import Evidence
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
        worst=(Private("Django API: 응답 이상 (HTTP 502)"),),
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


@pytest.mark.parametrize(
    ("known_s", "expected"), [(120.0, "45.51% (관찰 2분)"), (86400.0 * 29, "45.51%"), (86400.0 * 7, "45.51% (관찰 7일)")]
)
def test_a_share_says_of_what_time(known_s: float, expected: str) -> None:
    """Thirty days are not said of two minutes."""
    assert rows.availability(0.45517, known_s, 86400.0 * 30) == expected
    assert rows.availability(None, 0.0, 86400.0 * 30) == ""


FLASK = Standing("Flask", is_told=True, why=Why.FAILING, since=AT)
DJANGO = Standing("Django", is_told=True, why=Why.CONSEQUENCE, since=AT + timedelta(seconds=9), causes=("Flask",))


def test_first_line_names_the_cause_and_since_when() -> None:
    assert rows.not_well([FLASK, DJANGO]) == "Flask (2025-12-06 14:35:01 KST부터) · 함께 영향: Django"
    assert rows.not_well([FLASK]) == "Flask (2025-12-06 14:35:01 KST부터)"
    assert rows.not_well([DJANGO]) == "Django (2025-12-06 14:35:10 KST부터)"
    assert rows.not_well([]) == ""
    disk = Standing("Disk", is_told=True, why=Why.FAILING, since=AT - timedelta(hours=1))
    assert rows.not_well([FLASK, disk]) == "Flask (2025-12-06 14:35:01 KST부터), Disk (2025-12-06 13:35:01 KST부터)"
    assert rows.not_well([FLASK] * 5).endswith(" KST부터) 외 2개")


def test_what_is_left_of_an_incident_has_its_own_beginning() -> None:
    """The number may be of an outage that began with something else."""
    incident = Incident(4, AT, AT)
    assert rows.remaining(incident, [DJANGO]) == " · 남은 항목은 2025-12-06 14:35:10 KST부터"
    assert rows.remaining(incident, [FLASK, DJANGO]) == ""
    assert rows.remaining(incident, []) == ""


def test_a_likely_cause_is_named() -> None:
    doubtful = Standing("Django", is_told=False, why=Why.SETTLING, since=AT, causes=("Flask",))
    assert rows.note(doubtful) == ("2025-12-06 14:35:01 KST부터 지켜보는 중 · 곧 다시 확인 · 원인으로 보이는 항목: Flask")
    assert rows.note(DJANGO) == "2025-12-06 14:35:10 KST부터 · 원인: Flask"


@pytest.mark.parametrize(("values", "expected"), [((), ""), ((62.5,), "62.5%"), ((70.25, 1.5, 99.987), "1.5 ~ 99.99%")])
def test_a_range_has_the_readings_unit(values: tuple[float, ...], expected: str) -> None:
    assert rows.value_range("%", values) == expected


def test_a_range_below_one_has_the_smaller_unit() -> None:
    assert rows.value_range("h", (0.0, 0.2)) == "0 ~ 12분"
    assert rows.value_range("h", (0.2, 3.0)) == "0.2 ~ 3시간"


def test_a_range_without_a_unit() -> None:
    assert rows.value_range("", (1.0, 2.0)) == "1 ~ 2"


def test_a_range_is_in_korean() -> None:
    """And is no subtraction: a certificate's days may be below nothing."""
    assert rows.value_range("d", (-27.4, 1.5)) == "-27.4 ~ 1.5일"


ENDED = "주 프로세스 종료: 종료 코드 78/CONFIG\n설정 오류: /etc/x.env 를 확인\n틀린 설정의 이름 보기: sudo x\nmore"
JOURNAL = "at app[1]: KeyError: 'a'\nat app[1]: RuntimeError: Nothing\nat systemd[1]: flask.service: Started."


def essence(
    *pieces: tuple[str, str], units: tuple[str, ...] = ("flask",), later_s: float = 1.0, is_stopped: bool = False
) -> list[str]:
    found = [Evidence(AT + timedelta(seconds=later_s), title, Private(text)) for title, text in pieces]
    return [line.text for line in rows.essence(found, units, AT, is_stopped=is_stopped)]


def test_an_ending_says_what_it_means() -> None:
    """Below how it ended stands what the program said of it."""
    first, *more = ENDED.splitlines()[:3]
    said = "[저널 flask] at app[1]: RuntimeError: Nothing"
    assert essence(("journal flask", JOURNAL), ("unit flask", ENDED)) == [f"[종료 원인 flask] {first}", said, *more]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (["[emerg] unknown directive in bad.conf:1", "nginx: configuration file test failed"], 0),
        (["[emerg] bind() to 0.0.0.0:80 failed", "[emerg] still could not bind()"], 0),
        (["Error: wrong settings: ML_MAX_BODY_BYTES must be a whole number"], 0),
        (["[INFO] Starting", "cannot open /srv/***: no space"], 1),
        (["ML_X must be one", "[ERROR] Worker (pid:7) exited with code 3", "[ERROR] Shutting down: Master"], 0),
        (["[INFO] Starting", "[INFO] Booting worker with pid: 7"], None),
    ],
)
def test_the_programs_own_word_is_named(said: list[str], expected: int | None) -> None:
    """The line that says most, whatever systemd says after it."""
    lines = [f"at UTC app[7]: {line}" for line in said]
    found = essence(("journal flask", "\n".join([*lines, "at UTC systemd[1]: Failed with error"])), ("unit flask", "ended"))
    assert found == ["[종료 원인 flask] ended", *([] if expected is None else [f"[저널 flask] {lines[expected]}"])]


def test_who_was_stopped_fell_over_nothing() -> None:
    assert essence(("journal flask", JOURNAL), ("exception flask", "KeyError"), is_stopped=True) == []


def test_else_the_newest_exception_is_named() -> None:
    """Also where the exit status means nothing by itself."""
    exception = "[저널 flask] at app[1]: RuntimeError: Nothing"
    assert essence(("journal flask", JOURNAL)) == [exception]
    assert essence(("journal flask", JOURNAL), ("unit flask", "ended")) == ["[종료 원인 flask] ended", exception]
    assert essence(("journal flask", "at app[1]: All is Well"), ("oom", "x")) == []


def test_who_used_the_memory_is_named() -> None:
    pieces = [Evidence(AT + timedelta(seconds=at_s), rows.MEMORY, Private(f"{at_s}\nmore")) for at_s in (-1.0, 1.0)]
    assert [line.text for line in rows.largest(pieces, AT)] == ["[메모리 상위 프로세스] 1.0"]
    assert rows.largest(pieces[:1], AT) == ()


def test_its_own_exception_comes_first() -> None:
    """The newest, before how it ended; the journal need not be searched then."""
    found = essence(("journal flask", JOURNAL), ("exception flask", "older\nnewest"), ("unit flask", "ended"))
    assert found == ["[애플리케이션 예외 flask] newest", "[종료 원인 flask] ended"]


def test_evidence_is_of_its_unit_and_failure() -> None:
    assert essence(("unit django", ENDED)) == []
    assert essence(("unit flask", ENDED), later_s=-1.0) == [], "of an earlier failure"
    both = essence(("unit django", "one"), ("unit flask", "two"), units=("flask", "django"))
    assert both == ["[종료 원인 flask] two", "[종료 원인 django] one"]
