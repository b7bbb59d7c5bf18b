"""One file per channel; the file's name is the channel's name in the configuration.

A notifier module has these names:

- `Options`: a frozen `msgspec.Struct` that forbids unknown fields; secrets are not in it, they come from the environment.
- `ENVIRONMENT`: names of the environment variables that it reads.
- `is_configured(options, environ) -> bool`: whether somebody wants this channel.
- `check(options, environ) -> list[str]`: what is wrong with the configuration, each naming its variable; no secrets.
- `send(message, options, environ, timeout_s) -> Outcome`: hands the message over once. It never raises for what the
  other side does, and neither its answer nor its log lines hold a secret.

Nothing else has to be told about a new file.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, cast

import msgspec

from monitor_blueprint.core.models import EMPTY


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is to deliver.

    Attributes:
        id: the same for every attempt and every channel; letters, digits, "-", "_" and "." only.
        subject: one line, for channels that have one.
        body: the whole text, first line included.
        at: when it happened (not when it is sent), UTC.
        incident: number of the incident; 0 for none.
        kind: the event's kind, or "" for a message that is not about an event.
    """

    id: str
    subject: str
    body: str
    at: datetime
    incident: int = 0
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The channel accepted the message; `problem` says for whom it did not, where only some were reached."""

    answer: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """Not accepted now; `after_s` is how long the other side asked to be left alone, in seconds."""

    reason: str
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Will never be accepted like this; trying again is no use."""

    reason: str


Outcome = Delivered | Retry | Refused


class NotifierModule(Protocol):
    """The names that a notifier module must have."""

    Options: type[Any]
    ENVIRONMENT: tuple[str, ...]

    def is_configured(self, options: Any, environ: Mapping[str, str]) -> bool:
        """Tell whether the channel is wanted."""

    def check(self, options: Any, environ: Mapping[str, str]) -> list[str]:
        """Return what is wrong with the configuration."""

    def send(self, message: Message, options: Any, environ: Mapping[str, str], timeout_s: float) -> Outcome:
        """Hand the message over once."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A configured channel, ready to be used.

    Attributes:
        name: the notifier's kind.
        send: delivers one message; the second argument is the time limit of one network operation in seconds.
        fingerprint: changes when the configuration does; tells nothing about it.
    """

    name: str
    send: Callable[[Message, float], Outcome]
    fingerprint: str = ""


def kinds() -> list[str]:
    """Return the kinds that exist: the names of the modules beside this file."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def load(kind: str) -> NotifierModule:
    """Import the module of a kind; raises KeyError for a kind that does not exist."""
    if kind not in kinds():
        raise KeyError(kind)
    return cast("NotifierModule", importlib.import_module(f"{__name__}.{kind}"))


def problems(environ: Mapping[str, str], options: Mapping[str, Any] = EMPTY) -> list[str]:
    """Return what is wrong with the configured channels; `options` holds an `Options` by kind where there is one."""
    found: list[str] = []
    for kind in kinds():
        module = load(kind)
        chosen = options.get(kind) or module.Options()
        if module.is_configured(chosen, environ):
            found += module.check(chosen, environ)
    return found


def channels(environ: Mapping[str, str], options: Mapping[str, Any] = EMPTY) -> tuple[Channel, ...]:
    """Return the channels that are configured; one that has a problem is left out (see `problems`)."""
    found = (_channel(kind, options.get(kind), environ) for kind in kinds())
    return tuple(channel for channel in found if channel is not None)


def _channel(kind: str, options: Any, environ: Mapping[str, str]) -> Channel | None:
    module = load(kind)
    chosen = options or module.Options()
    if not module.is_configured(chosen, environ) or module.check(chosen, environ):
        return None
    settings = [repr(chosen), *(f"{name}={environ.get(name, '')}" for name in module.ENVIRONMENT)]
    return Channel(
        name=kind,
        send=lambda message, timeout_s: module.send(message, chosen, environ, timeout_s),
        fingerprint=hashlib.blake2b(msgspec.json.encode(settings), digest_size=8).hexdigest(),
    )
