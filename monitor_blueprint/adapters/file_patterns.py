"""Files that a pattern of the configuration names."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from monitor_blueprint.adapters.shortage import raise_if_short
from monitor_blueprint.domain.models import ProbeError
from monitor_blueprint.domain.text import configured, fill
from monitor_blueprint.faults import reason_of

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
            raise ProbeError(fill("{folder} may not be read", folder=configured(folder)))
        # Beyond what pathlib does, it finds links to nothing.
        named = map(Path, glob.glob(pattern, recursive=True, include_hidden=True))  # noqa: PTH207
        found = sorted(path for path in named if _is_file(path))
    except OSError as error:
        raise_if_short(error)
        raise ProbeError(fill("{pattern}: {reason}", pattern=configured(pattern), reason=reason_of(error))) from error
    if not found:
        # A folder that could not be opened may be passed over in silence, too.
        raise_if_short()
    return found


def _is_file(path: Path) -> bool:
    """Tell whether it is a file, as far as may be seen; a link to nothing was to be one."""
    try:
        return path.is_file() or not path.exists()
    except PermissionError:
        return True


def has_match(pattern: str) -> bool:
    """Tell whether a file fits and may be seen."""
    try:
        return bool(matches(pattern))
    except ProbeError:
        return False
