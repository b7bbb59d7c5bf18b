from __future__ import annotations

import io
import logging
import os
import sys
from pathlib import Path

import pytest

from monitor_blueprint.text.health_log import SUCCESS
from monitor_blueprint.text.journal import PriorityFormatter, is_journal, with_priority


@pytest.mark.parametrize(
    ("level", "prefix"),
    [
        (logging.DEBUG, "<7>"),
        (logging.INFO, "<6>"),
        (SUCCESS, "<6>"),
        (logging.WARNING, "<4>"),
        (logging.ERROR, "<3>"),
        (logging.CRITICAL, "<2>"),
    ],
)
def test_every_level_has_a_priority(level: int, prefix: str) -> None:
    assert with_priority(level, "a line") == f"{prefix}a line"


def test_every_line_has_it() -> None:
    assert with_priority(logging.ERROR, "one\ntwo") == "<3>one\n<3>two"


def test_an_exception_says_nothing() -> None:
    """Only which one it is, and where it was raised: what it says may quote anything."""
    try:
        int("one\ntwo")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", None, sys.exc_info())
    formatted = PriorityFormatter(None).format(record)
    assert formatted.startswith("<3>failed: ValueError (test_journal.py:")
    assert "two" not in formatted
    # Others who show the record show all of it.
    assert "two" in logging.Formatter().format(record)
    inner = logging.Formatter("[%(levelname)s] %(message)s")
    assert PriorityFormatter(inner).format(record).startswith("<3>[ERROR] failed")


def test_only_the_journals_stream_is_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file, a pipe or a terminal gets no prefix, though systemd has started the program."""
    with (tmp_path / "journal").open("w") as journal, (tmp_path / "other").open("w") as other:
        monkeypatch.delenv("JOURNAL_STREAM", raising=False)
        assert not is_journal(journal)
        found = os.fstat(journal.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        assert is_journal(journal)
        assert not is_journal(other)
        assert not is_journal(io.StringIO())
    assert not is_journal(journal)
