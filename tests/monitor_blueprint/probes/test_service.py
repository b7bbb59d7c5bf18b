from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from monitor_blueprint.adapters.systemd import UnitState
from monitor_blueprint.domain.models import CheckResult, ProbeError, Reading, Status
from monitor_blueprint.engine.runner import UnitSnapshot
from monitor_blueprint.probes import ProbeContext, service
from monitor_blueprint.probes.service import MOST_START_S, WARM_UP_S, Options
from monitor_blueprint.text import render
from tests.monitor_blueprint.bus import Systemd
from tests.monitor_blueprint.probes.looking import NOW, Site, looking, nobody, serve

RUNNING = UnitState("gunicorn_flask.service", "loaded", "active", "running", main_pid=100, active_for_s=3600.0)


def look(unit: UnitState | None = RUNNING, *, is_starting: bool = False, **options: object) -> tuple[Reading, ...]:
    chosen = msgspec.convert({"unit": "gunicorn_flask", "retry_delay_s": 0.0, **options}, Options)
    units: Mapping[str, UnitState] = {} if unit is None else {"gunicorn_flask": unit}
    return service.probe(chosen, replace(looking(units=units), is_starting=is_starting)).readings


def without_systemd(**options: object) -> tuple[Reading, ...]:
    chosen = msgspec.convert({"unit": "gunicorn_flask", **options}, Options)
    context: ProbeContext = replace(looking(), units=UnitSnapshot(["gunicorn_flask"]))
    return service.probe(chosen, context).readings


def aspects(readings: tuple[Reading, ...]) -> dict[str, Status]:
    return {reading.aspect: reading.status for reading in readings}


def test_running_and_answering_is_well(site: Site) -> None:
    """A unit that runs and an address that answers are well."""
    site.answers = [b""]
    assert aspects(look(url=site.url)) == {"unit": Status.OK, "http": Status.OK}


def test_unit_alone_is_enough() -> None:
    """A unit without an address is all that is looked at."""
    assert aspects(look()) == {"unit": Status.OK}


@pytest.mark.parametrize("active", ["inactive", "failed", "maintenance"])
def test_inactive_unit_is_critical(active: str, site: Site) -> None:
    """A unit that is not active is critical at once, and its address is not asked."""
    site.answers = [b""]
    (reading,) = look(replace(RUNNING, active_state=active, sub_state="dead", result="oom-kill", restarts=2), url=site.url)
    assert (reading.aspect, reading.status, reading.is_settling) == ("unit", Status.CRITICAL, False)
    assert not reading.is_symptom
    assert reading.facts == {
        "unit": "gunicorn_flask.service",
        "state": f"{active}/dead",
        "restarts": 2,
        "main_pid": 100,
        "result": "oom-kill",
    }
    assert not site.bodies


@pytest.mark.parametrize(("active", "job"), [("activating", ""), ("deactivating", "restart"), ("inactive", "start")])
def test_starting_unit_is_in_transition(active: str, job: str) -> None:
    """A unit that is on its way up is in transition."""
    (reading,) = look(replace(RUNNING, active_state=active, job=job))
    assert (reading.status, reading.is_settling) == (Status.CRITICAL, True)


def test_reloading_unit_is_asked(site: Site) -> None:
    """A unit that reloads runs, and is asked."""
    site.answers = [b""]
    assert aspects(look(replace(RUNNING, active_state="reloading"), url=site.url)) == {"unit": Status.OK, "http": Status.OK}


def test_silent_address_is_critical() -> None:
    """An address that does not answer is critical, though the unit runs."""
    unit, http = look(url=nobody())
    assert (unit.status, http.status, http.is_symptom, http.is_settling) == (Status.OK, Status.CRITICAL, True, False)
    assert http.facts["attempts"] == 3


def test_new_service_may_be_loading() -> None:
    """A service that has just been started may still be loading."""
    _, http = look(replace(RUNNING, active_for_s=WARM_UP_S - 1), url=nobody())
    assert http.is_settling
    _, http = look(replace(RUNNING, active_for_s=WARM_UP_S), url=nobody())
    assert not http.is_settling


def test_starting_monitor_waits_for_services() -> None:
    """A monitor that has just been started waits for services that may still be loading."""
    _, http = look(url=nobody(), is_starting=True)
    assert http.is_settling


