"""From a request's query and body to their types, or to what is wrong with each field, by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from monitor_blueprint.config.suggestions import shown, unknown
from monitor_blueprint.web.answers import Problem, RefusedError

LARGEST_BODY = 65_536
T = TypeVar("T", bound=msgspec.Struct)


def read_query(given: Mapping[str, Sequence[str]], to: type[T]) -> T:
    """Return what the query says; a field that is no list may be there once.

    Raises:
        RefusedError: something in it cannot be used.
    """
    lists = [field.encode_name for field in msgspec.structs.fields(to) if list in _parts(field.type)]
    twice = [
        Problem(field=key, problem="is there more than once")
        for key, values in given.items()
        if len(values) > 1 and key not in lists
    ]
    fields = {key: list(values) if key in lists else values[-1] for key, values in given.items()}
    return _read(fields, to, twice, is_strict=False)


def read_body(body: bytes, to: type[T]) -> T:
    """Return what the body says, which is a JSON object.

    Raises:
        RefusedError: it is none, or something in it cannot be used.
    """
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RefusedError(400, "bad_json", "the body is no JSON") from None
    if not isinstance(document, dict):
        raise RefusedError(400, "bad_json", 'the body must be a JSON object, such as "{}"')
    return _read(document, to, [], is_strict=True)


def _read(given: Mapping[str, Any], to: type[T], problems: list[Problem], *, is_strict: bool) -> T:
    known = {field.encode_name: field for field in msgspec.structs.fields(to)}
    found: dict[str, Any] = {}
    allowed = list(known)
    problems.extend(Problem(field=shown(key), problem=unknown("field", key, allowed)) for key in given if key not in known)
    for name, field in known.items():
        if name not in given:
            if field.required:
                problems.append(Problem(field=name, problem="is missing"))
            continue
        try:
            # A moment is never a number, as everything in a query could be one.
            found[name] = msgspec.convert(given[name], field.type, strict=is_strict or datetime in _parts(field.type))
        except msgspec.ValidationError as error:
            problems.append(Problem(field=name, problem=_words(str(error))))
    if problems:
        raise RefusedError(422, "invalid", "the request cannot be used", *problems)
    return to(**found)


def _parts(of: Any) -> set[Any]:
    """Return all that a type is made of: itself, what it is an instance of, and its arguments."""
    return {of, get_origin(of)}.union(*map(_parts, get_args(of)))


def _words(problem: str) -> str:
    """Return msgspec's complaint, which shows no value but a word that is not one of a list."""
    problem = re.sub(r"^Invalid enum value .*?(?= - at |$)", "is none of the words that are allowed", problem, flags=re.DOTALL)
    return re.sub(r" - at `\$(.*)`$", lambda found: f" (at {found[1]})", problem)
