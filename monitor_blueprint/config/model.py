"""The configuration as the rest of the monitor knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from monitor_blueprint.config.sections import Settings
from monitor_blueprint.domain.incidents import IncidentRules
from monitor_blueprint.domain.maintenance import Window
from monitor_blueprint.domain.models import CheckPolicy
from monitor_blueprint.domain.text import NOTHING, Public, configured, fill
from monitor_blueprint.plugins import PluginError

# The database's name in the state directory.
DATABASE = "monitor.db"
# The monitor's own check (database, log, channels) has this name; the others may not take it.
SELF_CHECK = "Monitor"


class ConfigError(Exception):
    """The configuration cannot be used; the text names the file, the key and what is allowed."""


@dataclass(frozen=True, slots=True)
class Check:
    """One configured check: what to run, what the rules need to know of it, and what the operators do where it fails."""

    kind: str
    options: Any
    policy: CheckPolicy
    runbook: Public = NOTHING

    @property
    def name(self) -> str:
        """Return the check's name."""
        return self.policy.name


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """One configured alert channel."""

    kind: str
    options: Any


@dataclass(frozen=True, slots=True)
class Replaced:
    """A key that the file still has from an earlier version: it is ignored, and `remedy` says what has replaced it."""

    kind: str
    key: str
    remedy: Public

    @property
    def told(self) -> Public:
        """Return the whole in a sentence."""
        return fill(
            '{kind}: "{key}" is no longer used and ignored: {remedy}; take it out',
            kind=configured(self.kind),
            key=configured(self.key),
            remedy=self.remedy,
        )


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration.

    Attributes:
        source: file that it was read from, for messages.
        is_embedded: it is the embedded default, so what is not installed here is left out until it is.
        settings: section [monitor].
        checks: in the order of the file, which is the order of the log.
        channels: the configured alert channels.
        windows: weekly maintenance windows.
        environ: the environment's settings and secrets.
        faults: what is wrong with the files of channels that cannot be used, and that no section names.
        replaced: keys of an earlier version that the file still has.
        text: the file's, as it was read; "" where it was read elsewhere.
    """

    source: str
    is_embedded: bool
    settings: Settings
    checks: tuple[Check, ...]
    channels: tuple[ChannelConfig, ...]
    windows: tuple[Window, ...]
    environ: Mapping[str, str]
    faults: tuple[PluginError, ...] = ()
    replaced: tuple[Replaced, ...] = ()
    text: str = field(default="", repr=False)

    @property
    def policies(self) -> tuple[CheckPolicy, ...]:
        """Return what the incident rules need to know of every check, the monitor's own included."""
        own = CheckPolicy(SELF_CHECK, interval_s=self.settings.every_minutes * 60.0)
        return (*(check.policy for check in self.checks), own)

    @property
    def incident_rules(self) -> IncidentRules:
        """Return the numbers of the incident rules."""
        return IncidentRules(reminder_s=self.settings.reminder_minutes * 60.0)

    @property
    def runbooks(self) -> dict[str, Public]:
        """Return the operators' own runbooks, by check; one that has none is not there."""
        return {check.name: check.runbook for check in self.checks if check.runbook}

    @property
    def channel_options(self) -> dict[str, Any]:
        """Return the options of the configured channels, by kind."""
        return {channel.kind: channel.options for channel in self.channels}

    @property
    def database(self) -> Path:
        """Return the path of the database."""
        return self.state_dir / DATABASE

    @property
    def state_dir(self) -> Path:
        """Return the directory of the database and the lock."""
        return Path(self.settings.state_dir)

    @property
    def log_dir(self) -> Path:
        """Return the directory of the logs."""
        return Path(self.settings.log_dir)

    @property
    def asked_paths(self) -> frozenset[str]:
        """Return the paths of all addresses that some check asks for."""
        urls = [str(getattr(check.options, "url", "")) for check in self.checks]
        return frozenset(urlsplit(url).path or "/" for url in urls if url)

    @property
    def units(self) -> tuple[str, ...]:
        """Return every systemd unit that some check watches, each once."""
        names = [unit for check in self.checks for unit in units_of(check)]
        return tuple(dict.fromkeys(names))


def units_of(check: Check) -> tuple[str, ...]:
    """Return the systemd units that the check's options name."""
    single = getattr(check.options, "unit", "")
    return (*((single,) if single else ()), *getattr(check.options, "units", ()))
