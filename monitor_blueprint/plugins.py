"""One file is one kind of something: finds the files of a package's folder, and says what one lacks that cannot be used."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable, Sequence
from types import ModuleType


class PluginError(Exception):
    """The file of a kind cannot be used; the text names the file and what is wrong with it."""


def names(folders: Iterable[str]) -> list[str]:
    """Return the kinds that exist: the names of the modules in the folders."""
    return sorted(module.name for module in pkgutil.iter_modules(folders) if not module.name.startswith("_"))


def load(package: str, folders: Iterable[str], kind: str, needed: Sequence[str]) -> ModuleType:
    """Import the module of a kind, which must have the names that are needed.

    Raises KeyError for a kind that does not exist, and KindError for one whose file cannot be used.
    """
    if kind not in names(folders):
        raise KeyError(kind)
    try:
        module = importlib.import_module(f"{package}.{kind}")
    except (Exception, SystemExit) as error:
        raise PluginError(f"{_file(package, kind)} cannot be imported ({type(error).__name__}: {error})") from error
    missing = [name for name in needed if not hasattr(module, name)]
    if missing:
        raise PluginError(f"{_file(package, kind)} has no {', '.join(missing)}; needed: {', '.join(needed)}")
    if not hasattr(module.Options, "__struct_fields__"):
        raise PluginError(f"{_file(package, kind)}: Options must be a msgspec.Struct")
    return module


def _file(package: str, kind: str) -> str:
    found = importlib.util.find_spec(f"{package}.{kind}")
    return str(found.origin if found else kind)
