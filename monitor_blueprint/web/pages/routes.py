"""Every page and every form: where it is, and the role that it takes."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from monitor_blueprint.domain.access import Role
from monitor_blueprint.web.pages import incident, language, orders, overview, pictures, signing_in, silences

NUMBER = "<int(max=9223372036854775807):number>"
_Show = Callable[..., Response]
# The endpoint is the function's name.
PAGES: tuple[tuple[str, _Show, Role], ...] = (
    ("/", overview.page, Role.READ),
    (f"/incidents/{NUMBER}", incident.incident, Role.READ),
    ("/incidents", pictures.incidents, Role.READ),
    ("/checks/<path:name>", pictures.check, Role.READ),
    ("/compare", pictures.compare, Role.READ),
    ("/silences", silences.silences_page, Role.OPERATE),
    (f"/trials/{NUMBER}", orders.trial, Role.OPERATE),
)
FORMS: tuple[tuple[str, _Show, Role], ...] = (
    (f"/incidents/{NUMBER}/acknowledge", orders.acknowledge, Role.OPERATE),
    (f"/incidents/{NUMBER}/release", orders.release, Role.OPERATE),
    (f"/incidents/{NUMBER}/notes", orders.note, Role.OPERATE),
    ("/silences", silences.silence, Role.OPERATE),
    (f"/silences/{NUMBER}/end", silences.end_silence, Role.OPERATE),
    ("/run", orders.run, Role.OPERATE),
    ("/checks/<path:name>/run", orders.run_check, Role.OPERATE),
    ("/trials", orders.try_channels, Role.OPERATE),
)
# The way in, and out.
OPEN = ("sign_in_page", "sign_in", "sign_out")
ROLES = {show.__name__: role for _, show, role in (*PAGES, *FORMS)}


def register(blueprint: Blueprint) -> None:
    """Add every page and form to a blueprint."""
    for rule, show, _ in PAGES:
        blueprint.get(rule)(language.spoken(show))
    for rule, do, _ in FORMS:
        blueprint.post(rule)(do)
    blueprint.get("/sign-in")(signing_in.sign_in_page)
    blueprint.post("/sign-in")(signing_in.sign_in)
    blueprint.post("/sign-out")(signing_in.sign_out)
