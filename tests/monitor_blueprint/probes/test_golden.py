from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from monitor_blueprint.domain.models import ProbeError, Reading, Status
from monitor_blueprint.probes import golden
from tests.monitor_blueprint.probes.looking import Site, looking, nobody

ROOT = Path(__file__).parents[3]
CARD = ROOT / "ml_server" / "models" / "alzheimer_biomarkers" / "1.0.0" / "model.json"
BUNDLED: dict[str, Any] = json.loads(golden.BUNDLED.read_text())


def right(sample: dict[str, Any], **changes: object) -> bytes:
    expected: dict[str, float] = sample["expected"]
    winner = max(expected, key=lambda name: expected[name])
    answer = {
        "ok": True,
        "request_id": "1",
        "model_name": BUNDLED["model_name"],
        "model_version": BUNDLED["model_version"],
        "prediction": winner,
        "confidence": expected[winner],
        "predictions": expected,
        "warnings": [],
        "inference_ms": 0.2,
    }
    return json.dumps(answer | changes).encode()


def look(site: Site, *answers: bytes, environ: dict[str, str] | None = None, **options: Any) -> dict[str, Reading]:
    site.answers = list(answers) or [right(sample) for sample in BUNDLED["samples"]]
    seen = golden.probe(golden.Options(url=site.url, **options), looking(environ=environ or {}))
    return {reading.aspect: reading for reading in seen.readings}


def test_bundled_samples_match_model_card() -> None:
    """The bundled samples are those of the model card."""
    card = json.loads(CARD.read_text())
    assert (BUNDLED["model_name"], BUNDLED["model_version"]) == (card["name"], card["version"])
    in_card = [{"features": each["features"], "expected": each["expected"]} for each in card["golden_samples"]]
    assert BUNDLED["samples"] == in_card


def test_right_answers_are_fine(site: Site) -> None:
    """Right answers to all samples are fine."""
    seen = look(site)
    assert seen["answer"].status is Status.OK
    assert seen["answer"].facts["samples"] == len(BUNDLED["samples"]) == len(site.bodies)
    assert json.loads(site.bodies[0]) == {"features": BUNDLED["samples"][0]["features"]}


def test_slowest_answer_has_limits(site: Site) -> None:
    """The slowest answer is held against limits."""
    latency = look(site, warning_ms=200, critical_ms=300)["latency"]
    assert latency.thresholds is not None
    assert (latency.thresholds.warning, latency.thresholds.critical, latency.unit) == (200, 300, "ms")
    assert latency.value is not None
    assert latency.value > 0


