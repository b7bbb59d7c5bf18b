"""The ML server for development: `flask --app app run` finds `create_app` here."""

from ml_server.app import create_app

__all__ = ["create_app"]
