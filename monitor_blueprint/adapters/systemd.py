"""What systemd knows of the units, asked over D-Bus: one connection and a few calls for all units, no fork."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from jeepney import DBusAddress, DBusErrorResponse, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from monitor_blueprint.adapters.shortage import raise_if_short

MANAGER = DBusAddress("/org/freedesktop/systemd1", "org.freedesktop.systemd1", "org.freedesktop.systemd1.Manager")
_PROPERTIES = "org.freedesktop.DBus.Properties"
_SERVICE = "org.freedesktop.systemd1.Service"
_UNIT = "org.freedesktop.systemd1.Unit"


class SystemdUnavailableError(Exception):
    """There is no systemd here, or it does not answer."""


@dataclass(frozen=True, slots=True)
class UnitState:
    """State of one unit, as in `systemctl show`.

    Attributes:
        name: full name, such as "nginx.service".
        load_state: "loaded", or "not-found" for a unit that systemd does not know.
        active_state: "active", "inactive", "failed", "activating", "deactivating", "reloading", "maintenance".
        sub_state: finer state, such as "running", "dead", "auto-restart".
        job: type of the queued job ("start", "restart", ...), empty when there is none.
        restarts: how often systemd restarted it on its own (NRestarts).
        main_pid: process id of the main process, 0 when there is none.
        result: why it stopped ("success", "exit-code", "oom-kill", "watchdog", ...).
        active_for_s: for how long it has been active; 0 when it is not.
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

    @property
    def is_known(self) -> bool:
        """Tell whether systemd knows the unit."""
        return self.load_state != "not-found"

    @property
    def is_in_transition(self) -> bool:
        """Tell whether the unit may be on its way up again on its own or by a restart: no stop for good was asked for.

        "deactivating" without a stop job is a service that has failed and that `Restart=` may bring back.
        """
        if self.job in ("start", "restart", "try-restart", "reload-or-start"):
            return True
        return self.active_state in ("activating", "reloading", "deactivating") and self.job != "stop"


def full_name(unit: str) -> str:
    """Return the unit's name with its type ("nginx" is "nginx.service")."""
    return unit if "." in unit else f"{unit}.service"


def connect(timeout_s: float) -> DBusConnection:
    """Open the system bus; raises SystemdUnavailableError when there is none, ShortageError when we cannot look."""
    try:
        return open_dbus_connection(bus="SYSTEM", auth_timeout=timeout_s)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise_if_short(error)
        raise SystemdUnavailableError(f"no system bus: {error}") from error


def call(connection: DBusConnection, message: Any, timeout_s: float) -> tuple[Any, ...]:
    """Send one method call and return the body of its answer; raises SystemdUnavailableError."""
    try:
        reply = connection.send_and_get_reply(message, timeout=timeout_s)
    except (OSError, TimeoutError, EOFError) as error:
        raise SystemdUnavailableError(f"systemd did not answer: {str(error) or type(error).__name__}") from error
    if reply.header.message_type.name == "error":
        raise SystemdUnavailableError(f"systemd refused: {DBusErrorResponse(reply)}")
    body: tuple[Any, ...] = reply.body
    return body


def read_units(names: Sequence[str], timeout_s: float = 5.0) -> dict[str, UnitState]:
    """Return the state of every unit named, by its full name.

    Raises:
        SystemdUnavailableError: there is no system bus, no systemd on it, or no answer in time.
    """
    with connect(timeout_s) as connection:
        wanted = sorted({full_name(name) for name in names})
        (rows,) = call(connection, new_method_call(MANAGER, "ListUnitsByNames", "as", (wanted,)), timeout_s)
        return {row[0]: _unit_state(connection, row, timeout_s) for row in rows}


def _unit_state(connection: DBusConnection, row: Sequence[Any], timeout_s: float) -> UnitState:
    name, _, load_state, active_state, sub_state, _, path, _, job_type, _ = row
    state = UnitState(name, load_state, active_state, sub_state, job_type)
    if load_state != "loaded" or not name.endswith(".service"):
        return state

    def get(interface: str, key: str) -> Any:
        address = DBusAddress(path, MANAGER.bus_name, _PROPERTIES)
        ((_, value),) = call(connection, new_method_call(address, "Get", "ss", (interface, key)), timeout_s)
        return value

    active_for_s = 0.0
    if active_state == "active":
        active_for_s = max(0.0, time.monotonic() - get(_UNIT, "ActiveEnterTimestampMonotonic") / 1e6)
    return replace(
        state,
        restarts=get(_SERVICE, "NRestarts"),
        main_pid=get(_SERVICE, "MainPID"),
        result=get(_SERVICE, "Result"),
        active_for_s=active_for_s,
    )
