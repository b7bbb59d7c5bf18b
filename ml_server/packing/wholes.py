"""Sequences and images: inputs that fill a tensor alone, read as serving reads them."""

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ml_server.inputs import AnyInput, WrongValueError
from ml_server.packing.columns import Column, Slot
from ml_server.packing.refusal import PackingError
from ml_server.packing.table import Texts
from ml_server.verification.findings import Finding

KINDS = ("sequence", "image")
_TILES = 4
_PNG_OR_JPEG = (b"\x89PNG", b"\xff\xd8\xff")


def read_whole(
    slot: Slot, texts: Texts, lines: Sequence[int], said: Mapping[str, Any], folder: Path | None
) -> Column | list[Finding]:
    """Read every sequence or image of a column: an image's cell is the name of its file beside the data, or base64.

    What was said of it are the keys that a card has for its kind.
    """
    try:
        item = msgspec.convert({**card_part(slot, said), "description": "?"}, AnyInput)
    except msgspec.ValidationError as error:
        remedy = "say in the form what the model's card has to say of it"
        return [Finding(f"inputs.{slot.name}", str(error), f"the keys of a {said['type']}", remedy)]
    given = [None if text is None else _given(text, said["type"], folder) for text in texts]
    reads = np.empty(len(texts), dtype=object)
    wrong = []
    for row, value in enumerate(given):
        try:
            reads[row] = item.reference if value is None else item.check(value).value
        except WrongValueError as error:
            wrong.append((lines[row], str(error)))
    wrong += [(line, "is missing") for line, value in zip(lines, given, strict=True) if value is None]
    if wrong:
        found = f"{len(wrong)} of {len(texts)} are not read: line {wrong[0][0]} {wrong[0][1]}"
        return [Finding(slot.header, found, item.wanted, "correct these cells, or what the form says of it")]
    return Column(slot, str(said["type"]), tuple(given), reads, said, item=item)


def card_part(slot: Slot, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the card says of it."""
    return {"description": "", **said, "name": slot.name, "tensor": slot.tensor}


def _given(text: str, kind: str, folder: Path | None) -> str:
    if kind == "sequence" or folder is None:
        return text
    try:
        return base64.b64encode((folder / text).read_bytes()).decode()
    except OSError:
        return text


def nobodys(column: Column, rows: Sequence[int], rng: np.random.Generator) -> str:
    """Return a sequence or image that is nobody's: the letters of one, or the parts of a picture, in another order."""
    given = column.given[int(rng.choice(rows))]
    if column.kind == "sequence":
        return "".join(rng.permutation(list(given)))
    content = base64.b64decode(given)
    try:
        points = _points(content)
    except WrongValueError as error:
        raise PackingError([Finding(column.slot.header, str(error), "an image", "look at the file")]) from error
    height, width = (max(1, side // _TILES) for side in points.shape[:2])
    tiles = [
        points[down * height : (down + 1) * height, across * width : (across + 1) * width]
        for down in range(points.shape[0] // height)
        for across in range(points.shape[1] // width)
    ]
    across = points.shape[1] // width
    order = rng.permutation(len(tiles))
    shuffled = points.copy()
    for place, number in enumerate(order):
        down, right = divmod(place, across)
        shuffled[down * height : (down + 1) * height, right * width : (right + 1) * width] = tiles[number]
    return base64.b64encode(_png(shuffled)).decode()


def _points(content: bytes) -> Any:
    """Return brightnesses from 0 to 255, as whole numbers."""
    from ml_server.inputs import dicom, raster  # noqa: PLC0415 - only for a model that reads images

    most = 2**28
    if content.startswith(_PNG_OR_JPEG):
        points = np.asarray(raster.decode(content, most)[0])
    else:
        points = dicom.decode(content, most, None)[0]
    return np.clip(np.round(points), 0, 255).astype(np.uint8)


def _png(points: Any) -> bytes:
    from ml_server.inputs import raster  # noqa: PLC0415 - as above

    content = io.BytesIO()
    raster.from_points(points).save(content, "PNG")
    return content.getvalue()


def suggestion(dtype: str, shape: Sequence[int | None], header: str) -> str:
    """Return what may be said in the form of a tensor that no table can fill, as far as its shape tells."""
    _, *rest = [0 if size is None else size for size in shape]
    if len(rest) == 3:
        is_last = rest[2] in {1, 3} and rest[0] not in {1, 3}
        height, width, channels = rest if is_last else (rest[1], rest[2], rest[0])
        layout = "last" if is_last else "first"
        scale = "" if dtype == "uint8" else ", scale = 0.00392156862745098 (1 / 255), mean and sd if there were any"
        size = f"width = {width}, height = {height}, channels = {channels}"
        return f'[inputs.{header}] type = "image", {size}, layout = "{layout}"{scale}'
    encoding, length = "ids", rest[0]
    if len(rest) > 1:
        encoding, length = ("one_hot", rest[0]) if rest[0] >= rest[1] else ("one_hot_first", rest[1])
    letters = 'alphabet = "ACGT" (the letters in its order)'
    return f'[inputs.{header}] type = "sequence", {letters}, length = {length}, encoding = "{encoding}"'
