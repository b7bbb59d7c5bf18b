"""The directory of models: the server's own, which no release replaces; a release's are copied where they are missing."""

from __future__ import annotations

import shutil
from pathlib import Path

from deploy.installer import places, say
from deploy.installer.changes import Changes

_CARD = "model.json"


def install(changes: Changes, release: Path) -> None:
    """Make the directory, and copy each version that came with the release and is not there; none is replaced."""
    changes.make_directory(places.MODELS, scope="data", is_tree=True)
    for card in sorted((release / "code/ml_server/models").glob(f"*/*/{_CARD}")):
        name, version = card.parent.parts[-2:]
        target = places.MODELS / name / version
        if target.exists():
            is_same = (target / _CARD).is_file() and (target / _CARD).read_bytes() == card.read_bytes()
            say.line(f"{name} {version}: is there{'' if is_same else ', other than in the release; it stays as it is'}")
            continue
        changes.about_to(target, how="tree", scope="data")
        _copy(card.parent, target)
        say.line(f"{name} {version}: new")


def _copy(source: Path, target: Path) -> None:
    """Copy a version, readable for the server, into its place in one step."""
    # As `neuronova-model` calls what it has not finished: it clears away what a killed run has left.
    staging = places.MODELS / f".adding-{target.parent.name}-{target.name}"
    shutil.rmtree(staging, ignore_errors=True)
    shutil.copytree(source, staging, copy_function=shutil.copyfile)
    for path in (staging, *staging.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    target.parent.mkdir(mode=0o755, exist_ok=True)
    target.parent.chmod(0o755)
    staging.rename(target)
