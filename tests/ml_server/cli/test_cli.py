from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from ml_server.cli import program
from tests.ml_server import small_models
from tests.ml_server.conftest import StartServer
from tests.ml_server.small_models import NAME, install, write

KEY = "key-of-the-predictions"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "models"
    directory.mkdir()
    monkeypatch.setenv("ML_MODEL_DIR", str(directory))
    return directory


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(program(), [str(each) for each in arguments])


def done(*arguments: str | Path) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_from_a_file_to_due_and_back(models: Path, tmp_path: Path) -> None:
    """What an operator does, in order."""
    assert "may be served" in done("verify", write(tmp_path / "one"))
    assert "It is due (the newest; none is activated)" in done("add", tmp_path / "one")
    assert "activated small 1.0.0" in done("activate", NAME, "1.0.0")
    assert "not due yet: 1.0.0 is. To have it serve: neuronova-model activate small 1.1.0" in done(
        "add", write(tmp_path / "two", version="1.1.0")
    )
    assert [line[:13] for line in done("list").splitlines()] == ["* small 1.0.0", "  small 1.1.0"]
    done("activate", NAME, "1.1.0")
    assert "(to go back to it: neuronova-model rollback small)" in done("status").partition("before: 1.0.0")[2]
    assert "rolled back to small 1.0.0" in done("rollback", NAME)
    assert '"version": "1.0.0"' in done("show", NAME)
    assert "to go back to it" not in done("status")
    assert "to have another: neuronova-model activate small 1.1.0" in run("rollback", NAME).output
    done("remove", NAME, "1.1.0")
    assert "remove small 1.1.0" in done("status")
    assert [path.name for path in models.glob("*/[0-9]*")] == ["1.0.0"]


def test_fresh_server_from_trial_to_rollback(models: Path, tmp_path: Path) -> None:
    """With what the release has brought and nothing activated: it is served until another one is activated, and again after."""
    install(models)
    assert "not due yet: 1.0.0 is" in done("add", write(tmp_path / "two", version="2.0.0", title="Another one"))
    assert "compared with 1.0.0" in done("trial", "start", NAME, "2.0.0")
    done("activate", NAME, "2.0.0")
    assert "no version is on silent trial" in run("trial", "stop").output
    assert "rolled back to small 1.0.0" in done("rollback", NAME)
    assert [line[:13] for line in done("list").splitlines()] == ["* small 1.0.0", "  small 2.0.0"]


def test_pinned_version_is_due_once_added(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(models)
    monkeypatch.setenv("ML_MODEL", NAME)
    monkeypatch.setenv("ML_MODEL_VERSION", "2.0.0")
    assert "It is due (ML_MODEL_VERSION pins it)" in done("add", write(tmp_path / "two", version="2.0.0"))


def test_all_findings_are_told(models: Path, tmp_path: Path) -> None:
    """Each with what was found, what was wanted and the remedy; and nothing is changed."""
    source = write(tmp_path / "one", golden_samples=[small_models.sample(0.5, 1.0)])
    for command in ("verify", "add"):
        result = run(command, source)
        assert result.exit_code == 1
        assert result.output.count("REFUSED  golden_samples") >= 2
        assert all(f"    {word}" in result.output for word in ("found:", "wanted:", "remedy:"))
    assert list(models.glob("*/*")) == []


def test_findings_as_json(models: Path, tmp_path: Path) -> None:
    result = run("verify", "--json", write(tmp_path / "one", title=""))
    told = msgspec.json.decode(result.output.splitlines()[0])
    assert result.exit_code == 1
    assert (told["ok"], [finding["field"] for finding in told["findings"]]) == (False, ["title"])


def test_refusal_is_one_line(models: Path) -> None:
    result = run("activate", NAME, "1.0.0")
    assert (result.exit_code, result.output) == (
        1,
        "Error: small 1.0.0 is not installed; there are: none; add one: neuronova-model add DIRECTORY\n",
    )


@pytest.mark.parametrize(
    ("asked", "code", "told"),
    [
        (("activate", "smal", "1.0.0"), 1, "smal 1.0.0 is not installed; there are: small; did you mean small?"),
        (("activate", NAME, "1"), 2, "1 is no version: give three numbers, such as 1.0.0"),
        (("activate", "small/1.0.0"), 2, "give name and version as two words (small 1.0.0)"),
        (
            ("rollback", NAME),
            1,
            "was activated before; to have another: neuronova-model add DIRECTORY",
        ),
        (("rollback", "other"), 1, "other is not installed; there are: small"),
        (("show", "other"), 1, "other is not installed; there are: small"),
        (("remove", NAME, "1.0.0"), 1, "activate another one first"),
        (("verify", "small"), 1, "NAME/VERSION of an installed model (installed: small/1.0.0)"),
        (("verify", "/dev"), 1, "NAME/VERSION of an installed model (installed: small/1.0.0)"),
        (("trial", "start", NAME, "1.0.0"), 1, "put another one on trial"),
        (("trial", "stop"), 1, "nothing to stop"),
        (("trial", "status"), 1, "set ML_BIND as the server has it"),
    ],
)
def test_wrong_usage_has_a_remedy(
    models: Path, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...], code: int, told: str
) -> None:
    install(models)
    monkeypatch.setenv("ML_BIND", f"unix:{models}/nobody")
    result = run(*asked)
    assert (result.exit_code, told in result.output) == (code, True), result.output


