from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from monitor_blueprint.adapters import sample_files
from monitor_blueprint.domain.models import ProbeError, Reading, Status
from monitor_blueprint.domain.text import Public
from monitor_blueprint.probes import Observation, golden
from tests.monitor_blueprint.probes.looking import Site, looking, nobody, private

ROOT = Path(__file__).parents[3]
CARD = ROOT / "ml_server" / "models" / "alzheimer_biomarkers" / "1.0.0" / "model.json"
BUNDLED: dict[str, Any] = json.loads(sample_files.BUNDLED.read_text())


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
    """Ask with the bundled samples, as with a file of one's own."""
    site.answers = list(answers) or [right(sample) for sample in BUNDLED["samples"]]
    chosen = {"sample": str(sample_files.BUNDLED), **options}
    seen = golden.probe(golden.Options(url=site.url, **chosen), looking(environ=environ or {}))
    return {reading.aspect: reading for reading in seen.readings}


def offer(
    name: str = "own", version: str = "2.0.0", tolerance: float = 0.0001, probability: float = 0.75, **more: object
) -> bytes:
    """What a server offers of its model; of the bundled one it says the wrong thing."""
    samples = [{"request": {"features": {"x": 1.0}}, "expected": {"a": probability, "b": 1 - probability}}]
    said = {"ok": True, "request_id": "1", "model_name": name, "model_version": version}
    return json.dumps(said | {"tolerance": tolerance, "samples": samples} | more).encode()


def answer_of(name: str = "own", version: str = "2.0.0", probability: float = 0.75) -> bytes:
    expected = {"a": probability, "b": 1 - probability}
    return right({"expected": expected}, model_name=name, model_version=version)


def look_at(site: Site, *answers: bytes, checkpoint: dict[str, Any] | None = None, **options: Any) -> Observation:
    """Ask with the samples that the server offers."""
    site.answers = list(answers)
    return golden.probe(golden.Options(url=f"{site.url}predict", **options), looking(checkpoint=checkpoint or {}))


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
    ("changes", "field", "got", "expected", "is_ours"),
    [
        ({"prediction": "Impaired"}, "prediction", "Impaired", "Control", True),
        ({"predictions": {"Control": 0.9, "Impaired": 0.1}}, "predictions.Control", "0.9", "0.967974", True),
        ({"predictions": {"Control": float("nan"), "Impaired": 0.03}}, "body", "?", "JSON", True),
        ({"predictions": {"Control": None, "Impaired": 0.03}}, "predictions.Control", "None", "0.967974", True),
        ({"predictions": {"Control": 10**400, "Impaired": 0.03}}, "predictions.Control", "***", "0.967974", False),
        ({"predictions": {"Control": 1.0}}, "predictions", "{'Control': 1.0}", "Control, Impaired", False),
        ({"predictions": []}, "predictions", "[]", "Control, Impaired", False),
        ({"model_version": "0.9.0"}, "model_version", "0.9.0", "1.0.0", True),
        ({"model_name": "other"}, "model_name", "other", "alzheimer_biomarkers", False),
        ({"ok": False}, "ok", "False", "True", True),
    ],
)
def test_wrong_answer_is_critical(
    site: Site, changes: dict[str, object], field: str, got: str, expected: str, is_ours: bool
) -> None:
    """A server that is alive but wrong is critical, and no consequence."""
    answer = look(site, right(BUNDLED["samples"][0], **changes))["answer"]
    assert (answer.status, answer.is_symptom) == (Status.CRITICAL, False)
    shown = answer.facts["got"]
    assert (shown if isinstance(shown, Public) else private(shown)) == got
    assert isinstance(shown, Public) is is_ours
    asked = {"address": site.url, "health": f"{site.url}health"}
    samples = {"sample": 1, "file": str(sample_files.BUNDLED), "model_version": "1.0.0"}
    samples["model_name"] = BUNDLED["model_name"]
    assert dict(answer.facts) == {**samples, "field": field, "got": shown, "expected": expected, **asked}


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
    for sample in ("", str(sample_files.BUNDLED)):
        (refused,) = golden.probe(golden.Options(url=nobody(), sample=sample), looking()).readings
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
    assert golden.is_possible(golden.Options(sample=str(sample_files.BUNDLED)))
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


# --- The samples of the model that is served


def test_own_model_is_asked_with_its_samples(site: Site) -> None:
    """Another model than the bundled one is no fault; its own samples are asked, just as it offers them."""
    seen = look_at(site, offer(), answer_of())
    answer, _ = seen.readings
    assert (answer.status, answer.facts["samples"], answer.facts["model_version"]) == (Status.OK, 1, "2.0.0")
    assert site.bodies == [b"", b'{"features": {"x": 1.0}}']
    wrong, _ = look_at(site, offer(), answer_of(probability=0.76)).readings
    assert (wrong.status, wrong.is_settling) == (Status.CRITICAL, False)
    assert private(wrong.facts["field_text"]) == "predictions.a"


