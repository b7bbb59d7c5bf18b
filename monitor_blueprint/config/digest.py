"""Whether anything that was asked for has changed: a digest of the configuration and of the settings in the environment."""

from __future__ import annotations

import hashlib

from monitor_blueprint.config.environment import known
from monitor_blueprint.config.model import Config


def digest_of(config: Config) -> str:
    """Return the digest; secrets are in it, and it tells nothing about them."""
    variables = [(name, config.environ.get(name, "")) for name in sorted(known())]
    asked = [config.settings, config.checks, config.channels, config.windows, variables]
    return hashlib.blake2b(repr(asked).encode(), digest_size=8).hexdigest()
