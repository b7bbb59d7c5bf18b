import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def loaded_by(statement: str) -> set[str]:
    """The top-level packages that a fresh interpreter has loaded after a statement."""
    program = f"import sys, wsgi\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_ml_server_needs_no_monitor() -> None:
    """The ML server is served without the monitor."""
    loaded = loaded_by("assert wsgi.app is wsgi.app")
    assert "ml_server" in loaded
    assert "monitor_blueprint" not in loaded


def test_monitor_needs_no_ml_server() -> None:
    """The monitor is served without the ML server."""
    loaded = loaded_by("wsgi.monitor")
    assert "monitor_blueprint" in loaded
    assert "ml_server" not in loaded


def test_nothing_is_made_early() -> None:
    """Nothing is made before it is asked for."""
    assert not {"ml_server", "monitor_blueprint"} & loaded_by("pass")


def test_runtimes_are_loaded_late() -> None:
    """A process that forks has no runtime: its sessions and threads do not survive that."""
    assert "onnxruntime" not in loaded_by("wsgi.app")


def test_wsgi_has_nothing_else() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        loaded_by("wsgi.application")


@pytest.mark.parametrize("options", [[], ["--app", "app"]])
def test_flask_finds_the_ml_server(options: list[str]) -> None:
    command = [sys.executable, "-m", "flask", *options, "routes"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "/api/predict" in done.stdout
