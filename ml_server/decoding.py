"""From the bytes of a body to one JSON object, within limits of time; and from a form to what stands for one."""

import io
import json
from collections.abc import Mapping
from typing import Any

import msgspec
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from ml_server.errors import BodyTooLargeError, Detail, InvalidRequestError, NotJsonError

JSON, FORM = "application/json", "multipart/form-data"
# So many values take some 0.1 s, in which no other request is answered. A megabyte cannot have more of them.
MAX_VALUES = 524_288
_LARGE_KEY = "image_data"
_LARGE_BYTES = 64 * 1024
_JSON_FIELDS = ("features", "clinical_features", "explain", "frame", "stop_at_stop")


class _RepeatedKeyError(ValueError):
    pass


class _ConstantError(ValueError):
    pass


def decode(body: bytes) -> dict[str, Any]:
    """Return a JSON object. Large `image_data` is left as it is, `msgspec.Raw`: most models do not read it.

    Raises:
        NotJsonError: not one JSON object in UTF-8; NaN, Infinity, repeated keys and absurd depth are not JSON here.
        BodyTooLargeError: it has more than `MAX_VALUES` values.
    """
    large = _large_value(body) if len(body) > _LARGE_BYTES else None
    if large is not None:
        begin, end = large
        body, value = b"%snull%s" % (body[:begin], body[end:]), body[begin:end]
    if body.count(b",") >= MAX_VALUES:
        raise BodyTooLargeError(f"the body must have at most {MAX_VALUES} values: split the batch")
    data = _decode(body)
    if not isinstance(data, dict):
        raise NotJsonError("the body must be a JSON object, that is, start with {")
    return data if large is None else {**data, _LARGE_KEY: msgspec.Raw(value)}


def decode_large(raw: msgspec.Raw) -> Any:
    """Return what `decode` has left as it is.

    Raises:
        NotJsonError, BodyTooLargeError: as there.
    """
    return decode(b'{"value": %s}' % bytes(raw))["value"]


def decode_form(body: bytes, content_type: str) -> dict[str, Any]:
    """Return the fields of a `multipart/form-data`, files as bytes, as if they were the keys of a JSON object.

    A file whose field is not `image_data` is the feature of that name.

    Raises:
        NotJsonError: it cannot be read, or a field that must be JSON is not.
        InvalidRequestError: a field is there twice, or `items` are, which have no place in a form.
    """
    kind, options = parse_options_header(content_type)
    parser = FormDataParser(lambda *_, **__: io.BytesIO(), max_form_parts=1000, silent=False)
    try:
        _, fields, files = parser.parse(io.BytesIO(body), kind, len(body), options)
    except Exception:  # noqa: BLE001 - werkzeug raises what it likes at broken forms
        raise NotJsonError("the form could not be read: it must be multipart/form-data with a boundary") from None
    given = [*fields.items(multi=True), *((name, file.read()) for name, file in files.items(multi=True))]
    names = [name for name, _ in given]
    if len(set(names)) != len(names):
        raise InvalidRequestError("the request is not valid", (Detail("form", "has a field twice"),))
    if "items" in names:
        raise InvalidRequestError("the request is not valid", (Detail("items", "must be sent as JSON: a form has one request"),))
    data: dict[str, Any] = {name: _field(name, value) for name, value in given}
    own = {name: data.pop(name) for name in files if name != _LARGE_KEY}
    if own:
        features = data.get("features") or {}
        data["features"] = {**features, **own} if isinstance(features, Mapping) else features
    return data


def _field(name: str, value: str | bytes) -> Any:
    return _decode(value.encode()) if name in _JSON_FIELDS and isinstance(value, str) else value


def _large_value(body: bytes) -> tuple[int, int] | None:
    """Return where the value of `image_data` begins and ends, if it is large and can be told for certain."""
    key = b'"%s"' % _LARGE_KEY.encode()
    if body.count(key) != 1:
        return None
    try:
        value = bytes(msgspec.json.decode(body, type=dict[str, msgspec.Raw])[_LARGE_KEY])
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, RecursionError):
        return None
    at = body.find(value, body.index(key) + len(key)) if len(value) > _LARGE_BYTES else -1
    between = body[body.index(key) + len(key) : at]
    # A key that is written with escapes could be another one than it looks.
    is_certain = at >= 0 and between.strip() == b":" and b"\\" not in body[:at] and b"\\" not in body[at + len(value) :]
    return (at, at + len(value)) if is_certain else None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _RepeatedKeyError
    return result


def _refuse_constant(_name: str) -> None:
    raise _ConstantError


def _decode(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except _RepeatedKeyError:
        raise NotJsonError("the body is not valid: an object has the same key twice") from None
    except _ConstantError:
        raise NotJsonError("NaN and Infinity are not JSON: send null, or leave the field out") from None
    except json.JSONDecodeError as error:
        raise NotJsonError(f"the body is not JSON (line {error.lineno}, column {error.colno})") from None
    except UnicodeDecodeError:
        raise NotJsonError("the body is not UTF-8") from None
    except RecursionError:
        raise NotJsonError("the body is nested too deeply") from None
    except ValueError:
        raise NotJsonError("the body has a number of thousands of digits") from None
