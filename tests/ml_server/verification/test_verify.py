import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper, numpy_helper

from ml_server.config import BUNDLED_MODELS
from ml_server.repository import read_models
from ml_server.verification.findings import Finding, refusals
from ml_server.verification.verify import verify
from tests.ml_server import small_models
from tests.ml_server.small_models import install, plain, sample


def found(model_dir: Path) -> list[Finding]:
    (entry,) = read_models(model_dir)
    return verify(entry)


def the_finding(tmp_path: Path, content: bytes | None = None, **changes: Any) -> Finding:
    install(tmp_path, content, **changes)
    (finding,) = found(tmp_path)
    return finding


def test_good_model_has_no_finding(tmp_path: Path) -> None:
    install(tmp_path)
    assert found(tmp_path) == []


def test_bundled_model_has_no_finding() -> None:
    assert found(BUNDLED_MODELS) == []


def test_golden_failure_shows_both(tmp_path: Path) -> None:
    """Got and expected, and every wrong sample at once."""
    wrong = {"no": 0.75, "yes": 0.25}
    install(tmp_path, golden_samples=[{**each, "expected": wrong} for each in small_models.SAMPLES])
    first, second = found(tmp_path)
    got = small_models.SAMPLES[0]["expected"]
    assert first.field == "golden_samples[0].expected"
    assert first.found == f"got no {got['no']:.6g}, yes {got['yes']:.6g}"
    assert first.wanted == "no 0.75, yes 0.25, within 0.0001"
    assert second.field == "golden_samples[1].expected"


def test_wrong_features_are_named(tmp_path: Path) -> None:
    wrong = {"features": {"a": 9.0, "c": 1.0}, "expected": {"no": 0.5, "yes": 0.5}}
    install(tmp_path, golden_samples=[*small_models.SAMPLES, wrong])
    fields = {finding.field for finding in found(tmp_path)}
    assert {f"golden_samples[2].features.{name}" for name in "abc"} == fields


def test_dice_are_refused(tmp_path: Path) -> None:
    install(tmp_path, small_models.dice(), golden_tolerance=0.01)
    assert any("asked the same twice" in finding.found for finding in refusals(found(tmp_path)))


def test_neighbours_in_a_batch_are_refused(tmp_path: Path) -> None:
    """A model whose answer depends on who else is asked about."""
    install(tmp_path, small_models.neighbourly())
    (finding,) = [finding for finding in refusals(found(tmp_path)) if finding.field == "batch"]
    assert "alone it answers" in finding.found


def test_one_row_at_a_time_is_said(tmp_path: Path) -> None:
    """A model of a fixed batch is refused unless its card says so."""
    finding = the_finding(tmp_path, plain(batch=1))
    assert finding.field == "batch"
    assert '"batch": "row_by_row"' in finding.remedy


def test_eight_rows_at_a_time_are_refused(tmp_path: Path) -> None:
    finding = the_finding(tmp_path, plain(batch=8))
    assert (finding.field, finding.found) == (
        "batch",
        "the model was exported for 8 rows at a time, no more and no fewer (features)",
    )


def test_declared_row_by_row_is_fine(tmp_path: Path) -> None:
    install(tmp_path, plain(batch=1), batch="row_by_row")
    assert found(tmp_path) == []


def test_nan_in_range_is_refused(tmp_path: Path) -> None:
    """A model that has no answer where its card calls a value ordinary."""
    golden = [sample(0.4, 0.9), sample(0.2, 1.5)]
    install(tmp_path, small_models.logarithmic(), golden_samples=golden)
    inputs = {finding.field: finding.found for finding in refusals(found(tmp_path)) if finding.field.startswith("inputs")}
    assert set(inputs) == {"inputs[0]", "inputs[1]"}
    assert inputs["inputs[0]"].startswith("no answer (NaN) for a = -2.0")


def test_swapped_columns_are_noticed(tmp_path: Path) -> None:
    """Golden samples that cannot tell one column from another are no use."""
    finding = the_finding(tmp_path, golden_samples=[sample(0.4, 0.4), sample(-0.4, -0.4)])
    assert finding.field == "golden_samples"
    assert "the columns a and b could be exchanged" in finding.found