@pytest.mark.parametrize(
    ("changes", "field", "got", "expected"),
    [
        ({"prediction": "Impaired"}, "prediction", "Impaired", "Control"),
        ({"predictions": {"Control": 0.9, "Impaired": 0.1}}, "predictions.Control", "0.9", "0.967974"),
        ({"predictions": {"Control": float("nan"), "Impaired": 0.03}}, "body", "?", "JSON"),
        ({"predictions": {"Control": None, "Impaired": 0.03}}, "predictions.Control", "None", "0.967974"),
        ({"predictions": {"Control": 10**400, "Impaired": 0.03}}, "predictions.Control", f"1{'0' * 78}…", "0.967974"),
        ({"predictions": {"Control": 1.0}}, "predictions", "{'Control': 1.0}", "['Control', 'Impaired']"),
        ({"predictions": []}, "predictions", "[]", "['Control', 'Impaired']"),
        ({"model_version": "0.9.0"}, "model_version", "0.9.0", "1.0.0"),
        ({"model_name": "other"}, "model_name", "other", "alzheimer_biomarkers"),
        ({"ok": False}, "ok", "False", "True"),
    ],
)
def test_wrong_answer_is_critical(site: Site, changes: dict[str, object], field: str, got: str, expected: str) -> None:
    """A server that is alive but wrong is critical, and no consequence."""
    answer = look(site, right(BUNDLED["samples"][0], **changes))["answer"]
    assert (answer.status, answer.is_symptom) == (Status.CRITICAL, False)
    assert dict(answer.facts) == {"sample": 1, "field": field, "got": got, "expected": expected}


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff", b"[" * 50_000], ids=len)
def test_unreadable_answer_is_critical(site: Site, body: bytes) -> None:
    """An answer that is none is critical."""
    assert look(site, body)["answer"].status is Status.CRITICAL


def test_constant_model_is_caught(site: Site) -> None:
    """A model that always says the same is caught."""
    answer = look(site, right(BUNDLED["samples"][0]))["answer"]
    assert (answer.status, answer.facts["sample"]) == (Status.CRITICAL, 2)


def test_another_version_may_be_expected(site: Site) -> None:
    answers = [right(sample, model_version="1.0.1") for sample in BUNDLED["samples"]]
    assert look(site, *answers, model_version="1.0.1")["answer"].status is Status.OK


def test_api_key_is_sent(site: Site) -> None:
    """The key is sent when there is one."""
    look(site, environ={"ML_API_KEY": "k"})
    assert {headers.get("X-Api-Key", headers.get("X-API-Key")) for headers in site.headers} == {"k"}


@pytest.mark.parametrize(("status", "is_symptom"), [(401, False), (422, False), (500, False), (503, True), (504, True)])
def test_refusal_is_critical(site: Site, status: int, is_symptom: bool) -> None:
    """A refusal is critical, and a consequence only where the server is not ready."""
    site.status = status
    refused = look(site, b"{}")["refused"]
    assert (refused.status, refused.is_symptom) == (Status.CRITICAL, is_symptom)
    assert refused.is_settling is is_symptom
    assert refused.facts["http_status"] == status


def test_gone_server_is_consequence() -> None:
    (refused,) = golden.probe(golden.Options(url=nobody()), looking()).readings
    assert (refused.aspect, refused.status, refused.is_symptom) == ("refused", Status.CRITICAL, True)


@pytest.mark.parametrize("text", ["", "{}", '{"model_name": "m", "model_version": "1", "samples": []}'])
def test_unusable_sample_is_probe_error(tmp_path: Path, text: str) -> None:
    """A sample file that cannot be used is a probe error."""
    path = tmp_path / "sample.json"
    path.write_text(text)
    with pytest.raises(ProbeError, match=r"sample\.json"):
        golden.probe(golden.Options(sample=str(path)), looking())


def test_missing_sample_is_probe_error(tmp_path: Path) -> None:
    """Without a sample file nothing can be asked."""
    options = golden.Options(sample=str(tmp_path / "none.json"))
    assert not golden.is_possible(options)
    assert golden.is_possible(golden.Options())
    with pytest.raises(ProbeError, match="No such file"):
        golden.probe(options, looking())


@pytest.mark.parametrize("probabilities", [(0.5, 0.5), (0.4999, 0.5001)])
@pytest.mark.parametrize("winner", ["a", "b"])
def test_tie_allows_either_class(site: Site, tmp_path: Path, winner: str, probabilities: tuple[float, float]) -> None:
    """Between two that are as likely as the other, within the tolerance, another machine may decide otherwise."""
    path = tmp_path / "sample.json"
    expected = {"a": 0.5001, "b": 0.4999}
    path.write_text(json.dumps(BUNDLED | {"samples": [{"features": {"x": 1.0}, "expected": expected}]}))
    answer = right({"expected": dict(zip("ab", probabilities, strict=True))}, prediction=winner)
    assert look(site, answer, sample=str(path))["answer"].status is Status.OK


@pytest.mark.parametrize("off", [0.001, -0.001])
def test_probability_on_the_tolerance_is_right(site: Site, tmp_path: Path, off: float) -> None:
    path = tmp_path / "sample.json"
    path.write_text(json.dumps(BUNDLED | {"samples": [{"features": {"x": 1.0}, "expected": {"a": 0.75, "b": 0.25}}]}))
    answer = right({"expected": {"a": 0.75 + off, "b": 0.25}})
    assert look(site, answer, sample=str(path))["answer"].status is Status.OK
