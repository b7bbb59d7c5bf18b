"""The newest backup: how old it is, and whether it has shrunk against the one before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from monitor_blueprint.adapters.file_patterns import has_match, matches
from monitor_blueprint.domain.models import ProbeError, Reading, Scalar, Status
from monitor_blueprint.domain.text import configured, fill, moment, private
from monitor_blueprint.faults import reason_of
from monitor_blueprint.options import NotNegative, Percent, Positive, Text
from monitor_blueprint.probes import Observation, ProbeContext

DEFAULT_INTERVAL_S = 3600.0
HOUR_S = 3600.0


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "backup" may say.

    Attributes:
        pattern: which files are the backups.
        warning_h, critical_h: age of the newest; a daily backup gets two hours to be late, then one may be missing.
        warning_percent, critical_percent: size of the newest in percent of the one before.
        least_bytes: smaller than this is no backup.
        settle_s: a file that changed within this time may still be being written; the one before counts. Of the very
            first one the size is not judged until then.
    """

    pattern: Text = "/var/backups/neuronova/*"
    warning_h: Positive = 26.0
    critical_h: Positive = 50.0
    warning_percent: Percent = 50.0
    critical_percent: Percent = 10.0
    least_bytes: int = 1
    settle_s: NotNegative = 600.0


class Backup(NamedTuple):
    """One backup file."""

    written_at: float
    size: int
    name: str


def is_possible(options: Options) -> bool:
    """Tell whether there is a backup to look at."""
    return has_match(options.pattern)


def probe(options: Options, context: ProbeContext) -> Observation:
    """Look at the newest finished backup and the one before."""
    now = context.now.timestamp()
    backups = sorted(_find(options.pattern), reverse=True)
    if not backups:
        return Observation((Reading("missing", Status.CRITICAL, facts={"pattern": configured(options.pattern)}),))
    finished = [backup for backup in backups if now - backup.written_at >= options.settle_s]
    if not finished:
        return Observation((_age(backups[0], now, options),))
    return Observation((_age(finished[0], now, options), _size(finished, options)))


def _find(pattern: str) -> list[Backup]:
    found = []
    for path in matches(pattern):
        try:
            status = path.stat()
        except FileNotFoundError:
            # The oldest one is being deleted.
            continue
        except OSError as error:
            told = fill("{pattern}: {reason}", pattern=configured(pattern), reason=reason_of(error))
            raise ProbeError(told, private(path)) from error
        found.append(Backup(status.st_mtime, status.st_size, path.name))
    return found


def _file(backup: Backup, options: Options) -> dict[str, Scalar]:
    # Whoever names a backup may name a patient.
    return {"file": configured(options.pattern), "file_text": private(backup.name)}


def _age(newest: Backup, now: float, options: Options) -> Reading:
    hours = max(0.0, (now - newest.written_at) / HOUR_S)
    status = Status.CRITICAL if hours >= options.critical_h else Status.WARNING if hours >= options.warning_h else Status.OK
    at = moment(datetime.fromtimestamp(newest.written_at, UTC).astimezone(), "%Y-%m-%d %H:%M %Z")
    limit_h = options.critical_h if status is Status.CRITICAL else options.warning_h
    facts = _file(newest, options) | {"hours": int(hours), "at": at, "limit_h": limit_h}
    late = datetime.fromtimestamp(newest.written_at + limit_h * HOUR_S, UTC) if status is Status.CRITICAL else None
    return Reading("age", status, value=round(hours, 1), unit="h", facts=facts, began_at=late)


def _size(backups: Sequence[Backup], options: Options) -> Reading:
    newest = backups[0]
    facts = _file(newest, options) | {"bytes": newest.size}
    if newest.size < options.least_bytes:
        return Reading("size", Status.CRITICAL, facts=facts | {"percent": 0, "previous_bytes": 0})
    if len(backups) == 1 or not backups[1].size:
        return Reading("size", facts=facts | {"percent": 100, "previous_bytes": 0})
    percent = 100 * newest.size / backups[1].size
    status = Status.OK
    if percent < options.critical_percent:
        status = Status.CRITICAL
    elif percent < options.warning_percent:
        status = Status.WARNING
    limit = options.critical_percent if status is Status.CRITICAL else options.warning_percent
    facts |= {"percent": int(percent), "previous_bytes": backups[1].size, "limit_percent": limit}
    return Reading("size", status, facts=facts)
