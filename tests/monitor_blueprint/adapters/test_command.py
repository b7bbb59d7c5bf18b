from __future__ import annotations

import os
import time

import pytest

from monitor_blueprint.adapters import command
from monitor_blueprint.domain.models import ProbeError


def soon(seconds: float = 10.0) -> float:
    return time.monotonic() + seconds


def test_result_comes_back_whole() -> None:
    """Output, errors and exit status come back."""
    output = command.run(["sh", "-c", "echo out; echo err >&2; exit 3"], soon())
    assert (output.text, output.errors, output.code, output.is_cut) == ("out\n", "err\n", 3, False)


def test_what_is_put_in_is_read() -> None:
    assert command.run(["cat"], soon(), stdin=b"hello").text == "hello"


def test_unread_input_is_no_error() -> None:
    """A command that does not read its input is no error."""
    assert command.run(["true"], soon(), stdin=b"x" * 60_000).code == 0


def test_endless_output_is_cut() -> None:
    """A command that prints for ever is cut and ended."""
    output = command.run(["yes"], soon(), max_bytes=1000)
    assert output.is_cut
    assert len(output.text) == 1000


def test_hanging_command_is_ended() -> None:
    """A command that hangs is ended at the deadline, with its children."""
    start = time.monotonic()
    with pytest.raises(ProbeError, match="did not end in time"):
        command.run(["sh", "-c", "sleep 60 & sleep 60"], soon(0.3))
    assert time.monotonic() - start < 5


def test_absent_command_is_a_probe_error() -> None:
    """A command that is not installed is a probe error."""
    with pytest.raises(ProbeError, match="not installed"):
        command.run(["no-such-program"], soon())


def test_commands_get_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command is not told our secrets."""
    monkeypatch.setenv("SLACK_WEBHOOK", "https://hooks.slack.com/services/T/B/x")
    assert "SLACK_WEBHOOK" in os.environ
    assert "SLACK_WEBHOOK" not in command.run(["env"], soon()).text
