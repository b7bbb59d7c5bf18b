"""One model by itself, for a process that answers with that one only."""

from pathlib import Path

from ml_server.config import Settings
from ml_server.errors import ModelUnavailableError
from ml_server.inference import InferenceService
from ml_server.model import Model, load_model
from ml_server.repository import read_version


class Pinned(InferenceService):
    """One model, whatever is asked for."""

    def __init__(self, model: Model, model_dir: Path, timeout_s: float) -> None:
        """Give one run `timeout_s` seconds."""
        super().__init__(Settings(model_dir=model_dir, timeout_s=timeout_s))
        self._model = model

    def model(self, name: str | None = None, version: str | None = None) -> Model:
        """Return it."""
        del name, version
        return self._model


def load_pinned(model_dir: Path, name: str, version: str, digest: str, timeout_s: float) -> Pinned:
    """Load a version that has this digest, or one that begins so, and no other.

    Raises:
        ModelUnavailableError: it is not there any more, or has other files now.
        BrokenModelError: it cannot be loaded.
    """
    entry = read_version(model_dir / name / version, name, version)
    if not entry.digest.startswith(digest) or entry.error:
        raise ModelUnavailableError("the version that was to answer has been removed or changed")
    return Pinned(load_model(entry), model_dir, timeout_s)
