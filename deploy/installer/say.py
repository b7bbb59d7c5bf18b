"""What is printed. An ssh connection that is gone is no reason to stop half-way, so printing never fails."""

from __future__ import annotations

import contextlib
import sys


def title(text: str) -> None:
    """Print what is done now."""
    _write(sys.stdout, f"==> {text}\n")


def line(text: str = "") -> None:
    """Print one line below the title."""
    _write(sys.stdout, f"    {text}\n" if text else "\n")


def plain(text: str) -> None:
    """Print a text as it is."""
    _write(sys.stdout, f"{text}\n")


def problem(text: str) -> None:
    """Print what went wrong."""
    _write(sys.stderr, f"{text}\n")


def _write(stream: object, text: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        stream.write(text)  # type: ignore[attr-defined]
        stream.flush()  # type: ignore[attr-defined]
