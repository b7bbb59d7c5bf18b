"""What the server tells its operators: the `predict` line on standard output, and metrics for Prometheus.

Neither has a feature value, a name or anything else that a client sent but a checked request id.
"""

import contextlib
import functools
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

_logger = logging.getLogger("ml_server")
_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)

_PREDICTIONS = Counter("neuronova_ml_predict_requests", "Requests to /predict", ["model", "version", "status"], registry=None)
_PROBES = Counter(
    "neuronova_ml_probe_requests", "Requests of the monitor to /predict", ["model", "version", "status"], registry=None
)
_ROWS = Counter("neuronova_ml_predicted_rows", "People for whom there was an answer", ["model", "version"], registry=None)
_LATENCY = Histogram(
    "neuronova_ml_predict_seconds", "Time in which /predict answered", ["model"], buckets=_BUCKETS_S, registry=None
)
_READY = Gauge(
    "neuronova_ml_model_ready",
    "1 where every worker serves the default model",
    ["model"],  # a gauge without labels would count the master, which serves nothing
    multiprocess_mode="livemin",
    registry=None,
)
_FALLBACK = Gauge(
    "neuronova_ml_model_fallback",
    "1 where a worker serves an older version of the default model than the one that is due, which failed",
    ["model"],
    multiprocess_mode="livemax",
    registry=None,
)
_UNKEPT = Counter("neuronova_ml_unkept_answers", "Answers that could not be kept for feedback or drift", ["what"], registry=None)
_METRICS = (_PREDICTIONS, _PROBES, _ROWS, _LATENCY, _READY, _FALLBACK, _UNKEPT)


def configure_logging() -> None:
    """Log to standard output, where the journal reads, in the form of the monitor's log."""
    handler = logging.StreamHandler(sys.stdout)
    formatter = logging.Formatter("[%(asctime)s] %(levelname)s: %(message)s", "%Y-%m-%d %H:%M:%S")
    formatter.converter = _in_zone
    handler.setFormatter(formatter)
    _logger.handlers = [handler]
    _logger.setLevel(logging.INFO)
    _logger.propagate = False


def record_predict(
    *,
    request_id: str,
    model: str,
    version: str,
    digest: str,
    status: int,
    rows: int,
    answered: int,
    elapsed_s: float,
    is_probe: bool,
) -> None:
    """Log and count one request to `/predict`: `rows` were asked for, `answered` of them got an answer.

    `model`, `version` and `digest` are `-` where the request did not get as far as a model. A probe of the monitor is no
    prediction: its line begins with another word, and it is counted apart and nowhere else.
    """
    moment = int(time.time())
    word = "probe" if is_probe else "predict"
    line = f"{word} request_id={request_id} model={model} version={version} digest={digest} status={status}"
    text = f"[{_local_time(moment)}] INFO: {line} rows={rows} answered={answered} ms={elapsed_s * 1000:.2f}\n"
    # One write, so that the lines of all workers and threads stay whole; what nobody reads is not worth a failed request.
    with contextlib.suppress(OSError, ValueError):
        os.write(sys.stdout.fileno(), text.encode())
    if is_probe:
        _PROBES.labels(model, version, str(status)).inc()
        return
    count, count_rows, observe = _handles(model, version, status)
    count()
    if answered:
        count_rows(answered)
        observe(elapsed_s)


@functools.lru_cache(maxsize=1)
def _local_time(moment: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", _in_zone(moment))


def _in_zone(moment: float | None = None) -> time.struct_time:
    """Return local time as the machine has it now: its zone may have been changed since the start."""
    time.tzset()
    return time.localtime(moment)


@functools.lru_cache(maxsize=1024)
def _handles(model: str, version: str, status: int) -> tuple[Callable[..., None], Callable[..., None], Callable[..., None]]:
    """Return how to count a request and its rows, and how to take its time, by labels that are looked up once."""
    count = _PREDICTIONS.labels(model, version, str(status)).inc
    return count, _ROWS.labels(model, version).inc, _LATENCY.labels(model).observe


def record_ready(model: str, *, is_ready: bool, is_fallback: bool) -> None:
    """Say whether this process serves the default model, which is named as it is configured, and whether an older version."""
    _READY.labels(model).set(is_ready)
    _FALLBACK.labels(model).set(is_fallback)


def record_unkept(what: str, count: int) -> None:
    """Count answers that were given, and of which nothing is kept: what writes has fallen behind."""
    _UNKEPT.labels(what).inc(count)


def record_reload(request_id: str, message: str, digest: str, *, is_done: bool) -> None:
    """Log a reload that was asked for, what came of it, and the digest of what is served now."""
    _logger.log(logging.INFO if is_done else logging.ERROR, "reload request_id=%s digest=%s %s", request_id, digest, message)


def record_crash(request_id: str, error: BaseException) -> None:
    """Log where an unexpected exception came from, without its message, which may contain what a client sent."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    _logger.error("%s request_id=%s at %s", type(error).__name__, request_id, where)


def render_metrics(others: Iterable[Collector] = ()) -> tuple[bytes, str]:
    """Return the metrics of all workers together, or of this process where it is alone, and their content type.

    `others` are what is counted elsewhere, for all workers already.
    """
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        for metric in _METRICS:
            registry.register(metric)
    for other in others:
        registry.register(other)
    return generate_latest(registry), CONTENT_TYPE_LATEST
