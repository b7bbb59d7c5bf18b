"""What to do next, in one sentence or two: by what of a check fails, and how, not by its kind alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from monitor_blueprint.domain.models import Status

# The monitor's own readings of a channel have its name behind these.
_CHANNELS = ("channel", "trying")


class Seen(Protocol):
    """A reading as it is shown."""

    @property
    def aspect(self) -> str:
        """Return which part of the check it is."""

    @property
    def status(self) -> str:
        """Return the status by its name."""

    @property
    def facts(self) -> Mapping[str, object]:
        """Return what was seen."""


def advice(catalogue: Mapping[tuple[str, ...], str], blind: str, kind: str, readings: Sequence[Seen]) -> str:
    """Return what the catalogue says of the worst reading; `blind` where nobody could look, "" where it has nothing to say."""
    bad = [each for each in readings if each.status != Status.OK.name]
    if not bad:
        return ""
    worst = max(bad, key=lambda each: Status[each.status].severity)
    if worst.status == Status.UNKNOWN.name:
        return blind
    aspect = next((name for name in _CHANNELS if worst.aspect.startswith(f"{name}_")), worst.aspect)
    # "activating/start" is systemd's word for a state and what is done in it.
    how = str(worst.facts.get("state", worst.facts.get("reason", ""))).partition("/")[0]
    return catalogue.get((kind, aspect, how)) or catalogue.get((kind, aspect), "")
