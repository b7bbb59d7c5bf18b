from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_blueprint.adapters.tail import read_end, read_new
from monitor_blueprint.domain.models import ProbeError


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_text("old 1\nold 2\n")
    return path


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_first_look_begins_at_end(log: Path) -> None:
    assert read_new(log, None).lines == []


def test_new_lines_are_read_once(log: Path) -> None:
    """Only new lines are read, each once."""
    first = read_new(log, None)
    append(log, "new 1\nnew 2\n")
    second = read_new(log, first.position)
    assert second.lines == ["new 1", "new 2"]
    assert read_new(log, second.position).lines == []


def test_unfinished_line_waits(log: Path) -> None:
    """A line that is still being written waits for its end."""
    first = read_new(log, None)
    append(log, "whole\nhal")
    second = read_new(log, first.position)
    append(log, "f\n")
    assert second.lines == ["whole"]
    assert read_new(log, second.position).lines == ["half"]


@pytest.mark.parametrize("rotated", ["access.log.1", "access.log-20251206"])
def test_rotated_file_is_finished_first(log: Path, rotated: str) -> None:
    """After the rotation, the old file is finished first."""
    first = read_new(log, None)
    append(log, "before\n")
    log.rename(log.with_name(rotated))
    log.write_text("after\n")
    assert read_new(log, first.position).lines == ["before", "after"]


def test_compressed_file_is_let_go(log: Path) -> None:
    """An old file that is compressed already is let go."""
    first = read_new(log, None)
    log.rename(log.with_name("kept"))
    log.with_name("access.log.1.gz").write_bytes(b"\x1f\x8b")
    log.write_text("after\n")
    assert read_new(log, first.position).lines == ["after"]


def test_truncated_file_is_read_afresh(log: Path) -> None:
    """A truncated file is read from its start."""
    first = read_new(log, None)
    os.truncate(log, 0)
    append(log, "after\n")
    assert read_new(log, first.position).lines == ["after"]


def test_newest_whole_lines_are_read(log: Path) -> None:
    """Of too much, the newest whole lines are read."""
    first = read_new(log, None)
    append(log, "".join(f"line {number:04}\n" for number in range(1000)))
    second = read_new(log, first.position, max_bytes=25)
    assert second.lines == ["line 0998", "line 0999"]
    assert second.is_cut
    assert read_new(log, second.position).lines == []


def test_clean_cut_keeps_its_line(log: Path) -> None:
    """A cut at the beginning of a line keeps that line."""
    first = read_new(log, None)
    append(log, "line 1\nline 2\n")
    assert read_new(log, first.position, max_bytes=7).lines == ["line 2"]


def test_an_endless_line_is_skipped(log: Path) -> None:
    first = read_new(log, None)
    append(log, "x" * 1000)
    second = read_new(log, first.position, max_bytes=100)
    append(log, "\nnext\n")
    assert second.lines == []
    assert read_new(log, second.position).lines[-1] == "next"


def test_undecodable_bytes_are_survived(log: Path) -> None:
    """Bytes that are no text are survived."""
    first = read_new(log, None)
    with log.open("ab") as file:
        file.write(b"\xff\xfe\n")
    assert read_new(log, first.position).lines == ["\ufffd\ufffd"]


def test_absent_log_is_a_probe_error(tmp_path: Path) -> None:
    """A log that is not there is a probe error."""
    with pytest.raises(ProbeError, match="No such file"):
        read_new(tmp_path / "none.log", None)


def test_end_is_last_whole_lines(log: Path) -> None:
    """The end of a file is its last whole lines."""
    assert read_end(log, 9) == ["old 2"]
    assert read_end(log, 1000) == ["old 1", "old 2"]


@given(steps=st.lists(st.sampled_from(["write", "part", "rotate", "look"]), max_size=30))
def test_no_sequence_loses_a_line(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    """No sequence of writing and rotating loses or repeats a line."""
    path = tmp_path_factory.mktemp("log") / "access.log"
    path.write_text("")
    position = read_new(path, None).position
    read: list[str] = []
    written, rotations = 0, 0
    has_looked = True
    for step in [*steps, "look"]:
        if step == "look":
            tail = read_new(path, position)
            read, position, has_looked = read + tail.lines, tail.position, True
        elif step == "rotate" and has_looked:
            # Two rotations between two looks would lose what is in between; nobody rotates that often.
            rotations += 1
            path.rename(path.with_name(f"access.log.{rotations}"))
            path.write_text("")
            has_looked = False
        elif step in ("write", "part"):
            append(path, f"{written}\n")
            written += 1
    assert read == [str(number) for number in range(written)]
