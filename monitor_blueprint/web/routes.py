"""Every route of the API."""

from __future__ import annotations

from monitor_blueprint.web import changing, reading, signing_in

ROUTES = (*reading.ROUTES, *changing.ROUTES, *signing_in.ROUTES)
