"""Our own want of descriptors and threads is nobody else's fault, whatever the kind of check."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from monitor_blueprint import probes


@pytest.fixture(scope="module")
def looks() -> list[dict[str, Any]]:
    """What every kind of check saw before, without descriptors, and afterwards."""
    argv = [sys.executable, "-m", "tests.monitor_blueprint.probes.starving"]
    found = subprocess.run(argv, capture_output=True, text=True, check=True)
    looks: list[dict[str, Any]] = json.loads(found.stdout)
    return looks


def test_want_of_descriptors_is_unknown(looks: list[dict[str, Any]]) -> None:
    for name, readings in looks[1].items():
        # The load is asked for without opening anything.
        assert readings == [["probe", "UNKNOWN", "no_descriptors"]] or name == "cpu", (name, readings)


def test_it_is_as_before_afterwards(looks: list[dict[str, Any]]) -> None:
    before, _, after = looks
    assert after == before
    assert before["http"] == [["http", "OK", None]]
    assert [status for _, status, _ in before["http tls"] + before["tls"]] == ["CRITICAL"] * 2


def test_every_kind_was_tried(looks: list[dict[str, Any]]) -> None:
    assert {name.split()[0] for name in looks[0]} == set(probes.available())
