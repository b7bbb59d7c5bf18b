"""The monitor: checks every service and resource, remembers, and tells what is down.

`create_monitor` makes the Flask application; `Monitor` is the working part of it, which one gunicorn worker starts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_monitor(environ: Mapping[str, str] = os.environ) -> Flask:
    """Return the monitor's application, nothing running yet: `app.extensions["neuronova_monitor"].start()` begins.

    Raises:
        monitor_blueprint.config.ConfigError: the configuration cannot be used.
    """
    from flask import Flask  # noqa: PLC0415 - the command line tools need no web framework
    from werkzeug.middleware.proxy_fix import ProxyFix  # noqa: PLC0415

    from monitor_blueprint.engine.monitor import Monitor  # noqa: PLC0415
    from monitor_blueprint.web.views import blueprint  # noqa: PLC0415

    # The blueprint has the static files.
    app = Flask(__name__, static_folder=None)
    # The guide shows the keys in an order that a reader follows.
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["neuronova_monitor"] = Monitor(environ)
    app.register_blueprint(blueprint)
    # Nginx serves the pages under a prefix; only loopback can reach this program, so the header is Nginx's.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=0, x_proto=0, x_prefix=1)  # type: ignore[method-assign]
    return app
