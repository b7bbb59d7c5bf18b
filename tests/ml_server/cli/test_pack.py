from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from ml_server.cli import program
from tests.ml_server.packing.models import Case, linear, write_csv


@pytest.fixture(scope="module")
def case() -> Case:
    return linear(np.array([[0.8, -1.1, 0.4]]), classes=("well", "sick"))


@pytest.fixture
def command(tmp_path: Path, case: Case) -> list[str]:
    (tmp_path / "export.onnx").write_bytes(case.model)
    data, reference = write_csv(case.data(), tmp_path / "train.csv"), write_csv(case.predictions(), tmp_path / "reference.csv")
    files = [str(tmp_path / "export.onnx"), "--data", str(data), "--reference", str(reference), "--out", str(tmp_path / "out")]
    return ["pack", *files, "--target", "outcome", "--name", "sepsis", "--version", "1.0.0"]


def run(*command: str) -> Result:
    return CliRunner().invoke(program(), command)


def test_twice_is_all(tmp_path: Path, command: list[str]) -> None:
    """Pack, fill in the form, pack again, verify."""
    first = run(*command)
    assert first.exit_code == 0, first.output
    assert "fields only a person can fill" in first.output
    directory = tmp_path / "out/sepsis/1.0.0"
    unfinished = run("verify", str(directory))
    assert unfinished.exit_code == 1
    assert "only a person can say it" in unfinished.output
    assert "fill in packed/sepsis/describe.toml and pack again" in unfinished.output
    assert unfinished.output.count("REFUSED  ") == 1
    form = tmp_path / "out/sepsis/describe.toml"
    form.write_text(form.read_text("utf-8").replace('""', '"as said"'), "utf-8")
    assert "Nothing is left open" in run(*command).output
    assert "may be served" in run("verify", str(directory)).output


def test_a_filled_form_is_left_alone(tmp_path: Path, command: list[str]) -> None:
    form = tmp_path / "words.toml"
    form.write_text('title = "Sepsis"\n# my own remark\n', "utf-8")
    assert run(*command, "--describe", str(form)).exit_code == 0
    assert "my own remark" in form.read_text("utf-8")


def test_refusals_write_nothing(tmp_path: Path, command: list[str]) -> None:
    result = run(*command, "--target", "outcom")
    assert result.exit_code == 1
    assert "remedy: give its name as the header has it; did you mean outcome?" in result.output
    assert "not packed, 1 to mend" in result.output
    assert not (tmp_path / "out").exists()


def test_options_are_told_from_data(command: list[str]) -> None:
    result = run(*command, "--columns", "age,albumin,log_crp", "--classes", "well,sick", "--task", "classification")
    assert "classification of well, sick" in result.output


def test_unreadable_data_is_told(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "train.csv").write_bytes("나이\n1\n".encode("cp949"))
    result = run(*command)
    assert result.exit_code == 1
    assert "UTF-8" in result.output


def test_a_form_that_is_spoken_of_is_begun(tmp_path: Path, case: Case, command: list[str]) -> None:
    """The refusal asks for codes in the form, so there must be one to say them in."""
    texts = ["F" if value > 0 else "M" for value in case.values[:, 0]]
    write_csv(case.data(age=texts), tmp_path / "train.csv")
    command = [*(word for word in command if "reference" not in word), "--classes", "well,sick"]
    refused = run(*command)
    form = tmp_path / "out/sepsis/describe.toml"
    assert refused.exit_code == 1
    assert f"was begun: {form}" in refused.output
    assert "[inputs.age]" in form.read_text("utf-8")
    form.write_text(form.read_text("utf-8").replace("# codes", "codes", 1), "utf-8")
    assert run(*command).exit_code == 0
    assert 'title = ""' in form.read_text("utf-8")
