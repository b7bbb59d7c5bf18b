"""A service: its systemd unit is active, and its address answers."""

from __future__ import annotations

from typing import Literal

from monitor_blueprint.adapters.http import is_served
from monitor_blueprint.adapters.shortage import ShortageError
from monitor_blueprint.adapters.systemd import UnitState
from monitor_blueprint.domain.models import ABSENT, EMPTY, Facts, ProbeError, Reading, Status
from monitor_blueprint.probes import Observation, ProbeContext, http

# A service that systemd calls active may still be loading; its address gets this long after the start.
WARM_UP_S = 10.0
# In the checkpoint: there is no unit, but somebody has been at the address.
_APPEARED = "appeared"


class Options(http.Request, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "service" may say; with `url`, also all that kind "http" may.

    Attributes:
        unit: systemd unit; empty: no unit is looked at.
        when_absent: what a unit means that systemd does not know, or a machine without systemd: "fail" (CRITICAL),
            "skip" (nothing here to check, until somebody answers at the address), "url" (look at the address only).
    """

    unit: str = ""
    when_absent: Literal["fail", "skip", "url"] = "fail"

    def __post_init__(self) -> None:
        """Refuse a check that would check nothing."""
        super().__post_init__()
        if not self.unit and not self.url:
            raise ValueError("a service needs `unit`, `url` or both")


def probe(options: Options, context: ProbeContext) -> Observation:
    """Look at the unit, then at the address; a unit that is down is not asked.

    Where systemd does not answer, an address that does not either is the finding: an outage must not hide behind it.
    """
    readings: list[Reading] = []
    checkpoint = EMPTY
    is_warming_up = context.is_starting
    if options.unit:
        try:
            unit = _unit(options, context)
        except ProbeError:
            if options.url:
                address = http.read(options, context, is_settling=is_warming_up)
                if address.status is Status.CRITICAL:
                    return Observation((address,))
            raise
        if unit is None:
            if options.when_absent == "skip":
                if not _has_appeared(options, context):
                    return Observation((Reading(ABSENT, facts={"unit": options.unit}),))
                checkpoint = {_APPEARED: True}
            readings.append(Reading("no_unit", facts={"unit": options.unit}))
        else:
            readings.append(_unit_reading(unit))
            if readings[0].status is not Status.OK:
                return Observation(tuple(readings))
            is_warming_up = is_warming_up or unit.active_for_s < WARM_UP_S
    if options.url:
        readings.append(http.read(options, context, is_settling=is_warming_up))
    return Observation(tuple(readings), checkpoint)


def _has_appeared(options: Options, context: ProbeContext) -> bool:
    """Tell whether somebody is at the address, or was: who has been here is missed."""
    return bool(context.checkpoint.get(_APPEARED)) or bool(options.url and is_served(options.url))


def _unit(options: Options, context: ProbeContext) -> UnitState | None:
    """Return the unit's state; None where it is absent and may be."""
    try:
        unit = context.units(options.unit)
    except ShortageError:
        raise
    except ProbeError:
        if options.when_absent == "fail":
            raise
        return None
    return unit if unit.is_known or options.when_absent == "fail" else None


def _unit_reading(unit: UnitState) -> Reading:
    state = f"{unit.active_state}/{unit.sub_state}" if unit.is_known else unit.load_state
    facts: Facts = {
        "unit": unit.name,
        "state": state,
        "restarts": unit.restarts,
        "main_pid": unit.main_pid,
        "result": unit.result,
    }
    if unit.active_state in ("active", "reloading"):
        return Reading("unit", facts=facts)
    return Reading("unit", Status.CRITICAL, facts=facts, is_settling=unit.is_in_transition)
