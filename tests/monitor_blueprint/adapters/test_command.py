from __future__ import annotations

import os
import time

import pytest

from monitor_blueprint.adapters import command
from monitor_blueprint.domain.models import ProbeError


def soon(seconds: float = 10.0) -> float:
    return time.monotonic() + seconds


def test_output_errors_and_exit_status_come_back() -> None:
    output = command.run(["sh", "-c", "echo out; echo err >&2; exit 3"], soon())
    assert (output.text, output.errors, output.code, output.is_cut) == ("out\n", "err\n", 3, False)


def test_what_is_put_in_is_read() -> None:
    assert command.run(["cat"], soon(), stdin=b"hello").text == "hello"


def test_a_command_that_does_not_read_its_input_is_no_error() -> None:
    assert command.run(["true"], soon(), stdin=b"x" * 60_000).code == 0


def test_a_command_that_prints_for_ever_is_cut_and_ended() -> None:
    output = command.run(["yes"], soon(), max_bytes=1000)
    assert output.is_cut
    assert len(output.text) == 1000


def test_a_command_that_hangs_is_ended_at_the_deadline_with_its_children() -> None:
    start = time.monotonic()
    with pytest.raises(ProbeError, match="did not end in time"):
        command.run(["sh", "-c", "sleep 60 & sleep 60"], soon(0.3))
    assert time.monotonic() - start < 5


def test_a_command_that_is_not_installed_is_a_probe_error() -> None:
    with pytest.raises(ProbeError, match="not installed"):
        command.run(["no-such-program"], soon())


def test_a_command_is_not_told_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_WEBHOOK", "https://hooks.slack.com/services/T/B/x")
    assert "SLACK_WEBHOOK" in os.environ
    assert "SLACK_WEBHOOK" not in command.run(["env"], soon()).text
