"""One file per channel; the file's name is the channel's name in the configuration.

A notifier module has these names:

- `Options`: a frozen `msgspec.Struct` that forbids unknown fields; secrets are not in it, they come from the environment.
- `ENVIRONMENT`: names of the environment variables that it reads.
- `is_configured(options, environ) -> bool`: whether somebody wants this channel.
- `check(options, environ) -> list[str]`: what is wrong with the configuration, each naming its variable; no secrets.
- `send(message, options, environ, handover) -> Outcome`: hands the message over once, waiting as long as `handover.waits`
  say; around the whole there is a deadline of the caller's. It sets `handover.is_out` just before the message may arrive.
  Its answer says how far it came: `Retry` (nothing has arrived), `InDoubt` (it went out and nobody said that it arrived),
  `Delivered`, `Refused`. It never raises for what the other side does, and neither its answer nor its log lines hold a
  secret.

A message is whole as text (`body`). A channel that shows more has its parts as well (`outline`) and a page for mail clients
(`page`); where they are missing, the text alone is to go.

It may have more:

- `receivers(options, environ) -> tuple[str, ...]`: to whom it sends, each of whom can accept or refuse by itself. Then
  `message.to` says for whom a message is, and the answer may be a `PerReceiver`.
- `REPLACED`: keys that `Options` had in an earlier version, each with what has replaced it, for people; they are ignored.
- `server(options, environ) -> tuple[str, int]`: the host and port that it sends to, where they are no secret.
- `host(options, environ) -> str`: the host alone, where the rest of the address is a secret.

Nothing else has to be told about a new file. One that cannot be used stops nothing unless the configuration names it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, cast

import msgspec

from monitor_blueprint import plugins
from monitor_blueprint.domain.messages import (
    Delivered,
    Handover,
    InDoubt,
    Message,
    Outcome,
    PerReceiver,
    Refused,
    Retry,
)
from monitor_blueprint.domain.models import EMPTY
from monitor_blueprint.domain.text import class_name, configured, fill
from monitor_blueprint.plugins import PluginError

# Message, Handover, Outcome and its kinds are what a notifier's file needs.
__all__ = [
    "CONSOLE_URL",
    "Channel",
    "Delivered",
    "Handover",
    "InDoubt",
    "Message",
    "NotifierModule",
    "Outcome",
    "PerReceiver",
    "Refused",
    "Retry",
    "available",
    "channels",
    "faults",
    "load",
    "problems",
    "variables",
]
# The variable that says where people open the monitor's pages.
CONSOLE_URL = "MONITOR_URL"
_NEEDED = ("Options", "ENVIRONMENT", "is_configured", "check", "send")


class NotifierModule(Protocol):
    """The names that a notifier module must have."""

    Options: type[Any]
    ENVIRONMENT: tuple[str, ...]

    def is_configured(self, options: Any, environ: Mapping[str, str]) -> bool:
        """Tell whether the channel is wanted."""

    def check(self, options: Any, environ: Mapping[str, str]) -> list[str]:
        """Return what is wrong with the configuration."""

    def send(self, message: Message, options: Any, environ: Mapping[str, str], handover: Handover) -> Outcome:
        """Hand the message over once."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A configured channel, ready to be used.

    Attributes:
        name: the notifier's kind.
        send: delivers one message.
        fingerprint: changes when the configuration does; tells nothing about it.
        receivers: to whom it delivers, if it tells them apart.
        server: host and port that it sends to, where they are no secret.
        host: the host alone, where no more may be known.
        console_url: where people open the monitor's pages, without a "/" at the end; "" where that is not known.
    """

    name: str
    send: Callable[[Message, Handover], Outcome]
    fingerprint: str = ""
    receivers: tuple[str, ...] = ()
    server: tuple[str, int] | None = None
    host: str = ""
    console_url: str = ""

    @property
    def address(self) -> str:
        """Return where it sends to, as far as that is no secret: "host:port", or the host alone."""
        if self.server is None:
            return self.host
        host, port = self.server
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def available() -> list[str]:
    """Return the kinds that exist: the names of the modules beside this file."""
    return plugins.names(__path__)


def load(kind: str) -> NotifierModule:
    """Import the module of a kind; raises KeyError for one that does not exist, PluginError for one that cannot be used."""
    return cast("NotifierModule", plugins.load(__name__, __path__, kind, _NEEDED))


def faults(environ: Mapping[str, str], options: Mapping[str, Any] = EMPTY) -> dict[str, PluginError]:
    """Return what is wrong with the files that cannot be used, by kind; `options` as for `problems`."""
    found = {}
    for kind in available():
        try:
            _wanted(kind, environ, options)
        except PluginError as error:
            found[kind] = error
    return found


def variables() -> set[str]:
    """Return the names of the environment variables that the notifiers read."""
    found: set[str] = set()
    for kind in available():
        with suppress(PluginError):
            found.update(load(kind).ENVIRONMENT)
    return found


def problems(environ: Mapping[str, str], options: Mapping[str, Any] = EMPTY) -> list[str]:
    """Return what is wrong with the configured channels; `options` holds an `Options` by kind where there is one."""
    found: list[str] = []
    for kind in available():
        with suppress(PluginError):
            found += _problems(kind, _wanted(kind, environ, options), environ)
    return found


def channels(environ: Mapping[str, str], options: Mapping[str, Any] = EMPTY) -> tuple[Channel, ...]:
    """Return the channels that are configured; one that has a problem or a fault is left out (see those)."""
    found: list[Channel] = []
    for kind in available():
        with suppress(PluginError):
            wanted = _wanted(kind, environ, options)
            if wanted is not None and not _problems(kind, wanted, environ):
                found.append(_channel(kind, *wanted, environ))
    return tuple(found)


_Wanted = tuple[NotifierModule, Any]


def _wanted(kind: str, environ: Mapping[str, str], options: Mapping[str, Any]) -> _Wanted | None:
    """Return a channel's module and options, None where nobody wants it; raises PluginError where that cannot be said."""
    module = load(kind)
    try:
        if kind not in options and any(field.required for field in msgspec.structs.fields(module.Options)):
            # It needs a section, and has none.
            return None
        chosen = options[kind] if kind in options else module.Options()
        return (module, chosen) if module.is_configured(chosen, environ) else None
    except Exception as error:  # the edge of a file that may be half written
        # Not its text, which may hold what must not be known.
        told = fill("notifiers/{kind}.py: is_configured() failed: {type}", kind=configured(kind), type=class_name(error))
        raise PluginError(told) from error