@pytest.mark.parametrize(
    ("off", "tolerance", "status"), [(0.009, 0.01, Status.OK), (0.0009, 1e-5, Status.OK), (0.002, 1e-5, Status.CRITICAL)]
)
def test_card_may_allow_more(site: Site, off: float, tolerance: float, status: Status) -> None:
    answer, _ = look_at(site, offer(tolerance=tolerance), answer_of(probability=0.75 + off)).readings
    assert answer.status is status


def test_bundled_model_is_known_better(site: Site) -> None:
    """A server that is wrong, and offers for samples what it answers, agrees with itself."""
    of = {"name": BUNDLED["model_name"], "version": BUNDLED["model_version"]}
    answer, _ = look_at(site, offer(**of), answer_of(**of)).readings
    assert (answer.status, answer.facts["field"]) == (Status.CRITICAL, "prediction")
    assert json.loads(site.bodies[1]) == {"features": BUNDLED["samples"][0]["features"]}
    answers = [right(sample) for sample in BUNDLED["samples"]]
    answer, _ = look_at(site, offer(**of), *answers).readings
    assert (answer.status, answer.facts["samples"]) == (Status.OK, len(answers))


def test_change_of_the_model_is_followed(site: Site) -> None:
    """Between the samples and the answers a new version has come: it is begun anew with its samples."""
    new_offer = offer(version="2.1.0", probability=0.6)
    new_answer = answer_of(version="2.1.0", probability=0.6)
    answer, _ = look_at(site, offer(), new_answer, new_offer, new_answer).readings
    assert (answer.status, answer.facts["model_version"]) == (Status.OK, "2.1.0")


def test_two_models_at_once_must_last(site: Site) -> None:
    """Workers of the old and of the new version side by side: that counts when it stays so."""
    answer, _ = look_at(site, *[offer(), answer_of(version="2.1.0")] * 3).readings
    assert (answer.status, answer.facts["field"], answer.facts["got"]) == (Status.CRITICAL, "model_version", "2.1.0")
    assert answer.is_settling
    assert len(site.bodies) == 6


def test_pinned_version_is_not_followed(site: Site) -> None:
    answer, _ = look_at(site, offer(), answer_of(), model_version="1.9.0").readings
    assert (answer.status, answer.facts["got"], answer.facts["expected"]) == (Status.CRITICAL, "2.0.0", "1.9.0")
    assert not answer.is_settling


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"<html>"),
        (404, b'{"ok": false, "code": "not_found", "request_id": "1"}'),
        (405, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, offer(tolerance=0.5)),
        (403, b"{}"),
        (500, b"[" * 50_000),
    ],
)
def test_foreign_server_is_nobodys_fault(site: Site, status: int, body: bytes) -> None:
    """Where it was configured, it is said; where it is only a default, there is nothing to look at."""
    site.status = status
    seen = look_at(site, body)
    (reading,) = seen.readings
    assert (reading.aspect, reading.status, reading.facts["reason"]) == ("samples", Status.UNKNOWN, "no_samples")
    # What has once been there is missed.
    (lost,) = look_at(site, body, checkpoint={"is_ours": True}).readings
    assert (lost.aspect, lost.status, lost.facts["reason"]) == ("samples", Status.CRITICAL, "lost_samples")


def test_having_been_there_is_remembered(site: Site) -> None:
    seen = look_at(site, offer(), answer_of())
    assert dict(seen.checkpoint) == {"is_ours": True, "right": ["own", "2.0.0"]}
    site.status = 503
    assert look_at(site, b"", checkpoint=dict(seen.checkpoint)).checkpoint == seen.checkpoint


def test_earlier_version_is_remembered(site: Site) -> None:
    """Only where a version was changed for another is there one to go back to; a change back leaves none."""
    checkpoint: dict[str, Any] = {}
    seen = look_at(site, offer(version="1.0.0"), answer_of(version="1.0.0", probability=0.1))
    assert "earlier_version" not in seen.readings[0].facts
    earlier = []
    for version in ("1.0.0", "2.0.0", "1.0.0"):
        checkpoint = dict(look_at(site, offer(version=version), answer_of(version=version), checkpoint=checkpoint).checkpoint)
        wrong = look_at(site, offer(version=version), answer_of(version=version, probability=0.1), checkpoint=checkpoint)
        assert wrong.readings[0].status is Status.CRITICAL
        assert {**wrong.checkpoint} == checkpoint
        earlier.append(wrong.readings[0].facts.get("earlier_version"))
    assert earlier == [None, "1.0.0", None]
    # One that has never been right.
    wrong = look_at(site, offer(version="3.0.0"), answer_of(version="3.0.0", probability=0.1), checkpoint=checkpoint)
    assert wrong.readings[0].facts["earlier_version"] == "1.0.0"
    wrong = look_at(site, offer(name="other"), answer_of(name="other", probability=0.1), checkpoint=checkpoint)
    assert "earlier_version" not in wrong.readings[0].facts


