"""gunicorn's settings for the monitor: `gunicorn -c python:monitor_blueprint.gunicorn_conf wsgi:monitor`.

One dedicated worker: the schedule runs inside it. Its threads serve the pages.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from functools import partial
from typing import Any

from gunicorn.systemd import sd_notify

from monitor_blueprint.text.journal import PriorityFormatter, is_journal
from serving.worker import forget


def _checked() -> tuple[str, list[str]]:
    """Return where to listen, and what the file has of an earlier version; end where the configuration is bad.

    A child finds that out: its imports would be half of the master's memory, which needs none of them. A bad configuration is
    refused in one readable line, before anything runs, and with a status of its own: systemd can tell.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _check(write)
        except BaseException:  # noqa: BLE001 - whatever it is, it must not go on as a second master
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as found:
        told = found.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        sys.exit(abs(code))
    bind, replaced = json.loads(told)
    return bind, replaced


def _check(write: int) -> int:
    from monitor_blueprint.config import ConfigError, bind_of, load  # noqa: PLC0415 - in the child only
    from monitor_blueprint.text import ko_config  # noqa: PLC0415

    try:
        replaced = [str(each.told) for each in load().replaced]
    except ConfigError as error:
        sys.stderr.write(f"{ko_config.fault(str(error))}\n")
        return os.EX_CONFIG
    with os.fdopen(write, "wb") as found:
        found.write(json.dumps([bind_of(os.environ), replaced]).encode())
    return 0


bind, _replaced = _checked()
workers = 1
worker_class = "monitor_blueprint.worker.Worker"
threads = 4
# What master and worker share after a fork is soon no longer shared: each object that is looked at is copied with its page.
preload_app = False
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


def on_starting(server: Any) -> None:
    """Say what is left of an earlier version; let the journal know how grave each line is, of gunicorn and of all in here."""
    _grade_lines()
    for each in _replaced:
        server.log.warning("%s", each)


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
