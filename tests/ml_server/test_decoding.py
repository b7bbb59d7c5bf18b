import json
from typing import Any

import msgspec
import pytest

from ml_server.decoding import MAX_VALUES, decode, decode_form, decode_large
from ml_server.errors import BodyTooLargeError, InvalidRequestError, NotJsonError

LARGE = json.dumps([[number % 256 for number in range(512)]] * 64).encode()
TEXT = b'"%s"' % (b"QUJD" * 50_000)


@pytest.mark.parametrize("value", [LARGE, TEXT])
@pytest.mark.parametrize(
    "body",
    [
        b'{"image_data": %s, "features": {"a": 1}}',
        b'{"features": {"a": 1}, "image_data":%s}',
        b' {\n"features": {"a": 1} ,\t"image_data"  : %s  } ',
    ],
)
def test_a_large_image_is_left_as_it_is(body: bytes, value: bytes) -> None:
    data = decode(body % value)
    assert data["features"] == {"a": 1}
    assert isinstance(data["image_data"], msgspec.Raw)
    assert decode_large(data["image_data"]) == json.loads(value)


@pytest.mark.parametrize(
    "body",
    [
        b'{"features": {"image_data": %s}}',
        b'{"items": [{"image_data": %s}, {}]}',
        b'{"image_data": "x", "b": {"image_data": %s}}',
        b'{"a": "\\"", "image_data": %s}',
        b'{"image_data": %s, "image\\u005fdata2": 1}',
        b'{"im\\u0061ge_data": %s, "b": "image_data"}',
    ],
)
def test_others_are_read(body: bytes) -> None:
    """What stands elsewhere, or where that is not certain."""
    assert decode(body % TEXT) == json.loads(body % TEXT)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"image_data": %s, "image_data": 1}', "an object has the same key twice"),
        (b'{"image_data": %s, "a": 1, "a": 2}', "an object has the same key twice"),
        (b'{"image_data": %s, "a": NaN}', "NaN and Infinity are not JSON"),
        (b'{"image_data": [NaN, %s]}', "NaN and Infinity are not JSON"),
        (b'{"image_data": %s}}', "the body is not JSON"),
        (b'{"image_data": %s', "the body is not JSON"),
    ],
)
def test_what_is_wrong_around_an_image_is_told(body: bytes, said: str) -> None:
    with pytest.raises(NotJsonError, match=said):
        decode(body % LARGE)


@pytest.mark.parametrize("body", [b'{"items": [%s]}', b'{"image_data": [%s]}'])
def test_values_are_limited(body: bytes) -> None:
    """Or else no other request would be answered for seconds. What nobody reads is not counted."""
    many = body % (b"1," * MAX_VALUES + b"1")
    with pytest.raises(BodyTooLargeError, match="at most 524288 values"):
        decode_large(decode(many)["image_data"])


def form(*parts: tuple[str, bytes]) -> bytes:
    made = [b"--B\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (head.encode(), content) for head, content in parts]
    return b"".join(made) + b"--B--\r\n"


KIND = "multipart/form-data; boundary=B"
FILE = bytes(range(256)) + b"\r\n--\r\n"


def test_form_stands_for_an_object() -> None:
    body = form(
        ('name="image_data"; filename="somebody.dcm"', FILE),
        ('name="features"', b'{"age": 71}'),
        ('name="explain"', b"true"),
        ('name="frame"', b"1"),
        ('name="model_name"', b"ct"),
        ('name="patient_name"', "홍길동".encode()),
    )
    assert decode_form(body, KIND) == {
        "image_data": FILE,
        "features": {"age": 71},
        "explain": True,
        "frame": 1,
        "model_name": "ct",
        "patient_name": "홍길동",
    }


def test_files_may_be_features() -> None:
    left, right = ('name="left"; filename="a"', b"1"), ('name="right"; filename="b"', b"2")
    assert decode_form(form(left, right), KIND) == {"features": {"left": b"1", "right": b"2"}}
    assert decode_form(form(left, ('name="features"', b'{"age": 1}')), KIND) == {"features": {"age": 1, "left": b"1"}}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data"),
        (b"x", KIND),
        (form(('name="a"', b"1"))[:-10], KIND),
        (form(('name="features"', b"{")), KIND),
    ],
)
def test_broken_forms_are_refused(body: bytes, kind: str) -> None:
    with pytest.raises(NotJsonError):
        decode_form(body, kind)


@pytest.mark.parametrize(
    ("parts", "field"),
    [([('name="a"', b"1"), ('name="a"', b"1")], "form"), ([('name="items"', b"[]")], "items")],
)
def test_what_no_form_may_have_is_told(parts: list[Any], field: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        decode_form(form(*parts), KIND)
    assert [detail.field for detail in refused.value.details] == [field]
