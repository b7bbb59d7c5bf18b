"""Reads the TOML file and refuses, at start, whatever in it cannot be used."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_type_hints
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from msgspec import Meta

from monitor_blueprint import notifiers, probes
from monitor_blueprint.config import environment
from monitor_blueprint.config.model import SELF_CHECK, Channel, Check, Config, ConfigError, Settings, units_of
from monitor_blueprint.config.suggestions import listed, unknown
from monitor_blueprint.domain.maintenance import Weekday, Window
from monitor_blueprint.domain.models import CheckPolicy
from monitor_blueprint.plugins import PluginError

DEFAULT_FILE = Path(__file__).with_name("default.toml")
# What systemd takes for the name of a unit (systemd.unit(5)); with another among them it refuses to watch any.
_UNIT = re.compile(
    r"(?!.*@(?:\.|\Z))(?:[A-Za-z0-9:_\\@-]{1,200}|[A-Za-z0-9:_.\\@-]{1,200}"
    r"\.(?:service|socket|device|mount|automount|swap|target|path|timer|slice|scope))"
)
_Section = TypeVar("_Section", bound=msgspec.Struct)
_COMMON_KEYS = ("name", "kind", "depends_on", "confirm", "interval_s")


_LocalTime = Annotated[time, Meta(description='a local time such as "02:00:00"')]


class _CheckSection(msgspec.Struct, frozen=True, kw_only=True):
    name: Annotated[
        str,
        Meta(pattern=r"^[^\s\"'*]{1,40}\Z", description="a text of 1 to 40 characters without blanks, quotes and *"),
    ]
    kind: str
    depends_on: tuple[str, ...] = ()
    confirm: Annotated[int, Meta(ge=1, le=20)] = 1
    interval_s: Annotated[float, Meta(ge=0)] | None = None


class _MaintenanceSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    days: Annotated[tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...], Meta(min_length=1)]
    start: _LocalTime
    end: _LocalTime
    timezone: str
    checks: tuple[str, ...] = ("*",)
    why: str = ""


def load(environ: Mapping[str, str] = os.environ) -> Config:
    """Read and validate the configuration that the environment names; raises ConfigError."""
    named = environ.get("NEURONOVA_CONFIG", "")
    path = Path(named) if named else DEFAULT_FILE
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); NEURONOVA_CONFIG must name a readable file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    return parse(document, environ, source=str(path), is_embedded=not named)


def parse(document: Mapping[str, Any], environ: Mapping[str, str], *, source: str, is_embedded: bool = False) -> Config:
    """Validate a configuration that is already read; raises ConfigError."""
    _refuse_unknown(document, ("monitor", "check", "channel", "maintenance"), source, "top level")
    settings = _convert(document.get("monitor", {}), Settings, source, "[monitor]")
    found = [_check(section, settings, source) for section in _sections(document, "check", source)]
    absent = tuple(check.name for check in found if is_embedded and not _is_possible(check))
    checks = tuple(check for check in found if check.name not in absent)
    _refuse_bad_names(found, source)
    _refuse_bad_units(found, source)
    channels = tuple(_channel(section, source) for section in _sections(document, "channel", source))
    _refuse_double_channels(channels, source)
    # A channel needs no section: the environment alone configures it.
    options = {channel.kind: channel.options for channel in channels}
    faults = notifiers.faults(environ, options)
    for kind in faults.keys() & options.keys():
        raise ConfigError(f'{source}: [[channel]] "{kind}": {faults[kind]}')
    problems = environment.problems(environ, options)
    if problems:
        raise ConfigError("environment: " + "; ".join(problems))
    windows = tuple(_window(section, found, source) for section in _sections(document, "maintenance", source))
    if not found:
        raise ConfigError(f"{source}: no [[check]] is configured; a monitor that checks nothing would say OK for ever")
    return Config(source, is_embedded, settings, checks, channels, windows, environ, absent, tuple(faults.values()))


def _sections(document: Mapping[str, Any], key: str, source: str) -> Sequence[Mapping[str, Any]]:
    sections = document.get(key, [])
    if not isinstance(sections, list):
        raise ConfigError(f"{source}: {key} must be written [[{key}]], with double brackets, once for each")
    if not all(isinstance(section, Mapping) for section in sections):
        raise ConfigError(f"{source}: every [[{key}]] must be a table of keys and values")
    return sections


def _check(section: Mapping[str, Any], settings: Settings, source: str) -> Check:
    where = f'[[check]] "{section.get("name", "?")}"'
    if "kind" not in section:
        raise ConfigError(_missing_kind(source, where, probes.available()))
    common = _convert({key: section[key] for key in _COMMON_KEYS if key in section}, _CheckSection, source, where)
    try:
        module = probes.load(common.kind)
    except KeyError:
        raise ConfigError(f"{source}: {where}: {unknown('kind', common.kind, probes.available())}") from None
    except PluginError as error:
        raise ConfigError(f"{source}: {where}: {error}") from error
    rest = {key: value for key, value in section.items() if key not in _COMMON_KEYS}
    options = _convert(rest, module.Options, source, where, also=_COMMON_KEYS)
    interval_s = common.interval_s
    if interval_s is None:
        interval_s = getattr(module, "DEFAULT_INTERVAL_S", 0.0)
    # No check runs more often than the schedule.
    interval_s = max(interval_s, settings.every_minutes * 60.0)
    return Check(common.kind, options, CheckPolicy(common.name, common.depends_on, common.confirm, interval_s))


def _is_possible(check: Check) -> bool:
    is_possible = getattr(probes.load(check.kind), "is_possible", None)
    return is_possible is None or bool(is_possible(check.options))


def _refuse_bad_names(checks: Sequence[Check], source: str) -> None:
    names = [check.name for check in checks]
    for check in checks:
        if names.count(check.name) > 1 or check.name == SELF_CHECK:
            raise ConfigError(f'{source}: [[check]] "{check.name}": the name is taken; every check needs a name of its own')
        where, others = f'[[check]] "{check.name}"', [name for name in names if name != check.name]
        for dependency in check.policy.depends_on:
            if dependency == check.name:
                raise ConfigError(f"{source}: {where}: depends_on names the check itself; allowed: {listed(others)}")
            if dependency not in names:
                raise ConfigError(f"{source}: {where}: {unknown('depends_on', dependency, others)}")


def _refuse_bad_units(checks: Sequence[Check], source: str) -> None:
    for check in checks:
        for unit in units_of(check):
            if not _UNIT.fullmatch(unit):
                where = f'{source}: [[check]] "{check.name}"'
                raise ConfigError(f'{where}: unit {unit!r} is no name of a systemd unit, such as "nginx" or "backup.timer"')


def _refuse_double_channels(channels: Sequence[Channel], source: str) -> None:
    kinds = [channel.kind for channel in channels]
    for kind in kinds:
        if kinds.count(kind) > 1:
            raise ConfigError(f'{source}: [[channel]] "{kind}" is there twice; each kind can be there once')


def _channel(section: Mapping[str, Any], source: str) -> Channel:
    if "kind" not in section:
        raise ConfigError(_missing_kind(source, "[[channel]]", notifiers.available()))
    kind = section["kind"]
    try:
        module = notifiers.load(str(kind))
    except KeyError:
        raise ConfigError(f"{source}: [[channel]]: {unknown('kind', str(kind), notifiers.available())}") from None
    except PluginError as error:
        raise ConfigError(f'{source}: [[channel]] "{kind}": {error}') from error
    rest = {key: value for key, value in section.items() if key != "kind"}
    options = _convert(rest, module.Options, source, f"[[channel]] {kind}", also=("kind",))
    return Channel(str(kind), options)


def _window(section: Mapping[str, Any], checks: Sequence[Check], source: str) -> Window:
    where = "[[maintenance]]"
    parsed = _convert(section, _MaintenanceSection, source, where)
    if parsed.timezone not in available_timezones():
        raise ConfigError(f"{source}: {where}: {unknown('timezone', parsed.timezone, sorted(available_timezones()))}")
    if parsed.start.tzinfo is not None or parsed.end.tzinfo is not None or parsed.start == parsed.end:
        raise ConfigError(f'{source}: {where}: start and end must be two different local times such as "02:00:00"')
    names = [check.name for check in checks]
    for name in parsed.checks:
        if name not in (*names, "*"):
            raise ConfigError(f"{source}: {where}: {unknown('checks', name, [*names, '*'])}")
    days = tuple(Weekday[day.upper()] for day in parsed.days)
    return Window(days, parsed.start, parsed.end, ZoneInfo(parsed.timezone), parsed.checks, parsed.why)


def _convert(section: Mapping[str, Any], to: type[_Section], source: str, where: str, also: Sequence[str] = ()) -> _Section:
    if not isinstance(section, Mapping):
        raise ConfigError(f"{source}: {where} must be a table of keys and values")
    fields = [field.encode_name for field in msgspec.structs.fields(to)]
    _refuse_unknown(section, [*also, *fields], source, where)
    try:
        return msgspec.convert(section, to)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{source}: {where}: {_explanation(to, str(error))}") from error


def _explanation(struct: type[msgspec.Struct], problem: str) -> str:
    """Return msgspec's complaint with what is allowed, where it shows a pattern or nothing."""
    key = re.search(r" - at `\$\.(\w+)", problem)
    if key is None:
        return problem
    annotation = get_type_hints(struct, include_extras=True).get(key[1])
    descriptions = [each.description for each in getattr(annotation, "__metadata__", ()) if isinstance(each, Meta)]
    if descriptions and descriptions[0]:
        return f"{key[1]} must be {descriptions[0]}"
    return f"{problem}; allowed: {', '.join(_words(annotation))}" if "Invalid enum value" in problem else problem


def _words(annotation: Any) -> list[str]:
    return [word for each in get_args(annotation) for word in ([each] if isinstance(each, str) else _words(each))]


def _refuse_unknown(section: Mapping[str, Any], allowed: Sequence[str], source: str, where: str) -> None:
    for key in section:
        if key not in allowed:
            raise ConfigError(f"{source}: {where}: {unknown('key', key, allowed)}")


def _missing_kind(source: str, where: str, allowed: Sequence[str]) -> str:
    return f"{source}: {where}: kind is missing; allowed: {listed(allowed)}"
