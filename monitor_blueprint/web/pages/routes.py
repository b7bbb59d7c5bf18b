"""Every page, where it is, and the role that it takes."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from monitor_blueprint.domain.access import Role
from monitor_blueprint.web.pages import incident, overview

NUMBER = "<int(max=9223372036854775807):number>"
# The endpoint of a page is its function's name.
PAGES: tuple[tuple[str, Callable[..., Response], Role], ...] = (
    ("/", overview.page, Role.OPERATE),
    (f"/incidents/{NUMBER}", incident.incident, Role.OPERATE),
)
ROLES = {show.__name__: role for _, show, role in PAGES}


def register(blueprint: Blueprint) -> None:
    """Add every page to a blueprint."""
    for rule, show, _ in PAGES:
        blueprint.get(rule)(show)
