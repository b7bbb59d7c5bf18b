import tomllib
from pathlib import Path
from typing import Any

import pytest

from ml_server.packing.form import completed, empty_fields, read_form, write_form
from ml_server.packing.refusal import PackingError
from tests.ml_server.packing.test_card_inputs import described


def card() -> dict[str, Any]:
    inputs = [
        {**described("1.5", "2", None, missing="nan"), "name": "age"},
        {**described("F", "M", dtype="string"), "name": "sex"},
    ]
    return {
        "name": "m",
        "title": "",
        "intended_use": 'says "so"',
        "not_for": [""],
        "training": {"data": "", "citation": "", "method": "logistic regression"},
        "inputs": inputs,
        "targets": [{"name": "days", "description": "", "unit": "", "minimum": 1.0, "maximum": 9.0}],
    }


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "describe.toml"
    path.write_text(write_form(card(), {"age": "Age (y)", "sex": "sex"}), "utf-8")
    said = read_form(path)
    assert (said.intended_use, said.training.method) == ('says "so"', "logistic regression")
    assert said.inputs == {"age": {"description": "", "unit": ""}, "sex": {"description": ""}}
    assert said.targets == {"days": {"description": "", "unit": ""}}


def test_what_was_found_stands_beside() -> None:
    text = write_form(card(), {"age": "Age (y)", "sex": "sex"})
    assert '[inputs.age]  # column "Age (y)"; 1.5 to 2, median 1.75; missing in 33.3% of the rows: the model knows' in text
    assert '[inputs.sex]  # one of "F", "M"; never missing: must be given' in text
    tomllib.loads(text)


def test_empty_fields_are_listed() -> None:
    assert empty_fields(card()) == [
        "title",
        "not_for",
        "training.data",
        "training.citation",
        "inputs.age.description",
        "inputs.age.unit",
        "inputs.sex.description",
        "targets.days.description",
        "targets.days.unit",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title = no quotes", "TOML"),
        ("titel = 'x'", "titel"),
        ("[inputs.age]\nunti = 'y'", "did you mean unit"),
        ("title = 3", "str"),
    ],
)
def test_wrong_forms_are_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "describe.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(PackingError, match=words):
        read_form(path)


def test_a_begun_form_is_completed() -> None:
    """What somebody has written stays as it is, remarks and all."""
    begun = '# mine\ntitle = "Sepsis"\n[inputs.age]  # my remark\nunit = "years"\nmissing = "refuse"\n'
    whole = completed(begun, card(), {})
    said = tomllib.loads(whole)
    assert (said["title"], said["inputs"]["age"]) == ("Sepsis", {"description": "", "unit": "years", "missing": "refuse"})
    assert said["intended_use"] == 'says "so"'
    assert said["inputs"]["sex"] == {"description": ""}
    assert "[inputs.age]  # my remark" in whole
    assert completed(whole, card(), {}) == whole


def test_what_cannot_be_completed_stays() -> None:
    begun = 'title = ""\ninputs = {age = {unit = "years"}}\n'
    assert completed(begun, card(), {}) == begun
