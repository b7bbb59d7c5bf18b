"""What every test may need."""

import os

import pytest

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # some tests use onnxruntime before the ML server can say so


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ML_")]:
        monkeypatch.delenv(name)
