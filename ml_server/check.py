"""`python -m ml_server.check`: would this server come up? For before a reload or an upgrade.

Reads the settings, loads and tests every installed model as a worker would, each in a process of its own first, and exits
with 0 if the default one is served in the version that is due, else with 1.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from ml_server.config import read_settings
from ml_server.errors import InvalidSettingsError, ModelUnavailableError
from ml_server.inference import InferenceService
from ml_server.verification.apart import Limits
from ml_server.verification.trials import Trials

# What a reload, which systemd gives 90 s, can wait for models that nobody is served by default.
_OTHERS_S = 30.0
_LATE = "not tried here: the models before it took too long"


def main() -> int:
    """Print one line for each installed model and return the exit code."""
    try:
        settings = read_settings(os.environ)
    except InvalidSettingsError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    service = InferenceService(settings)
    with tempfile.TemporaryDirectory() as directory:
        trials = Trials(Path(directory), Limits(settings.load_memory_mb, settings.load_timeout_s))
        end = time.monotonic() + _OTHERS_S
        service.try_first(trials.problem)
        service.load_default()
        service.try_first(lambda entry: _LATE if time.monotonic() > end else trials.problem(entry))
        service.load_others()
    for entry, error_text in service.installed():
        sys.stdout.write(f"{entry.name} {entry.version}: {error_text or 'ok'}\n")
    try:
        card = service.model().card
    except ModelUnavailableError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    sys.stdout.write(f"serves {card.name} {card.version}\n")
    if service.fallback_reason:
        sys.stderr.write(f"{service.fallback_reason}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
