"""The monitor that an application has."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from monitor_blueprint.web.extension import Monitor

# Where an application keeps its monitor.
EXTENSION = "neuronova_monitor"


def monitor() -> Monitor:
    """Return the monitor of the application that answers."""
    return cast("Monitor", current_app.extensions[EXTENSION])
