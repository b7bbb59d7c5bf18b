import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

import msgspec
import onnx
import pytest
from onnx import TensorProto, helper

from ml_server.card import Card, GoldenSample
from ml_server.config import BUNDLED_MODELS, Settings
from ml_server.errors import (
    InvalidRequestError,
    ModelFaultError,
    ModelUnavailableError,
    PredictionTimeoutError,
    UnknownModelError,
)
from ml_server.inference import InferenceService
from ml_server.inputs import Integer, Number
from ml_server.model import UNEXPLAINED, Answer, Model, Result, run_model
from ml_server.runtimes import load_runtime
from ml_server.schemas import Row, check_features
from ml_server.store import Store
from ml_server.tasks import TOO_CERTAIN
from tests.ml_server import small_models
from tests.ml_server.conftest import NAME, VERSION, echo_model, edit_card


def loaded(**settings: Any) -> InferenceService:
    service = InferenceService(Settings(**settings))
    service.load()
    return service


def reason(service: InferenceService) -> str:
    with pytest.raises(ModelUnavailableError) as unavailable:
        service.model()
    return unavailable.value.message


def answer(service: InferenceService, row: Row, *, explain: bool = False) -> Answer:
    (result,) = service.predict(service.model(), [row], explain=explain)
    assert isinstance(result, Answer)
    return result


def test_nothing_is_served_before_loading() -> None:
    """Before it has loaded, the service serves nothing."""
    service = InferenceService(Settings())
    assert not service.is_loaded
    assert reason(service) == "the model is loading"


def test_bundled_model_passes_self_test() -> None:
    service = loaded()
    assert service.is_ready
    assert service.model().card.version == VERSION


def test_golden_samples_get_their_expected_answers(card: Card) -> None:
    service = loaded()
    for sample in card.golden_samples:
        got = answer(service, check_features(sample.features, card)).numbers
        assert got == pytest.approx([sample.expected[name] for name in card.classes], abs=1e-5)


def test_changed_model_is_never_served(model_dir: Path) -> None:
    """A changed model file is never served."""
    (model_dir / NAME / VERSION / "model.onnx").write_bytes(b"x")
    service = loaded(model_dir=model_dir)
    assert "SHA-256" in reason(service)
    assert not service.is_ready


def test_deviating_model_is_never_served(model_dir: Path, card: Card) -> None:
    """A model that answers otherwise than its golden samples is never served."""
    samples = msgspec.to_builtins(card.golden_samples)
    samples[2]["expected"] = {"Control": 0.9, "Impaired": 0.1}
    edit_card(model_dir / NAME / VERSION, golden_samples=samples)
    assert re.search(
        r"golden sample 3 did not get the expected answer \((Control: expected 0\.9|Impaired: expected 0\.1), got 0\.",
        reason(loaded(model_dir=model_dir)),
    )


def test_golden_sample_needs_every_class_right(model_dir: Path, card: Card) -> None:
    samples = msgspec.to_builtins(card.golden_samples)
    samples[0]["expected"]["Impaired"] += 0.01
    edit_card(model_dir / NAME / VERSION, golden_samples=samples)
    assert "golden sample 1 did not get the expected answer (Impaired: expected" in reason(loaded(model_dir=model_dir))


def test_invalid_golden_sample_is_named(model_dir: Path, card: Card) -> None:
    """A golden sample that is no valid request is named."""
    samples = msgspec.to_builtins(card.golden_samples)
    del samples[0]["features"]["tau"]
    edit_card(model_dir / NAME / VERSION, golden_samples=samples)
    assert "golden sample 1: tau is required" in reason(loaded(model_dir=model_dir))


def test_a_broken_runtime_name_is_named(model_dir: Path) -> None:
    edit_card(model_dir / NAME / VERSION, runtime="onxx")
    assert "runtime 'onxx' is not known" in reason(loaded(model_dir=model_dir))


def test_missing_default_is_named(tmp_path: Path) -> None:
    """A default that is not installed is named."""
    assert reason(loaded(model_dir=tmp_path)) == "the model alzheimer_biomarkers is not installed"
    assert reason(loaded(model_version="9.0.0")) == "the model alzheimer_biomarkers 9.0.0 is not installed"


def test_newest_version_is_default(model_dir: Path) -> None:
    """The newest version is the default, and older ones stay available."""
    shutil.copytree(model_dir / NAME / VERSION, model_dir / NAME / "1.10.0")
    edit_card(model_dir / NAME / "1.10.0", version="1.10.0")
    service = loaded(model_dir=model_dir)
    assert service.model().card.version == "1.10.0"
    assert service.model(NAME).card.version == "1.10.0"
    assert service.model(version=VERSION).card.version == VERSION


