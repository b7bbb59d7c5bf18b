"""The pages with pictures, each imported when it is first asked for: what they are drawn with takes memory all the time."""

from __future__ import annotations

from flask import Response


def check(name: str) -> Response:
    """Show one check."""
    from monitor_blueprint.web.pages import check as page  # noqa: PLC0415

    return page.check(name)


def compare() -> Response:
    """Show several checks on one axis of time."""
    from monitor_blueprint.web.pages import compare as page  # noqa: PLC0415

    return page.compare()


def incidents() -> Response:
    """Show the incidents that are asked for."""
    from monitor_blueprint.web.pages import incident_list as page  # noqa: PLC0415

    return page.incidents()
