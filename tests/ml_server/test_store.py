import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from ml_server import activation, audit
from ml_server.errors import BrokenModelError
from ml_server.repository import read_models
from ml_server.store import RefusedModelError, Store, StoreError
from ml_server.verification.verify import verify
from tests.ml_server import small_models
from tests.ml_server.server import DEADLINE_S, ROOT
from tests.ml_server.small_models import NAME, install, write


@pytest.fixture
def store(tmp_path: Path) -> Store:
    directory = tmp_path / "models"
    directory.mkdir()
    return Store(directory, verify)


def due(store: Store) -> str:
    entry = store.due(NAME)
    assert entry is not None
    return entry.version


def lines(store: Store) -> list[str]:
    return (store.model_dir / audit.FILE).read_text().splitlines()


def test_added_version_can_be_served(store: Store, tmp_path: Path) -> None:
    """It is there as it was, readable for everybody whoever has added it."""
    source = write(tmp_path / "source")
    before = os.umask(0o077)
    try:
        entry, findings = store.add(source)
    finally:
        os.umask(before)
    assert findings == []
    assert read_models(store.model_dir) == [entry]
    target = store.model_dir / NAME / "1.0.0"
    assert {path.name: path.read_bytes() for path in target.iterdir()} == {
        path.name: path.read_bytes() for path in source.iterdir()
    }
    assert [path.stat().st_mode & 0o777 for path in (target.parent, target, *target.iterdir())] == [0o755, 0o755, 0o644, 0o644]


def test_bad_model_is_not_added(store: Store, tmp_path: Path) -> None:
    source = write(tmp_path / "source", golden_samples=[small_models.sample(0.5, 1.0)])
    with pytest.raises(RefusedModelError) as refused:
        store.add(source)
    assert any("could be exchanged" in finding.found for finding in refused.value.findings)
    assert store.entries() == []
    assert [path.name for path in store.model_dir.iterdir() if path.is_dir()] == []
    assert "result=refused" in lines(store)[-1]


def test_served_version_outlives_an_addition(store: Store, tmp_path: Path) -> None:
    """Where nothing was activated, what is served is the newest that can be: not a newer one that cannot."""
    install(store.model_dir)
    install(store.model_dir, small_models.dice(), version="1.1.0")
    store.add(write(tmp_path / "source", version="2.0.0"))
    assert due(store) == "1.0.0"
    store.activate(NAME, "2.0.0")
    assert store.rollback(NAME)[0].version == "1.0.0"


def test_first_version_is_due_at_once(store: Store, tmp_path: Path) -> None:
    """So is one beside others that cannot be served."""
    store.add(write(tmp_path / "other", name="other"))
    install(store.model_dir, small_models.dice())
    store.add(write(tmp_path / "source", version="2.0.0"))
    assert due(store) == "2.0.0"
    assert store.history(NAME) == ()


def test_pinned_version_outlives_an_addition(store: Store, tmp_path: Path) -> None:
    """It goes on being served without the pin, too."""
    install(store.model_dir)
    install(store.model_dir, version="1.1.0")
    Store(store.model_dir, verify, (NAME, "1.0.0")).add(write(tmp_path / "source", version="2.0.0"))
    assert due(store) == "1.0.0"


def test_nothing_is_added_over_a_damaged_activation(store: Store, tmp_path: Path) -> None:
    """What is due cannot be told then: the remedy is named, and nothing is changed."""
    install(store.model_dir)
    (store.model_dir / NAME / activation.FILE).write_bytes(b"{")
    with pytest.raises(BrokenModelError, match="activate a version again"):
        store.add(write(tmp_path / "source", version="2.0.0"))
    assert [entry.version for entry in store.entries()] == ["1.0.0"]


def test_version_is_added_once(store: Store, tmp_path: Path) -> None:
    """The same again, and other files under the same version, are told apart."""
    store.add(write(tmp_path / "source"))
    with pytest.raises(StoreError, match="nothing is to be added"):
        store.add(write(tmp_path / "source"))
    with pytest.raises(StoreError, match="a new version"):
        store.add(write(tmp_path / "source", title="Another one"))


def test_activated_version_is_due(store: Store) -> None:
    """Whichever is the newest; without an activation the newest is."""
    install(store.model_dir)
    install(store.model_dir, version="1.10.0")
    install(store.model_dir, version="1.9.0")
    assert due(store) == "1.10.0"
    store.activate(NAME, "1.9.0")
    assert due(store) == "1.9.0"


def test_rollback_goes_back_step_by_step(store: Store) -> None:
    """To what was due before the first activation, too."""
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        install(store.model_dir, version=version)
    store.activate(NAME, "1.0.0")
    store.activate(NAME, "1.1.0")
    assert store.rollback(NAME)[0].version == "1.0.0"
    assert store.rollback(NAME)[0].version == "1.2.0"
    with pytest.raises(StoreError, match="before"):
        store.rollback(NAME)
    assert due(store) == "1.2.0"


def test_rollback_is_to_what_was_served(store: Store) -> None:
    """Not to a newer version that nobody could be served with."""
    install(store.model_dir)
    install(store.model_dir, version="1.1.0")
    install(store.model_dir, small_models.dice(), version="1.2.0")
    store.activate(NAME, "1.0.0")
    assert store.rollback(NAME)[0].version == "1.1.0"