def test_configured_version_is_default(model_dir: Path) -> None:
    """A configured version is the default, also by name."""
    install_newer(model_dir)
    service = loaded(model_dir=model_dir, model_version=VERSION)
    assert service.model().card.version == VERSION
    assert service.model(NAME).card.version == VERSION
    assert service.model(NAME, "1.1.0").card.version == "1.1.0"


def install_newer(model_dir: Path, version: str = "1.1.0") -> Path:
    shutil.copytree(model_dir / NAME / VERSION, model_dir / NAME / version)
    edit_card(model_dir / NAME / version, version=version)
    return model_dir / NAME / version


def test_later_installation_is_not_served(model_dir: Path) -> None:
    """What is installed after the pin is not served."""
    service = InferenceService(Settings(model_dir=model_dir))
    service.pin()
    install_newer(model_dir)
    service.load()
    assert service.model().card.version == VERSION
    assert [entry.version for entry, _ in service.installed()] == [VERSION]
    with pytest.raises(UnknownModelError):
        service.model(version="1.1.0")


def test_pinned_content_is_served(model_dir: Path, features: dict[str, Any]) -> None:
    """Whatever is written over the files after the pin, or removed."""
    card = model_dir / NAME / VERSION / "model.json"
    digest = hashlib.sha256(card.read_bytes()).hexdigest()
    service = InferenceService(Settings(model_dir=model_dir))
    service.pin()
    card.write_bytes(card.read_bytes() + b" ")
    (card.parent / "model.onnx").write_bytes(b"another")
    service.load()
    assert service.model().digest == digest[:12]
    shutil.rmtree(model_dir)
    again = InferenceService(Settings(model_dir=model_dir))
    again.pin()
    again.load()
    assert not again.is_ready
    answer(service, check_features(features, service.model().card))


def test_default_is_served_first(model_dir: Path) -> None:
    """The others are loading meanwhile: of another model no older version stands in for one that is not there yet."""
    other = shutil.copytree(model_dir / NAME, model_dir / "other")
    edit_card(other / VERSION, name="other")
    install_newer(model_dir)
    shutil.copytree(other / VERSION, other / "1.1.0")
    edit_card(other / "1.1.0", version="1.1.0")
    service = InferenceService(Settings(model_dir=model_dir))
    assert service.load_default()
    assert not service.load_default()
    assert service.is_ready
    assert [error for _, error in service.installed()] == ["it is loading", None, "it is loading", "it is loading"]
    for name, version in (("other", None), (NAME, VERSION)):
        with pytest.raises(ModelUnavailableError, match="it is loading"):
            service.model(name, version)
    service.load_others()
    assert [error for _, error in service.installed()] == [None] * 4
    assert service.model("other").card.version == "1.1.0"


def break_model(directory: Path) -> None:
    (directory / "model.onnx").write_bytes(b"x")


def test_broken_candidate_takes_none_down(model_dir: Path) -> None:
    """The newest version that is well is the default, and the reason is told; who asks for the broken one is refused."""
    install_newer(model_dir)
    break_model(install_newer(model_dir, "1.2.0"))
    break_model(install_newer(model_dir, "1.3.0"))
    service = loaded(model_dir=model_dir)
    assert [service.model(name).card.version for name in (None, "", NAME)] == ["1.1.0"] * 3
    assert service.fallback_reason.startswith(f"{NAME} 1.3.0 is not served: model.onnx was changed")
    for version in ("1.2.0", "1.3.0"):
        with pytest.raises(ModelUnavailableError):
            service.model(version=version)


def test_fallback_is_never_newer(model_dir: Path) -> None:
    """Who has pinned a version may have gone back from a newer one."""
    install_newer(model_dir)
    break_model(model_dir / NAME / VERSION)
    service = loaded(model_dir=model_dir, model_version=VERSION)
    assert reason(service).startswith(f"the model {NAME} {VERSION} is not served")
    assert service.fallback_reason == ""
    assert loaded(model_dir=model_dir).fallback_reason == ""


def test_broken_pinned_version_falls_back(model_dir: Path) -> None:
    break_model(install_newer(model_dir))
    install_newer(model_dir, "1.2.0")
    service = loaded(model_dir=model_dir, model_version="1.1.0")
    assert service.model().card.version == VERSION
    assert service.fallback_reason.startswith(f"{NAME} 1.1.0 is not served")


@pytest.mark.parametrize(("name", "version"), [("", None), (None, ""), ("", "")])
def test_empty_names_are_none(model_dir: Path, name: str | None, version: str | None) -> None:
    """They are the default, in the configured version."""
    install_newer(model_dir)
    assert loaded(model_dir=model_dir, model_version=VERSION).model(name, version).card.version == VERSION