def test_unknown_unit_is_critical(site: Site) -> None:
    """A unit that systemd does not know is critical, unless said otherwise."""
    (reading,) = look(None)
    assert (reading.status, reading.facts["state"]) == (Status.CRITICAL, "not-found")
    site.answers = [b""]
    assert aspects(look(None, when_absent="url", url=site.url)) == {"no_unit": Status.OK, "http": Status.OK}


def test_skipped_service_may_appear() -> None:
    """Nobody at the address is nobody's fault, until somebody has been there."""
    options = Options(unit="gunicorn_django", url=nobody(), when_absent="skip", attempts=1)
    seen = service.probe(options, looking())
    assert [(reading.aspect, reading.status) for reading in seen.readings] == [("absent", Status.OK)]
    with serve(port=int(options.url.rstrip("/").rpartition(":")[2])) as site:
        site.answers = [b""]
        seen = service.probe(options, looking(checkpoint=seen.checkpoint))
        assert aspects(seen.readings) == {"no_unit": Status.OK, "http": Status.OK}
    for _ in range(2):
        seen = service.probe(options, looking(checkpoint=seen.checkpoint))
        assert aspects(seen.readings) == {"no_unit": Status.OK, "http": Status.CRITICAL}


def test_missing_systemd_is_probe_error(site: Site) -> None:
    """A machine without systemd cannot be asked, unless said otherwise."""
    with pytest.raises(ProbeError, match=r"^no system bus: "):
        without_systemd()
    assert aspects(without_systemd(when_absent="skip")) == {"absent": Status.OK}
    site.answers = [b""]
    assert aspects(without_systemd(when_absent="url", url=site.url)) == {"no_unit": Status.OK, "http": Status.OK}


def test_address_shows_outage_without_systemd(site: Site) -> None:
    """An outage is seen by the address where systemd does not answer."""
    assert aspects(without_systemd(url=nobody(), retry_delay_s=0)) == {"http": Status.CRITICAL}
    site.answers = [b""]
    with pytest.raises(ProbeError, match=r"^no system bus: "):
        without_systemd(url=site.url)


def test_address_alone_needs_no_systemd(site: Site) -> None:
    """An address without a unit asks no systemd."""
    site.answers = [b""]
    assert aspects(without_systemd(unit="", url=site.url)) == {"http": Status.OK}


def test_options_of_http_apply(site: Site) -> None:
    """The options of the request are those of the kind http."""
    site.answers, site.status = [b"fine"], 503
    _, http = look(url=site.url, expect_status=503, expect_text="fine")
    assert http.status is Status.OK
    _, http = look(url=site.url, attempts=2)
    assert (http.status, http.facts["attempts"]) == (Status.CRITICAL, 2)


def real(reading: Reading) -> str:
    return render.line(CheckResult("Database", "service", (reading,), NOW), reading)


def test_alias_is_shown_as_it_is_called() -> None:
    (well,) = look(replace(RUNNING, name="mariadb.service"))
    assert real(well) == "Database: 정상 실행 중 (mariadb.service)"
    (down,) = look(replace(RUNNING, name="mariadb.service", active_state="failed", sub_state="failed"))
    assert real(down) == "Database: 중지됨 (failed/failed, mariadb.service)"


WRAPPER = replace(RUNNING, name="gunicorn_flask.service", sub_state="exited", main_pid=0)
CLUSTER = UnitState("postgresql@15-main.service", "loaded", "active", "running")


@pytest.mark.parametrize(
    ("members", "status", "is_settling", "said"),
    [
        ([CLUSTER], Status.OK, False, "정상 실행 중 (postgresql@15-main.service)"),
        (
            [CLUSTER, replace(CLUSTER, name="b.service", active_state="failed", sub_state="failed")],
            Status.CRITICAL,
            False,
            "중지됨 (failed/failed, b.service)",
        ),
        (
            [replace(CLUSTER, active_state="activating"), replace(CLUSTER, name="b.service", active_state="inactive")],
            Status.CRITICAL,
            False,
            "중지됨 (inactive/running, b.service)",
        ),
        ([replace(CLUSTER, active_state="activating")], Status.CRITICAL, True, "시작이 끝나지 않음 (activating/running"),
    ],
)
def test_wrapper_is_as_well_as_its_parts(members: list[UnitState], status: Status, is_settling: bool, said: str) -> None:
    (reading,) = look(replace(WRAPPER, members=tuple(members)))
    assert (reading.aspect, reading.status, reading.is_settling) == ("unit", status, is_settling)
    assert real(reading).startswith(f"Database: {said}")


