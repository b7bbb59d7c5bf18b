import pytest

from ml_server.suggestions import did_you_mean


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("PTau", ["tau", "p_tau"], "; did you mean p_tau?"),
        ("tau_p", ["tau", "p_tau"], "; did you mean tau or p_tau?"),
        ("TAU", ["Tau", "tau_", "age"], "; did you mean Tau or tau_?"),
        ("sex", ["tau", "p_tau"], ""),
    ],
)
def test_every_similar_name_is_suggested(name: str, known: list[str], hint: str) -> None:
    assert did_you_mean(name, known) == hint


def test_as_many_are_suggested_as_wanted() -> None:
    assert did_you_mean("tau_p", ["tau", "p_tau"], at_most=1) == "; did you mean tau?"
    assert did_you_mean("sex", ["tau", "age"], at_most=1, cutoff=0) == "; did you mean age?"
