"""From where on a figure is judged as it is: what stands behind it wherever it is not well."""

from __future__ import annotations

from string import Formatter

from monitor_blueprint.domain.language import said
from monitor_blueprint.domain.models import Reading, Status
from monitor_blueprint.text import ko
from monitor_blueprint.text.texts import Texts

_NONE = Texts()


def limit(kind: str, reading: Reading) -> str:
    """Return the limit that a reading has met; "" where it has met none, or none is known."""
    if reading.is_settling or reading.status not in ko.LIMITS:
        return ""
    measured = _measured(reading)
    form = ko.LINES.get((kind, reading.aspect), _NONE).limit or (ko.MEASURED_LIMIT if measured else "")
    facts = {key: fact for key, fact in reading.facts.items() if isinstance(fact, int | float)} | measured
    wanted = {field for _, field, _, _ in Formatter().parse(form) if field}
    if not form or not wanted <= set(facts):
        return ""
    return said(ko.LIMITS[reading.status]).format(limit=said(form).format(**facts))


def both(reading: Reading) -> str:
    """Return both limits of a measured value that has met none."""
    limits = reading.thresholds
    if limits is None or reading.value is None or reading.status is not Status.OK or reading.is_settling:
        return ""
    warning, critical = (_shown(value, reading.unit) for value in (limits.warning, limits.critical))
    return said(ko.BOTH_LIMITS).format(warning=warning, critical=critical)


def _measured(reading: Reading) -> dict[str, str]:
    """Return the limit of a measured value, and below which it is over where it has come down a little."""
    limits = reading.thresholds
    if limits is None or reading.value is None:
        return {}
    at = limits.critical if reading.status is Status.CRITICAL else limits.warning
    shown = _shown(at, reading.unit)
    if reading.value >= at:
        return {"at": shown}
    return {"at": said(ko.CLEARED).format(limit=shown, clear=_shown(at - limits.clear, reading.unit))}


def _shown(value: float, unit: str) -> str:
    return f"{value:g}{said(ko.MEASURES.get(unit, unit))}"
