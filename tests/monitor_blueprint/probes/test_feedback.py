"""What the ML server says of its models by feedback, as the monitor tells it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitor_blueprint.domain.models import CheckResult, Reading, Status
from monitor_blueprint.probes import feedback
from monitor_blueprint.text import ko, next_steps, render
from tests.monitor_blueprint.probes.looking import NOW, Site, looking, nobody, private


def _figure(name: str = "sensitivity", verdict: str = "worse", of: str = "") -> dict[str, Any]:
    return {"name": name, "of": of, "value": 0.412, "low": 0.301, "high": 0.5333, "people": 80, "card": 0.71, "verdict": verdict}


def _version(verdict: str, *figures: dict[str, Any], version: str = "1.0.0") -> dict[str, Any]:
    window = {"days": 90, "since": None, "answered": 3410, "judged": 214, "figures": list(figures)}
    return {"model_name": "own", "model_version": version, "model_digest": "0" * 12, "verdict": verdict, "windows": [window]}


def _look(site: Site, *versions: dict[str, Any], checkpoint: dict[str, Any] | None = None, **environ: str) -> list[Reading]:
    site.answers = [json.dumps({"ok": True, "models": versions, "request_id": "1"}).encode()]
    seen = feedback.probe(feedback.Options(url=f"{site.url}s"), looking(environ=environ, checkpoint=checkpoint or {}))
    return list(seen.readings)


def _line(reading: Reading) -> str:
    return render.line(CheckResult("Feedback", "feedback", (reading,), NOW), reading)


def test_worse_figure_is_a_warning(site: Site) -> None:
    (reading,) = _look(site, _version("worse", _figure(), _figure("specificity", "as_card")))
    assert reading.status is Status.WARNING
    assert _line(reading) == (
        "ML 모델 성능: 민감도 0.412 (95% 구간 0.301~0.533), 모델 카드의 0.71보다 나쁨"
        " - 최근 90일 예측 3410건 중 확인된 214건, 버전 1.0.0"
    )
    result = CheckResult("Feedback", "feedback", (reading,), NOW)
    assert next_steps.commands(result, 0) == "sudo neuronova-model status"


def test_nothing_is_ever_critical(site: Site) -> None:
    readings = _look(site, _version("worse", *(_figure(name) for name in feedback.FIGURES)))
    assert [reading.aspect for reading in readings] == list(reversed(feedback.FIGURES)) or len(readings) == len(feedback.FIGURES)
    assert {reading.status for reading in readings} == {Status.WARNING}


@pytest.mark.parametrize("name", feedback.FIGURES)
def test_every_figure_has_a_sentence(site: Site, name: str) -> None:
    (reading,) = _look(site, _version("worse", _figure(name)))
    assert ("feedback", name) in ko.LINES
    assert "?" not in _line(reading)


@pytest.mark.parametrize("verdict", ["as_card", "too_few", "not_in_card", "of_tomorrow"])
def test_all_else_is_well(site: Site, verdict: str) -> None:
    (reading,) = _look(site, _version(verdict, _figure(verdict="too_few")))
    assert reading.status is Status.OK
    assert "?" not in _line(reading)
    assert "214건" in _line(reading)


def test_nothing_answered_is_well(site: Site) -> None:
    (reading,) = _look(site)
    assert (reading.status, _line(reading)) == (Status.OK, "ML 모델 성능: 보관된 예측 없음")


def test_unknown_figure_is_told_as_well(site: Site) -> None:
    (reading,) = _look(site, _version("worse", _figure("of_tomorrow")))
    assert (reading.aspect, reading.status) == ("figures_worse", Status.WARNING)


def test_names_of_the_server_stay_here(site: Site) -> None:
    (reading,) = _look(site, _version("worse", _figure(of="홍길동"), version="1.0.0 홍길동"))
    assert "홍길동" not in _line(reading)
    assert private(reading.facts["of_text"]) == "홍길동"


def test_one_bad_version_is_what_is_told(site: Site) -> None:
    readings = _look(site, _version("as_card"), _version("worse", _figure(), version="0.9.0"))
    assert [(reading.aspect, reading.facts["model_version"]) for reading in readings] == [("sensitivity", "0.9.0")]


def test_key_goes_with_it(site: Site) -> None:
    _look(site, ML_API_KEY="0123456789abcdef")
    assert site.headers[-1]["X-API-Key"] == "0123456789abcdef"


@pytest.mark.parametrize("status", [403, 404])
def test_nothing_kept_is_nothing_to_check(site: Site, status: int) -> None:
    site.status = status
    (reading,) = _look(site)
    assert (reading.aspect, reading.status) == ("off", Status.OK)
    (lost,) = _look(site, checkpoint={"is_kept": True})
    assert lost.status is Status.WARNING
    assert not feedback.is_possible(feedback.Options(url=site.url))


def test_wrong_key_is_told(site: Site) -> None:
    site.status = 401
    (reading,) = _look(site)
    assert (reading.status, reading.is_settling) == (Status.WARNING, False)
    assert "ML_API_KEY" in _line(reading)


@pytest.mark.parametrize(("status", "body"), [(500, b""), (200, b"<html>"), (200, b"[" * 50_000), (200, b'{"ok": false}')])
def test_unreadable_is_no_alarm(site: Site, status: int, body: bytes) -> None:
    site.status, site.answers = status, [body]
    (reading,) = feedback.probe(feedback.Options(url=site.url), looking()).readings
    assert (reading.aspect, reading.status) == ("refused", Status.WARNING)


def test_gone_server_is_anothers_finding() -> None:
    (reading,) = feedback.probe(feedback.Options(url=nobody()), looking()).readings
    assert (reading.aspect, reading.status, reading.is_settling) == ("refused", Status.WARNING, True)
    assert not feedback.is_possible(feedback.Options(url=nobody()))


def test_server_is_asked_for_little(site: Site) -> None:
    _look(site)
    assert feedback.is_possible(feedback.Options(url=site.url))
