from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_blueprint.adapters.systemd import UnitState
from monitor_blueprint.domain.models import ProbeError, Reading, Status
from monitor_blueprint.probes import Observation, restarts
from tests.monitor_blueprint.bus import Systemd
from tests.monitor_blueprint.probes.looking import NOW, looking

START = NOW.timestamp()
# No process has this number: pid_max is at most 2**22.
PID = 5_000_000


def unit(count: int, pid: int = PID, name: str = "gunicorn_flask") -> UnitState:
    return UnitState(f"{name}.service", "loaded", "active", "running", restarts=count, main_pid=pid)


class Watch:
    """The looks at one unit, one after the other."""

    def __init__(self, options: restarts.Options | None = None) -> None:
        self.seen = Observation(())
        self.options = options or restarts.Options(units=("gunicorn_flask", "gunicorn_django"))

    def look(self, state: UnitState, at: float = 0.0) -> Reading:
        context = looking(START + at, checkpoint=self.seen.checkpoint, units={self.options.units[0]: state})
        self.seen = restarts.probe(self.options, context)
        return self.seen.readings[0]


def test_earlier_restarts_are_history() -> None:
    """Restarts from before the first look are history."""
    reading = Watch().look(unit(40))
    assert (reading.status, reading.value) == (Status.OK, 0)


def test_single_restart_is_fine() -> None:
    """A single restart is told, and is fine."""
    watch = Watch()
    watch.look(unit(0))
    reading = watch.look(unit(1, PID + 1), at=60)
    assert reading.status is Status.OK
    assert reading.facts["units"] == "gunicorn_flask ×1"


def test_many_restarts_are_critical() -> None:
    """More than two restarts in five minutes are critical."""
    watch = Watch()
    watch.look(unit(0))
    assert watch.look(unit(2, PID + 2), at=120).status is Status.OK
    reading = watch.look(unit(3, PID + 3), at=240)
    assert (reading.status, reading.value) == (Status.CRITICAL, 3)


def test_storm_between_looks_is_seen() -> None:
    watch = Watch()
    watch.look(unit(0))
    assert watch.look(unit(5, PID + 5), at=300).status is Status.CRITICAL


def test_past_storm_is_forgotten() -> None:
    watch = Watch()
    watch.look(unit(0))
    assert watch.look(unit(3, PID + 3), at=60).status is Status.CRITICAL
    reading = watch.look(unit(3, PID + 3), at=361)
    assert (reading.status, reading.facts["units"]) == (Status.OK, "")


def test_restarts_during_absence_are_fine() -> None:
    """Restarts while the monitor was away are no storm."""
    watch = Watch()
    watch.look(unit(0))
    assert watch.look(unit(5, PID + 5), at=3 * 3600).status is Status.OK


def test_manual_start_is_no_outage() -> None:
    """A manual start sets the counter back, and is no outage."""
    watch = Watch()
    watch.look(unit(40))
    assert watch.look(unit(0, PID + 1), at=60).value == 0


def test_failures_after_manual_start_count() -> None:
    """Failures after a manual start are counted, too."""
    watch = Watch()
    watch.look(unit(40))
    assert watch.look(unit(2, PID + 3), at=60).value == 2


def test_manual_restarts_are_no_storm() -> None:
    """Restarts by hand are no storm, however many."""
    watch = Watch()
    watch.look(unit(0))
    readings = [watch.look(unit(0, PID + number), at=number * 30) for number in range(1, 7)]
    assert [(reading.value, reading.status) for reading in readings] == [(0, Status.OK)] * 6


def test_new_process_is_manual_restart() -> None:
    """Another main process without the counter is told as a restart by hand."""
    watch = Watch()
    watch.look(unit(0))
    watch.look(unit(0, PID + 1), at=60)
    assert [reading.facts["units"] for reading in watch.seen.readings if reading.aspect == "renewed"] == ["gunicorn_flask"]


@pytest.mark.parametrize(
    ("left_s", "began_s", "at_s"),
    [
        (-20, -5, -20),  # a restart begins with the stop
        (-900, -5, -5),  # stopped long ago, and started now
        (0, -5, -5),  # never before
    ],
)
def test_manual_restart_has_its_own_moment(systemd: Systemd, left_s: int, began_s: int, at_s: int) -> None:
    """That of the act, as systemd knows it, and not that of the look that finds it."""
    look_s = int(START) + 60
    systemd.has(
        "gunicorn_flask.service",
        ActiveExitTimestamp=(look_s + left_s) * 10**6 if left_s else 0,
        InactiveExitTimestamp=(look_s + began_s) * 10**6,
    )
    watch = Watch()
    watch.look(unit(0))
    watch.look(unit(0, PID + 1), at=look_s - START)
    (renewed,) = [reading for reading in watch.seen.readings if reading.aspect == "renewed"]
    assert renewed.began_at == datetime.fromtimestamp(look_s + at_s, UTC)


def test_clock_set_back_makes_no_storm() -> None:
    watch = Watch()
    watch.look(unit(0))
    watch.look(unit(1, PID + 1), at=60)
    assert watch.look(unit(1, PID + 1), at=-7200).value == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.sampled_from([-400, 0, 1, 60, 300, 400])), min_size=1))
