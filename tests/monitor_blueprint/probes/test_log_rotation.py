from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_blueprint.domain.models import ProbeError, Reading, Status
from monitor_blueprint.probes import log_rotation
from tests.monitor_blueprint.probes.looking import NOW, looking

LOG = "/var/log/neuronova/health_check.log"


def look(status: Path) -> Reading:
    (reading,) = log_rotation.probe(log_rotation.Options(status=str(status)), looking()).readings
    return reading


def write(folder: Path, days_ago: float, log: str = LOG) -> Path:
    at = (NOW - timedelta(days=days_ago)).astimezone()
    date = f"{at.year}-{at.month}-{at.day}-{at.hour}:{at.minute}:{at.second}"
    status = folder / "status"
    status.write_text(f'logrotate state -- version 2\n"/var/log/nginx/access.log" 2025-12-6-0:0:0\n"{log}" {date}\n')
    return status


def test_recent_rotation_is_fine(tmp_path: Path) -> None:
    """A log that was rotated yesterday is fine."""
    reading = look(write(tmp_path, 1))
    assert (reading.aspect, reading.status, reading.value) == ("rotated", Status.OK, 1.0)


def test_old_rotation_is_warning(tmp_path: Path) -> None:
    """A log that was not rotated for more than two days is a warning."""
    assert look(write(tmp_path, 1.9)).status is Status.OK
    assert look(write(tmp_path, 2.1)).status is Status.WARNING


def test_unknown_log_is_warning(tmp_path: Path) -> None:
    """A log that logrotate does not know is a warning."""
    reading = look(write(tmp_path, 0, log="/var/log/other.log"))
    assert (reading.aspect, reading.status) == ("never", Status.WARNING)


def test_logrotate_never_run_is_warning(tmp_path: Path) -> None:
    """A logrotate that never ran is a warning."""
    assert look(tmp_path / "status").status is Status.WARNING
    assert not log_rotation.is_possible(log_rotation.Options(status=str(tmp_path / "status")))


def test_dates_of_all_versions_are_understood() -> None:
    """Dates of old and new versions are understood, and nonsense is not."""
    found = log_rotation.rotations(['"/a" 2025-12-6-3:4:5', '"/b" 2025-12-6', '"/c" 2025-13-6', "garbage"])
    assert [(path, at.strftime("%Y-%m-%d %H:%M:%S")) for path, at in found.items()] == [
        ("/a", "2025-12-06 03:04:05"),
        ("/b", "2025-12-06 00:00:00"),
    ]


@pytest.mark.parametrize("zone", ["Asia/Seoul", "America/New_York"])
@pytest.mark.parametrize("date", ["0001-1-1-0:0:0", "9999-12-31-23:59:59", "1970-1-1-0:0:0", "2025-2-29-0:0:0"])
def test_extreme_date_is_survived(monkeypatch: pytest.MonkeyPatch, zone: str, date: str) -> None:
    """A date at the beginning or the end of time is survived."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert "/b" in log_rotation.rotations([f'"/a" {date}', '"/b" 2025-12-6-3:4:5'])
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.lists(st.from_regex(log_rotation._ENTRY, fullmatch=True) | st.text()))
def test_any_line_is_survived(lines: list[str]) -> None:
    assert all(at.tzinfo for at in log_rotation.rotations(lines).values())


def test_rotation_on_the_limit_is_fine(tmp_path: Path) -> None:
    assert look(write(tmp_path, 2)).status is Status.OK


def test_future_rotation_is_fine(tmp_path: Path) -> None:
    """A rotation ahead of the clock is fine."""
    reading = look(write(tmp_path, -1))
    assert (reading.status, reading.value, reading.facts["days"]) == (Status.OK, 0, 0)


def test_empty_status_file_is_a_warning(tmp_path: Path) -> None:
    """Logrotate has begun it and crashed."""
    (tmp_path / "status").touch()
    assert look(tmp_path / "status").aspect == "never"


def test_name_with_space_is_understood() -> None:
    assert list(log_rotation.rotations(['"/var/log/my log" 2025-12-6-0:0:0'])) == ["/var/log/my log"]


def test_unreadable_status_is_probe_error(tmp_path: Path) -> None:
    """A status file that cannot be read is a probe error."""
    with pytest.raises(ProbeError, match="Is a directory"):
        look(tmp_path)


@pytest.fixture
def nobody(tmp_path: Path) -> Iterator[Path]:
    """Return a folder as seen by somebody who is not root."""
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    yield tmp_path
    os.seteuid(was)


def test_forbidden_entries_leave_last_run(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Where the entries may not be read, the last run is told."""
    status = write(tmp_path, 9)
    status.chmod(0)
    os.utime(status, (NOW.timestamp() - 3600,) * 2)
    request.getfixturevalue("nobody")
    reading = look(status)
    assert (reading.aspect, reading.status) == ("ran", Status.OK)
