"""A service: its systemd unit is active, and its address answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Literal

from monitor_blueprint.adapters.http import is_served
from monitor_blueprint.adapters.shortage import ShortageError
from monitor_blueprint.adapters.systemd import UnitState, full_name
from monitor_blueprint.domain.models import ABSENT, EMPTY, Facts, ProbeError, Reading, Status
from monitor_blueprint.domain.text import configured
from monitor_blueprint.probes import Observation, ProbeContext, http

# A service that systemd calls active may still be loading; its address gets this long after the start.
WARM_UP_S = 10.0
# A unit may say how long its start takes (TimeoutStartSec=); after so long an outage is one, whoever is to blame. The check's
# own `grace_s` is not bound by it.
MOST_START_S = 300.0
# In the checkpoint: there is no unit, but somebody has been at the address.
_APPEARED = "appeared"
# The unit had a process.
_RAN = "ran"


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
    if not options.unit:
        return Observation((_address(options, context),))
    try:
        unit = _unit(options, context)
    except ShortageError:
        raise
    except ProbeError:
        if options.url:
            address = _address(options, context)
            if address.status is Status.CRITICAL:
                return Observation((address,))
        raise
    if unit is None:
        return _without_unit(options, context)
    reading = _unit_reading(unit, options, context)
    checkpoint = {_RAN: True} if unit.sub_state == "running" or context.checkpoint.get(_RAN) else EMPTY
    if reading.status is not Status.OK or not options.url:
        return Observation((reading,), checkpoint)
    return Observation((reading, _address(options, context, unit)), checkpoint)


def _without_unit(options: Options, context: ProbeContext) -> Observation:
    if options.when_absent == "skip" and not _has_appeared(options, context):
        return Observation((Reading(ABSENT, facts={"unit": configured(options.unit)}),))
    readings = [Reading("no_unit", facts={"unit": configured(options.unit)})]
    if options.url:
        readings.append(_address(options, context))
    return Observation(tuple(readings), {_APPEARED: True} if options.when_absent == "skip" else EMPTY)


def _address(options: Options, context: ProbeContext, unit: UnitState | None = None) -> Reading:
    """Ask at the address; a service that has just been started may still be loading."""
    warm_up_s = max(WARM_UP_S, context.grace_s)
    if unit is None or unit.active_for_s >= warm_up_s:
        return http.read(options, context, is_settling=context.is_starting)
    # Counted from when the transition was first seen, which the start of the unit is a part of.
    reading = http.read(options, context, is_settling=True)
    return replace(reading, settles_s=min(unit.start_took_s, MOST_START_S) + warm_up_s) if reading.is_settling else reading


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


def _unit_reading(unit: UnitState, options: Options, context: ProbeContext) -> Reading:
    """Judge the unit by itself; one that only stands for others by those."""
    if not unit.is_active:
        return _down(unit, options, context)
    down = [member for member in unit.all_members if not member.is_active]
    if down:
        # One that is down for good comes before one that may be on its way up.
        return _down(min(down, key=lambda member: member.is_in_transition), options, context)
    if unit.has_exited and not unit.members:
        if context.checkpoint.get(_RAN):
            return _down(unit, options, context)
        return Reading("exited", facts=_facts(unit, options))
    return Reading("unit", facts=_facts(unit, options))


def _down(unit: UnitState, options: Options, context: ProbeContext) -> Reading:
    settles_s = min(unit.start_timeout_s, MOST_START_S)
    facts = _facts(unit, options)
    if unit.has_failed_to_start:
        facts = {**facts, "has_failed_to_start": True}
    began_at = context.now - timedelta(seconds=unit.down_for_s) if unit.down_for_s is not None else None
    if unit.is_in_transition and settles_s:
        facts = {**facts, "limit_s": round(settles_s)}
    is_settling = unit.is_in_transition
    return Reading("unit", Status.CRITICAL, facts=facts, is_settling=is_settling, settles_s=settles_s, began_at=began_at)


def _facts(unit: UnitState, options: Options) -> Facts:
    facts: Facts = {
        "unit": configured(unit.name),
        "state": unit.state_word,
        "restarts": unit.restarts,
        "main_pid": unit.main_pid,
        "result": unit.result_word,
    }
    real = [member.name for member in unit.members] or [unit.name]
    return facts if real == [full_name(options.unit)] else {**facts, "real": configured(", ".join(real))}