def test_count_never_exceeds_systemd(looks: list[tuple[int, int, int]]) -> None:
    """Also the first one, two of the same moment, a clock that is set back and a counter that begins anew."""
    watch, at, before, counted = Watch(), 0, looks[0][0], 0
    for count, number, step in looks:
        at += step
        reading = watch.look(unit(count, PID + number if number else 0), at)
        counted += count - before if count >= before else count
        before = count
        assert reading.value is not None
        assert 0 <= reading.value <= counted
        assert reading.aspect == ("restarts" if reading.value else "steady")
        assert (reading.status is Status.CRITICAL) is (reading.value > watch.options.most)


def test_simultaneous_looks_see_restarts() -> None:
    """Restarts between two looks of one moment are counted."""
    watch = Watch()
    watch.look(unit(0))
    assert watch.look(unit(3, PID + 3)).value == 3


def test_later_unit_begins_at_zero() -> None:
    watch = Watch()
    watch.look(unit(0))
    units = {"gunicorn_flask": unit(0), "gunicorn_django": unit(7)}
    seen = restarts.probe(watch.options, looking(START + 60, checkpoint=watch.seen.checkpoint, units=units))
    assert [reading.aspect for reading in seen.readings] == ["steady"]


def test_workers_that_were_replaced_are_told() -> None:
    with parent_of_two() as (pid, kill_one):
        watch = Watch()
        watch.look(unit(0, pid))
        kill_one()
        watch.look(unit(0, pid), at=60)
    steady, workers = watch.seen.readings
    assert (steady.aspect, workers.aspect, workers.status) == ("steady", "workers", Status.OK)
    assert workers.facts["workers"] == "gunicorn_flask ×1"


def test_no_known_unit_is_probe_error() -> None:
    """Units that systemd does not know are left out, and none known is a probe error."""
    with pytest.raises(ProbeError, match="none of the units"):
        restarts.probe(restarts.Options(), looking())


_PARENT = """
import subprocess, sys
children = [subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) for _ in range(2)]
print("ready", flush=True)
sys.stdin.readline()
children[0].kill(); children[0].wait()
print("killed", flush=True)
sys.stdin.readline()
children[1].kill(); children[1].wait()
"""


@contextmanager
def parent_of_two() -> Iterator[tuple[int, Callable[[], None]]]:
    process = subprocess.Popen([sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout
        assert stdout.readline() == "ready\n"

        def kill_one() -> None:
            stdin.write("\n")
            stdin.flush()
            assert stdout.readline() == "killed\n"

        yield process.pid, kill_one
        stdin.write("\n")


def test_a_storm_began_when_systemd_says(units_journal: str) -> None:
    """With the first process that fell, and it keeps that beginning while it goes on."""
    watch = Watch(restarts.Options(units=("killed",), directory=units_journal))
    watch.look(unit(0, name="killed"), at=-300)
    reading = watch.look(unit(3, PID + 3, name="killed"))
    assert reading.began_at == datetime(2025, 12, 6, 5, 34, 30, tzinfo=UTC)
    later = watch.look(unit(4, PID + 4, name="killed"), at=60)
    assert (later.status, later.began_at) == (Status.CRITICAL, reading.began_at)
    assert watch.look(unit(4, PID + 4, name="killed"), at=700).began_at is None


def test_a_storm_begins_with_what_is_counted(units_journal: str) -> None:
    """What systemd has written of restarts before those is of a time that is over."""
    watch = Watch(restarts.Options(units=("killed",), most=0, directory=units_journal))
    watch.look(unit(1, name="killed"), at=-1)
    reading = watch.look(unit(2, PID + 1, name="killed"))
    assert reading.began_at == datetime(2025, 12, 6, 5, 34, 33, tzinfo=UTC)


def test_the_last_restart_is_no_later_than_what_runs() -> None:
    watch = Watch()
    watch.look(unit(0))
    reading = watch.look(replace(unit(3, PID + 3), active_for_s=30.0), at=60)
    assert (reading.last_at, reading.is_symptom) == (NOW + timedelta(seconds=30), True)


def test_a_storm_of_two_units_follows_from_none() -> None:
    watch = Watch()
    units = {"gunicorn_flask": unit(0), "gunicorn_django": unit(0, name="gunicorn_django")}
    before = restarts.probe(watch.options, looking(START, units=units))
    later = {name: replace(each, restarts=3) for name, each in units.items()}
    first, *_ = restarts.probe(watch.options, looking(START + 60, checkpoint=before.checkpoint, units=later)).readings
    assert (first.status, first.last_at, first.is_symptom) == (Status.CRITICAL, None, False)


def test_without_a_journal_the_first_restart_counts(tmp_path: Path) -> None:
    watch = Watch(restarts.Options(units=("gunicorn_flask",), directory=str(tmp_path)))
    watch.look(unit(0))
    assert watch.look(unit(3, PID + 3), at=240).began_at == NOW + timedelta(seconds=80)
