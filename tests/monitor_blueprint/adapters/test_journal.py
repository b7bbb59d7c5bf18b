from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor_blueprint.adapters import command, journal
from tests.monitor_blueprint.probes.conftest import journal as clinic
from tests.monitor_blueprint.probes.looking import looking

__all__ = ["clinic"]
Print = Callable[..., None]


def test_who_wrote_it_is_journalds_word(clinic: str) -> None:
    """The journal of a clinic: what systemd and the kernel have written, and what programs have."""
    entries = journal.read([f"--directory={clinic}"], looking().deadline)
    assert [each.message for each in entries if each.is_systemds] == [
        "gunicorn_flask.service: Main process exited, code=killed, status=9/KILL",
        "gunicorn_flask.service: Failed with result 'signal'.",
    ]
    assert [each.message.partition(" process")[0] for each in entries if each.is_kernels] == [
        "Out of memory: Killed",
        "Memory cgroup out of memory: Killed",
    ]
    assert len(entries) > 4


@pytest.fixture
def print_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Print:
    """Lets `journalctl` print these lines."""
    program = tmp_path / "journalctl"
    program.write_text(f"#!/bin/sh\ncat {tmp_path}/lines\n")
    program.chmod(0o755)
    monkeypatch.setitem(command._ENVIRONMENT, "PATH", f"{tmp_path}:/usr/bin:/bin")

    def put(*lines: str) -> None:
        (tmp_path / "lines").write_text("\n".join(lines) + "\n", encoding="utf-8")

    return put


def entry(**fields: object) -> str:
    return json.dumps({"__REALTIME_TIMESTAMP": "1764999082000000", **fields}, ensure_ascii=False)


def test_every_form_of_a_field_is_text(print_lines: Print) -> None:
    """Bytes that are no UTF-8, what is too long, several of one name; and a line that was cut off is left out.

    journalctl is asked for the newest first.
    """
    print_lines(
        entry(MESSAGE=[0xED, 0x99, 0x8D, 0xFF]),
        entry(MESSAGE=None),
        entry(MESSAGE=["a", "b", [99]]),
        entry(MESSAGE="one\u2028two\x85three\nfour"),
        entry(MESSAGE=7),
        entry(MESSAGE=[-1, 300, 65]),
        entry(MESSAGE="cut")[:-4],
        "[]",
        '{"__REALTIME_TIMESTAMP": "99999999999999999999999", "MESSAGE": "x"}',
    )
    messages = [each.message for each in journal.read([], looking().deadline)][::-1]
    assert messages == ["홍\ufffd", "", "a b c", "one\u2028two\x85three\nfour", "", "A"]


@pytest.mark.parametrize(
    ("fields", "is_systemds", "is_kernels"),
    [
        ({"_PID": "1", "_TRANSPORT": "journal"}, True, False),
        ({"_PID": "1", "_TRANSPORT": "stdout"}, True, False),
        ({"_TRANSPORT": "kernel"}, False, True),
        ({"_TRANSPORT": "kernel", "_PID": "1"}, False, True),
        ({"_PID": "4711", "SYSLOG_PID": "1", "SYSLOG_IDENTIFIER": "systemd", "_TRANSPORT": "stdout"}, False, False),
        ({"PID": "1", "TRANSPORT": "kernel"}, False, False),
    ],
)
def test_no_program_passes_for_another(print_lines: Print, fields: dict[str, str], is_systemds: bool, is_kernels: bool) -> None:
    print_lines(entry(MESSAGE="systemd[1]: x", **fields))
    (found,) = journal.read([], looking().deadline)
    assert (found.is_systemds, found.is_kernels) == (is_systemds, is_kernels)
