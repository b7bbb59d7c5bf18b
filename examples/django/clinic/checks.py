"""What `/api/health/` looks at. A good entry is `ok` or begins with `ok:`; the monitor reads it that way."""

import logging
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import requests
from django.conf import settings
from django.db import DatabaseError, connection

log = logging.getLogger(__name__)


def database() -> str:
    """Ask the database for an answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return "ok"


def ml_server() -> str:
    """Ask the ML server whether its model is ready."""
    # A connection of its own, and a short time-out: a health check shall not wait behind predictions.
    timeout_s = (settings.ML_CONNECT_TIMEOUT_S, 3.0)
    with requests.Session() as session:
        session.trust_env = False
        response = session.get(f"{settings.ML_SERVER_URL}/health", timeout=timeout_s)
    return "ok" if response.status_code == 200 else f"error: HTTP {response.status_code}"


def disk() -> str:
    """Look at the free space where uploads are kept."""
    usage = shutil.disk_usage(_media_root())
    free_percent = usage.free / usage.total * 100
    state = "ok" if free_percent >= settings.MINIMUM_FREE_DISK_PERCENT else "error"
    return f"{state}: {free_percent:.1f}% free"


def media_storage() -> str:
    """Write an upload-like file and read it back."""
    with tempfile.NamedTemporaryFile(dir=_media_root(), prefix=".health-") as file:
        file.write(b"ok")
        file.flush()
        return "ok" if Path(file.name).read_bytes() == b"ok" else "error: read back something else"


CHECKS: dict[str, Callable[[], str]] = {
    "database": database,
    "ml_server": ml_server,
    "disk": disk,
    "media_storage": media_storage,
}


def run_all() -> dict[str, str]:
    """Run every check; one that fails spoils no other, and its reason is for the log, not for the caller."""
    results = {}
    for name, check in CHECKS.items():
        try:
            results[name] = check()
        except (DatabaseError, OSError) as error:  # requests' errors are OSErrors
            log.error("health check %s failed: %s", name, error)
            results[name] = f"error: {type(error).__name__}"
    return results


def _media_root() -> Path:
    root = Path(settings.MEDIA_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    return root
