"""The last run of a systemd unit, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

MAIN = "ExecStart"
# SIGHUP, SIGINT, SIGPIPE, SIGTERM: systemd.service(5), "SuccessExitStatus=".
_CLEAN_SIGNALS = (1, 2, 13, 15)


# A start so soon after the end is a restart: systemd gives a service so long to stop.
_RESTART_TAKES = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process of a unit ended.

    Attributes:
        at: when.
        command: which one: "ExecStart" is the main process, "ExecStartPre" and so on are control processes.
        code: "exited", "killed" or "dumped".
        status: its exit status, or the number of the signal.
    """

    at: datetime
    command: str
    code: str
    status: int

    @property
    def is_clean(self) -> bool:
        """Tell whether systemd takes it for no failure, if nothing else is configured."""
        return self.status == 0 if self.code == "exited" else self.code == "killed" and self.status in _CLEAN_SIGNALS


@dataclass(frozen=True, slots=True)
class UnitRun:
    """The last run of a unit.

    Attributes:
        ended: how it ended, if it has, and if systemd still knows.
        restarts: how often systemd restarted it on its own since somebody started it.
        result: why it stopped ("success", "exit-code", "oom-kill", "watchdog", ...).
        is_stopped: it is not running, and nothing is under way.
        is_stopping: it is on its way down.
        program: the command line of its main process, from its unit file.
        environment_files: the files that its unit file names for its environment.
        left_at: when it was last in service before, if it ever was.
        began_at: when its last start began.
    """

    ended: Ending | None = None
    restarts: int = 0
    result: str = ""
    is_stopped: bool = False
    is_stopping: bool = False
    program: tuple[str, ...] = ()
    environment_files: tuple[str, ...] = ()
    left_at: datetime | None = None
    began_at: datetime | None = None

    @property
    def asked_at(self) -> datetime | None:
        """Return when somebody asked for the run: a restart begins with the end of the run before."""
        if self.left_at is None or self.began_at is None:
            return self.began_at
        return self.left_at if timedelta(0) <= self.began_at - self.left_at <= _RESTART_TAKES else self.began_at

    @property
    def has_failed(self) -> bool:
        """Tell whether it ended in an error; what is stopped with success has been told that its status is one."""
        return self.ended is not None and not self.ended.is_clean and not (self.is_stopped and self.result == "success")

    @property
    def is_in_good_order(self) -> bool:
        """Tell whether somebody stops it, or has stopped it, and it has not failed in that."""
        is_going = self.is_stopping and self.result in ("", "success")
        return (self.is_stopped or is_going) and not self.has_failed
