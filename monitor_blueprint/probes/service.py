"""A service: its systemd unit is active, and its address answers."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from monitor_blueprint.adapters.systemd import UnitState
from monitor_blueprint.domain.models import Facts, ProbeError, Reading, Status
from monitor_blueprint.probes import Observation, ProbeContext, http

# A service that systemd calls active may still be loading; its address gets this long after the start.
WARM_UP_S = 10.0


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "service" may say.

    Attributes:
        unit: systemd unit; empty: no unit is looked at.
        url: address to GET; empty: none is asked.
        when_absent: what a unit means that systemd does not know, or a machine without systemd: "fail" (CRITICAL),
            "skip" (nothing here to check), "url" (look at the address only).
        expect_status, expect_text, attempts, retry_delay_s, timeout_s: see kind "http".
    """

    unit: str = ""
    url: Annotated[str, Meta(pattern=r"^(https?://[^\s]+)?$", description="an http:// or https:// address, or empty")] = ""
    when_absent: Literal["fail", "skip", "url"] = "fail"
    expect_status: Annotated[int, Meta(ge=100, le=599)] = http.HTTP_OK
    expect_text: str = ""
    attempts: Annotated[int, Meta(ge=1, le=10)] = 3
    retry_delay_s: Annotated[float, Meta(ge=0, le=10)] = 1.0
    timeout_s: Annotated[float, Meta(gt=0, le=20)] = 5.0

    def __post_init__(self) -> None:
        """Refuse a check that would check nothing."""
        if not self.unit and not self.url:
            raise ValueError("a service needs `unit`, `url` or both")


def probe(options: Options, context: ProbeContext) -> Observation:
    """Look at the unit, then at the address; a unit that is down is not asked.

    Where systemd does not answer, an address that does not either is the finding: an outage must not hide behind it.
    """
    readings: list[Reading] = []
    is_warming_up = context.is_starting
    if options.unit:
        try:
            unit = _unit(options, context)
        except ProbeError:
            if options.url:
                address = http.read(_http_options(options), context.deadline, is_settling=is_warming_up)
                if address.status is not Status.OK:
                    return Observation((address,))
            raise
        if unit is None:
            if options.when_absent == "skip":
                return Observation((Reading("absent", facts={"unit": options.unit}),))
            readings.append(Reading("no_unit", facts={"unit": options.unit}))
        else:
            readings.append(_unit_reading(unit))
            if readings[0].status is not Status.OK:
                return Observation(tuple(readings))
            is_warming_up = is_warming_up or unit.active_for_s < WARM_UP_S
    if options.url:
        readings.append(http.read(_http_options(options), context.deadline, is_settling=is_warming_up))
    return Observation(tuple(readings))


def _unit(options: Options, context: ProbeContext) -> UnitState | None:
    """Return the unit's state; None where it is absent and may be."""
    try:
        unit = context.units(options.unit)
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


def _http_options(options: Options) -> http.Options:
    return http.Options(
        url=options.url,
        expect_status=options.expect_status,
        expect_text=options.expect_text,
        attempts=options.attempts,
        retry_delay_s=options.retry_delay_s,
        timeout_s=options.timeout_s,
    )
