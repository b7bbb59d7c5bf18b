"""The Debian package, looked at without installing it; tests/box does the rest on a booted machine."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.installer import release
from deploy.installer.stock import PACKAGES
from tests.box.box import PYTHONS
from tests.e2e.programs import DEADLINE_S, ROOT, clean_environ
from tools.locked import SERVERS

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="only on Debian and Ubuntu")]


def built(directory: Path, umask: int, **environ: str) -> Path:
    """The package, with one library of a few bytes in the place of all."""
    wheels = directory / "wheels"
    wheels.mkdir(parents=True)
    (wheels / "library-1.0-py3-none-any.whl").write_bytes(b"library")
    subprocess.run(
        [sys.executable, "-m", "tools.deb", wheels, directory],
        cwd=ROOT,
        env=clean_environ({"SOURCE_DATE_EPOCH": "1700000000", **environ}),
        umask=umask,
        stdout=subprocess.DEVNULL,
        timeout=DEADLINE_S,
        check=True,
    )
    (made,) = directory.glob("neuronova_*.deb")
    return made


def output(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=DEADLINE_S).stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("package"), 0o022)


@pytest.fixture(scope="module")
def unpacked(package: Path) -> Path:
    target = package.parent / "unpacked"
    output("dpkg-deb", "--raw-extract", package, target)
    return target


def test_package_is_the_same_each_time(package: Path, tmp_path: Path) -> None:
    again = built(tmp_path / "again", 0o077, TZ="Asia/Seoul", PYTHONHASHSEED="7")
    assert hashlib.sha256(package.read_bytes()).digest() == hashlib.sha256(again.read_bytes()).digest()


def test_package_makes_the_same_release(unpacked: Path) -> None:
    """The package and the script, from the same tree, make one release: whichever comes second has nothing to build."""
    share = unpacked / "usr/share/neuronova"
    assert release.files(share) == release.files(ROOT)
    assert release.name_of(share, "3.11.2") == release.name_of(ROOT, "3.11.2")


def test_package_holds_what_belongs_to_it(unpacked: Path) -> None:
    assert (unpacked / "usr/share/neuronova/wheels/library-1.0-py3-none-any.whl").read_bytes() == b"library"
    for page in (ROOT / "deploy/man").glob("*.8"):
        assert gzip.decompress((unpacked / f"usr/share/man/man8/{page.name}.gz").read_bytes()) == page.read_bytes()
    assert "WITHOUT WARRANTY OF ANY KIND" in (unpacked / "usr/share/doc/neuronova/copyright").read_text()
    assert (unpacked / "DEBIAN/conffiles").read_text() == "/etc/neuronova/setup.conf\n"


def test_everything_belongs_to_root(package: Path) -> None:
    lines = output("dpkg-deb", "--contents", package).splitlines()
    assert {line.split()[1] for line in lines} == {"root/root"}
    assert {line.split()[0] for line in lines} == {"drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x"}


def test_installer_finds_its_packages(package: Path) -> None:
    """While dpkg installs, nobody else can: what the installer would install is there before it is called."""
    depends = output("dpkg-deb", "--field", package, "Depends").strip()
    assert {*PACKAGES, "systemd", "python3 (>= 3.11)"} <= set(depends.split(", "))


def test_libraries_are_for_supported_systems() -> None:
    assert sorted(SERVERS) == sorted(PYTHONS.values())


def test_changes_are_as_debian_writes_them(package: Path, unpacked: Path) -> None:
    text = gzip.decompress((unpacked / "usr/share/doc/neuronova/changelog.gz").read_bytes()).decode()
    version = output("dpkg-deb", "--field", package, "Version").strip()
    assert text.startswith(f"neuronova ({version}) stable; urgency=medium\n\n  * ")
    assert re.search(r"(?m)^ -- .+ <\S+>  Tue, 14 Nov 2023 22:13:20 \+0000$", text)
    told = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert text.count("\n  * ") == len(re.findall(r"(?m)^- ", told))
    assert " ".join(told.rpartition("\n- ")[2].split("\n\n")[0].split()) in " ".join(text.split())


def test_lintian_finds_no_error(package: Path) -> None:
    lintian = shutil.which("lintian")
    if lintian is None:
        pytest.skip("lintian is not installed: apt-get install lintian")
    environ = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    command = [lintian, "--fail-on", "error", "--tag-display-limit", "0", str(package)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=environ)
    assert done.returncode == 0, done.stdout
