"""Reads the TOML file and refuses, at start, whatever in it cannot be used."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from monitor_blueprint import notifiers, probes
from monitor_blueprint.config import environment
from monitor_blueprint.config.convert import RefusedError, Section, convert, refuse_unknown_keys
from monitor_blueprint.config.model import SELF_CHECK, ChannelConfig, Check, Config, ConfigError, Replaced, units_of
from monitor_blueprint.config.relations import related
from monitor_blueprint.config.sections import CheckSection, MaintenanceSection, Settings
from monitor_blueprint.config.suggestions import listed, shown, unknown
from monitor_blueprint.domain.maintenance import Weekday, Window
from monitor_blueprint.domain.models import CheckPolicy
from monitor_blueprint.domain.sanitize import MASK
from monitor_blueprint.domain.text import Public, prescribed
from monitor_blueprint.plugins import PluginError

DEFAULT_FILE = Path(__file__).with_name("default.toml")
# What systemd takes for the name of a unit (systemd.unit(5)); with another among them it refuses to watch any.
_UNIT = re.compile(
    r"(?!.*@(?:\.|\Z))(?:[A-Za-z0-9:_\\@-]{1,200}|[A-Za-z0-9:_\\-]{1,100}@[A-Za-z0-9:_.\\@-]{1,100}|[A-Za-z0-9:_.\\@-]{1,200}"
    r"\.(?:service|socket|device|mount|automount|swap|target|path|timer|slice|scope))"
)
_COMMON_KEYS = CheckSection.__struct_fields__


def load(environ: Mapping[str, str] = os.environ) -> Config:
    """Read and validate the configuration that the environment names; raises ConfigError."""
    named = environ.get("NEURONOVA_CONFIG", "")
    path = file_of(environ)
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        # Whoever has mixed up two lines has the other one's secret here.
        shown_path = MASK if "://" in named else path
        raise ConfigError(
            f"{shown_path}: cannot be read ({error.strerror}); NEURONOVA_CONFIG must name a readable file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    return replace(parse(document, environ, source=str(path), is_embedded=not named), text=text)


def file_of(environ: Mapping[str, str]) -> Path:
    """Return the file that the environment names, or the embedded one."""
    named = environ.get("NEURONOVA_CONFIG", "")
    return Path(named) if named else DEFAULT_FILE


def parse(document: Section, environ: Mapping[str, str], *, source: str, is_embedded: bool = False) -> Config:
    """Validate a configuration that is already read; raises ConfigError."""
    try:
        return _parse(document, environ, source, is_embedded=is_embedded)
    except RefusedError as error:
        raise ConfigError(f"{source}: {error}") from error


def _parse(document: Section, environ: Mapping[str, str], source: str, *, is_embedded: bool) -> Config:
    refuse_unknown_keys(document, ("monitor", "check", "channel", "maintenance"), "top level")
    settings = convert(document.get("monitor", {}), Settings, "[monitor]")
    checks = tuple(_check(section, settings) for section in _sections(document, "check"))
    _refuse_taken_names(checks)
    _refuse_bad_dependencies(checks)
    _refuse_bad_units(checks)
    channel_sections = _sections(document, "channel")
    channels = tuple(_channel(section) for section in channel_sections)
    _refuse_double_channels(channels)
    # A channel needs no section: the environment alone configures it.
    options = {channel.kind: channel.options for channel in channels}
    faults = notifiers.faults(environ, options)
    _refuse_broken_channels(channels, faults)
    _refuse_environment(environ, options)
    windows = tuple(_window(section, checks) for section in _sections(document, "maintenance"))
    if not checks:
        raise RefusedError("no [[check]] is configured; a monitor that checks nothing would say OK for ever")
    return Config(
        source=source,
        is_embedded=is_embedded,
        settings=settings,
        checks=related(checks),
        channels=channels,
        windows=windows,
        environ=environ,
        faults=tuple(faults.values()),
        replaced=tuple(each for section in channel_sections for each in _replaced(section)),
    )


# --- The sections


def _sections(document: Section, key: str) -> Sequence[Section]:
    sections = document.get(key, [])
    if not isinstance(sections, list):
        raise RefusedError(f"{key} must be written [[{key}]], with double brackets, once for each")
    if not all(isinstance(section, Mapping) for section in sections):
        raise RefusedError(f"every [[{key}]] must be a table of keys and values")
    return sections


def _check(section: Section, settings: Settings) -> Check:
    where = f'[[check]] "{shown(str(section.get("name", "?")))}"'
    if "kind" not in section:
        raise RefusedError(f"{where}: kind is missing; allowed: {listed(probes.available())}")
    common = {key: section[key] for key in _COMMON_KEYS if key in section}
    parsed = convert(common, CheckSection, where)
    try:
        module = probes.load(parsed.kind)
    except KeyError:
        raise RefusedError(f"{where}: {unknown('kind', parsed.kind, probes.available())}") from None
    except PluginError as error:
        raise RefusedError(f"{where}: {error.whole}") from error
    options = convert(_without(section, _COMMON_KEYS), module.Options, where, also=_COMMON_KEYS)
    wanted_s = getattr(module, "DEFAULT_INTERVAL_S", 0.0) if parsed.interval_s is None else parsed.interval_s
    # No check runs more often than the schedule.
    interval_s = max(wanted_s, settings.every_minutes * 60.0)
    policy = CheckPolicy(parsed.name, parsed.depends_on, parsed.confirm, interval_s, parsed.grace_s)
    return Check(parsed.kind, options, policy, prescribed(parsed.runbook))


def _channel(section: Section) -> ChannelConfig:
    if "kind" not in section:
        raise RefusedError(f"[[channel]]: kind is missing; allowed: {listed(notifiers.available())}")
    kind = str(section["kind"])
    try:
        module = notifiers.load(kind)
    except KeyError:
        raise RefusedError(f"[[channel]]: {unknown('kind', kind, notifiers.available())}") from None
    except PluginError as error:
        raise RefusedError(f'[[channel]] "{kind}": {error.whole}') from error
    # Whoever upgrades is not to be left without a monitor for a word that nobody needs any more.
    read = _without(section, ("kind", *_remedies(module)))
    return ChannelConfig(kind, convert(read, module.Options, f"[[channel]] {kind}", also=("kind",)))


def _replaced(section: Section) -> list[Replaced]:
    kind = str(section["kind"])
    remedies = _remedies(notifiers.load(kind))
    return [Replaced(kind, key, remedy) for key, remedy in remedies.items() if key in section]


def _remedies(module: notifiers.NotifierModule) -> Mapping[str, Public]:
    remedies: Mapping[str, Public] = getattr(module, "REPLACED", {})
    return remedies


def _window(section: Section, checks: Sequence[Check]) -> Window:
    parsed = convert(section, MaintenanceSection, "[[maintenance]]")
    allowed = [*(check.name for check in checks), "*"]
    for name in parsed.checks:
        if name not in allowed:
            raise RefusedError(f"[[maintenance]]: {unknown('checks', name, allowed)}")
    days = tuple(Weekday[day.upper()] for day in parsed.days)
    return Window(days, parsed.start, parsed.end, ZoneInfo(parsed.timezone), parsed.checks, parsed.why)


def _without(section: Section, keys: Sequence[str]) -> Section:
    return {key: value for key, value in section.items() if key not in keys}


# --- What no type can refuse: what does not go together


def _refuse_taken_names(checks: Sequence[Check]) -> None:
    names = [check.name for check in checks]
    for name in names:
        if names.count(name) > 1 or name == SELF_CHECK:
            raise RefusedError(f'[[check]] "{shown(name)}": the name is taken; every check needs a name of its own')


def _refuse_bad_dependencies(checks: Sequence[Check]) -> None:
    for check in checks:
        others = [each.name for each in checks if each is not check]
        for name in check.policy.depends_on:
            if name == check.name:
                problem = f"depends_on names the check itself; allowed: {listed(others)}"
                raise RefusedError(f'[[check]] "{shown(check.name)}": {problem}')
            if name not in others:
                raise RefusedError(f'[[check]] "{shown(check.name)}": {unknown("depends_on", name, others)}')


def _refuse_bad_units(checks: Sequence[Check]) -> None:
    for check in checks:
        for unit in units_of(check):
            if not _UNIT.fullmatch(unit):
                problem = f'unit {shown(unit)!r} is no name of a systemd unit, such as "nginx" or "backup.timer"'
                raise RefusedError(f'[[check]] "{shown(check.name)}": {problem}')


def _refuse_double_channels(channels: Sequence[ChannelConfig]) -> None:
    kinds = [channel.kind for channel in channels]
    for kind in kinds:
        if kinds.count(kind) > 1:
            raise RefusedError(f'[[channel]] "{kind}" is there twice; each kind can be there once')


def _refuse_broken_channels(channels: Sequence[ChannelConfig], faults: Mapping[str, PluginError]) -> None:
    for channel in channels:
        if channel.kind in faults:
            raise RefusedError(f'[[channel]] "{channel.kind}": {faults[channel.kind].whole}')


def _refuse_environment(environ: Mapping[str, str], options: Mapping[str, Any]) -> None:
    problems = environment.problems(environ, options)
    if problems:
        raise ConfigError("environment: " + "; ".join(problems))
