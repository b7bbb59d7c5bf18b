"""The ML server as a Flask application."""

import logging
import os

from flask import Flask

from ml_server import job_routes, quality, routes, silent_routes, telemetry
from ml_server.config import Settings, read_settings
from ml_server.inference import InferenceService
from ml_server.storage.database import Database


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application, with settings from the environment unless given.

    No model is loaded yet: that has to happen in the process that serves (see `InferenceService.load`).

    Raises:
        ml_server.errors.InvalidSettingsError: a variable is misspelt or has a value that is not allowed.
    """
    settings = settings or read_settings(os.environ)
    telemetry.configure_logging()
    # No static files, and so no other route than ours.
    app = Flask(__name__, static_folder=None)
    if settings.state_dir is not None:
        app.extensions["ml_database"] = Database(settings.state_dir, logging.getLogger("ml_server").error)
    routes.register(app, settings, InferenceService(settings))
    quality.register(app, settings)
    job_routes.register(app, settings)
    silent_routes.register(app, settings)
    return app
