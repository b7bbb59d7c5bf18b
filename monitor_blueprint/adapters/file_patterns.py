"""Files that a pattern of the configuration names."""

from __future__ import annotations

import os
from pathlib import Path

from monitor_blueprint.adapters.shortage import raise_if_short
from monitor_blueprint.domain.models import ProbeError

_MAGIC = frozenset("*?[")


def matches(pattern: str) -> list[Path]:
    """Return the files that fit, sorted; raises ProbeError where the folder may not be read.

    A pattern quietly finds nothing in a folder that may not be read, and "nothing there" would blame the wrong one.
    """
    parts = Path(pattern).parts
    fixed = next((number for number, part in enumerate(parts) if _MAGIC & set(part)), len(parts) - 1)
    folder = Path(*parts[:fixed])
    try:
        if not folder.is_dir():
            return []
        if not os.access(folder, os.R_OK | os.X_OK):
            raise ProbeError(f"{folder} may not be read")
        found = sorted(path for path in folder.glob(str(Path(*parts[fixed:]))) if path.is_file())
    except OSError as error:
        raise_if_short(error)
        raise ProbeError(f"{pattern}: {error.strerror}") from error
    if not found:
        # A folder that could not be opened may be passed over in silence, too.
        raise_if_short()
    return found


def has_match(pattern: str) -> bool:
    """Tell whether a file fits and may be seen."""
    try:
        return bool(matches(pattern))
    except ProbeError:
        return False
