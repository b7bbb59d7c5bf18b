from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor_blueprint.domain.models import ProbeError, Reading
from monitor_blueprint.probes import Observation, oom
from tests.monitor_blueprint.probes.looking import NOW, looking

# The journal's kernel killed two processes at 05:31:40 and 05:31:41.
START = NOW.timestamp() - 300


class Machine:
    """A kernel's counter in a file, looked at every five minutes."""

    def __init__(self, folder: Path, journal: str = "") -> None:
        self.counter = folder / "vmstat"
        self.options = oom.Options(counter=str(self.counter), directory=journal)
        self.seen = Observation(())

    def look(self, kills: int, at: float) -> Reading:
        self.counter.write_text(f"nr_free_pages 1\noom_kill {kills}\nzone_reclaim_failed 0\n")
        self.seen = oom.probe(self.options, looking(at, checkpoint=self.seen.checkpoint))
        (reading,) = self.seen.readings
        return reading


def test_earlier_kills_are_history(tmp_path: Path) -> None:
    """Kills from before the first look are history."""
    assert Machine(tmp_path).look(7, START).value == 0


def test_new_kill_is_named(tmp_path: Path, journal: str) -> None:
    """A kill since the last look is counted and named."""
    machine = Machine(tmp_path, journal)
    machine.look(7, START)
    reading = machine.look(9, START + 300)
    assert reading.value == 2
    assert reading.facts["names"] == "gunicorn, python3"


def test_it_began_with_the_first_kill(tmp_path: Path, journal: str) -> None:
    """As the kernel has written it, and not when somebody looked."""
    machine = Machine(tmp_path, journal)
    machine.look(7, START)
    first = datetime(2025, 12, 6, 5, 31, 40, tzinfo=UTC)
    seen = machine.look(9, START + 300).began_at
    assert seen is not None
    assert seen.replace(microsecond=0) == first
    assert machine.look(10, START + 400).began_at == seen
    assert machine.look(10, START + 3950).began_at != seen


def test_an_unwritten_kill_is_known_when_seen(tmp_path: Path) -> None:
    machine = Machine(tmp_path, journal=str(tmp_path / "nowhere"))
    machine.look(7, START)
    assert machine.look(8, START + 300).began_at == NOW


def test_kills_have_limits(tmp_path: Path) -> None:
    """One kill is a warning, and the third within an hour is critical."""
    limits = Machine(tmp_path).look(0, START).thresholds
    assert limits is not None
    assert (limits.warning, limits.critical, limits.clear) == (1, 3, 0)


def test_a_kill_counts_for_an_hour(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.look(0, START)
    assert machine.look(1, START + 300).value == 1
    assert machine.look(1, START + 3800).value == 1
    assert machine.look(1, START + 3900).value == 0
    assert machine.seen.checkpoint["names"] == ""


def test_nothing_new_names_nobody_new(tmp_path: Path, journal: str) -> None:
    machine = Machine(tmp_path, journal)
    machine.look(7, START)
    machine.look(9, START + 300)
    reading = machine.look(9, START + 300)
    assert (reading.value, reading.facts["names"]) == (2, "gunicorn, python3")


def test_remembered_kills_are_limited(tmp_path: Path) -> None:
    """A storm of kills is remembered only so far."""
    machine = Machine(tmp_path)
    machine.look(0, START)
    assert machine.look(100_000, START + 300).value == oom.MOST_REMEMBERED
    assert len(machine.seen.checkpoint["kills"]) == oom.MOST_REMEMBERED


def test_clock_set_back_forgets_kills(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.look(0, START)
    machine.look(1, START + 300)
    assert machine.look(1, START).value == 0


def test_reboot_makes_kills_new(tmp_path: Path) -> None:
    """After a reboot, all kills are new."""
    machine = Machine(tmp_path)
    machine.look(7, START)
    assert machine.look(1, START + 300).value == 1


def test_unreadable_names_leave_the_count(tmp_path: Path) -> None:
    """Names that may not be read do not spoil the count."""
    machine = Machine(tmp_path, journal=str(tmp_path / "nowhere"))
    machine.look(0, START)
    reading = machine.look(1, START + 300)
    assert (reading.value, reading.facts["names"]) == (1, "")


def test_kernel_without_count_is_probe_error(tmp_path: Path) -> None:
    old = tmp_path / "vmstat"
    old.write_text("nr_free_pages 1\n")
    options = oom.Options(counter=str(old))
    assert not oom.is_possible(options)
    with pytest.raises(ProbeError, match="has no oom_kill"):
        oom.probe(options, looking())


@pytest.mark.skipif(not oom.is_possible(oom.Options()), reason="this kernel does not count its kills")
def test_this_machine_can_be_looked_at() -> None:
    assert oom.probe(oom.Options(), looking()).readings[0].value == 0
