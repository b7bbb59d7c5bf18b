"""Which addresses are the protocol's, and which model one of them names."""

import re
from typing import NamedTuple

_INFER = re.compile(r"(?:/api)?/v2/models/([A-Za-z0-9_.-]+)(?:/versions/([A-Za-z0-9_.-]+))?/infer")
_PREFIXES = ("/v2/", "/api/v2/")
_ROOTS = ("/v2", "/api/v2")
LIVE_PATHS = frozenset(f"{root}/health/live" for root in _ROOTS)
READY_PATHS = frozenset(f"{root}/health/ready" for root in _ROOTS)


class Target(NamedTuple):
    """The model that is asked; without a version it is the one that is due."""

    name: str
    version: str | None = None


def target_of(path: str) -> Target | None:
    """Return what is asked to infer at this path, if that is what it is for."""
    found = _INFER.fullmatch(path)
    return Target(found[1], found[2]) if found else None


def is_oip(path: str) -> bool:
    """Tell whether whoever asks at this path speaks the protocol, whatever there is."""
    return path.startswith(_PREFIXES) or path in _ROOTS
