"""What the ML server says of the people whom its models are asked of, as the monitor tells it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitor_blueprint.domain.models import CheckResult, Reading, Status
from monitor_blueprint.probes import drift
from monitor_blueprint.text import next_steps, render
from tests.monitor_blueprint.probes.looking import NOW, Site, looking, nobody, private


def _input(name: str, verdict: str = "drifted", **more: Any) -> dict[str, Any]:
    return {"name": name, "verdict": verdict, "psi": 0.314, "missing_share": 0.0, "people": 500, **more}


def _version(verdict: str, *inputs: dict[str, Any], version: str = "1.0.0", answers: Any = ()) -> dict[str, Any]:
    named = {"model_name": "own", "model_version": version, "model_digest": "0" * 12, "answers": list(answers)}
    return {**named, "verdict": verdict, "people": 512, "people_ever": 9000, "since": None, "inputs": list(inputs)}


def _look(site: Site, *versions: dict[str, Any], checkpoint: dict[str, Any] | None = None) -> list[Reading]:
    site.answers = [json.dumps({"ok": True, "models": versions, "request_id": "1"}).encode()]
    seen = drift.probe(drift.Options(url=f"{site.url}s"), looking(checkpoint=checkpoint or {}))
    return list(seen.readings)


def _line(reading: Reading) -> str:
    return render.line(CheckResult("Drift", "drift", (reading,), NOW), reading)


def test_shift_is_a_warning(site: Site) -> None:
    (reading,) = _look(site, _version("drifted", _input("age"), _input("tau", psi=0.5)))
    assert reading.status is Status.WARNING
    told = "최근 512명, 가장 큰 분포 차이 PSI 0.50, 통상 0.25부터 큰 변화, 버전 1.0.0"
    assert _line(reading) == f"ML 입력 분포: 학습 데이터와 다름 - age, tau ({told})"
    assert next_steps.commands(CheckResult("Drift", "drift", (reading,), NOW), 0) == "sudo neuronova-model status"


def test_missing_is_told_apart(site: Site) -> None:
    drifted, missing = _look(site, _version("drifted", _input("age"), _input("tau", "missing", missing_share=1.0)))
    assert (drifted.aspect, missing.aspect) == ("drifted", "missing")
    assert _line(missing) == ("ML 입력 누락: 값이 없는 비율이 학습 데이터와 다름 - tau (최근 512명, 누락 최대 100%, 버전 1.0.0)")


def test_answers_are_told_apart(site: Site) -> None:
    """Their names are those of classes: they stay here."""
    (alone,) = _look(site, _version("drifted", answers=[_input("probability of Impaired", psi=0.7)]))
    assert (alone.aspect, alone.status) == ("answers", Status.WARNING)
    assert (
        _line(alone)
        == "ML 예측 분포: 학습 때의 예측과 다름 (최근 512명, 가장 큰 분포 차이 PSI 0.70, 통상 0.25부터 큰 변화, 버전 1.0.0)"
    )
    assert private(alone.facts["entries_text"]) == "probability of Impaired"
    whole = render.full_line(CheckResult("Drift", "drift", (alone,), NOW), alone).text
    assert "[모델: " in whole
    assert "[항목: probability of Impaired]" in whole
    both = _look(site, _version("drifted", _input("age"), answers=[_input("prediction")]))
    assert [reading.aspect for reading in both] == ["drifted", "answers"]


def test_names_of_the_server_stay_here(site: Site) -> None:
    (reading,) = _look(site, _version("drifted", _input("age"), _input("hong_gildong")))
    assert "hong" not in _line(reading)
    assert "age 외 1개" in _line(reading)
    assert private(reading.facts["entries_text"]) == "age, hong_gildong"


def test_nothing_is_ever_critical(site: Site) -> None:
    readings = _look(site, _version("drifted", *(_input(f"x{number}", "missing") for number in range(20))))
    assert {reading.status for reading in readings} == {Status.WARNING}


@pytest.mark.parametrize("verdict", ["steady", "too_few", "no_reference", "of_tomorrow"])
def test_all_else_is_well(site: Site, verdict: str) -> None:
    (reading,) = _look(site, _version(verdict))
    assert reading.status is Status.OK
    assert "512명" in _line(reading)


def test_nobody_asked_is_well(site: Site) -> None:
    (reading,) = _look(site)
    assert (reading.status, _line(reading)) == (Status.OK, "ML 입력 분포: 집계된 예측 없음")


@pytest.mark.parametrize("status", [403, 404])
def test_nothing_counted_is_nothing_to_check(site: Site, status: int) -> None:
    site.status = status
    (reading,) = _look(site)
    assert (reading.aspect, reading.status) == ("off", Status.OK)
    (lost,) = _look(site, checkpoint={"is_kept": True})
    assert lost.status is Status.WARNING
    assert "?" not in _line(lost)
    assert not drift.is_possible(drift.Options(url=site.url))


def test_gone_server_is_anothers_finding() -> None:
    (reading,) = drift.probe(drift.Options(url=nobody()), looking()).readings
    assert (reading.aspect, reading.status, reading.is_settling) == ("refused", Status.WARNING, True)


@pytest.mark.parametrize("body", [b"<html>", b"[" * 50_000, b'{"ok": false, "models": []}', b'{"ok": true}'])
def test_unreadable_is_no_alarm(site: Site, body: bytes) -> None:
    site.answers = [body]
    (reading,) = drift.probe(drift.Options(url=site.url), looking()).readings
    assert (reading.aspect, reading.status) == ("refused", Status.WARNING)


def test_only_what_drifted_is_asked_for(site: Site) -> None:
    _look(site)
    assert drift.is_possible(drift.Options(url=site.url))
