"""The English catalogue's lines of what a machine has: file systems, memory, processors."""

from __future__ import annotations

from monitor_blueprint.text.texts import Texts

_USAGE = Texts("{value}% (OK)", "{value}% (warning){room}", "{value}% (critical){room}")
ROOM = ", {free} free"
AGO, AGO_SHORT = "{hours} h ago", "within the last hour"
IN_DAYS, IN_DAYS_SHORT = "in {days} d", "within a day"
IN_HOURS, IN_HOURS_SHORT = "in {hours} h", "within an hour"
DAYS_AGO, DAYS_AGO_SHORT = "{days} d ago", "today"
BYTES = "{count} bytes"
_FILE_SYSTEM = {
    "unmounted": Texts(
        bad="File system {target}: not mounted (was: {source}, {was})",
        more="if that is meant, delete the check {name} from the configuration",
    ),
    "replaced": Texts(
        bad="File system {target}: another one is mounted ({type} instead of {was})",
        more="if that is meant, give the check {name} another name in the configuration",
    ),
    "device": Texts(bad="File system {target}: its device is gone ({source})"),
    "access": Texts(bad="File system {target}: no access ({reason})"),
    "read_only": Texts(bad="File system {target}: has become read-only ({source})"),
}

LINES: dict[tuple[str, str], Texts] = {
    **{(kind, aspect): texts for kind in ("disk", "inodes", "disk_trend") for aspect, texts in _FILE_SYSTEM.items()},
    ("disk", "usage"): _USAGE.labelled("Disk usage{disk}"),
    ("inodes", "usage"): _USAGE.labelled("Inode usage{disk}"),
    ("memory", "usage"): _USAGE.labelled("Memory usage"),
    ("swap", "usage"): _USAGE.labelled("Swap usage"),
    ("cpu", "load"): Texts(
        "CPU load: {load:.2f} ({value}% of {cores} cores)",
        "CPU load: {load:.2f} ({value}% of {cores} cores, warning)",
        "CPU load: {load:.2f} ({value}% of {cores} cores, critical)",
    ),
    ("disk_trend", "trend"): Texts(
        "Disk growth{disk}: OK ({free_percent}% free)",
        bad="Disk growth{disk}: full {in_hours} ({free_percent}% free)",
        limit="full within {limit_h:g} h, less than {limit_free_percent:g}% free",
    ),
    ("disk_trend", "full"): Texts(bad="Disk growth{disk}: grows no more, but there is no room yet ({free_percent}% free)"),
}
REASONS = {
    "ENOENT": "no such path",
    "ENOTDIR": "no such path",
    "ESTALE": "the remote file system has changed (ESTALE)",
    "EIO": "input/output error (EIO)",
    "ENXIO": "no such device (ENXIO)",
    "ENODEV": "no such device (ENODEV)",
    "ENOTCONN": "the file system's program has died (ENOTCONN)",
    "ETIMEDOUT": "the remote file system does not answer (ETIMEDOUT)",
    "EHOSTDOWN": "the remote server is down (EHOSTDOWN)",
    "no_descriptors": "the monitor has no file descriptors left (EMFILE). Remedy: systemctl restart gunicorn_monitor",
    "no_descriptors_left": "the server has no file descriptors left (ENFILE). Look: cat /proc/sys/fs/file-nr",
    "no_memory": "the monitor is out of memory (ENOMEM). Look: free -h, systemctl status gunicorn_monitor",
    "no_threads": "the monitor can start no more threads. Look: systemctl status gunicorn_monitor (Tasks)",
}
