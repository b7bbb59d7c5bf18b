"""The bill of materials: valid, whole, and the same each time."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.e2e.programs import DEADLINE_S, ROOT, clean_environ

pytestmark = pytest.mark.slow


def bill(path: Path, **environ: str) -> str:
    command = [sys.executable, "-m", "tools.sbom", str(path)]
    subprocess.run(
        command, cwd=ROOT, env=clean_environ({"SOURCE_DATE_EPOCH": "1700000000", **environ}), timeout=DEADLINE_S, check=True
    )
    return path.read_text(encoding="utf-8")


def test_bill_names_what_is_installed(tmp_path: Path) -> None:
    text = bill(tmp_path / "new" / "bill.json")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found = json.loads(text)
    libraries = {(each["name"], each["version"]): each for each in found["components"]}
    locked = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    # All but what is for Windows.
    assert set(libraries) == {pin for pin in re.findall(r"^(\S+)==(\S+)", locked, re.MULTILINE) if pin[0] != "colorama"}
    for (name, _), each in libraries.items():
        hashes = [item["content"] for reference in each["externalReferences"] for item in reference["hashes"]]
        assert hashes, name
        assert all(f"--hash=sha256:{item}" in locked for item in hashes), name
    (flask,) = (each for (name, _), each in libraries.items() if name == "flask")
    assert flask["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]
    assert found["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"


def test_bill_tells_who_needs_whom(tmp_path: Path) -> None:
    found = json.loads(bill(tmp_path / "bill.json"))
    needs = {
        each["ref"].partition("@")[0]: {name.partition("@")[0] for name in each.get("dependsOn", [])}
        for each in found["dependencies"]
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.split("[=<>]", each)[0] for each in project["dependencies"]}
    assert needs["pkg:generic/neuronova"] == {f"pkg:pypi/{name}" for name in wanted}
    assert "pkg:pypi/werkzeug" in needs["pkg:pypi/flask"]


def test_bill_is_the_same_each_time(tmp_path: Path) -> None:
    assert bill(tmp_path / "one", PYTHONHASHSEED="1") == bill(tmp_path / "two", PYTHONHASHSEED="2", TZ="Asia/Seoul")
