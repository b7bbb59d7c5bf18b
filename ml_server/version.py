"""Which release this is."""

import functools
import tomllib
from importlib import metadata, resources
from pathlib import Path


@functools.cache
def version() -> str:
    """Return the version of the package, or of the tree that the installer copies to a server without installing it."""
    try:
        return metadata.version("neuronova")
    except metadata.PackageNotFoundError:
        project = Path(str(resources.files("ml_server"))).with_name("pyproject.toml")
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
