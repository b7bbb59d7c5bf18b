"""The public page and its badges, for everybody, where `public_page` of the configuration opens them.

Where it does not they are no addresses. A reload of the configuration opens and closes them. What they answer is imported
when it is first asked for: most servers have them closed, and the memory is wanted elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, abort

from monitor_blueprint.web.mounted import monitor


def page() -> Response:
    """Show the names and states."""
    _require()
    from monitor_blueprint.web import public_views  # noqa: PLC0415

    return public_views.page()


def status() -> Response:
    """Return the same for programs."""
    _require()
    from monitor_blueprint.web import public_views  # noqa: PLC0415

    return public_views.status()


def style() -> Response:
    """Return the page's look."""
    _require()
    from monitor_blueprint.web import public_views  # noqa: PLC0415

    return public_views.style()


def badge(name: str) -> Response:
    """Return the badge of a check, or ("overall") of the whole."""
    _require()
    from monitor_blueprint.web import public_views  # noqa: PLC0415

    return public_views.badge(name)


_BADGE = "public_badge"
_ADDRESSES: tuple[tuple[str, str, Callable[..., Response]], ...] = (
    ("/public/", "public_page", page),
    ("/public/status.json", "public_status", status),
    ("/public/public.css", "public_style", style),
    ("/badges/<path:name>.svg", _BADGE, badge),
)
_ENDPOINTS = [endpoint for _, endpoint, _ in _ADDRESSES]


def register(blueprint: Blueprint) -> None:
    """Add the addresses to a blueprint."""
    for rule, endpoint, answer in _ADDRESSES:
        blueprint.add_url_rule(rule, endpoint, answer)


def is_open(endpoint: str) -> bool:
    """Tell whether an endpoint is one of these, and they are open."""
    return endpoint in _ENDPOINTS and monitor().config.settings.public_page


def is_shared(endpoint: str) -> bool:
    """Tell whether other sites may show what the endpoint answers."""
    return endpoint == _BADGE


def _require() -> None:
    if not monitor().config.settings.public_page:
        abort(404)
