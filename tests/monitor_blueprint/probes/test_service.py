from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec
import pytest

from monitor_blueprint.adapters.systemd import UnitState
from monitor_blueprint.domain.models import ProbeError, Reading, Status
from monitor_blueprint.engine.runner import UnitSnapshot
from monitor_blueprint.probes import ProbeContext, service
from monitor_blueprint.probes.service import WARM_UP_S, Options
from tests.monitor_blueprint.bus import Systemd
from tests.monitor_blueprint.probes.looking import Site, looking, nobody

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


def test_a_unit_that_runs_and_an_address_that_answers_are_well(site: Site) -> None:
    site.answers = [b""]
    assert aspects(look(url=site.url)) == {"unit": Status.OK, "http": Status.OK}


def test_a_unit_without_an_address_is_all_that_is_looked_at() -> None:
    assert aspects(look()) == {"unit": Status.OK}


@pytest.mark.parametrize("active", ["inactive", "failed", "maintenance"])
def test_a_unit_that_is_not_active_is_critical_at_once_and_its_address_is_not_asked(active: str, site: Site) -> None:
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
def test_a_unit_that_is_on_its_way_up_is_in_transition(active: str, job: str) -> None:
    (reading,) = look(replace(RUNNING, active_state=active, job=job))
    assert (reading.status, reading.is_settling) == (Status.CRITICAL, True)


def test_a_unit_that_reloads_runs_and_is_asked(site: Site) -> None:
    site.answers = [b""]
    assert aspects(look(replace(RUNNING, active_state="reloading"), url=site.url)) == {"unit": Status.OK, "http": Status.OK}


def test_an_address_that_does_not_answer_is_critical_though_the_unit_runs() -> None:
    unit, http = look(url=nobody())
    assert (unit.status, http.status, http.is_symptom, http.is_settling) == (Status.OK, Status.CRITICAL, True, False)
    assert http.facts["attempts"] == 3


def test_a_service_that_has_just_been_started_may_still_be_loading() -> None:
    _, http = look(replace(RUNNING, active_for_s=WARM_UP_S - 1), url=nobody())
    assert http.is_settling
    _, http = look(replace(RUNNING, active_for_s=WARM_UP_S), url=nobody())
    assert not http.is_settling


def test_a_monitor_that_has_just_been_started_waits_for_services_that_may_still_be_loading() -> None:
    _, http = look(url=nobody(), is_starting=True)
    assert http.is_settling


def test_a_unit_that_systemd_does_not_know_is_critical_unless_said_otherwise(site: Site) -> None:
    (reading,) = look(None)
    assert (reading.status, reading.facts["state"]) == (Status.CRITICAL, "not-found")
    (reading,) = look(None, when_absent="skip", url=site.url)
    assert (reading.aspect, reading.status) == ("absent", Status.OK)
    site.answers = [b""]
    assert aspects(look(None, when_absent="url", url=site.url)) == {"no_unit": Status.OK, "http": Status.OK}


def test_a_machine_without_systemd_cannot_be_asked_unless_said_otherwise(site: Site) -> None:
    with pytest.raises(ProbeError, match=r"^no system bus: "):
        without_systemd()
    assert aspects(without_systemd(when_absent="skip")) == {"absent": Status.OK}
    site.answers = [b""]
    assert aspects(without_systemd(when_absent="url", url=site.url)) == {"no_unit": Status.OK, "http": Status.OK}


def test_an_outage_is_seen_by_the_address_where_systemd_does_not_answer(site: Site) -> None:
    assert aspects(without_systemd(url=nobody(), retry_delay_s=0)) == {"http": Status.CRITICAL}
    site.answers = [b""]
    with pytest.raises(ProbeError, match=r"^no system bus: "):
        without_systemd(url=site.url)


def test_an_address_without_a_unit_asks_no_systemd(site: Site) -> None:
    site.answers = [b""]
    assert aspects(without_systemd(unit="", url=site.url)) == {"http": Status.OK}


def test_the_options_of_the_request_are_those_of_the_kind_http(site: Site) -> None:
    site.answers, site.status = [b"fine"], 503
    _, http = look(url=site.url, expect_status=503, expect_text="fine")
    assert http.status is Status.OK
    _, http = look(url=site.url, attempts=2)
    assert (http.status, http.facts["attempts"]) == (Status.CRITICAL, 2)


def test_the_unit_is_the_one_that_systemd_tells_of(systemd: Systemd) -> None:
    systemd.has("gunicorn_flask.service", active="failed", sub="failed", Result="exit-code", NRestarts=4, MainPID=0)
    (reading,) = without_systemd()
    assert reading.status is Status.CRITICAL
    assert (reading.facts["state"], reading.facts["restarts"], reading.facts["result"]) == ("failed/failed", 4, "exit-code")
