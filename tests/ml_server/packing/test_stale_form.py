"""One form serves the versions to come."""

import pytest

from ml_server.packing import Wishes, pack_model
from ml_server.packing.form import Said
from ml_server.packing.refusal import PackingError
from ml_server.packing.stale_form import Kept, keep
from tests.ml_server.packing.models import Case

FILLED = {"description": "as said", "unit": ""}


def kept(known: list[str], **tables: dict[str, str]) -> Kept:
    return keep(tables, known, part="inputs", form="words.toml")


def test_what_the_model_has_not_is_left_out() -> None:
    found = kept(["age"], age=FILLED, albumin=FILLED, crp={"description": "", "unit": ""})
    assert found.tables == {"age": FILLED}
    assert found.notes == ("words.toml still describes inputs.albumin, which the model does not have: left out",)


def test_another_case_is_the_same_name() -> None:
    assert kept(["crp_max"], CRPmax=FILLED) == Kept(
        {"crp_max": FILLED}, ("words.toml describes inputs.CRPmax: taken for crp_max",)
    )


def test_misspelt_names_are_refused() -> None:
    """Only where the form says nothing of the name that it is near to."""
    with pytest.raises(PackingError, match=r"words.toml: inputs.albumim(.|\n)*did you mean albumin"):
        kept(["age", "albumin"], age=FILLED, albumim=FILLED)
    assert len(kept(["albumin"], albumin=FILLED, albumim=FILLED).notes) == 1


def test_forms_of_another_version_are_packed(two_classes: Case) -> None:
    said = Said(inputs={"Age": {"description": "in years"}, "sodium": {"description": "gone"}}, targets={"gone": {"unit": "d"}})
    packed = pack_model(two_classes.model, two_classes.data(), Wishes("m", "1.0.0", ["outcome"], said=said, form="words.toml"))
    assert packed.card["inputs"][0]["description"] == "in years"
    assert sum("words.toml" in note for note in packed.notes) == 3
