"""The monitor as a Flask extension: the whole of it in one object, mounted in an application of one's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from monitor_blueprint.console.gate import Gate
from monitor_blueprint.console.throttle import Throttle
from monitor_blueprint.engine import monitor
from monitor_blueprint.web import views
from monitor_blueprint.web.mounted import EXTENSION

if TYPE_CHECKING:
    from flask import Flask


class Monitor(monitor.Monitor):
    """The monitor of one configuration, and its pages in an application; see the package for examples.

    Everything under its prefix (or on its sub-domain) is the monitor's: who has no token gets a 401 there, and what is no
    address a 404, in JSON. Nothing else of the application is changed.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        environ: Mapping[str, str] = os.environ,
        url_prefix: str = "/monitor",
        subdomain: str | None = None,
        name: str = "monitor",
        goes_on: bool = False,
    ) -> None:
        """Read the configuration that the environment names, and mount the pages where an application is given.

        One that `goes_on` takes the configuration that it last ran by where the file has become bad since.

        Raises:
            ConfigError: the configuration cannot be used.
        """
        super().__init__(environ, goes_on=goes_on)
        self.throttle = Throttle()
        if app is not None:
            self.init_app(app, url_prefix=url_prefix, subdomain=subdomain, name=name)

    @cached_property
    def gate(self) -> Gate:
        """Return what says who is let in; made at the first request, as all that opens the database."""
        return Gate(self.store, self.admin_token, self.stats_token)

    def init_app(
        self,
        app: Flask,
        *,
        url_prefix: str = "/monitor",
        subdomain: str | None = None,
        name: str = "monitor",
        is_all: bool = False,
    ) -> None:
        """Mount the pages.

        Args:
            app: the application, which can have one monitor.
            url_prefix: where they are; "/" where they share the application's root with its own routes.
            subdomain: where the application tells its sub-domains apart, that of the pages.
            name: the blueprint's name, the first part of its endpoints.
            is_all: the application has no routes of its own. Where it may, and shares its root, the public page takes its
                addresses only when the configuration asks for it at the start.

        Raises:
            RuntimeError: the application has a monitor.
            ValueError: it has a blueprint of this name.
        """
        if EXTENSION in app.extensions:
            raise RuntimeError("the application has a monitor already: mount another with DispatcherMiddleware")
        has_own_place = bool(url_prefix.strip("/") or subdomain)
        has_public = has_own_place or is_all or self.config.settings.public_page
        blueprint = views.make_blueprint(name, has_own_place=has_own_place, has_public=has_public)
        app.register_blueprint(blueprint, url_prefix=url_prefix, subdomain=subdomain)
        app.extensions[EXTENSION] = self
