"""What every piece of evidence is made of."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from monitor_blueprint.domain.text import NOTHING, Public


class Found(NamedTuple):
    """What was found, for this machine's administrators, and what of it may leave the machine."""

    text: str
    public: Public = NOTHING


class Subject(NamedTuple):
    """A systemd unit that takes part in a failure; what happened before `begin` is not of that failure."""

    unit: str
    begin: datetime
