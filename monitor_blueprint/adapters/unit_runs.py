"""How the last run of a unit ended, asked over D-Bus: what `systemctl show` calls ExecMainStatus, NRestarts and so on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from jeepney import DBusAddress, new_method_call

from monitor_blueprint.adapters.systemd import MANAGER, call, connect, load
from monitor_blueprint.domain.unit_runs import MAIN, Ending, UnitRun

_PROPERTIES = "org.freedesktop.DBus.Properties"
_UNIT, _SERVICE = "org.freedesktop.systemd1.Unit", "org.freedesktop.systemd1.Service"
# What else systemd runs for a unit on its way up.
_CONTROL = ("ExecCondition", "ExecStartPre", "ExecStartPost", "ExecReload")
# CLD_EXITED and so on of sigaction(2), in systemd's words.
_CODES = {1: "exited", 2: "killed", 3: "dumped"}


def read_run(unit: str, timeout_s: float) -> UnitRun:
    """Return the last run of a unit, by its full name; raises SystemdUnavailableError."""
    with connect(timeout_s) as connection:
        path = load(connection, unit, timeout_s)
        found: dict[str, Any] = {}
        for interface in (_UNIT, _SERVICE):
            address = DBusAddress(path, MANAGER.bus_name, _PROPERTIES)
            (values,) = call(connection, new_method_call(address, "GetAll", "s", (interface,)), timeout_s)
            found |= {key: value for key, (_, value) in values.items()}
    endings = [_main(found), *(ending for key in _CONTROL for each in found.get(key, ()) for ending in _control(key, each))]
    known = [each for each in endings if each is not None and not each.is_clean] or [each for each in endings if each is not None]
    main = found.get(MAIN, ())
    return UnitRun(
        ended=max(known, key=lambda each: each.at, default=None),
        restarts=int(found.get("NRestarts", 0)),
        result=str(found.get("Result", "")),
        is_stopped=found.get("ActiveState") == "inactive",
        is_stopping=found.get("ActiveState") == "deactivating",
        program=tuple(map(str, main[0][1])) if main else (),
        environment_files=tuple(str(path) for path, _ in found.get("EnvironmentFiles", ())),
        left_at=_moment(found.get("ActiveExitTimestamp", 0)),
        began_at=_moment(found.get("InactiveExitTimestamp", 0)),
    )


def _moment(us: int) -> datetime | None:
    return datetime.fromtimestamp(us / 1e6, UTC) if us else None


def _main(found: Mapping[str, Any]) -> Ending | None:
    return _ending(MAIN, found.get("ExecMainExitTimestamp", 0), found.get("ExecMainCode", 0), found.get("ExecMainStatus", 0))


def _control(key: str, row: Sequence[Any]) -> list[Ending]:
    # Path, arguments, whether a failure is ignored, four moments of start and exit, pid, code, status.
    _, _, is_ignored, _, _, exited_us, _, _, code, status = row
    ending = None if is_ignored else _ending(key, exited_us, code, status)
    return [ending] if ending is not None else []


def _ending(command: str, exited_us: int, code: int, status: int) -> Ending | None:
    if not exited_us or code not in _CODES:
        return None
    return Ending(datetime.fromtimestamp(exited_us / 1e6, UTC), command, _CODES[code], status)
