"""Releases: the code and its libraries, side by side below /opt/neuronova/releases; `current` points to the one in use."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.installer import commands, places, say
from deploy.installer.changes import Changes

KEPT = 3
_COMPLETE = ".complete"
_FILES = ("app.py", "wsgi.py", "pyproject.toml", "requirements.txt", "README.md", "README.ko.md", "CHANGELOG.md")
_FOLDERS = ("ml_server", "monitor_blueprint", "serving", "systemd", "deploy", "examples")
_LEFT_OUT = ("__pycache__", ".venv")


def name_of(tree: Path, python: str) -> str:
    """Return a release's name, version and content: the same tree is the same release, and a new Python makes a new one."""
    version = re.search(r'(?m)^version = "(.*)"$', (tree / "pyproject.toml").read_text(encoding="utf-8"))
    digest = hashlib.sha256(python.encode())
    for path in files(tree):
        digest.update(f"{path}\0".encode() + hashlib.sha256((tree / path).read_bytes()).digest())
    return f"{version[1] if version else '0'}-{digest.hexdigest()[:12]}"


def this_one() -> str:
    """Return the name of the release that this tree and this Python make."""
    return name_of(places.TREE, platform.python_version())


def files(tree: Path) -> list[str]:
    """Return what belongs to a release, sorted."""
    return sorted(_files(tree))


def _files(tree: Path) -> Iterator[str]:
    yield from (name for name in _FILES if (tree / name).is_file())
    for folder in _FOLDERS:
        for above, folders, names in os.walk(tree / folder):
            folders[:] = [each for each in folders if each not in _LEFT_OUT]
            yield from (
                str((Path(above) / name).relative_to(tree))
                for name in names
                if not name.endswith((".pyc", ".sqlite3")) and (Path(above) / name).is_file()
            )


def is_complete(name: str) -> bool:
    """Tell whether a release is there, whole."""
    return (places.RELEASES / name / _COMPLETE).exists()


def build(changes: Changes, name: str) -> Path:
    """Make a release where it is missing and return its directory."""
    release = places.RELEASES / name
    changes.make_directory(places.HOME)
    changes.make_directory(places.RELEASES, is_tree=True)
    if is_complete(name):
        say.line(f"{name} is there already")
        return release
    if release.exists():
        shutil.rmtree(release)
    # Only of this run: for an uninstallation the directory above stands for it.
    changes.run.remember(release, how="tree")
    code = release / "code"
    for path in files(places.TREE):
        target = code / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(places.TREE / path, target)
        target.chmod(0o755 if os.access(places.TREE / path, os.X_OK) else 0o644)
    _install_libraries(release, code)
    for each in (release, *release.rglob("*")):
        if not each.is_symlink():
            each.chmod((each.stat().st_mode | (0o555 if each.is_dir() else 0o444)) & ~0o022)
    (release / _COMPLETE).touch()
    say.line(name)
    return release


def _install_libraries(release: Path, code: Path) -> None:
    remedy = "A network connection, or a package index named in /etc/pip.conf, is needed."
    # Where it will stay: an environment cannot be moved.
    commands.run([sys.executable, "-m", "venv", release / "venv"], remedy)
    python = release / "venv/bin/python"
    commands.run(
        [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--require-hashes",
         "--only-binary", ":all:", "-r", code / "requirements.txt"],
        remedy,
    )  # fmt: skip
    # The code is found wherever Python is started, and by its real path: a process that was started by way of
    # `current` keeps importing from its own release after `current` has moved on.
    packages = commands.run([python, "-c", 'import sysconfig; print(sysconfig.get_path("purelib"))'], remedy).strip()
    (Path(packages) / "neuronova.pth").write_text(
        f"{code}\nimport os, sys; sys.path[:] = [os.path.realpath(path) for path in sys.path]\n", encoding="utf-8"
    )
    commands.run([python, "-m", "compileall", "-q", code], f"{places.TREE} is damaged; copy it to the server again.")


def switch_to(changes: Changes, release: Path) -> None:
    """Point `current` at a release, in one step, so that it is never absent."""
    if not places.CURRENT.is_symlink() or places.CURRENT.resolve() != release:
        changes.link(places.CURRENT, str(release))


def remove_old(current: Path) -> None:
    """Keep the newest releases, by when they were last switched to; what a killed run has left takes no place."""
    os.utime(current)
    found = [each for each in places.RELEASES.iterdir() if each.is_dir()]
    complete = sorted(
        (each for each in found if (each / _COMPLETE).exists()), key=lambda each: each.stat().st_mtime, reverse=True
    )
    for old in [*(each for each in found if each not in complete), *complete[KEPT:]]:
        with contextlib.suppress(OSError):
            shutil.rmtree(old)
            say.line(f"Removed {old.name}")
