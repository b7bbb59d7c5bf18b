"""What was found of the causes of the open incident, for each check that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping

from monitor_blueprint.config import Config
from monitor_blueprint.domain.models import CheckResult, State, Status
from monitor_blueprint.domain.standing import Standing
from monitor_blueprint.domain.text import Private
from monitor_blueprint.engine.evidence_kinds import OF_MEMORY, failing_units
from monitor_blueprint.storage.reads import Reads
from monitor_blueprint.text import rows

Lines = tuple[Private, ...]


def found(
    config: Config, reads: Reads, state: State, results: Mapping[str, CheckResult], standing: Mapping[str, Standing]
) -> dict[str, Lines]:
    """Return the lines that say most, by check, for this machine's administrators; nothing of what is well again."""
    detail = reads.incident(state.incident.number) if state.incident is not None else None
    if detail is None:
        return {}
    lines = {}
    for check in config.checks:
        known, stands = state.checks.get(check.name), standing.get(check.name)
        if known is None or known.status is Status.OK or stands is None or not stands.is_told:
            continue
        result = results.get(check.name)
        since = known.failing_since or detail.incident.opened_at
        units = failing_units(check, result)
        lines[check.name] = (
            rows.largest(detail.evidence, since)
            if check.kind in OF_MEMORY
            else rows.essence(detail.evidence, units, since, is_stopped=_is_stopped(result))
        )
    return lines


def _is_stopped(result: CheckResult | None) -> bool:
    """Tell whether systemd was told to stop what the result is of, and it has not failed in that."""
    down = [reading.facts for reading in (result.readings if result is not None else ()) if "state" in reading.facts]
    return any(
        str(facts["state"]).startswith(("inactive/dead", "deactivating/")) and str(facts.get("result")) in ("None", "success", "")
        for facts in down
    )