@pytest.mark.parametrize(
    ("status", "body", "is_possible"),
    [
        (200, offer(), True),
        (401, b'{"ok": false, "code": "unauthorized", "request_id": "1"}', True),
        (503, b'{"ok": false, "code": "model_unavailable", "request_id": "1"}', True),
        (404, b'{"ok": false, "code": "not_found", "request_id": "1"}', False),
        (503, b"<html>", False),
        (200, b'{"ok": true}', False),
    ],
)
def test_possible_where_server_is_ours(site: Site, status: int, body: bytes, is_possible: bool) -> None:
    site.status, site.answers = status, [body]
    assert golden.is_possible(golden.Options(url=f"{site.url}predict")) is is_possible
    assert not golden.is_possible(golden.Options(url=nobody()))


@pytest.mark.parametrize(
    ("url", "examples"),
    [
        ("http://127.0.0.1:9000/predict", "http://127.0.0.1:9000/example_data"),
        ("http://127.0.0.1:9000/api/predict?a=b", "http://127.0.0.1:9000/api/example_data"),
        ("http+unix://%2Frun%2Fml.sock/predict", "http+unix://%2Frun%2Fml.sock/example_data"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000/example_data"),
    ],
)
def test_examples_are_beside_the_predictions(url: str, examples: str) -> None:
    assert golden.examples_url(url) == examples


# --- Models that answer something else than a class


def offer_of(task: str, expected: dict[str, Any]) -> bytes:
    samples = [{"request": {"features": {"x": "a", "y": None}}, "expected": expected}]
    said = {"ok": True, "request_id": "1", "model_name": "own", "model_version": "2.0.0", "task": task}
    return json.dumps(said | {"tolerance": 0.001, "samples": samples}).encode()


def answered(**content: object) -> bytes:
    return json.dumps({"ok": True, "model_name": "own", "model_version": "2.0.0", "confidence": None} | content).encode()


@pytest.mark.parametrize(
    ("task", "expected", "content", "status"),
    [
        ("regression", {"dose": 2.5}, {"prediction": 2.5, "predictions": {"dose": 2.5005}}, Status.OK),
        ("regression", {"dose": 2.5}, {"prediction": 2.5, "predictions": {"dose": 2.51}}, Status.CRITICAL),
        ("regression", {"ml": -5000.0}, {"prediction": -5001.0, "predictions": {"ml": -5001.0}}, Status.OK),
        ("regression", {"ml": -5000.0}, {"prediction": -5010.0, "predictions": {"ml": -5010.0}}, Status.CRITICAL),
        ("regression", {"ml": 1.0}, {"prediction": 1.0, "predictions": {"other": 1.0}}, Status.CRITICAL),
        ("multi_label", {"a": 0.9, "b": 0.6}, {"prediction": ["a", "b"], "predictions": {"a": 0.9, "b": 0.6}}, Status.OK),
        ("multi_label", {"a": 0.9, "b": 0.6}, {"prediction": ["a"], "predictions": {"a": 0.9, "b": 0.4}}, Status.CRITICAL),
        ("embedding", {"embedding": [1.0, -2.0]}, {"predictions": {}, "embedding": [1.0, -2.001]}, Status.OK),
        ("embedding", {"embedding": [1.0, -2.0]}, {"predictions": {}, "embedding": [1.0, 2.0]}, Status.CRITICAL),
        ("embedding", {"embedding": [1.0, -2.0]}, {"predictions": {}, "embedding": [1.0]}, Status.CRITICAL),
        ("embedding", {"embedding": [1.0, -2.0]}, {"predictions": {}}, Status.CRITICAL),
    ],
)
def test_other_tasks_have_right_answers(
    site: Site, task: str, expected: dict[str, Any], content: dict[str, object], status: Status
) -> None:
    answer, _ = look_at(site, offer_of(task, expected), answered(**content)).readings
    assert answer.status is status


def test_digest_is_named(site: Site) -> None:
    """What looks like none is the server's own text."""
    for digest, told in (("db80afddc535", ", db80afddc535"), ("Hong Gil-dong", "")):
        seen = look_at(site, offer(model_digest=digest), answer_of())
        assert seen.readings[0].facts["digest"] == told


@pytest.mark.parametrize(("due", "aspect"), [("2.1.0", "fallback"), ("2.0.0", "changed")])
def test_stand_in_is_a_warning(site: Site, due: str, aspect: str) -> None:
    """An older version than is due, or one whose files were changed, has answered rightly all the same."""
    seen = look_at(site, offer(due_version=due, is_due=False), answer_of())
    readings = {reading.aspect: reading for reading in seen.readings}
    assert readings["answer"].status is Status.OK
    assert readings[aspect].status is Status.WARNING
    assert readings[aspect].facts["due_version"] == due
    assert isinstance(readings[aspect].facts["due_version"], Public)


def test_due_version_is_no_warning(site: Site) -> None:
    seen = look_at(site, offer(due_version="2.0.0", is_due=True), answer_of())
    assert {reading.aspect for reading in seen.readings} == {"answer", "latency"}
