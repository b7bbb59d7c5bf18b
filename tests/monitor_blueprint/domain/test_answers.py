from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_blueprint.domain.answers import public_words
from monitor_blueprint.domain.vocabulary import ANSWER_WORDS, EXCEPTIONS


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("HTTP 404 no_service", "HTTP 404 no_service"),
        ("HTTP 200, but not Slack's ok", "HTTP 200, but not Slack's ok"),
        ("no answer within 10 s", "no answer within 10 s"),
        ("ConnectionRefusedError: Connection refused", "ConnectionRefusedError: Connection refused"),
        ("kim@example.org: 550 5.1.1 User unknown", "… 550 5.1.1 User unknown"),
        ("554 5.7.1 환자 홍길동 900101-1234567 rejected", "554 5.7.1 … rejected"),
        ("/usr/sbin/sendmail exit code 75: <script> Hong", "… exit code 75: …"),
        ("010 1234 5678", "…"),
        ("900 101 12 34 56 7", "… 101 …"),
        ("010 12 34 56 78", "… 12 …"),
        ("ok 90, ok 10, ok 12, ok 34", "ok 90, ok 10, ok 12, ok …"),
        ("450 4.7.1 greylisted, 300 seconds", "450 4.7.1 greylisted, 300 seconds"),
        ("９００", "…"),
        ("", ""),
    ],
)
def test_an_answer_is_told_in_words_of_ours(answer: str, told: str) -> None:
    assert public_words(answer) == told


@given(st.text())
def test_nothing_else_is_told(answer: str) -> None:
    for piece in public_words(answer).split():
        core = piece.strip("()[],;:.'\"")
        assert piece == "…" or core.lower() in ANSWER_WORDS or core in EXCEPTIONS or len(core) <= 7


def test_an_endless_answer_is_cut() -> None:
    assert len(public_words("no answer " * 1000)) < 200
