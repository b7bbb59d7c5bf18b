"""The registry of plugins: a file in a package's folder is a plugin, and its name is the `kind` in the configuration.

Nothing is registered by hand: what lies in the folder exists, and is imported when somebody asks for it.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable, Sequence
from types import ModuleType

from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.domain.text import ExplainedError, Private, Public, class_name, configured, fill, joined


class PluginError(ExplainedError):
    """The file of a plugin cannot be used; the text names the file and what is wrong with it."""


def names(folders: Iterable[str]) -> list[str]:
    """Return the names of the plugins that exist: those of the modules in the folders."""
    return sorted(module.name for module in pkgutil.iter_modules(folders) if not module.name.startswith("_"))


def load(package: str, folders: Iterable[str], name: str, required: Sequence[str]) -> ModuleType:
    """Import a plugin, whose module must have what is required.

    Raises KeyError for a plugin that does not exist, and PluginError for one whose file cannot be used.
    """
    if name not in names(folders):
        raise KeyError(name)
    try:
        module = importlib.import_module(f"{package}.{name}")
    except (Exception, SystemExit) as error:
        told = fill("{file} cannot be imported ({type})", file=_file(package, name), type=class_name(error))
        detail = f"{_file(package, name)} cannot be imported ({class_name(error)}: {error})"
        raise PluginError(told, Private(clean(detail, 1000))) from error
    missing = [each for each in required if not hasattr(module, each)]
    if missing:
        names_of = {"missing": joined(", ", map(configured, missing)), "required": joined(", ", map(configured, required))}
        raise PluginError(fill("{file} has no {missing}; needed: {required}", file=_file(package, name), **names_of))
    if not hasattr(module.Options, "__struct_fields__"):
        raise PluginError(fill("{file}: Options must be a msgspec.Struct", file=_file(package, name)))
    return module


def _file(package: str, name: str) -> Public:
    found = importlib.util.find_spec(f"{package}.{name}")
    return configured(found.origin if found else name)
