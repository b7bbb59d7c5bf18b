"""Fetch a server's libraries, for every supported Python, and print where they are: `python -m tools.wheels CACHE`."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from tools.locked import SERVERS, Pin, runtime

ROOT = Path(__file__).resolve().parents[1]
# Debian 12 has the oldest C library of the supported systems.
GLIBC_MINOR = 36


def fetch(cache: Path, machine: str) -> Path:
    """Return the directory, fetched once for what is locked."""
    pins = runtime(ROOT)
    wanted = "\n".join([machine, *SERVERS, *(pin.line() for pin in pins)])
    found = cache / f"wheels-{hashlib.sha256(wanted.encode()).hexdigest()[:16]}"
    if not found.exists():
        partial = found.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        for python in SERVERS:
            download(partial, [pin for pin in pins if pin.is_for(python)], python, machine)
        partial.rename(found)
    return found


def download(target: Path, pins: list[Pin], python: str, machine: str) -> None:
    """Fetch libraries for a Python, whichever this one is; a file whose hash is not locked is refused."""
    target.mkdir(parents=True, exist_ok=True)
    # pip minds the version for the files, but not for conditions such as `python_full_version < '3.12'`.
    sheet = target.with_suffix(".txt")
    sheet.write_text("".join(f"{pin.line()}\n" for pin in pins), encoding="utf-8")
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(5, GLIBC_MINOR + 1)] + [f"manylinux2014_{machine}"]
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    platform = [f"--python-version={python}", "--implementation=cp", *(f"--platform={tag}" for tag in tags)]
    command = [sys.executable, "-m", "pip", "download", *options, *platform, f"--dest={target}", f"--requirement={sheet}"]
    subprocess.run(command, check=True)  # noqa: S603 - our own words
    sheet.unlink()


if __name__ == "__main__":
    sys.stdout.write(f"{fetch(Path(sys.argv[1]), platform.machine())}\n")
