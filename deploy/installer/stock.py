"""What there is on this server before anything is touched. Looks only."""

from __future__ import annotations

import grp
import platform
import pwd
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.installer import commands, earlier, health_addresses, places
from deploy.installer.changes import has_user, is_our_user
from deploy.installer.earlier import CronText, Earlier
from deploy.installer.health_addresses import Answer
from deploy.installer.listeners import Listener, listeners
from deploy.installer.units import Unit, units

PACKAGES = ("python3-venv", "dbus", "logrotate", "procps", "ca-certificates")
_WATCHED_UNITS = (places.NGINX_UNIT, places.DJANGO_UNIT, *places.OURS)
_DIRECTORIES = (places.HOME, places.SETTINGS, places.STATE, places.LOGS)
_CRON_FILES = ("/etc/crontab", "/etc/cron.d/*")
_USER_CRONTABS = "/var/spool/cron/crontabs/*"


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory of one of our names as it is: whose, with which mode; no owner: it is not there."""

    owner: str = ""
    mode: int = 0
    group: str = ""

    @property
    def is_foreign(self) -> bool:
        """Tell whether somebody else made it."""
        return self.owner not in ("", places.MONITOR_USER) and self.group != places.MONITOR_USER

    @property
    def is_open(self) -> bool:
        """Tell whether our users can reach what is in it."""
        return not self.is_foreign or bool(self.mode & 0o001)


@dataclass(frozen=True, slots=True)
class LogDirectory:
    """What is in /var/log/neuronova: the owner of each file, and the programs that have one open."""

    files: Mapping[str, str]
    in_use: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CronFile:
    """A crontab with a line that runs the health check."""

    path: str
    found: CronText


@dataclass(frozen=True, slots=True)
class Stock:
    """Everything that the plan is made from, and that is shown.

    Attributes:
        release: the release of ours that is in use, if there is one. is_cut_short: an earlier run has not come to its end.
        has_journal: it is known what was there before the first installation.
        listeners: who listens where, everybody. django, ml_server: what their health addresses answered.
        foreign_users: users of our names that are somebody else's.
        rotated_by: files of logrotate, other than ours, that name /var/log/neuronova.
        nginx_sites: files of Nginx named after us, or that pass to the monitor's port.
        ml_bind, monitor_bind: where the operator's settings have the programs listen; empty: there are no such settings yet.
    """

    release: str
    is_cut_short: bool
    has_journal: bool
    units: Mapping[str, Unit]
    listeners: tuple[Listener, ...]
    django: tuple[Answer, ...]
    ml_server: tuple[Answer, ...]
    directories: Mapping[str, Directory]
    logs: LogDirectory
    earlier_script: str
    earlier: Earlier
    cron: tuple[CronFile, ...]
    rotated_by: tuple[str, ...]
    nginx_sites: tuple[str, ...]
    settings: tuple[str, ...]
    ml_bind: str
    monitor_bind: str
    foreign_users: tuple[str, ...]
    missing_packages: tuple[str, ...]
    python: str
    other_pythons: tuple[str, ...]
    free_disk_mb: int
    free_memory_mb: int

    def at_port(self, port: int) -> Listener | None:
        """Return who listens at a port, on whichever address."""
        return next((each for each in self.listeners if each.port == port), None)


def take() -> Stock:
    """Look at everything."""
    heard = listeners()
    known = units(_WATCHED_UNITS)
    script = places.BIN / "neuronova-health-check"
    is_foreign_script = script.is_file() and not places.is_ours(script.read_bytes())
    return Stock(
        release=current_release(),
        is_cut_short=places.RUN.is_dir(),
        has_journal=places.BEFORE.is_dir(),
        units=known,
        listeners=heard,
        django=_answers(heard, places.DJANGO_UNIT, places.DJANGO_PORT, health_addresses.DJANGO_PATHS),
        ml_server=_answers(heard, places.ML_UNIT, places.ML_PORT, health_addresses.ML_PATHS),
        directories={str(each): _directory(each) for each in _DIRECTORIES},
        logs=_log_directory(places.LOGS),
        earlier_script=str(script) if is_foreign_script else "",
        earlier=earlier.settings_of(script.read_text("utf-8", "replace")) if is_foreign_script else Earlier({}),
        cron=_cron_files(),
        rotated_by=_rotated_by(),
        nginx_sites=_nginx_sites(Path("/etc/nginx")),
        settings=tuple(str(each) for each in sorted(places.SETTINGS.glob("*")) if each.is_file()),
        ml_bind=_bind("ml_server.env", "ML_BIND", places.ML_PORT),
        monitor_bind=_bind("monitor.env", "MONITOR_BIND", places.MONITOR_PORT),
        foreign_users=_foreign_users(),
        missing_packages=_missing_packages(),
        python=f"{sys.executable} {platform.python_version()}",
        other_pythons=tuple(sorted({str(each) for each in Path("/usr/bin").glob("python3.[0-9]*") if each.name[8:].isdigit()})),
        free_disk_mb=shutil.disk_usage(_existing(places.HOME)).free // 2**20,
        free_memory_mb=_free_memory_mb(),
    )


def setting(file: str, name: str) -> str:
    """Return a setting as it stands in a file of /etc/neuronova; empty where it is not there."""
    path = places.SETTINGS / file
    if not path.is_file():
        return ""
    found = re.findall(rf'(?m)^{name}=["\']?([^"\'\n]*)["\']?\s*$', path.read_text("utf-8", "replace"))
    return str(found[-1]).strip() if found else ""


def _bind(file: str, name: str, port: int) -> str:
    return (setting(file, name) or f"127.0.0.1:{port}") if (places.SETTINGS / file).is_file() else ""


def current_release() -> str:
    """Return the name of the release that `current` points to; empty where there is none."""
    return places.CURRENT.resolve().name if places.CURRENT.is_symlink() else ""


def _answers(heard: tuple[Listener, ...], unit: str, port: int, paths: tuple[str, ...]) -> tuple[Answer, ...]:
    """Ask a service where its unit listens, else whoever has its port."""
    # gunicorn's control socket speaks no HTTP.
    own = tuple(each.address for each in heard if each.unit == unit and not each.address.endswith("/gunicorn.ctl"))
    return health_addresses.all_answers(own or tuple(each.address for each in heard if each.port == port), paths)


def _directory(path: Path) -> Directory:
    if not path.is_dir():
        return Directory()
    found = path.stat()
    return Directory(user_name(found.st_uid), found.st_mode & 0o7777, _group_name(found.st_gid))


def _log_directory(path: Path) -> LogDirectory:
    if not path.is_dir():
        return LogDirectory({}, {})
    return LogDirectory({each.name: user_name(each.lstat().st_uid) for each in sorted(path.iterdir())}, _open_files(path))


def user_name(uid: int) -> str:
    """Return a user's name, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _open_files(directory: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for handle in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            target = str(handle.readlink())
            if target.startswith(f"{directory}/"):
                found[Path(target).name] = (handle.parents[1] / "comm").read_text().strip()
        except OSError:
            continue
    return found


