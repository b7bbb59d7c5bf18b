"""The names of all units that systemd could start: for whoever has misspelt one."""

from __future__ import annotations

from pathlib import PurePosixPath

from jeepney import new_method_call

from monitor_blueprint.adapters.systemd import MANAGER, call, connect


def installed_units(timeout_s: float = 5.0) -> list[str]:
    """Return the names of the units that there are files of, sorted; raises SystemdUnavailableError."""
    with connect(timeout_s) as connection:
        (rows,) = call(connection, new_method_call(MANAGER, "ListUnitFiles"), timeout_s)
    return sorted({PurePosixPath(path).name for path, _ in rows})
