"""The guide's system statistics: what `GET /api/system/stats/` returns."""

from __future__ import annotations

import threading

import psutil

from monitor_blueprint.domain.text import Document
from monitor_blueprint.engine import figures

_lock = threading.Lock()
# psutil measures the processor from one call to the next; an interval shorter than this says little.
_LEAST_INTERVAL_S = 0.2
_primed = False


def read() -> dict[str, Document]:
    """Return processor, memory and root disk: bytes, percentages with one decimal, load averages of 1, 5 and 15 minutes."""
    memory, disk = figures.memory(), figures.disk()
    return {
        "cpu": {
            "percent": _cpu_percent(),
            "count": psutil.cpu_count() or 1,
            "load_avg": [round(load, 2) for load in psutil.getloadavg()],
        },
        "memory": {"total": memory.total, "available": memory.available, "percent": memory.percent},
        "disk": {"total": disk.total, "used": disk.used, "free": disk.available, "percent": disk.percent},
    }


def _cpu_percent() -> float:
    """Return the use since the last call; the first reading of psutil is always 0.0 and means nothing."""
    global _primed  # noqa: PLW0603 - psutil keeps its own state per process just so
    with _lock:
        if _primed:
            return psutil.cpu_percent(interval=None)
        _primed = True
        return psutil.cpu_percent(interval=_LEAST_INTERVAL_S)