def _cron_files() -> tuple[CronFile, ...]:
    found = []
    for pattern, has_field in [*((each, True) for each in _CRON_FILES), (_USER_CRONTABS, False)]:
        for path in sorted(Path("/").glob(pattern.lstrip("/"))):
            if path.is_file() and not path.is_symlink():
                text = earlier.without_health_check(path.read_text("utf-8", "surrogateescape"), has_user=has_field)
                if text.removed or text.left:
                    found.append(CronFile(str(path), text))
    return tuple(found)


def _rotated_by() -> tuple[str, ...]:
    found = []
    for path in sorted(Path("/etc/logrotate.d").glob("*")):
        if path.is_file():
            content = path.read_bytes()
            if str(places.LOGS).encode() in content and not (path == places.LOGROTATE and places.is_ours(content)):
                found.append(str(path))
    return tuple(found)


def _nginx_sites(etc: Path) -> tuple[str, ...]:
    found = []
    for path in sorted([*etc.glob("sites-enabled/*"), *etc.glob("sites-available/*"), *etc.glob("conf.d/*.conf")]):
        if path.is_file():
            content = path.read_bytes()
            if path.name.startswith("neuronova") or b":9001" in content or b"neuronova" in content:
                found.append(str(path))
    return tuple(found)


def _foreign_users() -> tuple[str, ...]:
    return tuple(each for each in (places.MONITOR_USER, places.ML_USER) if has_user(each) and not is_our_user(each))


def _missing_packages() -> tuple[str, ...]:
    # 1: at least one of them is not known (dpkg-query(1)).
    told = commands.run(
        ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *PACKAGES], "'sudo dpkg --audit'", good=(0, 1)
    )
    return tuple(each for each in PACKAGES if f"{each} installed" not in told.splitlines())


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


def _free_memory_mb() -> int:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("MemAvailable:")), 0)
