"""gunicorn's settings for the monitor: `gunicorn -c python:monitor_blueprint.gunicorn_conf wsgi:monitor`.

One dedicated worker: the schedule runs inside it. Its threads serve the pages.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from functools import partial
from typing import Any

from gunicorn.systemd import sd_notify

from monitor_blueprint.config import ConfigError, bind_of, load
from monitor_blueprint.text.journal import PriorityFormatter, is_journal
from serving.worker import forget

bind = bind_of(os.environ)
workers = 1
worker_class = "monitor_blueprint.worker.Worker"
threads = 4
# Loaded before the fork, the code's memory is shared by master and worker.
preload_app = True
# The worker is never recycled: the schedule lives in it.
max_requests = 0
graceful_timeout = 30
proc_name = "neuronova-monitor"
accesslog = None
errorlog = "-"
loglevel = "warning"
control_socket_disable = True

# gunicorn's master would report readiness before any worker runs; the worker reports it when it does.
_notify_socket = os.environ.pop("NOTIFY_SOCKET", None)

# A bad configuration is refused in one readable line, before anything runs, and with a status of its own: systemd can tell.
try:
    _replaced = load().replaced
except ConfigError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(os.EX_CONFIG)


def on_starting(server: Any) -> None:
    """Say what is left of an earlier version; let the journal know how grave each line is, of gunicorn and of all in here."""
    _grade_lines()
    for each in _replaced:
        server.log.warning("%s", each.told)


def _grade_lines() -> None:
    if not is_journal(sys.stderr):
        return
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    logging.getLogger().addHandler(handler)
    for each in (handler, *logging.getLogger("gunicorn.error").handlers):
        each.setFormatter(PriorityFormatter(each.formatter))


def post_worker_init(worker: Any) -> None:
    """Begin the monitor's work in the worker; threads and database connections do not survive a fork."""
    if _notify_socket is not None:
        os.environ["NOTIFY_SOCKET"] = _notify_socket
    tell_systemd = partial(sd_notify, logger=logging.getLogger(__name__))
    worker.wsgi.extensions["neuronova_monitor"].start(tell_systemd)


def worker_exit(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn passes both
    """Begin nothing new while the worker ends."""
    worker.wsgi.extensions["neuronova_monitor"].stop()


def child_exit(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn passes both
    """Let the next worker not count with one that is gone."""
    forget(worker)


def pre_fork(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn passes both
    """Keep the garbage collector off what is shared: each object it looks at would be copied."""
    gc.collect()
    gc.freeze()
