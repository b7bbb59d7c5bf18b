"""What systemd knows of the units, asked over D-Bus: one connection and a few calls for all units, no fork."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jeepney import DBusAddress, DBusErrorResponse, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from monitor_blueprint.adapters.shortage import raise_if_short
from monitor_blueprint.domain import vocabulary
from monitor_blueprint.domain.text import NOTHING, ExplainedError, Public, fill, private, word
from monitor_blueprint.faults import detail_of, reason_of

MANAGER = DBusAddress("/org/freedesktop/systemd1", "org.freedesktop.systemd1", "org.freedesktop.systemd1.Manager")
_PROPERTIES = "org.freedesktop.DBus.Properties"
_SERVICE = "org.freedesktop.systemd1.Service"
_UNIT = "org.freedesktop.systemd1.Unit"
# systemd.unit(5); what follows the last dot is the type if it is one of these, else part of a service's name.
_TYPES = frozenset({
    "service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope",
})  # fmt: skip
# Of a time limit that there is none, in microseconds.
_INFINITY = 2**64 - 1
# A target may want services that only carry others out; so deep they are followed.
_MOST_DEPTH = 3
_OTHER = fill("other")


class SystemdUnavailableError(ExplainedError):
    """There is no systemd here, or it does not answer."""


@dataclass(frozen=True, slots=True)
class UnitState:
    """State of one unit, as in `systemctl show`.

    Attributes:
        name: full name, such as "nginx.service"; of an alias the unit's own ("mariadb.service" for "mysql").
        load_state: "loaded", "masked", "bad-setting", or "not-found" for a unit that systemd does not know.
        active_state: "active", "inactive", "failed", "activating", "deactivating", "reloading", "maintenance".
        sub_state: finer state, such as "running", "dead", "auto-restart".
        job: type of the queued job ("start", "restart", ...), empty when there is none.
        restarts: how often systemd restarted it on its own (NRestarts).
        main_pid: process id of the main process, 0 when there is none.
        result: why it stopped ("success", "exit-code", "oom-kill", "watchdog", ...).
        active_for_s: for how long it has been active; 0 when it is not.
        start_took_s: how long it took until it was active.
        start_timeout_s: how long systemd waits for it to start; 0 when it is not starting.
        down_for_s: for how long it has not been active; None where it is, or never was.
        has_failed_to_start: it is down because its last start failed, and not because what ran has ended.
        members: of a unit that only stands for others (a target; Debian's postgresql.service, which runs /bin/true):
            the services whose state is the truth.
    """

    name: str
    load_state: str = "not-found"
    active_state: str = "inactive"
    sub_state: str = "dead"
    job: str = ""
    restarts: int = 0
    main_pid: int = 0
    result: str = "success"
    active_for_s: float = 0.0
    start_took_s: float = 0.0
    start_timeout_s: float = 0.0
    down_for_s: float | None = None
    has_failed_to_start: bool = False
    members: tuple[UnitState, ...] = ()

    @property
    def is_known(self) -> bool:
        """Tell whether systemd knows the unit."""
        return self.load_state != "not-found"

    @property
    def is_active(self) -> bool:
        """Tell whether systemd calls the unit active."""
        return self.active_state in ("active", "reloading")

    @property
    def has_exited(self) -> bool:
        """Tell whether the unit is active though all that it has started has ended (RemainAfterExit=)."""
        return self.active_state == "active" and self.sub_state == "exited"

    @property
    def all_members(self) -> tuple[UnitState, ...]:
        """Return the members, and theirs."""
        return tuple(each for member in self.members for each in (member, *member.all_members))

    @property
    def state_word(self) -> Public:
        """Return its state in systemd's words; another word than those is not repeated."""
        if self.load_state != "loaded" and not self.is_active:
            return word(self.load_state, vocabulary.LOAD_STATES) or _OTHER
        active = word(self.active_state, vocabulary.ACTIVE_STATES) or _OTHER
        return fill("{active}/{sub}", active=active, sub=word(self.sub_state, vocabulary.SUB_STATES) or _OTHER)

    @property
    def result_word(self) -> Public:
        """Return why it stopped, in systemd's words."""
        return word(self.result, vocabulary.RESULTS) or _OTHER

    @property
    def is_in_transition(self) -> bool:
        """Tell whether the unit may be on its way up again on its own or by a restart: no stop for good was asked for.

        "deactivating" without a stop job is a service that has failed and that `Restart=` may bring back.
        """
        if self.job in ("start", "restart", "try-restart", "reload-or-start"):
            return True
        return self.active_state in ("activating", "reloading", "deactivating") and self.job != "stop"


def full_name(unit: str) -> str:
    """Return the unit's name with its type ("nginx" is "nginx.service", "postgresql@9.6-main" too)."""
    return unit if unit.rpartition(".")[2] in _TYPES and "." in unit else f"{unit}.service"


def connect(timeout_s: float) -> DBusConnection:
    """Open the system bus; raises SystemdUnavailableError when there is none, ShortageError when we cannot look."""
    try:
        return open_dbus_connection(bus="SYSTEM", auth_timeout=timeout_s)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise_if_short(error)
        raise SystemdUnavailableError(fill("no system bus: {reason}", reason=reason_of(error)), detail_of(error)) from error


def call(connection: DBusConnection, message: Any, timeout_s: float) -> tuple[Any, ...]:
    """Send one method call and return the body of its answer; raises SystemdUnavailableError."""
    try:
        reply = connection.send_and_get_reply(message, timeout=timeout_s)
    except (OSError, TimeoutError, EOFError) as error:
        within = fill(" within {seconds:g} s", seconds=timeout_s) if isinstance(error, TimeoutError) else NOTHING
        told = fill("systemd did not answer: {reason}{within}", reason=reason_of(error), within=within)
        raise SystemdUnavailableError(told) from error
    if reply.header.message_type.name == "error":
        refusal = DBusErrorResponse(reply)
        reason = word(refusal.name, vocabulary.BUS_ERRORS) or _OTHER
        raise SystemdUnavailableError(fill("systemd refused: {reason}", reason=reason), private(refusal))
    body: tuple[Any, ...] = reply.body
    return body


def load(connection: DBusConnection, unit: str, timeout_s: float) -> str:
    """Return the path of a unit's object, the same for all its names; systemd keeps none of a unit that nobody refers to."""
    (path,) = call(connection, new_method_call(MANAGER, "LoadUnit", "s", (unit,)), timeout_s)
    return str(path)


def parts_of(connection: DBusConnection, path: str, timeout_s: float) -> list[str]:
    """Return the services that say that they are part of the unit (PartOf=), or that it stops with itself."""
    return _parts(_all(connection, path, _UNIT, timeout_s))


def read_units(names: Sequence[str], timeout_s: float = 5.0) -> dict[str, UnitState]:
    """Return the state of every unit named, by its full name; an alias has the state of the unit that it means.

    Raises:
        SystemdUnavailableError: there is no system bus, no systemd on it, or no answer in time.
    """
    with connect(timeout_s) as connection:
        return _read(connection, sorted({full_name(name) for name in names}), timeout_s, _MOST_DEPTH)


def _read(connection: DBusConnection, wanted: Sequence[str], timeout_s: float, depth: int) -> dict[str, UnitState]:
    (rows,) = call(connection, new_method_call(MANAGER, "ListUnitsByNames", "as", (wanted,)), timeout_s)
    # systemd answers in the order of the question, with the units' own names.
    return {name: _unit_state(connection, row, timeout_s, depth) for name, row in zip(wanted, rows, strict=True)}


def _unit_state(connection: DBusConnection, row: Sequence[Any], timeout_s: float, depth: int) -> UnitState:
    name, _, load_state, active_state, sub_state, _, path, _, job_type, _ = row
    state = UnitState(name, load_state, active_state, sub_state, job_type)
    # What was masked while it ran goes on running.
    if load_state != "loaded" and not (load_state == "masked" and state.is_active):
        return state
    if name.endswith(".service"):
        state = _service_state(state, lambda interface, key: _get(connection, path, interface, key, timeout_s))
    if depth and (state.has_exited or (name.endswith(".target") and state.is_active)):
        return replace(state, members=_members(connection, path, timeout_s, depth - 1))
    return state


def _service_state(state: UnitState, get: Callable[[str, str], Any]) -> UnitState:
    state = replace(state, restarts=get(_SERVICE, "NRestarts"), main_pid=get(_SERVICE, "MainPID"), result=get(_SERVICE, "Result"))
    if state.active_state == "active":
        since_us = get(_UNIT, "ActiveEnterTimestampMonotonic")
        took_us = max(0, since_us - get(_UNIT, "InactiveExitTimestampMonotonic"))
        return replace(state, active_for_s=max(0.0, time.monotonic() - since_us / 1e6), start_took_s=took_us / 1e6)
    left_us, began_us = get(_UNIT, "ActiveExitTimestampMonotonic"), get(_UNIT, "InactiveExitTimestampMonotonic")
    has_failed = state.active_state == "failed" and began_us > left_us
    down_for_s = max(0.0, time.monotonic() - left_us / 1e6) if left_us else None
    state = replace(state, down_for_s=down_for_s, has_failed_to_start=has_failed)
    # Not while it waits to be started again: that is a service that has failed.
    if state.active_state == "activating" and state.sub_state.startswith("start"):
        timeout_us = get(_SERVICE, "TimeoutStartUSec")
        return replace(state, start_timeout_s=math.inf if timeout_us == _INFINITY else timeout_us / 1e6)
    return state


def _members(connection: DBusConnection, path: str, timeout_s: float, depth: int) -> tuple[UnitState, ...]:
    """Return the services that a unit without processes of its own stands for.

    Those are what is part of it; where nothing is, what it wants. One that is not running is meant to run if it is both:
    a cluster of PostgreSQL that is not started at boot is nobody's loss.
    """
    unit = _all(connection, path, _UNIT, timeout_s)
    wanted = [name for key in ("Wants", "Requires", "BindsTo") for name in unit.get(key, ()) if name.endswith(".service")]
    parts = _parts(unit)
    names = sorted(set(parts or wanted))
    states = _read(connection, names, timeout_s, depth) if names else {}
    return tuple(
        state
        for name, state in states.items()
        if state.active_state != "inactive"
        or state.job
        or (name in parts and name in wanted and _is_missed(connection, state, timeout_s))
    )


def _is_missed(connection: DBusConnection, state: UnitState, timeout_s: float) -> bool:
    """Tell whether a service that is not running would run if all were well."""
    if state.load_state != "loaded":
        return False
    path = load(connection, state.name, timeout_s)
    unit, service = (_all(connection, path, interface, timeout_s) for interface in (_UNIT, _SERVICE))
    was_not_asked_for = unit.get("ConditionTimestampMonotonic", 0) > 0 and not unit.get("ConditionResult", True)
    return not was_not_asked_for and service.get("Type") != "oneshot"


def _parts(unit: Mapping[str, Any]) -> list[str]:
    names = [name for key in ("ConsistsOf", "PropagatesStopTo") for name in unit.get(key, ()) if name.endswith(".service")]
    return list(dict.fromkeys(names))


def _get(connection: DBusConnection, path: str, interface: str, key: str, timeout_s: float) -> Any:
    address = DBusAddress(path, MANAGER.bus_name, _PROPERTIES)
    ((_, value),) = call(connection, new_method_call(address, "Get", "ss", (interface, key)), timeout_s)
    return value


def _all(connection: DBusConnection, path: str, interface: str, timeout_s: float) -> dict[str, Any]:
    """Return all properties: an older systemd has not every one of them, and refuses to be asked for it by name."""
    address = DBusAddress(path, MANAGER.bus_name, _PROPERTIES)
    (found,) = call(connection, new_method_call(address, "GetAll", "s", (interface,)), timeout_s)
    return {key: value for key, (_, value) in found.items()}
