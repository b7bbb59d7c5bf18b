"""Servers as the installer may find them."""

from __future__ import annotations

from dataclasses import replace

from deploy.installer import places
from deploy.installer.earlier import Earlier
from deploy.installer.health_addresses import Answer
from deploy.installer.listeners import Listener
from deploy.installer.stock import Directory, LogDirectory, Stock
from deploy.installer.units import Unit

UNITS = (places.NGINX_UNIT, places.DJANGO_UNIT, *places.OURS)
EMPTY = Stock(
    release="",
    is_cut_short=False,
    has_journal=False,
    units={name: Unit(name) for name in UNITS},
    listeners=(),
    django=(),
    ml_server=(),
    directories={str(each): Directory() for each in (places.HOME, places.SETTINGS, places.STATE, places.LOGS)},
    logs=LogDirectory({}, {}),
    earlier_script="",
    earlier=Earlier({}),
    cron=(),
    rotated_by=(),
    nginx_sites=(),
    settings=(),
    ml_bind="",
    monitor_bind="",
    foreign_users=(),
    missing_packages=(),
    python="/usr/bin/python3 3.11.2",
    other_pythons=(),
    free_disk_mb=20_000,
    free_memory_mb=2_000,
)
"""A fresh machine."""


def unit(name: str, program: str = "/srv/site/venv/bin/gunicorn", **facts: str) -> Unit:
    """Return a unit that runs a program; "ours" is a release of ours."""
    path = f"{places.CURRENT}/venv/bin/python" if program == "ours" else program
    return Unit(name, **{"load_state": "loaded", "active_state": "active", "file_state": "enabled", "program": path, **facts})  # type: ignore[arg-type]


def having(stock: Stock, *units: Unit, **changed: object) -> Stock:
    """Return a stock with further units, and other facts."""
    return replace(stock, units={**stock.units, **{each.name: each for each in units}}, **changed)  # type: ignore[arg-type]


LIVED_IN = having(
    EMPTY,
    unit(places.NGINX_UNIT, "/usr/sbin/nginx"),
    unit(places.DJANGO_UNIT),
    unit(places.ML_UNIT, "/srv/sequences/venv/bin/gunicorn"),
    listeners=(
        Listener("127.0.0.1:8000", places.DJANGO_UNIT, "gunicorn"),
        Listener("127.0.0.1:9000", places.ML_UNIT, "gunicorn"),
    ),
    django=(
        Answer("http://127.0.0.1:8000/api/health/", 404),
        Answer("http://127.0.0.1:8000/api/v1/health/", 200, is_health_body=True),
    ),
    ml_server=(Answer("http://127.0.0.1:9000/health", 200, is_health_body=True),),
    directories={**EMPTY.directories, str(places.LOGS): Directory("ubuntu", 0o755)},
)
"""The server that the guide is about, with an ML server of its own."""

INSTALLED = having(
    EMPTY,
    unit(places.ML_UNIT, "ours"),
    unit(places.MONITOR_UNIT, "ours"),
    unit(places.DEADMAN_SERVICE, "ours"),
    release="1.0.0-0123456789ab",
    listeners=(Listener("127.0.0.1:9000", places.ML_UNIT), Listener("127.0.0.1:9001", places.MONITOR_UNIT)),
    directories={str(each): Directory("root", 0o755) for each in (places.HOME, places.SETTINGS)}
    | {str(each): Directory("neuronova", 0o750) for each in (places.STATE, places.LOGS)},
)
"""A server with both programs of ours."""
