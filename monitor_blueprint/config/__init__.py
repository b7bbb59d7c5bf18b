"""What was asked for: one TOML file, validated whole at start; secrets come from the environment only.

`NEURONOVA_CONFIG` names the file. Without it the embedded `default.toml` beside this module is used, which keeps
everything under `./var` and leaves out what is not installed on this machine, until it is.
"""

from monitor_blueprint.config.environment import bind_of, own_url
from monitor_blueprint.config.model import DATABASE, SELF_CHECK, ChannelConfig, Check, Config, ConfigError, units_of
from monitor_blueprint.config.parse import DEFAULT_FILE, load, parse
from monitor_blueprint.config.sections import Settings

__all__ = [
    "DATABASE",
    "DEFAULT_FILE",
    "SELF_CHECK",
    "ChannelConfig",
    "Check",
    "Config",
    "ConfigError",
    "Settings",
    "bind_of",
    "load",
    "own_url",
    "parse",
    "units_of",
]
