"""Build the Debian package: `python -m tools.deb WHEELS DIRECTORY`.

What is in it: the tree that the installer takes a release from, the directory of the libraries (`tools/wheels.py`), the manual
pages. Its scripts (`deploy/debian/`) call the installer, so that a package does just what `setup_monitoring.sh` does. The same
commit gives the same bytes: the time of everything is SOURCE_DATE_EPOCH.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEBIAN = ROOT / "deploy" / "debian"
# What the installer takes a release from, and the licence.
TREE = (
    "app.py", "wsgi.py", "pyproject.toml", "requirements.txt", "README.md", "README.ko.md", "CHANGELOG.md", "LICENSE",
    "ml_server", "monitor_blueprint", "serving", "systemd", "deploy", "examples",
)  # fmt: skip
SCRIPTS = ("postinst", "prerm", "postrm")


def run(*command: str | Path) -> str:
    """Run a program to its end and return what it printed; what it complains of is seen."""
    return subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 - ours


def put(target: Path, content: str | bytes, *, is_program: bool = False) -> None:
    """Write one file of the package."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)
    target.chmod(0o755 if is_program else 0o644)


def put_tree(share: Path) -> None:
    """Copy what git knows of the tree, and what is new."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *TREE)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            put(share / name, (ROOT / name).read_bytes(), is_program=os.access(ROOT / name, os.X_OK))


def put_documents(share: Path, version: str, now: datetime) -> None:
    """Write the manual pages, the changes and the copyright, in Debian's places."""
    for page in sorted((ROOT / "deploy" / "man").glob("*.8")):
        put(share / "man" / "man8" / f"{page.name}.gz", packed(page.read_text(encoding="utf-8")))
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    put(share / "doc" / "neuronova" / "changelog.gz", packed(changelog(changes, version, now)))
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8").partition("\n\n")[2].partition("\n\n")[2]
    lines = [f" {line}" if line else " ." for line in licence.strip().splitlines()]
    copyright_ = (DEBIAN / "copyright").read_text(encoding="utf-8").replace("@LICENSE@", "\n".join(lines))
    put(share / "doc" / "neuronova" / "copyright", copyright_)


def packed(text: str) -> bytes:
    """Return a text as gzip has it, without a time."""
    return gzip.compress(text.encode(), 9, mtime=0)


def changelog(changes: str, version: str, now: datetime) -> str:
    """Return the changes as Debian writes them; what is not released yet is in this version."""
    maintainer = re.findall(r"(?m)^Maintainer: (.*)$", (DEBIAN / "control").read_text(encoding="utf-8"))[0]
    entries = []
    for section in re.split(r"(?m)^## ", changes)[1:]:
        name, day = re.findall(r"^\[(.*?)\](?: - (\S+))?", section)[0]
        items = [" ".join(item.split()) for item in re.findall(r"(?ms)^- (.*?)(?=^- |^#|^\[|\n\n|\Z)", section)]
        at = datetime.fromisoformat(day).replace(tzinfo=UTC) if day else now
        head = f"neuronova ({version if name == 'Unreleased' else name}) stable; urgency=medium"
        wrap = textwrap.TextWrapper(79, initial_indent="  * ", subsequent_indent="    ", break_on_hyphens=False)
        foot = f" -- {maintainer}  {at:%a, %d %b %Y %H:%M:%S} +0000"
        if items:
            entries.append("\n".join([head, "", *map(wrap.fill, items), "", foot, ""]))
    return "\n".join(entries)


def put_control(tree: Path, version: str, architecture: str) -> None:
    """Write what dpkg itself reads."""
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    sums = [f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(tree)}\n" for path in files]
    kilobytes = sum(-(-path.stat().st_size // 1024) for path in files)
    values = {"VERSION": version, "ARCHITECTURE": architecture, "INSTALLED_SIZE": str(kilobytes)}
    control = re.sub("@([A-Z_]+)@", lambda found: values[found[1]], (DEBIAN / "control").read_text(encoding="utf-8"))
    put(tree / "DEBIAN" / "control", control)
    put(tree / "DEBIAN" / "md5sums", "".join(sums))
    for name in ("conffiles", "triggers"):
        put(tree / "DEBIAN" / name, (DEBIAN / name).read_bytes())
    for name in SCRIPTS:
        put(tree / "DEBIAN" / name, (DEBIAN / name).read_bytes(), is_program=True)


def set_times(tree: Path, epoch: int) -> None:
    """Give everything the same time, and every directory the same mode."""
    for path in (tree, *tree.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
        os.utime(path, (epoch, epoch))


def main() -> None:
    """Build the package."""
    wheels, directory = (Path(each).resolve() for each in sys.argv[1:])
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    architecture = run("dpkg", "--print-architecture").strip()
    tree = directory / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    share = tree / "usr" / "share"
    put_tree(share / "neuronova")
    for wheel in sorted(wheels.iterdir()):
        put(share / "neuronova" / "wheels" / wheel.name, wheel.read_bytes())
    put_documents(share, version, datetime.fromtimestamp(epoch, UTC))
    put(tree / "etc" / "neuronova" / "setup.conf", (DEBIAN / "setup.conf").read_bytes())
    put(tree / "usr" / "sbin" / "neuronova-setup", (DEBIAN / "neuronova-setup").read_bytes(), is_program=True)
    put_control(tree, version, architecture)
    set_times(tree, epoch)
    target = directory / f"neuronova_{version}_{architecture}.deb"
    # Most of it is packed already: a better compression would take minutes and gain nothing.
    run("dpkg-deb", "--root-owner-group", "-Zgzip", "-z6", "--build", tree, target)
    shutil.rmtree(tree)
    sys.stdout.write(f"{target} ({target.stat().st_size // 1_000_000} MB)\n")


if __name__ == "__main__":
    main()
