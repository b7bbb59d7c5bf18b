"""Other programs: what they print is shown only when they fail."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from deploy.installer.failure import Failure

_SHOWN_LINES = 25
_inherited: list[int] = []


def inherit(handle: int) -> None:
    """Have every command hold a lock too: where this process is killed, what it has started is waited for."""
    _inherited.append(handle)


def run(
    command: Sequence[str | Path],
    remedy: str,
    *,
    environment: Mapping[str, str] | None = None,
    timeout_s: float = 900,
    good: Collection[int] = (0,),
) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        Failure: it could not be started, did not end in time, or ended with a code that is not `good`.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(  # noqa: S603  # no shell
            [str(part) for part in command],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **(environment or {})},
            timeout=timeout_s,
            pass_fds=_inherited,
        )
    except subprocess.TimeoutExpired:
        raise Failure(f"{name} did not end within {timeout_s:g} s", remedy) from None
    except OSError as error:
        raise Failure(f"{name} could not be started: {error.strerror}", remedy) from error
    if done.returncode not in good:
        shown = "".join(f"\n    | {text}" for text in done.stdout.splitlines()[-_SHOWN_LINES:])
        raise Failure(f"{name} ended with {done.returncode}{shown}", remedy)
    return done.stdout


def try_to_run(command: Sequence[str]) -> None:
    """Run a command whose failure changes nothing."""
    with contextlib.suppress(Failure):
        run(command, "")
