"""People whom the model was not trained on get the answers of the original library too."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ml_server.packing import PackingError, Wishes, pack, pack_model
from ml_server.packing.export import export
from ml_server.packing.making_up import make_up
from ml_server.packing.operators import has_scaled_trees, nodes_of
from ml_server.packing.probe import Probe
from ml_server.packing.table import Table, table_of
from ml_server.packing.unseen import Others
from tests.ml_server.packing.models import COLUMNS, Case

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
ROWS = 400


def measured(seed: int) -> pd.DataFrame:
    """Two measurements as a laboratory rounds them, so that another person's lies between those of two."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"crp": rng.lognormal(2.5, 0.9, ROWS).round(1), "albumin": rng.normal(38, 5, ROWS).round(1)})


PEOPLE, OTHERS = measured(1), measured(2)
SICK = (PEOPLE["crp"] - PEOPLE["albumin"] + np.random.default_rng(3).normal(0, 9, ROWS) > -20).map({True: "sick", False: "well"})
SCALED = make_pipeline(SimpleImputer(), StandardScaler(), GradientBoostingClassifier(n_estimators=40, random_state=0))
TREES = make_pipeline(SimpleImputer(), GradientBoostingClassifier(n_estimators=5, random_state=0))


def test_scaled_trees_are_exported_in_float64(tmp_path: Path) -> None:
    """In float32 all of the training agree, and people between them do not: another export is taken."""
    saved = pack(SCALED.fit(PEOPLE, SICK), PEOPLE, SICK, name="m", version="1.0.0", out=tmp_path)
    assert Probe(saved.packed.content).inputs[0].dtype == "float64"
    assert any("people made up" in note for note in saved.packed.notes)


def test_held_out_rows_are_compared(tmp_path: Path) -> None:
    saved = pack(TREES.fit(PEOPLE, SICK), PEOPLE, SICK, name="m", version="1.0.0", out=tmp_path, held_out=(OTHERS, SICK))
    assert any(f"{ROWS} rows that were held out" in note for note in saved.packed.notes)


def test_held_out_people_with_unknown_words_are_left_out(tmp_path: Path) -> None:
    """The estimator has no answer for them, and serving refuses them."""
    words = pd.DataFrame({"ward": ["er", "icu"] * 50})
    others = pd.DataFrame({"ward": ["er", "icu", "general"]})
    estimator = make_pipeline(OneHotEncoder(), GradientBoostingClassifier(n_estimators=2)).fit(words, SICK[:100])
    saved = pack(estimator, words, SICK[:100], name="m", version="1.0.0", out=tmp_path, held_out=(others, SICK[:3]))
    assert any("2 rows that were held out" in note for note in saved.packed.notes)
    assert any("1 of 3 rows of the held-out data would be refused" in note for note in saved.packed.notes)


def tables(frame: pd.DataFrame) -> tuple[Table, Table]:
    found = SCALED.fit(PEOPLE, SICK).predict_proba(frame)
    return table_of({name: frame[name] for name in frame}), table_of({"sick": found[:, 0], "well": found[:, 1]})


def test_a_file_is_compared_on_other_rows() -> None:
    content = export(SCALED.fit(PEOPLE, SICK), [("crp", "number"), ("albumin", "number")], "float32")
    data, predictions = tables(PEOPLE)
    wishes = Wishes("m", "1.0.0")
    (note,) = [note for note in pack_model(content, data, wishes, predictions=predictions).notes if "drop the scaler" in note]
    assert "--held-out-reference" in note
    others = [Others("rows of --held-out", *tables(make_up(PEOPLE, are_between=True)))]
    with pytest.raises(PackingError, match=r"rows of --held-out: reference(.|\n)*drop the scaler"):
        pack_model(content, data, wishes, predictions=predictions, others=others)


def test_other_rows_may_agree(two_classes: Case) -> None:
    """Also where nobody knows the class of a row: what is compared needs no target."""
    others = Others("rows of --held-out", two_classes.data(), two_classes.predictions())
    notes = pack_model(two_classes.model, two_classes.data(), Wishes("m", "1.0.0", ["outcome"]), others=[others]).notes
    assert "so they are for 80 rows of --held-out" in notes


def test_operators_are_read_of_a_file(two_classes: Case) -> None:
    assert [node.operator for node in nodes_of(two_classes.model)] == ["MatMul", "Softmax"]
    assert nodes_of(two_classes.model)[0].inputs == ("features", "weights")
    kinds = [("crp", "number"), ("albumin", "number")]
    assert has_scaled_trees(export(SCALED.fit(PEOPLE, SICK), kinds, "float32"))
    assert not has_scaled_trees(export(TREES.fit(PEOPLE, SICK), kinds, "float32"))
    assert not has_scaled_trees(two_classes.model)


@pytest.mark.parametrize("are_between", [True, False])
def test_made_up_people_are_of_the_same_types(*, are_between: bool) -> None:
    frame = pd.DataFrame(
        {
            "age": pd.array([20, 30, None, 50], dtype="Int64"),
            "crp": [0.1, 0.3, None, 0.7],
            "sex": pd.Categorical(["F", "M", "F", None]),
            "ward": ["er", "icu", None, "er"],
            "is_smoker": [True, False, True, True],
        }
    )
    made = make_up(frame, are_between=are_between)
    assert made.dtypes.to_dict() == frame.dtypes.to_dict()
    assert set(made["age"].dropna()) == ({20, 25, 30, 40, 50} if are_between else {20, 30, 50})
    assert make_up(np.array([[1.0, 2.5], [2.0, 3.5]]), are_between=are_between).shape == (10, len(COLUMNS) - 1)