def test_a_broken_version_spoils_no_other(model_dir: Path) -> None:
    shutil.copytree(model_dir / NAME / VERSION, model_dir / NAME / "1.1.0")
    service = loaded(model_dir=model_dir, model_version=VERSION)
    assert service.is_ready
    assert [error is None for _, error in service.installed()] == [True, False]
    with pytest.raises(ModelUnavailableError):
        service.model(version="1.1.0")


@pytest.mark.parametrize(("name", "version"), [("other", None), (NAME, "9.9.9"), (None, "9.9.9")])
def test_absent_model_is_unknown(name: str | None, version: str | None) -> None:
    """A model that is not installed is unknown."""
    with pytest.raises(UnknownModelError):
        loaded().model(name, version)


def test_explanation_is_coefficient_times_distance(card: Card, numbers: list[Number], features: dict[str, Any]) -> None:
    """An explanation is the coefficient times the distance from the median."""
    service = loaded()
    got = answer(service, check_features(features, card), explain=True)
    model = onnx.load(str(BUNDLED_MODELS / NAME / VERSION / "model.onnx"))
    scaler, classifier = ({a.name: a for a in node.attribute} for node in model.graph.node)
    coefficients = classifier["coefficients"].floats[len(card.inputs) :]
    expected = {
        wanted.name: coefficient * scale * (features[wanted.name] - wanted.median)
        for wanted, coefficient, scale in zip(numbers, coefficients, scaler["scale"].floats, strict=True)
    }
    assert card.classes[got.numbers.index(max(got.numbers))] == "Impaired"
    assert got.importance == pytest.approx(expected, abs=1e-4)


def row_of(card: Card, features: dict[str, Any]) -> Row:
    """A row that was not checked, with values that no request gets past the check with."""
    return Row(tuple(features[wanted.name] for wanted in card.inputs), ("odd",), is_outside=True)


def test_certain_answer_has_no_explanation(card: Card, features: dict[str, Any]) -> None:
    """An answer too certain for log-odds says so in place of an explanation."""
    (got,) = run_model(loaded().model(), [row_of(card, {**features, "tau": 1e6})], explain=True, timeout_s=60)
    assert isinstance(got, Answer)
    assert max(got.numbers) == 1.0
    assert got.importance is None
    assert got.warnings == ("odd", TOO_CERTAIN)


def test_hopeless_row_spoils_no_other(card: Card, features: dict[str, Any]) -> None:
    """A row that the model cannot answer spoils no other."""
    service = loaded()
    good = check_features(features, card)
    hopeless = row_of(card, {**features, "tau": 3e38, "Cystatin_C": 3e38})
    first, second = service.predict(service.model(), [hopeless, good], explain=False)
    assert isinstance(first, InvalidRequestError)
    assert second == answer(service, good)


