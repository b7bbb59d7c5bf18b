"""What was asked for, secrets left out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any

import msgspec

from monitor_blueprint import config
from monitor_blueprint.config import Check
from monitor_blueprint.config.digest import digest_of
from monitor_blueprint.config.environment import known
from monitor_blueprint.console.view import Answer, Document, View
from monitor_blueprint.domain.sanitize import MASK, redact
from monitor_blueprint.domain.text import configured

# What a value can be; a list and a table hold more of them.
Value = str | int | float | bool | list[Any] | dict[str, Any] | None
# What is sent to a site, and what is awaited from it, may be made up of its own data.
_TYPED = ("body", "expect_text", "expect_json")


class ConfiguredCheck(Document, frozen=True, kw_only=True):
    """A check as it is configured."""

    name: str
    kind: str
    depends_on: list[str]
    options: dict[str, Value]


class ConfiguredChannel(Document, frozen=True, kw_only=True):
    """A channel as the file configures it; secrets and addresses stand in the environment."""

    kind: str
    options: dict[str, Value]


class ConfigurationAnswer(Answer, frozen=True, kw_only=True):
    """The whole configuration. `variables` are the names of those that are set in the environment, without their values."""

    source: str
    is_embedded: bool
    digest: str
    settings: dict[str, Value]
    checks: list[ConfiguredCheck]
    channels: list[ConfiguredChannel]
    variables: list[str]
    address: str


def configuration(view: View) -> ConfigurationAnswer:
    """Return the configuration that is in use."""
    asked = view.config
    return ConfigurationAnswer(
        source=configured(asked.source),
        is_embedded=asked.is_embedded,
        digest=digest_of(asked),
        settings=_values(view, asked.settings),
        checks=[
            ConfiguredCheck(
                name=check.name, kind=check.kind, depends_on=list(check.policy.depends_on), options=values(view, check)
            )
            for check in asked.checks
        ],
        channels=[ConfiguredChannel(kind=each.kind, options=_values(view, each.options)) for each in asked.channels],
        variables=sorted(name for name in known() if asked.environ.get(name, "").strip()),
        address=configured(config.own_url(asked.environ)),
    )


def values(view: View, check: Check) -> dict[str, Value]:
    """Return all that is configured of a check."""
    common = {"confirm": check.policy.confirm, "interval_s": check.policy.interval_s, "grace_s": check.policy.grace_s}
    return {**common, **_values(view, check.options)}


def _values(view: View, options: Any) -> dict[str, Value]:
    found: Mapping[str, Any] = msgspec.to_builtins(options, enc_hook=str)
    hidden = () if view.visitor.is_trusted else _TYPED
    return {key: MASK if key in hidden and value else _value(value) for key, value in found.items()}


def _value(value: Any) -> Value:
    if isinstance(value, Mapping):
        return {str(key): _value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_value(each) for each in value]
    if isinstance(value, str | time):
        return str(configured(redact(str(value))))
    return value if isinstance(value, bool | int | float) else None