def _problems(kind: str, wanted: _Wanted | None, environ: Mapping[str, str]) -> list[str]:
    if wanted is None:
        return []
    module, chosen = wanted
    try:
        return module.check(chosen, environ)
    except Exception as error:  # noqa: BLE001 - as above
        return [f"notifiers/{kind}.py: check() failed: {type(error).__name__}"]


def _channel(kind: str, module: NotifierModule, chosen: Any, environ: Mapping[str, str]) -> Channel:
    settings = [repr(chosen), *(f"{name}={environ.get(name, '')}" for name in module.ENVIRONMENT)]
    return Channel(
        name=kind,
        send=lambda message, handover: _send(module, message, chosen, environ, handover),
        fingerprint=hashlib.blake2b(msgspec.json.encode(settings), digest_size=8).hexdigest(),
        receivers=tuple(dict.fromkeys(_asked(module, "receivers", chosen, environ) or ())),
        server=_asked(module, "server", chosen, environ),
        host=_asked(module, "host", chosen, environ) or "",
        console_url=environ.get(CONSOLE_URL, "").strip().rstrip("/"),
    )


def _asked(module: NotifierModule, name: str, chosen: Any, environ: Mapping[str, str]) -> Any:
    """Return what the module says, None where it says nothing about that."""
    function = getattr(module, name, None)
    return function(chosen, environ) if function is not None else None


def _send(module: NotifierModule, message: Message, chosen: Any, environ: Mapping[str, str], handover: Handover) -> Outcome:
    try:
        outcome = module.send(message, chosen, environ, handover)
    except Exception as error:  # noqa: BLE001 - as above
        return handover.failed(f"unexpected {type(error).__name__}")
    if isinstance(outcome, Outcome):
        return outcome
    return handover.failed(f"fault in the notifier: it returned {type(outcome).__name__}")
