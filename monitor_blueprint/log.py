"""The program's own log lines, which go to standard error and so into the journal: public words only.

An exception is named, with where it came from; a traceback of the library's would print its text, and that may quote
anything.
"""

from __future__ import annotations

import logging

from monitor_blueprint.domain.text import Public, fault_of


class Log:
    """The log lines of one module."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def info(self, text: Public) -> None:
        """Say something that nobody has to do anything about."""
        self._logger.info("%s", text)

    def warning(self, text: Public, error: BaseException | None = None) -> None:
        """Say what goes on all the same."""
        self._logger.warning("%s", _with(text, error))

    def error(self, text: Public, error: BaseException | None = None) -> None:
        """Say what failed, and by which exception."""
        self._logger.error("%s", _with(text, error))


def _with(text: Public, error: BaseException | None) -> str:
    return text if error is None else f"{text}: {fault_of(error)}"
