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


def test_the_first_look_begins_at_the_end(log: Path) -> None:
    assert read_new(log, None).lines == []


def test_only_new_lines_are_read_each_once(log: Path) -> None:
    first = read_new(log, None)
    append(log, "new 1\nnew 2\n")
    second = read_new(log, first.position)
    assert second.lines == ["new 1", "new 2"]
    assert read_new(log, second.position).lines == []


def test_a_line_that_is_still_being_written_waits_for_its_end(log: Path) -> None:
    first = read_new(log, None)
    append(log, "whole\nhal")
    second = read_new(log, first.position)
    append(log, "f\n")
    assert second.lines == ["whole"]
    assert read_new(log, second.position).lines == ["half"]


@pytest.mark.parametrize("rotated", ["access.log.1", "access.log-20251206"])
def test_after_the_rotation_the_old_file_is_finished_first(log: Path, rotated: str) -> None:
    first = read_new(log, None)
    append(log, "before\n")
    log.rename(log.with_name(rotated))
    log.write_text("after\n")
    assert read_new(log, first.position).lines == ["before", "after"]


def test_an_old_file_that_is_compressed_already_is_let_go(log: Path) -> None:
    first = read_new(log, None)
    log.rename(log.with_name("kept"))
    log.with_name("access.log.1.gz").write_bytes(b"\x1f\x8b")
    log.write_text("after\n")
    assert read_new(log, first.position).lines == ["after"]


def test_a_truncated_file_is_read_from_its_start(log: Path) -> None:
    first = read_new(log, None)
    os.truncate(log, 0)
    append(log, "after\n")
    assert read_new(log, first.position).lines == ["after"]


def test_of_too_much_the_newest_whole_lines_are_read(log: Path) -> None:
    first = read_new(log, None)
    append(log, "".join(f"line {number:04}\n" for number in range(1000)))
    second = read_new(log, first.position, max_bytes=25)
    assert second.lines == ["line 0998", "line 0999"]
    assert second.is_cut
    assert read_new(log, second.position).lines == []


def test_a_cut_at_the_begin_of_a_line_keeps_that_line(log: Path) -> None:
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


def test_bytes_that_are_no_text_are_survived(log: Path) -> None:
    first = read_new(log, None)
    with log.open("ab") as file:
        file.write(b"\xff\xfe\n")
    assert read_new(log, first.position).lines == ["\ufffd\ufffd"]


def test_a_log_that_is_not_there_is_a_probe_error(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match="No such file"):
        read_new(tmp_path / "none.log", None)


def test_the_end_of_a_file_is_its_last_whole_lines(log: Path) -> None:
    assert read_end(log, 9) == ["old 2"]
    assert read_end(log, 1000) == ["old 1", "old 2"]


@given(steps=st.lists(st.sampled_from(["write", "part", "rotate", "look"]), max_size=30))
def test_no_sequence_of_writing_and_rotating_loses_or_repeats_a_line(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
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
