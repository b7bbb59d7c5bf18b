from __future__ import annotations

import pytest

from monitor_blueprint.config import suggestions


def test_what_was_meant_is_suggested() -> None:
    assert suggestions.unknown("kind", "dsk", ["cpu", "disk"]) == (
        'kind "dsk" is not known (did you mean "disk"?); allowed: cpu, disk'
    )


def test_nothing_alike_nothing_suggested() -> None:
    assert suggestions.unknown("kind", "pager", ["cpu", "disk"]) == 'kind "pager" is not known; allowed: cpu, disk'


@pytest.mark.parametrize(("count", "ending"), [(0, "none"), (40, "39"), (41, "39, ...")])
def test_a_long_list_is_cut(count: int, ending: str) -> None:
    names = [str(number) for number in range(count)]
    assert suggestions.unknown("zone", "x", names).rpartition("allowed: ")[2] == ", ".join([*names[:39], ending])


@pytest.mark.parametrize(
    ("word", "meant"),
    [("SMPT_HOST", "SMTP_HOST"), ("SMTP_HOSTS", "SMTP_HOST"), ("SFTP_HOST", ""), ("LLM_API_KEY", ""), ("PATH", "")],
)
def test_another_programs_word_is_not_misspelt(word: str, meant: str) -> None:
    assert suggestions.misspelt(word, {"SMTP_HOST", "ML_API_KEY"}) == meant