def test_swapped_classes_are_noticed(tmp_path: Path) -> None:
    install(tmp_path, golden_samples=[sample(0.5, 1.0)])
    assert any("no and yes could be exchanged" in finding.found for finding in refusals(found(tmp_path)))


def test_each_class_needs_a_sample(tmp_path: Path) -> None:
    finding = the_finding(tmp_path, golden_samples=[sample(0.4, -0.3)])
    assert finding.found == "no golden sample is answered with no"


def test_certain_samples_prove_no_input(tmp_path: Path) -> None:
    """Where the answer is certain whatever an input says, the sample does not tell that input."""
    fifty = numpy_helper.from_array(np.array(50, dtype=np.float32), "fifty")
    steep = plain([helper.make_node("Mul", ["z", "fifty"], ["steep"])], tail="steep", extra=[fifty])
    certain = [{"features": {"a": a, "b": -a}, "expected": {"no": float(a < 0), "yes": float(a > 0)}} for a in (2.0, -2.0)]
    finding = the_finding(tmp_path, steep, golden_samples=certain)
    assert finding.found == "whatever the value of b, no golden sample gets another answer"


def test_idle_input_is_a_warning(tmp_path: Path) -> None:
    """An input that the model never looks at keeps it from nothing."""
    zero = [helper.make_node("Slice", ["features", "first", "second", "axis"], ["only"]), *_spread()]
    finding = the_finding(tmp_path, plain(zero, tail="both", extra=_numbers()), golden_samples=_of_a())
    assert finding.is_warning
    assert finding.found == "the model hardly looks at b"


def _spread() -> list[Any]:
    return [helper.make_node("Mul", ["only", "signs"], ["both"])]


def _numbers() -> list[Any]:
    whole = {"first": [0], "second": [1], "axis": [1]}
    made = [numpy_helper.from_array(np.array(value, dtype=np.int64), name) for name, value in whole.items()]
    return [*made, numpy_helper.from_array(np.array([[-1.0, 1.0]], dtype=np.float32), "signs")]


def _of_a() -> list[dict[str, Any]]:
    return [{"features": {"a": a, "b": 1.0}, "expected": small_models.probabilities(a, 0.0)} for a in (0.4, -0.4)]


def test_median_is_one_of_allowed(tmp_path: Path) -> None:
    inputs = small_models.card(b"")["inputs"]
    inputs[0] = {**inputs[0], "allowed": [-2, -1, 0.4, 2, -0.5], "median": 0.5}
    finding = the_finding(tmp_path, inputs=inputs)
    assert "median" in f"{finding.field} {finding.found}"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(small_models.external(), "another file", id="external data"),
        pytest.param(small_models.foreign(), "operator of its own", id="custom operator"),
        pytest.param(plain(opset=99), "opset", id="opset"),
        pytest.param(plain(ir_version=99), "IR version", id="IR version"),
        pytest.param(b"no model", "no ONNX model", id="no model"),
    ],
)
def test_unloadable_models_say_why(tmp_path: Path, content: bytes, words: str) -> None:
    """Each kind in words of its own."""
    assert words in the_finding(tmp_path, content).text


def test_all_wrong_keys_at_once(tmp_path: Path) -> None:
    install(tmp_path, title="", golden_tolerance=5, colour="red")
    told = "\n".join(finding.text for finding in found(tmp_path))
    assert re.search("title", told)
    assert re.search("golden_tolerance", told)
    assert re.search("colour", told)


def test_missing_value_needs_an_answer(tmp_path: Path) -> None:
    """Where an input may be missing, the model has an answer to that: one that has not learnt NaN has none."""
    inputs = [{**item, "required": False} for item in small_models.card(b"")["inputs"]]
    for item in inputs:
        del item["required"]
    install(tmp_path, inputs=[{**inputs[0], "missing": "nan"}, {**inputs[1], "missing": "median"}])
    (finding,) = found(tmp_path)
    assert (finding.field, finding.found) == ("inputs[0]", "no answer (NaN) for a = nan, which is ordinary")
