"""systemd's units: which exist, and whose they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from deploy.installer import commands, places
from deploy.installer.failure import Failure

_PROPERTIES = "Id,LoadState,ActiveState,UnitFileState,FragmentPath,DropInPaths,ExecStart,User,MainPID"
_REMEDY = "'systemctl is-system-running' and 'systemctl status dbus' say what is wrong with systemd."
_PROGRAM = re.compile(r"\bpath=([^ ;]+)")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as systemd knows it; `load_state` is "not-found" where there is none.

    Attributes:
        program: what ExecStart runs; its arguments may hold secrets and are not read.
        file: the unit file. drop_ins: files that change it.
    """

    name: str
    load_state: str = "not-found"
    active_state: str = "inactive"
    file_state: str = ""
    file: str = ""
    drop_ins: tuple[str, ...] = ()
    program: str = ""
    user: str = ""
    main_pid: int = 0

    @property
    def is_there(self) -> bool:
        """Tell whether there is a unit of that name; a masked one is somebody's decision, too."""
        return self.load_state != "not-found"

    @property
    def is_active(self) -> bool:
        """Tell whether it runs, or is about to."""
        return self.active_state in ("active", "reloading", "activating")

    @property
    def is_running(self) -> bool:
        """Tell whether it runs, and has said that it is ready."""
        return self.active_state in ("active", "reloading")

    @property
    def is_ours(self) -> bool:
        """Tell whether it runs what we have installed; a timer runs nothing itself and goes by its name."""
        runs_ours = self.program.startswith((f"{places.CURRENT}/", f"{places.RELEASES}/"))
        return runs_ours or (self.is_there and not self.program and self.name == places.DEADMAN_TIMER)

    @property
    def is_foreign(self) -> bool:
        """Tell whether it is somebody else's."""
        return self.is_there and not self.is_ours


def units(names: Iterable[str]) -> dict[str, Unit]:
    """Ask systemd about units by their full names.

    Raises:
        Failure: systemd does not answer; a unit that cannot be seen is not one that is not there.
    """
    wanted = tuple(names)
    shown = commands.run(["systemctl", "show", f"--property={_PROPERTIES}", "--", *wanted], _REMEDY)
    found = [parse(block) for block in shown.strip().split("\n\n")]
    if len(found) != len(wanted):
        raise Failure(f"systemctl told of {len(found)} units in the place of {len(wanted)}", _REMEDY)
    return dict(zip(wanted, found, strict=True))


def parse(block: str) -> Unit:
    """Return a unit out of what `systemctl show` printed of it."""
    facts = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    start = facts.get("ExecStart", "")
    program = _PROGRAM.search(start)
    return Unit(
        name=facts.get("Id", ""),
        load_state=facts.get("LoadState", "not-found"),
        active_state=facts.get("ActiveState", "inactive"),
        file_state=facts.get("UnitFileState", ""),
        file=facts.get("FragmentPath", ""),
        drop_ins=tuple(facts.get("DropInPaths", "").split()),
        program=program[1] if program else "",
        user=facts.get("User", ""),
        main_pid=int(facts.get("MainPID", "0") or 0),
    )
