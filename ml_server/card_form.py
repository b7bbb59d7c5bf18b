"""What is wrong with a card's form: every wrong key at once, where msgspec stops at the first."""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

import msgspec

from ml_server.errors import Detail
from ml_server.suggestions import did_you_mean

_TAG = "type"

# What is told of a text that is empty.
IS_EMPTY = "is empty: only a person can say it"


def problems(raw: Any, kind: Any, path: str) -> Iterator[Detail]:
    """Yield what keeps `raw`, decoded JSON, from being of that type, for as many places as can be told apart."""
    try:
        msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        inner = list(_inner_problems(raw, kind, path))
        yield from inner or [Detail(path or "the card", _sentence(raw, str(error)))]


def _inner_problems(raw: Any, kind: Any, path: str) -> Iterator[Detail]:
    structs = _structs(kind)
    tags = [each.__struct_config__.tag for each in structs]
    if structs and isinstance(raw, dict) and tags[0] is None:
        yield from _key_problems(raw, structs[0], path)
    elif structs and isinstance(raw, dict):
        if raw.get(_TAG) in tags:
            yield from _key_problems(raw, structs[tags.index(raw[_TAG])], path)
        else:
            yield Detail(f"{path}.{_TAG}", f"is not known; allowed: {', '.join(tags)}")
    elif isinstance(raw, list) and (item := _item_type(kind, list)) is not None:
        for number, each in enumerate(raw):
            yield from problems(each, item, f"{path}[{number}]")
    elif isinstance(raw, dict) and (item := _item_type(kind, dict)) is not None:
        for key, each in raw.items():
            yield from problems(each, item, f"{path}.{key}")


def _key_problems(raw: dict[str, Any], struct: Any, path: str) -> Iterator[Detail]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    known = [*fields, _TAG] if struct.__struct_config__.tag is not None else list(fields)
    for key in raw:
        if key not in known:
            yield Detail(_join(path, key), f"is not a key of {path or 'the card'}{did_you_mean(key, known, at_most=1)}")
    for key, field in fields.items():
        if key in raw:
            yield from problems(raw[key], field.type, _join(path, key))
        elif field.required:
            yield Detail(_join(path, key), "is missing")


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _bare(kind: Any) -> Any:
    """Return the type without what `Annotated` adds."""
    return get_args(kind)[0] if hasattr(kind, "__metadata__") else kind


def _structs(kind: Any) -> list[Any]:
    """Return the structs that are allowed: several have a tag each."""
    if get_origin(_bare(kind)) in (list, dict):
        return []
    return [each for each in (_bare(kind), *get_args(_bare(kind))) if isinstance(each, type(msgspec.Struct))]


def _item_type(kind: Any, container: type) -> Any:
    for each in (_bare(kind), *get_args(_bare(kind))):
        if get_origin(_bare(each)) is container:
            return get_args(_bare(each))[-1]
    return None


def _sentence(raw: Any, message: str) -> str:
    if raw == "":
        return IS_EMPTY
    what, _, _ = message.partition(" - at ")
    return "is wrong: " + what[:1].lower() + what[1:]
