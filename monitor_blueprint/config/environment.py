"""What may be wrong with the variables of the environment: the secrets, and where alerts go. No text has a value in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from monitor_blueprint import notifiers
from monitor_blueprint.alerts import heartbeat
from monitor_blueprint.config.suggestions import misspelt

_KNOWN = ("NEURONOVA_CONFIG", "HEARTBEAT_URL", "MONITOR_ADMIN_TOKEN", "MONITOR_STATS_TOKEN", "ML_API_KEY")
# Variables of other programs that look much like one of ours.
_OTHERS = ("SFTP_PASSWORD", "MAIL_API_KEY")


def problems(environ: Mapping[str, str], options: Mapping[str, Any]) -> list[str]:
    """Return what is wrong, each with the variable's name; `options` as for `notifiers.problems`."""
    known = notifiers.variables() | set(_KNOWN)
    # A torn one has others in it, about which nothing can then be said.
    return _torn(environ, known) or [
        *notifiers.problems(environ, options),
        *heartbeat.check(environ),
        *_check_tokens(environ),
        *_misspelt(environ, known),
    ]


def _torn(environ: Mapping[str, str], known: set[str]) -> list[str]:
    """Return which variables have swallowed the lines after them."""
    return [
        f"{name} goes on in the next line: is its closing quotation mark missing?"
        for name in sorted(known)
        if "\n" in environ.get(name, "").strip()
    ]


def _check_tokens(environ: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the administrators' token, and with the one for the statistics alone."""
    without = {"MONITOR_ADMIN_TOKEN": "one is made", "MONITOR_STATS_TOKEN": "there is none"}
    tokens = {name: environ.get(name, "").strip() for name in without}
    wrong = [name for name, token in tokens.items() if token and not re.fullmatch(r"[A-Za-z0-9._~-]{16,256}", token)]
    if wrong:
        return [f"{name} must be 16 to 256 letters, digits and . _ ~ - (or empty: {without[name]})" for name in wrong]
    admin, stats = tokens.values()
    return ["MONITOR_STATS_TOKEN must be another one than MONITOR_ADMIN_TOKEN"] if stats and stats == admin else []


def _misspelt(environ: Mapping[str, str], known: set[str]) -> list[str]:
    """Return what looks like a variable of ours but for a letter or two: it would be ignored without a word."""
    others = [name for name in environ if name not in known and name not in _OTHERS]
    meant = {name: misspelt(name, known) for name in others}
    return [f"{name} is not known (did you mean {near}?)" for name, near in meant.items() if near]
