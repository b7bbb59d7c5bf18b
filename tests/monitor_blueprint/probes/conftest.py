from __future__ import annotations

import lzma
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor_blueprint.adapters import command
from tests.monitor_blueprint.probes.looking import Site, serve

FIXTURES = Path(__file__).with_name("fixtures")


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as running:
        yield running


@pytest.fixture(scope="session")
def journal(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the folder of a real systemd journal: a bad quarter of an hour of a clinic's server."""
    return unpacked("clinic.journal.xz", tmp_path_factory.mktemp("journal"))


@pytest.fixture(scope="session")
def units_journal(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the folder of a real systemd journal: units that hang, do not start, begin anew, or say nothing."""
    return unpacked("units.journal.xz", tmp_path_factory.mktemp("units"))


def unpacked(name: str, folder: Path) -> str:
    if not command.is_installed("journalctl"):
        pytest.skip("journalctl is not installed")
    (folder / "system.journal").write_bytes(lzma.decompress((FIXTURES / name).read_bytes()))
    return str(folder)