def test_wrapper_of_a_wrapper_is_followed() -> None:
    inner = replace(CLUSTER, name="pg.service", sub_state="exited", members=(replace(CLUSTER, active_state="failed"),))
    (reading,) = look(replace(WRAPPER, members=(inner,)))
    assert (reading.status, reading.facts["unit"]) == (Status.CRITICAL, "postgresql@15-main.service")


def test_unit_without_processes_proves_nothing() -> None:
    """It says so; and one that had some has lost them."""
    options = Options(unit="gunicorn_flask")
    first = service.probe(options, looking(units={"gunicorn_flask": WRAPPER}))
    assert [(reading.aspect, reading.status) for reading in first.readings] == [("exited", Status.OK)]
    assert "알 수 없음" in real(first.readings[0])
    running = service.probe(options, looking(units={"gunicorn_flask": RUNNING}, checkpoint=first.checkpoint))
    for _ in range(2):
        ended = service.probe(options, looking(units={"gunicorn_flask": WRAPPER}, checkpoint=running.checkpoint))
        assert [(reading.aspect, reading.status) for reading in ended.readings] == [("unit", Status.CRITICAL)]
        assert real(ended.readings[0]) == "Database: 중지됨 (active/exited)"
        running = ended


@pytest.mark.parametrize("name", ["backup.timer", "app.socket", "data.mount"])
def test_other_units_are_well_when_active(name: str) -> None:
    unit = UnitState(name, "loaded", "active", "listening")
    assert service.probe(Options(unit=name), looking(units={name: unit})).readings[0].status is Status.OK


def test_masked_unit_says_so() -> None:
    """It cannot be started; one that was masked while it ran goes on running."""
    (reading,) = look(replace(RUNNING, load_state="masked", active_state="inactive"))
    assert real(reading) == "Database: 중지됨 (시작이 막혀 있음. 조치: systemctl unmask gunicorn_flask.service)"
    assert aspects(look(replace(RUNNING, load_state="masked"))) == {"unit": Status.OK}


@pytest.mark.parametrize(("timeout_s", "settles_s"), [(0.0, 0.0), (120.0, 120.0), (math.inf, MOST_START_S)])
def test_start_may_take_its_time(timeout_s: float, settles_s: float) -> None:
    (reading,) = look(replace(RUNNING, active_state="activating", sub_state="start", start_timeout_s=timeout_s))
    assert (reading.is_settling, reading.settles_s) == (True, settles_s)


def test_address_is_waited_for_after_a_slow_start() -> None:
    """From the beginning of the start on, and longer where the check says so."""
    _, http = look(replace(RUNNING, active_for_s=1.0, start_took_s=60.0), url=nobody())
    assert (http.is_settling, http.settles_s) == (True, 60.0 + WARM_UP_S)
    options = Options(unit="gunicorn_flask", url=nobody(), attempts=1)
    context = replace(looking(units={"gunicorn_flask": replace(RUNNING, active_for_s=100.0)}), grace_s=120.0)
    assert service.probe(options, context).readings[1].is_settling
    assert not service.probe(options, replace(context, grace_s=0.0)).readings[1].is_settling


def test_outage_began_when_the_unit_went_down() -> None:
    """Whenever that is looked at; a unit that never was up has no such moment."""
    (reading,) = look(replace(RUNNING, active_state="failed", down_for_s=61.5))
    assert reading.began_at == NOW - timedelta(seconds=61.5)
    assert look(replace(RUNNING, active_state="failed"))[0].began_at is None
    assert look()[0].began_at is None


def test_failed_start_is_no_stop() -> None:
    (reading,) = look(replace(RUNNING, active_state="failed", sub_state="failed", has_failed_to_start=True))
    assert real(reading) == "Database: 시작되지 않음 (failed/failed)"


def test_systemd_tells_of_the_unit(systemd: Systemd) -> None:
    """The unit is the one that systemd tells of."""
    systemd.has("gunicorn_flask.service", active="failed", sub="failed", Result="exit-code", NRestarts=4, MainPID=0)
    (reading,) = without_systemd()
    assert reading.status is Status.CRITICAL
    assert (reading.facts["state"], reading.facts["restarts"], reading.facts["result"]) == ("failed/failed", 4, "exit-code")
