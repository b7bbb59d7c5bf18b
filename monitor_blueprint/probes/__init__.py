"""One file per kind of check; the file's name is the check's `kind` in the configuration.

A probe module has two names that the configuration and the health check use:

- `Options`: a frozen `msgspec.Struct` that forbids unknown fields; its annotations are what the configuration may say.
- `probe(options, context) -> Observation`: looks once and says what it saw. What the target does wrong is a
  CRITICAL reading; `ProbeError` is for a probe that could not look at all, which is never blamed on the target.

and may have more:

- `DEFAULT_INTERVAL_S`: how often it is wanted where the configuration does not say, in seconds; every round without it.
- `READS_SELF_REPORT`: it reads what its target says of itself: what it finds is the cause of what others see at that address.
- `SHARES`: what it is about besides its unit and path: what fails of one thing is told to belong together.
- `is_possible(options) -> bool`: whether there is anything to look at on this machine. With the embedded default
  configuration it is asked before every look until there has been something; from then on that is missed.

Nothing else has to be told about a new file: it is imported when a check names it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, cast

from monitor_blueprint import plugins
from monitor_blueprint.adapters.systemd import UnitState
from monitor_blueprint.domain.models import ProbeError, Reading, Status, Thresholds

# `available` and `load` aside, what a probe's file needs.
__all__ = ["Observation", "ProbeContext", "ProbeError", "Reading", "Status", "Thresholds", "available", "load"]


@dataclass(frozen=True, slots=True)
class ProbeContext:
    """What a probe is given.

    Attributes:
        now: moment of the round, UTC.
        deadline: `time.monotonic()` value after which nobody waits for the answer any more.
        checkpoint: what this check's probe returned as its checkpoint the last time; empty at first.
        units: reads the state of a systemd unit by name ("nginx" or "nginx.service"); asked once for all units in a
            round. Raises `ProbeError` where systemd cannot be asked; returns a state with `load_state` "not-found"
            for an unknown unit.
        environ: the secrets from the environment, such as ML_API_KEY.
        is_starting: the monitor itself has just begun, and with it perhaps the whole machine: who does not answer yet
            is in transition.
        grace_s: how long the check may be in transition by its configuration; 0 where that says nothing.
        asked_paths: the paths that the monitor's own checks ask for: what is logged of those is its own doing.
    """

    now: datetime
    deadline: float
    units: Callable[[str], UnitState]
    checkpoint: Mapping[str, Any] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    is_starting: bool = False
    grace_s: float = 0.0
    asked_paths: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Observation:
    """What a probe saw, and what it wants to remember until the next time (JSON values only)."""

    readings: tuple[Reading, ...]
    checkpoint: Mapping[str, Any] = field(default_factory=dict)


class ProbeModule(Protocol):
    """The two names that a probe module must have."""

    Options: type[Any]

    def probe(self, options: Any, context: ProbeContext) -> Observation:
        """Look once."""


def available() -> list[str]:
    """Return the kinds that exist: the names of the modules beside this file."""
    return plugins.names(__path__)


@functools.cache
def load(kind: str) -> ProbeModule:
    """Import the module of a kind; raises KeyError for one that does not exist, PluginError for one that cannot be used.

    What is loaded stays usable when its file is gone: an upgrade may have taken it away, or the disk is.
    """
    return cast("ProbeModule", plugins.load(__name__, __path__, kind, ("Options", "probe")))
