"""Whether what is configured is there: the units, the mount points, somebody at each address."""

from __future__ import annotations

import difflib
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from monitor_blueprint import notifiers
from monitor_blueprint.adapters.deadline import Call
from monitor_blueprint.adapters.file_systems import is_device, look_at_device
from monitor_blueprint.adapters.http import is_served
from monitor_blueprint.adapters.systemd import SystemdUnavailableError, UnitState, full_name, read_units
from monitor_blueprint.adapters.unit_names import installed_units
from monitor_blueprint.config import Check, Config, units_of
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.domain.text import configured
from monitor_blueprint.notifiers import Channel
from monitor_blueprint.text import ko_trials

_ADDRESS_S = 2.0
_MOUNTED = ("disk", "disk_trend", "inodes")


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that was tried: `problem` says what is not as it was configured, `note` what is worth knowing."""

    problem: str = ""
    note: str = ""


def trials(settings: Config) -> Iterator[Trial]:
    """Try out what is configured; nothing of it keeps the configuration from being used."""
    yield from _units(settings)
    for check in settings.checks:
        path: str = getattr(check.options, "path", "")
        if check.kind in _MOUNTED and path:
            yield _place(check.name, path)
    yield from _addresses(settings)
    yield from _servers(notifiers.channels(settings.environ, settings.channel_options))


def _servers(channels: Sequence[Channel]) -> Iterator[Trial]:
    """Ask whether anybody is there who takes the channels' messages, and say who that is: it need not have been named."""
    for channel in channels:
        if channel.server is None:
            continue
        host, port = channel.server
        address = channel.address
        yield Trial(note=ko_trials.TRIED_SERVER.format(name=channel.name, address=address))
        call = _call(partial(_is_listening, host, port))
        is_there = call.wait(time.monotonic() + 2 * _ADDRESS_S) and call.result()
        yield Trial() if is_there else Trial(problem=ko_trials.TRIED_NOBODY.format(name=channel.name, address=address))


def _units(settings: Config) -> Iterator[Trial]:
    if not settings.units:
        return
    try:
        states = read_units(settings.units)
    except SystemdUnavailableError as error:
        yield Trial(problem=ko_trials.TRIED_NO_SYSTEMD.format(reason=clean(str(error))))
        return
    for check in settings.checks:
        for unit in units_of(check):
            yield _unit(check, unit, states.get(full_name(unit)))


def _unit(check: Check, unit: str, state: UnitState | None) -> Trial:
    if state is None or not state.is_known:
        if getattr(check.options, "when_absent", "fail") != "fail":
            return Trial(note=ko_trials.TRIED_ABSENT.format(name=check.name, unit=full_name(unit)))
        near = _near(full_name(unit))
        meant = ko_trials.TRIED_MEANT.format(names=", ".join(near)) if near else ""
        return Trial(problem=ko_trials.TRIED_NO_UNIT.format(name=check.name, unit=full_name(unit)) + meant)
    if state.load_state != "loaded":
        return Trial(problem=ko_trials.TRIED_BAD_UNIT.format(name=check.name, unit=full_name(unit), state=state.load_state))
    return Trial(note=_meaning(check.name, full_name(unit), state))


def _meaning(name: str, unit: str, state: UnitState) -> str:
    """Return what a unit's name means, where that is not just the unit."""
    if state.members:
        return ko_trials.TRIED_MEMBERS.format(name=name, unit=unit, real=", ".join(member.name for member in state.all_members))
    if state.has_exited:
        return ko_trials.TRIED_EXITED.format(name=name, unit=unit)
    return "" if state.name == unit else ko_trials.TRIED_ALIAS.format(name=name, unit=unit, real=state.name)


def _near(unit: str) -> list[str]:
    """Return the installed units of the same type that are called alike."""
    name, _, kind = unit.rpartition(".")
    stems = [each.removesuffix(f".{kind}") for each in installed_units() if each.endswith(f".{kind}")]
    return [f"{stem}.{kind}" for stem in difflib.get_close_matches(name, stems, 3, cutoff=0.5)]


def _place(name: str, path: str) -> Trial:
    try:
        # A device may be hidden where this runs, and mounted all the same; one that is there may be mounted nowhere.
        look_at_device(path) if is_device(path) else Path(path).stat()
    except OSError as error:
        return Trial(problem=ko_trials.TRIED_NO_PLACE.format(name=name, path=path, reason=error.strerror))
    if not Path(path).is_mount() and not is_device(path):
        return Trial(problem=ko_trials.TRIED_NO_MOUNT.format(name=name, path=path))
    return Trial()


def _addresses(settings: Config) -> Iterator[Trial]:
    """Ask whether anybody is there, at all addresses at once."""
    asked: list[tuple[Check, str, Call[bool]]] = []
    for check in settings.checks:
        url: str = getattr(check.options, "url", "")
        host: str = getattr(check.options, "host", "")
        if url:
            asked.append((check, configured(url), _call(partial(is_served, url, _ADDRESS_S))))
        elif host and not getattr(check.options, "file", ""):
            port = check.options.port
            asked.append((check, f"{host}:{port}", _call(partial(_is_listening, host, port))))
    until = time.monotonic() + 2 * _ADDRESS_S
    for check, shown, call in asked:
        is_there = call.wait(until) and call.result()
        yield Trial() if is_there else Trial(problem=ko_trials.TRIED_NOBODY.format(name=check.name, address=shown))


def _call(ask: Callable[[], bool]) -> Call[bool]:
    return Call(ask, "trial")


def _is_listening(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), _ADDRESS_S).close()
    except (OSError, ValueError):
        return False
    return True
