"""What an earlier, hand-made monitoring has left: the settings of its script, and its cron lines."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

SETTINGS = ("ALERT_EMAIL", "SLACK_WEBHOOK")
# What the guide writes where the reader's own belongs.
_PLACEHOLDERS = ("your-email@example.com", "YOUR/WEBHOOK/URL")
_ASSIGNMENT = re.compile(r"^\s*(?:(?:export|readonly|declare(?: -\w+)*|local)\s+)*(ALERT_EMAIL|SLACK_WEBHOOK)=(.*)$")
_DEFAULT = re.compile(r"^\$\{\w+:?[-=](.*)\}$")
_MAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+")
_WEBHOOK = re.compile(r"https?://\S+")
_HEALTH_CHECK = re.compile(r"(?:^|[\s/])(?:neuronova-health-check|deploy/monitoring/health_check\.sh|health_check\.sh)(?=\s|$)")
# Words before the command that change nothing about which command it is.
_BEFORE_COMMAND = (
    "sudo",
    "bash",
    "sh",
    "/bin/bash",
    "/bin/sh",
    "/usr/bin/bash",
    "/usr/bin/sudo",
    "nice",
    "flock",
    "timeout",
    "env",
)


@dataclass(frozen=True, slots=True)
class Earlier:
    """The settings of an earlier script.

    Attributes:
        values: what can be taken over, by name.
        left: names of settings that are there but are not plain values, or not what they should be.
    """

    values: Mapping[str, str]
    left: tuple[str, ...] = ()


def settings_of(script: str) -> Earlier:
    """Read a shell script's settings as the shell would: the last assignment counts, quotes and comments are not part of it."""
    values: dict[str, str] = {}
    left: dict[str, None] = {}
    for line in script.splitlines():
        assignment = _ASSIGNMENT.match(line)
        if assignment is None:
            continue
        name, text = assignment[1], _value(assignment[2])
        values.pop(name, None)
        left.pop(name, None)
        if text is None:
            left[name] = None
        elif text and not any(placeholder in text for placeholder in _PLACEHOLDERS):
            cleaned = _checked(name, text)
            if cleaned:
                values[name] = cleaned
            else:
                left[name] = None
    return Earlier(values, tuple(left))


def _value(text: str) -> str | None:
    """Return the value of an assignment; None where only running the script would tell."""
    try:
        lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|")
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:
        return None
    value = words[0] if words and words[0] not in (";", "&&", "||") else ""
    fallback = _DEFAULT.match(value)
    if fallback:
        value = fallback[1].strip("\"'")
    is_literal = "'" in text.split("#", maxsplit=1)[0] and '"' not in text
    return None if not is_literal and re.search(r"[$`]", value) else value


def _checked(name: str, text: str) -> str:
    if name == "SLACK_WEBHOOK":
        return text if _WEBHOOK.fullmatch(text) else ""
    addresses = re.split(r"[\s,;]+", text.strip())
    return ",".join(addresses) if all(_MAIL.fullmatch(each) for each in addresses) else ""


@dataclass(frozen=True, slots=True)
class CronText:
    """A crontab without the lines that ran the earlier health check.

    Attributes:
        text: what is left. removed: the lines that are gone. left: lines that do something else besides, and stay.
    """

    text: str
    removed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def has_jobs(self) -> bool:
        """Tell whether anything but comments, settings and empty lines is left."""
        return any(is_job(line) for line in self.text.splitlines())


def is_job(line: str) -> bool:
    """Tell whether a line of a crontab is a job."""
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith("#") and re.match(r"^\w+\s*=", stripped) is None


def without_health_check(crontab: str, *, has_user: bool = False) -> CronText:
    """Take the lines out of a crontab that run the health check and nothing else; `has_user`: crontab(5)'s sixth field."""
    kept, removed, left = [], [], []
    for line in crontab.splitlines(keepends=True):
        bare = line.rstrip("\n")
        if not is_job(bare) or _HEALTH_CHECK.search(bare) is None:
            kept.append(line)
        elif _is_health_check_alone(bare, has_user=has_user):
            removed.append(bare)
        else:
            left.append(bare)
            kept.append(line)
    return CronText("".join(kept), tuple(removed), tuple(left))


def _is_health_check_alone(line: str, *, has_user: bool) -> bool:
    """Tell whether the command of a job is the health check, with nothing before, after or around it."""
    fields = line.split(maxsplit=(1 if line.startswith("@") else 5) + has_user)
    command = fields[-1]
    unredirected = re.sub(r"\s*(?:\d|&)?>>?\s*(?:&\d|\S+)", "", command)
    if re.search(r"[;&|`$(]", unredirected):
        return False
    words = [word for word in unredirected.split() if "=" not in word]
    while words and (words[0] in _BEFORE_COMMAND or words[0].startswith("-")):
        words.pop(0)
    return bool(words) and _HEALTH_CHECK.search(f" {words[0]}") is not None
