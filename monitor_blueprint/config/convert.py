"""From a section of the file to its type, or to a message that names the key and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Meta

from monitor_blueprint.config.suggestions import shown, unknown

Section = Mapping[str, Any]
_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class RefusedError(Exception):
    """Something in the file cannot be used: the text names the section, the key and what is allowed."""


def convert(section: Section, to: type[_Struct], where: str, also: Sequence[str] = ()) -> _Struct:
    """Return what the section says; `also` are keys of the file's section that are read elsewhere."""
    if not isinstance(section, Mapping):
        raise RefusedError(f"{where} must be a table of keys and values")
    refuse_unknown_keys(section, [*also, *(field.encode_name for field in msgspec.structs.fields(to))], where)
    try:
        return msgspec.convert(section, to)
    except msgspec.ValidationError as error:
        raise RefusedError(f"{where}: {_explanation(to, str(error))}") from error


def refuse_unknown_keys(section: Section, allowed: Sequence[str], where: str) -> None:
    """Refuse a key that nobody reads: what it says would be ignored without a word."""
    for key in section:
        if key not in allowed:
            raise RefusedError(f"{where}: {unknown('key', key, allowed)}")


def _explanation(struct: type[msgspec.Struct], problem: str) -> str:
    """Return msgspec's complaint with what is allowed, where it shows a pattern or nothing."""
    # Of what msgspec says, this alone repeats a value.
    problem = re.sub(r"(?<=^Invalid enum value ')(.*)(?=' - at )", lambda found: shown(found[1]), problem, flags=re.DOTALL)
    key = re.search(r" - at `\$\.(\w+)", problem)
    if key is None:
        return problem
    annotation = get_type_hints(struct, include_extras=True).get(key[1])
    descriptions = [each.description for each in getattr(annotation, "__metadata__", ()) if isinstance(each, Meta)]
    if descriptions and descriptions[0]:
        return f"{key[1]} must be {descriptions[0]}"
    return f"{problem}; allowed: {', '.join(_words(annotation))}" if "Invalid enum value" in problem else problem


def _words(annotation: Any) -> list[str]:
    return [word for each in get_args(annotation) for word in ([each] if isinstance(each, str) else _words(each))]
