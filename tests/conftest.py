"""What every test may need."""

import os
import signal

import pytest
from hypothesis import settings

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # some tests use onnxruntime before the ML server can say so
# A shell starts what runs in the background with SIGINT ignored, and so would be every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
# No test depends on how fast this machine is.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ML_")]:
        monkeypatch.delenv(name)