def lookup_model_dir(above: Path, card: Card) -> Path:
    """A model directory whose default model looks its answer up in a table of three rows, by its only input."""
    rows = helper.make_tensor("rows", TensorProto.FLOAT, [3, 2], [1.0, 0.0, 0.5, 0.5, 0.0, 1.0])
    graph = helper.make_graph(
        [
            helper.make_node("Squeeze", ["ward", "last"], ["place"]),
            helper.make_node("Gather", ["rows", "place"], ["probabilities"]),
        ],
        "lookup",
        [helper.make_tensor_value_info("ward", TensorProto.INT64, ["n", 1])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
        initializer=[rows, helper.make_tensor("last", TensorProto.INT64, [1], [1])],
    )
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    ward = Integer(name="ward", description="Ward", unit="1", minimum=0, maximum=2, median=1)
    samples = [GoldenSample({"ward": 0}, {"Control": 1.0, "Impaired": 0.0})]
    described = msgspec.structs.replace(card, inputs=[ward], golden_samples=samples, sha256=hashlib.sha256(content).hexdigest())
    directory = above / NAME / VERSION
    directory.mkdir(parents=True)
    (directory / "model.onnx").write_bytes(content)
    (directory / "model.json").write_bytes(msgspec.json.encode(described))
    return above


def test_a_row_that_cannot_be_run_spoils_no_other(tmp_path: Path, card: Card, capfd: pytest.CaptureFixture[str]) -> None:
    """And onnxruntime, which names the value, is not heard."""
    service = loaded(model_dir=lookup_model_dir(tmp_path, card))
    model = service.model()
    rows = [check_features({"ward": ward}, model.card) for ward in (2, 4, 1)]
    first, second, third = service.predict(model, rows, explain=False)
    assert isinstance(first, Answer)
    assert isinstance(second, InvalidRequestError)
    assert isinstance(third, Answer)
    assert (first.numbers, third.numbers) == ([0.0, 1.0], [0.5, 0.5])
    assert isinstance(service.predict(model, [rows[1]], explain=True)[0], InvalidRequestError)
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def echo(card: Card) -> Model:
    """A model whose probabilities are its inputs; both have the median one half."""
    inputs = [msgspec.structs.replace(card.inputs[0], name=name, minimum=0, maximum=1, median=0.5) for name in ("a", "b")]
    card = msgspec.structs.replace(card, inputs=inputs)
    return Model(card, load_runtime(card, echo_model()))


def run(model: Model, *values: float, explain: bool = False, is_outside: bool = False) -> Result:
    (result,) = run_model(model, [Row(values, (), is_outside)], explain=explain, timeout_s=60)
    return result


@pytest.mark.parametrize("values", [(0.25, 0.75), (0.0, 1.0), (0.25, 0.7495), (0.25, 0.7505)])
def test_probabilities_are_handed_on(echo: Model, values: tuple[float, float]) -> None:
    result = run(echo, *values)
    assert isinstance(result, Answer)
    assert result.numbers == pytest.approx(values)


NAN = float("nan")


@pytest.mark.parametrize(
    "values", [(0.25, 0.74), (0.25, 0.76), (-0.0005, 1.0), (0.0, 1.0005), (NAN, 0.5), (0.5, NAN), (NAN, NAN)]
)
def test_what_are_no_probabilities_no_answer(echo: Model, values: tuple[float, float]) -> None:
    """It is the model's fault, unless what it was asked is beyond what it knows."""
    assert isinstance(run(echo, *values), ModelFaultError)
    assert isinstance(run(echo, *values, is_outside=True), InvalidRequestError)


def test_an_explanation_needs_probabilities_too(echo: Model) -> None:
    """Without them it is left out, and the answer is the same."""
    # Without the one input it is 0.5 and 0.75, without the other 0.25 and 0.5.
    plain, explained = run(echo, 0.25, 0.75), run(echo, 0.25, 0.75, explain=True)
    assert isinstance(plain, Answer)
    assert explained == plain._replace(warnings=(UNEXPLAINED,))


def test_long_prediction_is_given_up(slow_model_dir: Path) -> None:
    """A prediction that takes too long is given up."""
    service = loaded(model_dir=slow_model_dir, timeout_s=0.1)
    with pytest.raises(PredictionTimeoutError):
        service.predict(service.model(), [Row((1e12,), ())], explain=False)


def activated(model_dir: Path, *versions: str) -> InferenceService:
    """The service of the small model with these versions activated one after the other."""
    store = Store(model_dir, lambda _entry: [])
    for version in versions:
        store.activate(small_models.NAME, version)
    return loaded(model_dir=model_dir, model=small_models.NAME)


@pytest.fixture
def three(tmp_path: Path) -> Path:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        small_models.install(tmp_path, version=version)
    return tmp_path


def test_activated_version_is_served(three: Path) -> None:
    """The newer one where it is asked for only."""
    service = activated(three, "1.1.0")
    assert service.model().card.version == "1.1.0"
    assert service.model(small_models.NAME).card.version == "1.1.0"
    assert service.model(small_models.NAME, "1.2.0").card.version == "1.2.0"
    assert service.fallback_reason == ""


def test_what_was_taken_back_stands_in_for_nothing(three: Path) -> None:
    """In the place of one that fails is served what was activated before, although another is newer."""
    activated(three, "1.0.0", "1.2.0")
    small_models.install(three, version="1.2.0", title="Changed")
    service = loaded(model_dir=three, model=small_models.NAME)
    assert service.model().card.version == "1.0.0"
    assert "small 1.2.0 is not served: it was changed after it was activated" in service.fallback_reason


def test_pinned_version_goes_before_the_activated(three: Path) -> None:
    activated(three, "1.1.0")
    service = loaded(model_dir=three, model=small_models.NAME, model_version="1.2.0")
    assert service.model().card.version == "1.2.0"


def test_replaced_files_are_served_as_they_were(three: Path) -> None:
    """At a reload, and it is told."""
    service = InferenceService(Settings(model_dir=three, model=small_models.NAME))
    service.pin()
    small_models.install(three, version="1.2.0", title="Changed")
    service.pin()
    service.load()
    assert service.model().card.title == "A small model"
    assert "its files were changed since it was loaded" in service.fallback_reason


def test_what_does_not_pass_is_not_loaded(three: Path) -> None:
    """What was tried apart and failed is left alone."""
    service = InferenceService(Settings(model_dir=three, model=small_models.NAME))
    service.try_first(lambda entry: "it asks for too much" if entry.version == "1.2.0" else None)
    service.load()
    assert service.model().card.version == "1.1.0"
    assert service.fallback_reason == "small 1.2.0 is not served: it asks for too much"