def test_directory_without_card_is_explained(models: Path, tmp_path: Path) -> None:
    """One level too high is the usual mistake."""
    source = write(tmp_path / "packed" / NAME / "1.0.0")
    assert f"did you mean {source}?" in run("add", tmp_path / "packed").output
    (tmp_path / "empty").mkdir()
    assert "OUT/NAME/VERSION" in run("add", tmp_path / "empty").output


def test_status_names_a_default_that_is_not_there(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(models)
    monkeypatch.setenv("ML_BIND", f"unix:{models}/nobody")
    monkeypatch.setenv("ML_MODEL", "other")
    assert "other, the default: NOT INSTALLED; add it, or set ML_MODEL to one that is (small)" in done("status")
    monkeypatch.setenv("ML_MODEL", NAME)
    monkeypatch.setenv("ML_MODEL_VERSION", "2.0.0")
    assert "add it, or take ML_MODEL_VERSION out of the settings" in done("status")


def test_release_is_not_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The models of a release are replaced with it: nothing is added to them."""
    monkeypatch.delenv("ML_MODEL_DIR", raising=False)
    result = run("add", write(tmp_path / "one"))
    assert result.exit_code == 1
    assert "set ML_MODEL_DIR" in result.output
    assert "alzheimer_biomarkers 1.0.0" in done("list")


def test_diff_says_where_and_how_far(models: Path, tmp_path: Path) -> None:
    install(models)
    content = small_models.plain()
    other = write(tmp_path / "other", content.replace(b"\x00\x00\x00\xbf", b"\x00\x00\x00\xbe"), version="1.1.0")
    data = tmp_path / "people.csv"
    data.write_text("a,b,ward\n0.1,2.0,3\n0.2,,1\n")
    told = done("diff", f"{NAME}/1.0.0", other, "--data", data)
    assert told.startswith("4 people asked; both answered 3")
    assert "farthest apart: 0" in told
    assert "row 1:" in told


def test_diff_of_the_same_is_nothing(models: Path) -> None:
    install(models)
    assert "farthest apart: 0; on average: 0" in done("diff", f"{NAME}/1.0.0", models / NAME / "1.0.0")


def test_status_says_what_is_served(models: Path, monkeypatch: pytest.MonkeyPatch, start_server: StartServer) -> None:
    """The server goes on with what it has until it is reloaded."""
    install(models)
    server = start_server(ML_MODEL_DIR=str(models), ML_MODEL=NAME, ML_API_KEY=KEY)
    server.report_with("READY")
    for name, value in {"ML_MODEL": NAME, "ML_API_KEY": KEY, "ML_BIND": server.url.removeprefix("http://")}.items():
        monkeypatch.setenv(name, value)
    assert "the server serves small 1.0.0" in done("status")
    install(models, version="1.1.0")
    assert "due is 1.1.0" in done("status")
    monkeypatch.setenv("ML_API_KEY", KEY[::-1])
    assert "the server: it answers 401" in done("status")
    server.stop()
    assert "the server: it does not answer" in done("status")


def test_status_does_not_contradict_itself(models: Path, monkeypatch: pytest.MonkeyPatch, start_server: StartServer) -> None:
    """What cannot be served is not taken over by a reload: it says what to do instead, and that works."""
    install(models)
    server = start_server(ML_MODEL_DIR=str(models), ML_MODEL=NAME)
    server.report_with("READY")
    for name, value in {"ML_MODEL": NAME, "ML_BIND": server.url.removeprefix("http://")}.items():
        monkeypatch.setenv(name, value)
    install(models, version="1.1.0")
    (model,) = (models / NAME / "1.1.0").glob("*.onnx")
    model.write_bytes(model.read_bytes()[:100])
    told = done("status")
    assert "the server serves small 1.0.0" in told
    assert "small 1.1.0" in told
    assert told.count("CANNOT BE SERVED") == 1
    assert told.count("SHA-256") == 1
    assert "takes it over" not in told
    remedy = "neuronova-model activate small 1.0.0"
    assert remedy in told
    done(*remedy.split()[1:])
    assert "cannot be served" not in done("status")