def test_rollback_of_a_newest_is_to_the_one_before(store: Store) -> None:
    """Also where both were copied there by hand, so that the newest was due without being activated."""
    install(store.model_dir)
    install(store.model_dir, version="1.1.0")
    store.activate(NAME, "1.1.0")
    assert store.rollback(NAME)[0].version == "1.0.0"


def test_bad_version_is_not_activated(store: Store) -> None:
    install(store.model_dir)
    install(store.model_dir, version="1.1.0", golden_samples=[small_models.sample(0.5, 1.0)])
    store.activate(NAME, "1.0.0")
    with pytest.raises(RefusedModelError):
        store.activate(NAME, "1.1.0")
    assert due(store) == "1.0.0"


def test_pinned_version_is_not_activated_over(store: Store) -> None:
    install(store.model_dir)
    install(store.model_dir, version="1.1.0")
    pinned = Store(store.model_dir, verify, (NAME, "1.0.0"))
    with pytest.raises(StoreError, match=r"ML_MODEL_VERSION pins small to 1\.0\.0: take it out"):
        pinned.activate(NAME, "1.1.0")
    pinned.activate(NAME, "1.0.0")
    assert due(pinned) == "1.0.0"


def test_changed_version_is_not_activated_again(store: Store) -> None:
    """Other files under a version that was activated are refused."""
    install(store.model_dir)
    store.activate(NAME, "1.0.0")
    install(store.model_dir, title="Changed")
    with pytest.raises(StoreError, match="other files"):
        store.activate(NAME, "1.0.0")
    (entry,) = store.entries()
    assert "it was changed after it was activated" in (entry.error or "")


def test_missing_version_is_named(store: Store) -> None:
    install(store.model_dir)
    with pytest.raises(StoreError, match=r"small 2\.0\.0 is not installed; of small there are: 1\.0\.0"):
        store.activate(NAME, "2.0.0")


def test_activated_version_that_is_gone_is_told(store: Store) -> None:
    """It is due still, and cannot be served."""
    path = install(store.model_dir, version="1.1.0")
    install(store.model_dir)
    store.activate(NAME, "1.1.0")
    for each in path.iterdir():
        each.unlink()
    path.rmdir()
    entry = store.due(NAME)
    assert entry is not None
    assert (entry.version, entry.error) == ("1.1.0", "it is activated, and not installed")


def test_due_version_is_not_removed(store: Store) -> None:
    install(store.model_dir)
    install(store.model_dir, version="1.1.0")
    with pytest.raises(StoreError, match="is due"):
        store.remove(NAME, "1.1.0")
    store.activate(NAME, "1.0.0")
    store.remove(NAME, "1.1.0")
    assert [entry.version for entry in store.entries()] == ["1.0.0"]


def test_removed_version_is_nothing_to_go_back_to(store: Store) -> None:
    for version in ("1.0.0", "1.1.0"):
        install(store.model_dir, version=version)
    store.activate(NAME, "1.0.0")
    store.activate(NAME, "1.1.0")
    store.remove(NAME, "1.0.0")
    with pytest.raises(StoreError, match="before"):
        store.rollback(NAME)


def test_damaged_activation_is_mended(store: Store) -> None:
    """The newest is served meanwhile, and that it is said."""
    install(store.model_dir)
    path = store.model_dir / NAME / activation.FILE
    path.write_bytes(b"{")
    (entry,) = store.entries()
    assert "damaged" in entry.warning
    store.activate(NAME, "1.0.0")
    (entry,) = store.entries()
    assert (entry.warning, entry.rank) == ("", 0)


def test_every_change_has_a_line(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who, also behind sudo, when, what, and the digest."""
    monkeypatch.setenv("SUDO_USER", "kim")
    store.add(write(tmp_path / "source"))
    store.add(write(tmp_path / "source", version="1.1.0"))
    store.activate(NAME, "1.0.0")
    store.activate(NAME, "1.1.0")
    entry, _ = store.rollback(NAME)
    store.remove(NAME, "1.1.0")
    told = lines(store)
    assert [line.split()[1] for line in told] == ["add", "add", "activate", "activate", "rollback", "remove"]
    assert all(line.split()[0].endswith("Z") and line.endswith("sudo_user=kim") for line in told)
    assert f"digest={entry.digest}" in told[4]


def test_name_of_a_stranger_adds_no_line(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    install(store.model_dir)
    monkeypatch.setenv("SUDO_USER", "kim\nforged line")
    store.activate(NAME, "1.0.0")
    (line,) = lines(store)
    assert "forged" not in line


def test_nothing_is_changed_without_a_line(store: Store) -> None:
    install(store.model_dir)
    (store.model_dir / audit.FILE).mkdir()
    with pytest.raises(StoreError, match="nothing is changed without it"):
        store.activate(NAME, "1.0.0")
    assert not (store.model_dir / NAME / activation.FILE).exists()


def test_activation_is_plain_json(store: Store) -> None:
    """For people, and for what deploys models."""
    install(store.model_dir)
    entry, _ = store.activate(NAME, "1.0.0")
    content = msgspec.json.decode((store.model_dir / NAME / activation.FILE).read_bytes())
    assert content == {"version": "1.0.0", "digest": entry.digest}


@pytest.mark.slow
def test_killed_at_every_step(tmp_path: Path) -> None:
    """Whenever a change is killed, a good version is due, and the next change can be made."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.ml_server.killed_store", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=2 * DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    steps = dict(line.split() for line in done.stdout.splitlines())
    assert set(steps) == {"add", "first-add", "activate", "rollback", "remove"}
    assert all(int(count) >= 4 for count in steps.values()), steps
