"""A check that does what the test says: `SCRIPT` holds a function for each name."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from monitor_blueprint.domain.models import Reading
from monitor_blueprint.probes import Observation, ProbeContext

SCRIPT: dict[str, Callable[[ProbeContext], Observation]] = {}


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "scripted" may say."""

    line: str = ""
    unit: str = ""


def probe(options: Options, context: ProbeContext) -> Observation:
    """Do what the script says; all is well where it says nothing."""
    look = SCRIPT.get(options.line)
    return look(context) if look is not None else Observation((Reading("thing"),))
