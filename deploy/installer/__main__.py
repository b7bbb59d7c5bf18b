"""`python -m deploy.installer`: what `setup_monitoring.sh` and the Debian package start."""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from deploy.installer import commands, install, places, plan, recovery, report, say, stock, uninstall
from deploy.installer.failure import Failure
from deploy.installer.journal import Journal

_USAGE_ERROR = 64  # sysexits.h: EX_USAGE
_LOCK_WAIT_S = 10
_COMMAND = "setup_monitoring.sh"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(_USAGE_ERROR, f"{message}\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = _Parser(
        prog=f"sudo bash {_COMMAND}",
        allow_abbrev=False,  # half an option is a mistake, and some of them remove things
        description="Installs NeuroNova's monitor and ML server, or upgrades them to the version that this came with. It may be"
        " run again at any time: what is in order stays as it is, no settings file is overwritten, and what somebody else made is"
        " put back by --uninstall, or when something fails.",
    )
    made.add_argument("--dry-run", action="store_true", help="say what is here and what would be done, change nothing")
    made.add_argument("--json", action="store_true", help="with --dry-run: the same as one JSON document")
    which = made.add_mutually_exclusive_group()
    which.add_argument("--monitor-only", dest="ml_server", action="store_const", const="none", help="no ML server of ours")
    which.add_argument(
        "--with-ml-server",
        dest="ml_server",
        action="store_const",
        const="beside",
        help="ours, beside somebody else's where there is one",
    )
    which.add_argument(
        "--replace-ml-server",
        dest="ml_server",
        action="store_const",
        const="replace",
        help="ours in the place of somebody else's",
    )
    which.add_argument("--ml-server-only", dest="ml_server", action="store_const", const="only", help="no monitor")
    made.set_defaults(ml_server="auto")
    made.add_argument("--ml-port", type=_port, default=0, metavar="N", help="port of our ML server (9000; beside another 9002)")
    made.add_argument("--monitor-port", type=_port, default=0, metavar="N", help="port of the monitor (9001)")
    made.add_argument("--uninstall", action="store_true", help="remove the programs; settings, logs and history stay")
    made.add_argument("--purge", action="store_true", help="with --uninstall: remove those too")
    made.add_argument("--recover", action="store_true", help=argparse.SUPPRESS)
    return made


def main(arguments: Sequence[str]) -> int:
    """Do what was asked for and return the exit code."""
    made = parser()
    asked = made.parse_args(arguments)
    if asked.purge and not asked.uninstall:
        made.error("--purge goes with --uninstall.")
    if asked.json and (not asked.dry_run or asked.uninstall):
        made.error("--json goes with --dry-run.")
    if os.geteuid() != 0:
        say.problem(f"This needs root: sudo bash {places.TREE / 'deploy/monitoring' / _COMMAND} {' '.join(arguments)}".rstrip())
        return 1
    os.umask(0o022)
    os.chdir("/")
    try:
        _check_the_machine()
        if not asked.uninstall:
            _check_the_tree()
        if asked.dry_run:
            return _uninstall_preview(asked.purge) if asked.uninstall else _dry_run(_wanted(asked), is_json=asked.json)
        with_lock = _lock(is_patient=asked.recover)
        commands.inherit(with_lock)
        try:
            return _work(asked)
        finally:
            os.close(with_lock)
    except (OSError, KeyboardInterrupt) as error:
        say.problem(f"    {type(error).__name__}: {error}\nWhat to do: run this again; it goes on where it has stopped.")
        return 1
    except Failure as failure:
        # What a step of an installation says has been said.
        if not isinstance(failure, install.StepFailure):
            say.problem(f"    {failure}\nWhat to do: {failure.remedy}")
        return 1


def _check_the_machine() -> None:
    if not Path("/run/systemd/system").is_dir():
        raise Failure("systemd does not run this machine.", "Run it on the server itself, not in a plain container.")
    if shutil.which("apt-get") is None:
        raise Failure("This is neither Debian nor Ubuntu.", "Debian 12 and Ubuntu 24.04, or newer, are supported.")


def _check_the_tree() -> None:
    missing = [
        name for name in ("requirements.txt", "monitor_blueprint", "ml_server", "serving") if not (places.TREE / name).exists()
    ]
    if missing:
        raise Failure(
            f"{places.TREE} is not a whole NeuroNova tree: {', '.join(missing)} is missing.",
            "Copy the whole directory to the server and run it from there.",
        )


def _work(asked: argparse.Namespace) -> int:
    if places.RUN.is_dir():
        say.title("An earlier run was cut short: what it had changed is taken back")
        if not recovery.take_back(Journal(places.RUN)):
            return 1
    recovery.tidy()
    if asked.recover:
        return 0
    # All of them: what has just been taken back did not want to be interrupted.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    if asked.uninstall:
        uninstall.uninstall(is_purge=asked.purge)
        return 0
    found = stock.take()
    decided = plan.make(found, _wanted(asked))
    report.show(found, decided)
    if decided.refusals:
        return _refuse(decided)
    install.install(found, decided)
    return 0


def _interrupted(number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt(signal.Signals(number).name)


def _dry_run(wanted: plan.Wanted, *, is_json: bool) -> int:
    found = stock.take()
    decided = plan.make(found, wanted)
    if is_json:
        say.plain(report.as_json(found, decided))
        return 1 if decided.refusals else 0
    say.plain("Dry run: nothing is changed.")
    report.show(found, decided)
    return _refuse(decided) if decided.refusals else 0


def _refuse(decided: plan.Plan) -> int:
    say.problem("\nNothing is done:")
    for refusal in decided.refusals:
        say.problem(f"    {refusal.why}\n    What to do: {refusal.remedy}")
    return 1


def _uninstall_preview(is_purge: bool) -> int:
    say.plain("Dry run: nothing is changed.")
    uninstall.preview(is_purge=is_purge)
    return 0


def _wanted(asked: argparse.Namespace) -> plan.Wanted:
    return plan.Wanted(asked.ml_server, asked.ml_port, asked.monitor_port)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port between 1024 and 65535")
    return int(text)


def _lock(*, is_patient: bool) -> int:
    """Take the lock, which nobody but root can reach; the guard waits for it as long as it takes."""
    places.LOCK.parent.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(places.LOCK, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    if is_patient:
        fcntl.flock(handle, fcntl.LOCK_EX)
        return handle
    end = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < end:
                time.sleep(0.2)
                continue
            raise Failure(
                f"Another {_COMMAND} is running, or is being taken back.", "Wait for it to end, then run this again."
            ) from None
        return handle


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
