"""What the configuration says of how checks belong together, besides `depends_on`: who asks at one address, and about what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from monitor_blueprint import probes
from monitor_blueprint.config.model import Check, units_of


def related(checks: Sequence[Check]) -> tuple[Check, ...]:
    """Return the checks, each with those that explain it and with what it is about."""
    readers: dict[str, list[str]] = {}
    for check in checks:
        if _is_reader(check) and (address := _address(check)):
            readers.setdefault(address, []).append(check.name)
    return tuple(_related(check, readers.get(_address(check), ())) for check in checks)


def _related(check: Check, readers: Sequence[str]) -> Check:
    explained_by = () if _is_reader(check) else tuple(readers)
    return replace(check, policy=replace(check.policy, explained_by=explained_by, shares=_things(check)))


def _is_reader(check: Check) -> bool:
    return bool(getattr(probes.load(check.kind), "READS_SELF_REPORT", False))


def _address(check: Check) -> str:
    parts = urlsplit(str(getattr(check.options, "url", "")))
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}" if parts.netloc else ""


def _things(check: Check) -> frozenset[str]:
    things = [*getattr(probes.load(check.kind), "SHARES", ())]
    units = units_of(check)
    # Of a check of many its result says which of them it is about.
    if len(units) == 1:
        things.append(f"unit {units[0].removesuffix('.service')}")
    if path := getattr(check.options, "path", ""):
        things.append(f"path {path}")
    return frozenset(things)
