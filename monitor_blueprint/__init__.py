"""The monitor: checks every service and resource, remembers, and tells what is down.

As a program of its own it is the application that `create_monitor` makes. Mounted in a Flask application it is an extension:

    monitor = Monitor(app, url_prefix="/ops")

or, where the application is made by a function:

    monitor = Monitor()

    def create_app():
        app = Flask(__name__)
        monitor.init_app(app, url_prefix="/ops")
        return app

Beside an application of another framework, or of another configuration, it is mounted whole:

    pages = create_monitor()
    application = DispatcherMiddleware(application, {"/ops": pages})
    monitor = pages.extensions["neuronova_monitor"]

From then on the pages show what is stored. `monitor.start()`, called once in every process of the server, lets one of them run
the schedule: with gunicorn that is the hook `post_worker_init`, and `monitor.stop()` is for `worker_exit`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from monitor_blueprint.web.extension import Monitor

__all__ = ["Monitor", "create_monitor"]


def create_monitor(environ: Mapping[str, str] = os.environ, *, goes_on: bool = False) -> Flask:
    """Return an application that is all monitor, nothing running yet: `app.extensions["neuronova_monitor"].start()` begins.

    One that `goes_on` takes the configuration that it last ran by where the file has become bad since: for a server that has
    refused a bad one at its start, and makes the application anew for each worker.

    Raises:
        monitor_blueprint.config.ConfigError: the configuration cannot be used.
    """
    from flask import Flask  # noqa: PLC0415 - the command line tools need no web framework

    from monitor_blueprint.web import views  # noqa: PLC0415
    from monitor_blueprint.web.extension import Monitor  # noqa: PLC0415

    # The blueprint has the static files.
    app = Flask(__name__, static_folder=None)
    Monitor(environ=environ, goes_on=goes_on).init_app(app, url_prefix="/", is_all=True)
    for code in (404, 405):
        app.register_error_handler(code, views.refuse)
    app.after_request(views.secured)
    return app


def __getattr__(name: str) -> object:
    if name == "Monitor":
        from monitor_blueprint.web.extension import Monitor  # noqa: PLC0415 - as above

        return Monitor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
