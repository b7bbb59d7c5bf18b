from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_blueprint.domain.models import Status
from monitor_blueprint.domain.text import (
    Private,
    Public,
    class_name,
    configured,
    fault_of,
    fill,
    joined,
    label,
    member,
    private,
    word,
)


def test_private_text_writes_a_mask() -> None:
    """Wherever somebody puts it by accident."""
    hidden = Private("Hong")
    assert [str(hidden), repr(hidden), f"{hidden}", f"{hidden:>5}", "%s" % hidden] == ["***", "Private(***)", "***", "***", "***"]  # noqa: UP031
    assert (hidden.text, hidden) == ("Hong", Private("Hong"))


def test_only_makers_make_public_text() -> None:
    """Whatever else is done with one makes a text of which nothing is known."""
    ours = fill("{name}: {count}", name=configured("disk"), count=3)
    assert (ours, type(ours)) == ("disk: 3", Public)
    for other in (ours + "x", ours.upper(), ours.replace("d", "e"), f"{ours}", ours[:2], ours.strip("d")):
        assert type(other) is str


def test_a_word_is_of_the_list() -> None:
    assert word("failed", ("failed", "active")) == "failed"
    assert word("failed ", ("failed", "active")) is None


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("/srv/backups/db-????.sql", "/srv/backups/db-????.sql"),
        ("https://user:secret@host/health?token=x#y", "https://host/health"),
        ("see http://a@b/c?d and http+unix://%2Frun%2Fx.sock/?e", "see http://b/c and http+unix://%2Frun%2Fx.sock/"),
        # A password may have a "/" in it; where that cannot be told from a port and a path, neither is shown.
        ("https://user:pa/ss@host/health", "https://host/health"),
        ("https://user:p/a?b@c@host/p", "https://host/p"),
        ("https://user:12/34@host/x", "https://***@host/x"),
        ("https://host:8000/x?mail=a@b", "https://host:8000/x"),
        ("http://[::1]:9000/health", "http://[::1]:9000/health"),
        ("one\ntwo\x1b[31m\u202e", "one two"),
    ],
)
def test_addresses_are_told_without_secrets(given: str, kept: str) -> None:
    assert configured(given) == kept


@pytest.mark.parametrize("name", ["Hong Gildong", "홍길동", "<b>", "a" * 41, "A"])
def test_a_label_looks_like_code(name: str) -> None:
    assert label(name) == "***"
    assert [label(each) for each in ("usage", "%", "/min", "")] == ["usage", "%", "/min", ""]


def test_an_exception_is_told_without_its_text() -> None:
    def fail() -> None:
        raise ValueError("Hong")

    try:
        fail()
    except ValueError as error:
        told = fault_of(error)
    assert told.startswith("ValueError (test_text.py:")
    assert "fail < test_text.py:" in told
    assert "Hong" not in told
    assert class_name(KeyError("Hong")) == "KeyError"


def test_private_text_is_kept_redacted() -> None:
    assert private("a\nb 010-1234-5678").text == "a b ***"


def test_what_the_rules_call_something() -> None:
    assert joined(", ", [member(Status.OK), member(Status.CRITICAL)]) == "OK, CRITICAL"


@given(st.text())
def test_no_text_is_a_template(said: str) -> None:
    """What is filled in is not filled again."""
    assert fill("[{said}]", said=Public(said)) == f"[{said}]"
