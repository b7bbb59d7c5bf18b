"""gunicorn's configuration: `gunicorn -c python:ml_server.gunicorn_conf wsgi:app`.

The master loads the code, which is thereby shared; each worker loads and tests the models after the fork, before it
accepts its first request. So the requests of a reload (HUP) or an upgrade (USR2) wait in the listening queue or are
answered by old workers until new ones can answer. Which versions there are is settled in the master, at its start and
at each reload: a worker that takes a dead one's place serves what the others serve.
"""

import atexit
import gc
import math
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gunicorn.systemd import sd_notify

from ml_server import companion
from ml_server.config import read_settings
from ml_server.errors import InvalidSettingsError, ModelUnavailableError
from ml_server.reloading import Reloading
from ml_server.reloading import forget as forget_ready
from ml_server.repository import Entry
from ml_server.verification.apart import Limits
from ml_server.verification.trials import Trials
from serving.worker import forget

# A wrong setting is refused in one readable line, and with a status of its own: systemd, and who asks it, can tell.
try:
    _SETTINGS = read_settings(os.environ)
except InvalidSettingsError as error:
    sys.stderr.write(f"Error: {error.message}\n")
    sys.exit(os.EX_CONFIG)

bind = _SETTINGS.bind
workers = _SETTINGS.workers
threads = _SETTINGS.threads // 2  # of Flask; the other half makes predictions
worker_class = "ml_server.worker.Worker"
worker_tmp_dir = "/dev/shm"  # noqa: S108 - gunicorn's heartbeat files, which must not wait for a disk
preload_app = True
timeout = 60  # seconds without a heartbeat; loading and testing the models has to fit in
graceful_timeout = math.ceil(_SETTINGS.timeout_s) + 5
keepalive = 75  # longer than Nginx and Django keep an idle connection, so that they are the ones who close it
accesslog = None  # the predict line is the log of requests
errorlog = "-"
control_socket_disable = True
proc_name = "neuronova-ml"

# Metrics are counted over all workers in files of this directory, which must be known before the code is loaded.
# It is always a new one: in an upgrade the old master's workers still count in theirs.
_METRICS_DIR = tempfile.mkdtemp(prefix="neuronova-ml-metrics-")
_MASTER_PID = os.getpid()
os.environ["PROMETHEUS_MULTIPROC_DIR"] = _METRICS_DIR
_TRIALS_DIR = Path(_METRICS_DIR) / "trials"
_PATIENCE_S = 5.0
_TRIALS = Trials(_TRIALS_DIR, Limits(_SETTINGS.load_memory_mb, _SETTINGS.load_timeout_s))


@atexit.register
def _remove_metrics_dir() -> None:
    if os.getpid() == _MASTER_PID:
        shutil.rmtree(_METRICS_DIR, ignore_errors=True)


def on_starting(server: Any) -> None:
    """Settle the versions for all workers, and keep gunicorn from telling systemd that it is ready when it has none."""
    _TRIALS_DIR.mkdir()
    _pin_versions(server)
    server.notify_socket = os.environ.pop("NOTIFY_SOCKET", None)


class _Patient:
    """Tries one version after the other, and has systemd wait for the next one where the last was slow."""

    def __init__(self, logger: Any) -> None:
        self._logger = logger
        self._begun = time.monotonic()

    def problem(self, entry: Entry) -> str | None:
        """Return why a model must not be loaded, or None where it may."""
        if time.monotonic() - self._begun > _PATIENCE_S:
            sd_notify(f"EXTEND_TIMEOUT_USEC={int((2 * _SETTINGS.load_timeout_s + _PATIENCE_S) * 1e6)}", self._logger)
        return _TRIALS.problem(entry)


def on_reload(server: Any) -> None:
    """Settle the versions anew, before the new workers are forked; meanwhile the old ones serve."""
    _TRIALS.forget_failures()
    _pin_versions(server)


def _pin_versions(server: Any) -> None:
    service = server.app.wsgi().extensions["ml_server"]
    service.try_first(_Patient(server.log).problem)
    service.pin()
    service.try_first(_TRIALS.problem)
    for warning in service.warnings:
        server.log.error("Not as its files are: %s", warning)


def when_ready(server: Any) -> None:
    """Let the workers, and the next master after an upgrade, find systemd again."""
    if server.notify_socket is not None:
        os.environ["NOTIFY_SOCKET"] = server.notify_socket


def post_worker_init(worker: Any) -> None:
    """Load the models, and only then tell systemd that the service is ready.

    A worker whose model fails still answers `/health`, which says why. Not so in an upgrade: there the new master
    gives up, and the old one goes on serving.
    """
    from ml_server import telemetry  # noqa: PLC0415 - the metrics' directory has to be set first

    service = worker.wsgi.extensions["ml_server"]
    worker.wsgi.extensions["ml_endpoint"].start()
    reloading = Reloading(_SETTINGS, service, _TRIALS_DIR, _TRIALS, worker.ppid)
    worker.wsgi.extensions["ml_reloading"] = reloading
    # What is loaded by now stays: without this the collector walks over all of it now and then, for about 25 ms.
    gc.freeze()
    reason = service.fallback_reason
    reloading.tell_ready()
    if worker.wsgi.extensions["ml_jobs"] is not None:
        worker.wsgi.extensions["ml_jobs"].start()
        worker.wsgi.extensions["ml_silent_feed"].start()
    telemetry.record_ready(_SETTINGS.model, is_ready=service.is_ready, is_fallback=bool(reason))
    try:
        card = service.model().card
    except ModelUnavailableError as error:
        worker.log.error("Not ready: %s", error.message)
        if "GUNICORN_PID" in os.environ:
            raise
        sd_notify(f"STATUS=not ready: {error.message}", worker.log)
    else:
        worker.log.info("Ready: %s %s (master %d)", card.name, card.version, worker.ppid)
        if reason:
            worker.log.error("An older version is served: %s", reason)
        instead = f", because {reason}" if reason else ""
        sd_notify(f"READY=1\nSTATUS=serving {card.name} {card.version} (master {worker.ppid}){instead}", worker.log)


def child_exit(_server: Any, worker: Any) -> None:
    """Forget what a worker that is gone said about itself; what it counted stays."""
    from prometheus_client import multiprocess  # noqa: PLC0415 - as above

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
    forget_ready(_TRIALS_DIR, worker.pid)
    forget(worker)


def _stop_companions() -> None:
    """Have long jobs put down, for the next server to go on with, and counts kept."""
    # Not earlier: what counts for the metrics must know of their directory when it is loaded.
    from ml_server.jobs import runner  # noqa: PLC0415
    from ml_server.silent import comparer  # noqa: PLC0415

    if _SETTINGS.state_dir is not None:
        for lock in (runner.LOCK, comparer.LOCK):
            companion.stop(_SETTINGS.state_dir / lock)


def on_exit(server: Any) -> None:
    """Hand the service over to the master that an upgrade started, and not earlier: until then that one may still be
    stopped without systemd taking that for the end of the service.
    """
    if not server.reexec_pid:
        _stop_companions()
    else:
        sd_notify(f"MAINPID={server.reexec_pid}", server.log)
