"""Ask which locked libraries have known vulnerabilities: `python -m tools.audit SERVICE LOCKED-FILE ...`.

SERVICE is the address of OSV's query. The exit code is 0 where none is known, 1 where one is, and 3 where it could not be
found out: a service that is not reached never looks like good news.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools.locked import Pin, read

FOUND, NOT_FOUND_OUT = 1, 3


def sheets(pins: Iterable[Pin]) -> list[list[Pin]]:
    """Return every pin once, no library twice on one sheet, as pip-audit wants it: some are of two versions for two Pythons."""
    done: list[list[Pin]] = []
    for pin in {(each.name, each.version): each for each in pins}.values():
        free = next((sheet for sheet in done if pin.name not in {other.name for other in sheet}), None)
        if free is None:
            done.append([pin])
        else:
            free.append(pin)
    return done


def ask(service: str, pins: list[Pin]) -> list[dict[str, Any]]:
    """Return what pip-audit says of each library; its own words go to the error output where it says nothing."""
    options = ["--format=json", "--progress-spinner=off", "--disable-pip", "--require-hashes"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        # For whichever Python: a condition would leave out what other servers have.
        file.writelines(f"{pin.line()}\n" for pin in pins)
        file.flush()
        source = ["--vulnerability-service=osv", f"--osv-url={service}", f"--requirement={file.name}"]
        command = [sys.executable, "-m", "pip_audit", *options, *source]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if not done.stdout:
        sys.stderr.write("".join(done.stderr.splitlines(keepends=True)[-1:]))
        return []
    answers: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    return answers


def report(service: str, wanted: set[tuple[str, str]], answers: Iterable[dict[str, Any]]) -> tuple[int, list[str]]:
    """Return the exit code and what is said."""
    told = {(each["name"], each["version"]): each["vulns"] for each in answers if "vulns" in each}
    lines = []
    for (name, version), faults in sorted(told.items()):
        for fault in faults:
            remedy = f"mended in {', '.join(fault['fix_versions'])}" if fault["fix_versions"] else "not mended yet"
            lines.append(f"{name} {version}: {', '.join([fault['id'], *fault['aliases']])}; {remedy}")
    unknown = sorted(wanted - set(told))
    if told:
        lines.append(f"{len(told)} of {len(wanted)} libraries looked up, {len(lines)} known vulnerabilities.")
    if unknown:
        missing = ", ".join(f"{name} {version}" for name, version in unknown) if told else "any library"
        lines.append(f"NOT FOUND OUT: {service} did not answer for {missing}.")
    if any(told.values()):
        return FOUND, lines
    return (NOT_FOUND_OUT if unknown else 0), lines


def main() -> None:
    """Ask for every pin of the files, and say what is known and what could not be found out."""
    service, *files = sys.argv[1:]
    pins = [pin for file in files for pin in read(Path(file))]
    answers = [answer for sheet in sheets(pins) for answer in ask(service, sheet)]
    code, lines = report(service, {(pin.name, pin.version) for pin in pins}, answers)
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
