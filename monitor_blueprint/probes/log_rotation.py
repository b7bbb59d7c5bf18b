"""That the log rotation ran: what logrotate's own status file says of our log."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from monitor_blueprint.domain.models import ProbeError, Reading, Scalar, Status
from monitor_blueprint.domain.text import configured, fill, moment
from monitor_blueprint.faults import reason_of
from monitor_blueprint.options import Positive, Text
from monitor_blueprint.probes import Observation, ProbeContext

DEFAULT_INTERVAL_S = 3600.0
DAY_S = 86400.0
# logrotate(8), state file version 2: `"/var/log/x.log" 2025-12-6-0:0:0`, local time; before 3.9 without the hour.
_ENTRY = re.compile(r'^"(?P<path>.*)" (?P<date>\d+-\d+-\d+)(?:-(?P<time>\d+:\d+:\d+))?$')


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "log_rotation" may say: whose rotation, where logrotate notes it, how old it may be."""

    path: Text = "/var/log/neuronova/health_check.log"
    status: Text = "/var/lib/logrotate/status"
    most_days: Positive = 2.0


def is_possible(options: Options) -> bool:
    """Tell whether logrotate is used here."""
    try:
        return Path(options.status).exists()
    except OSError:
        return False


def probe(options: Options, context: ProbeContext) -> Observation:
    """Look up when the log was last rotated; where the file may not be read, when logrotate last ran."""
    path = Path(options.status)
    facts: dict[str, Scalar] = {"path": configured(options.path)}
    try:
        modified_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return Observation((Reading("never", Status.WARNING, facts=facts),))
    except OSError as error:
        raise ProbeError(fill("{path}: {reason}", path=configured(path), reason=reason_of(error))) from error
    try:
        rotated_at = rotations(path.read_text(encoding="utf-8", errors="replace").split("\n")).get(options.path)
    except PermissionError:
        # It writes the whole file anew in each run.
        return Observation((_judge("ran", modified_at, facts, options, context),))
    except OSError as error:
        raise ProbeError(fill("{path}: {reason}", path=configured(path), reason=reason_of(error))) from error
    if rotated_at is None:
        return Observation((Reading("never", Status.WARNING, facts=facts),))
    return Observation((_judge("rotated", rotated_at, facts, options, context),))


def rotations(lines: Iterable[str]) -> dict[str, datetime]:
    """Return when each log was last rotated, from the lines of logrotate's status file."""
    found = {}
    for match in filter(None, map(_ENTRY.match, lines)):
        text = f"{match['date']}-{match['time'] or '0:0:0'}"
        try:
            found[match["path"]] = datetime.strptime(text, "%Y-%m-%d-%H:%M:%S").astimezone()
        except (ValueError, OverflowError):
            # No date, or one so far away that local time has no name for it.
            continue
    return found


def _judge(aspect: str, at: datetime, facts: dict[str, Scalar], options: Options, context: ProbeContext) -> Reading:
    days = (context.now - at).total_seconds() / DAY_S
    status = Status.WARNING if days > options.most_days else Status.OK
    shown = facts | {
        "days": int(max(days, 0)),
        "at": moment(at.astimezone(), "%Y-%m-%d %H:%M %Z"),
        "limit_days": options.most_days,
    }
    return Reading(aspect, status, value=round(max(days, 0), 1), unit="d", facts=shown)
