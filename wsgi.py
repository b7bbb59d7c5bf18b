"""The two programs for gunicorn: `wsgi:app` is the ML server, `wsgi:monitor` the monitor.

Each is made when it is asked for, so that serving one never imports the other.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    app: Flask
    monitor: Flask


def __getattr__(name: str) -> "Flask":
    if name == "app":
        from ml_server.app import create_app  # noqa: PLC0415

        made = create_app()
    elif name == "monitor":
        from werkzeug.middleware.proxy_fix import ProxyFix  # noqa: PLC0415

        from monitor_blueprint import create_monitor  # noqa: PLC0415

        made = create_monitor(goes_on=True)
        # Nginx serves the pages under a prefix; only loopback can reach this program, so the headers are Nginx's.
        made.wsgi_app = ProxyFix(made.wsgi_app, x_for=0, x_proto=1, x_prefix=1)  # type: ignore[method-assign]
    else:
        raise AttributeError(name)
    globals()[name] = made
    return made
