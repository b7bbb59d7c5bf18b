"""Images as they are sent; what a network reads of them is compared with arithmetic of our own."""

import base64
import contextlib
import io
import logging
import struct
import warnings
import zlib
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image, PngImagePlugin
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
)

from ml_server.inputs import Picture, WrongValueError
from ml_server.inputs.image import Window

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
COLOURS = np.stack([GREY, GREY // 2, 255 - GREY], axis=2)
SECRET = "Hong Gil-dong 900101-1234567"


def picture(**changes: Any) -> Picture:
    return Picture(**{"name": "ct", "description": "Slice", "width": 4, "height": 3, **changes})


def saved(points: Any, kind: str = "PNG", **options: Any) -> bytes:
    content = io.BytesIO()
    image = points if isinstance(points, Image.Image) else Image.fromarray(points)
    image.save(content, kind, **options)
    return content.getvalue()


def dicom(points: Any, syntax: str = ExplicitVRLittleEndian, **header: Any) -> bytes:
    """A file whose header has a patient's data."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.2")
    meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    is_little, is_implicit = syntax != ExplicitVRBigEndian, syntax == ImplicitVRLittleEndian
    made = FileDataset("", {}, b"\0" * 128, meta, is_implicit_VR=is_implicit, is_little_endian=is_little)
    made.PatientName, made.PatientID = SECRET, SECRET
    made.Rows, made.Columns = points.shape[-3:-1] if points.shape[-1] == 3 else points.shape[-2:]
    made.SamplesPerPixel = 3 if points.shape[-1] == 3 else 1
    if made.SamplesPerPixel == 3:
        made.PlanarConfiguration = 0
    made.PhotometricInterpretation = "RGB" if made.SamplesPerPixel == 3 else "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = points.dtype.itemsize * 8
    made.HighBit, made.PixelRepresentation = made.BitsStored - 1, int(points.dtype.kind == "i")
    for name, value in header.items():
        setattr(made, name, value)
    made.PixelData = points.astype(points.dtype.newbyteorder("<" if is_little else ">")).tobytes()
    made["PixelData"].VR = "OW" if points.dtype.itemsize == 2 else "OB"
    content = io.BytesIO()
    made.save_as(content, enforce_file_format=True)
    return content.getvalue()


def read(wanted: Picture, given: Any, warning: str = "") -> Any:
    value, told = wanted.check(given)
    assert isinstance(value, np.ndarray)
    assert isinstance(wanted.reference, np.ndarray)
    assert (value.shape, value.dtype) == (wanted.reference.shape, wanted.reference.dtype)
    assert told == warning
    return value


def problem(wanted: Picture, given: Any) -> str:
    with pytest.raises(WrongValueError) as wrong:
        wanted.check(given)
    assert SECRET not in str(wrong.value)
    return str(wrong.value)


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize(
    "given",
    [
        saved(GREY),
        in_base64(saved(GREY)),
        "data:image/png;base64," + in_base64(saved(GREY)),
        base64.encodebytes(saved(GREY)).decode(),
        base64.urlsafe_b64encode(saved(GREY)).decode(),
        GREY.tolist(),
        saved(Image.fromarray(np.stack([GREY] * 3, axis=2))),
        saved(Image.fromarray(GREY).convert("LA")),
        saved(Image.fromarray(GREY).convert("P")),
        saved(GREY.astype(np.uint16) * 257),
        dicom(GREY, WindowCenter=127.5, WindowWidth=255),
    ],
)
def test_files_are_brightnesses(given: Any) -> None:
    assert np.array_equal(read(picture(), given)[0], GREY)


def test_jpeg_is_read_as_pillow_does() -> None:
    content = saved(Image.fromarray(np.full((3, 4), 90, np.uint8)), "JPEG")
    assert (read(picture(), content) == 90).all()


@pytest.mark.parametrize(
    ("layout", "channels", "as_read"),
    [
        ("first", 3, COLOURS.transpose(2, 0, 1)),
        ("last", 3, COLOURS),
    ],
)
def test_colours_are_channels(layout: Any, channels: Any, as_read: Any) -> None:
    wanted = picture(layout=layout, channels=channels)
    for given in (saved(COLOURS), dicom(COLOURS), COLOURS.tolist()):
        assert np.array_equal(read(wanted, given), as_read)


def test_grey_may_have_no_channel() -> None:
    assert np.array_equal(read(picture(layout="none"), saved(GREY)), GREY)


def test_grey_values_are_colours_too() -> None:
    assert np.array_equal(read(picture(channels=3), saved(GREY)), [GREY] * 3)


def test_colours_may_become_grey() -> None:
    """That is said, unless they are none."""
    value = read(picture(), saved(COLOURS), "ct has colours, of which the model reads the brightness")
    assert np.array_equal(value[0], np.asarray(Image.fromarray(COLOURS).convert("L")))


def test_model_gets_what_it_was_trained_with() -> None:
    wanted = picture(channels=3, scale=1 / 255, mean=[0.5, 0.4, 0.3], sd=[0.2, 0.3, 0.1])
    scaled = (COLOURS / 255 - [0.5, 0.4, 0.3]) / [0.2, 0.3, 0.1]
    assert read(wanted, saved(COLOURS)) == pytest.approx(scaled.transpose(2, 0, 1), abs=1e-6)
    one = picture(scale=1 / 255, mean=[0.5], sd=[0.25], layout="last")
    assert read(one, saved(GREY))[:, :, 0] == pytest.approx((GREY / 255 - 0.5) / 0.25, abs=1e-6)


def test_sixteen_bits_are_read_whole() -> None:
    deep = np.array([[0, 1, 257, 65535]], np.uint16)
    value = read(picture(height=1, scale=1 / 255), saved(deep))
    assert value[0, 0] == pytest.approx(deep[0] / 65535, abs=1e-7)


@pytest.mark.parametrize(
    ("resize", "as_read"),
    [
        ("stretch", [[100, 100, 200, 200], [100, 100, 200, 200]]),
        ("pad", [[0, 100, 200, 0], [0, 100, 200, 0]]),
        ("crop", [[100, 100, 200, 200], [100, 100, 200, 200]]),
    ],
)
def test_other_sizes_are_as_the_card_says(resize: Any, as_read: list[Any]) -> None:
    given = saved(np.repeat(np.array([[100, 200]], np.uint8), 4, axis=0).repeat(2, axis=1))
    wanted = picture(height=2, resize=resize, interpolation="nearest")
    assert read(wanted, given)[0].tolist() == as_read
    assert problem(picture(height=2), given) == "must be 4 x 2 points, not 4 x 4"


def test_bilinear_is_pillows() -> None:
    big = np.arange(60, dtype=np.uint8).reshape(6, 10)
    value = read(picture(resize="stretch"), saved(big))
    assert np.array_equal(value[0], np.asarray(Image.fromarray(big).resize((4, 3), Image.Resampling.BILINEAR)))


HU = np.array([[-1000, -160, 40, 240], [1000, 39, 41, 0]], np.int16)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_dicom_is_read_within_the_cards_window(syntax: str) -> None:
    """In the units of the modality."""
    wanted = picture(height=2, scale=1 / 255, window=Window(40, 400))
    content = dicom(HU + 1024, syntax, RescaleSlope=1, RescaleIntercept=-1024, WindowCenter=0, WindowWidth=1)
    as_read = ((HU.astype(float) + 160) / 400).clip(0, 1)
    assert read(wanted, content)[0] == pytest.approx(as_read, abs=1e-6)
    inverted = dicom(HU, syntax, PhotometricInterpretation="MONOCHROME1")
    assert read(wanted, inverted)[0] == pytest.approx(1 - as_read, abs=1e-6)


def test_dicom_may_have_a_window_of_its_own() -> None:
    wanted = picture(height=2, scale=1 / 255)
    as_read = ((HU.astype(float) + 160) / 400).clip(0, 1)
    assert read(wanted, dicom(HU, WindowCenter=[40, 1], WindowWidth=[400, 2]))[0] == pytest.approx(as_read, abs=1e-6)
    told = "ct says no window, so its whole range was read"
    assert read(wanted, dicom(HU), told)[0] == pytest.approx((HU + 1000.0) / 2000, abs=1e-6)
    assert read(wanted, dicom(np.full((2, 4), 7, np.int16)), told).max() == pytest.approx(0.5)


@pytest.mark.parametrize("given", [None, 5, {}, True])
def test_what_is_no_file_is_told(given: Any) -> None:
    assert problem(picture(), given).startswith("must be a PNG, JPEG or DICOM file in base64, not ")


ROWS = "must be a PNG, JPEG or DICOM file in base64, or rows of whole numbers from 0 to 255"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "must be a PNG, JPEG or DICOM file"),
        ("not base64!", "must be a PNG, JPEG or DICOM file in base64"),
        ("가", "must be a PNG, JPEG or DICOM file in base64"),
        ("AAA", "must be a PNG, JPEG or DICOM file in base64"),
        (in_base64(b"GIF89a"), "must be a PNG, JPEG or DICOM file"),
        (saved(GREY)[:50], "is a broken PNG or JPEG file"),
        (saved(GREY)[:12], "is no PNG or JPEG file that could be read"),
        (b"\xff\xd8\xff" + b"\0" * 50, "is no PNG or JPEG file that could be read"),
        (b"\0" * 128 + b"DICM" + b"\0" * 50, "is a compressed DICOM file: save it as Explicit VR Little Endian"),
        (dicom(GREY)[:-7], "is a broken DICOM file, or one without an image"),
        (
            saved(Image.fromarray(COLOURS).convert("CMYK"), "JPEG"),
            "must have grey values, or red, green and blue: save it as such",
        ),
        (saved(np.dstack([COLOURS, GREY])), "has transparent parts: save it without them"),
        (
            saved(Image.fromarray(GREY), save_all=True, append_images=[Image.fromarray(GREY + 1)]),
            "has several pictures: send one",
        ),
        (dicom(np.stack([GREY, GREY]), NumberOfFrames=2), "has 2 pictures: send one"),
        (
            dicom(GREY, PhotometricInterpretation="PALETTE COLOR"),
            "must have grey values (MONOCHROME1 or MONOCHROME2), or red, green and blue (RGB)",
        ),
        (dicom(GREY, DeflatedExplicitVRLittleEndian), "is a compressed DICOM file: save it as Explicit VR Little Endian"),
        ([], ROWS),
        ([1, 2], ROWS),
        ([[1, 2], [3]], ROWS),
        ([[1, 256]], ROWS),
        ([[1, -1]], ROWS),
        ([[0.5, 1]], ROWS),
        ([[True]], ROWS),
        ([["a"]], ROWS),
        ([[[1, 2]]], ROWS),
        ([[1]], "must be 4 x 3 points, not 1 x 1"),
    ],
)
def test_what_is_wrong_is_told(given: Any, said: str) -> None:
    assert problem(picture(), given) == said


def test_values_are_numbers() -> None:
    assert problem(picture(height=2), dicom(HU, RescaleSlope=1e300, RescaleIntercept=0)) == "has values that are no numbers"


def test_compressed_dicom_is_refused() -> None:
    content = dicom(GREY).replace(ExplicitVRLittleEndian.encode() + b"\0", JPEGBaseline8Bit.encode()[:20])
    assert problem(picture(), content).startswith("is a ")


def bomb(side: int) -> bytes:
    """A PNG of hundreds of megapixels in a few kilobytes: its header, and a few rows."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * side * 20)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [4097, 10_000, 20_000])
def test_bombs_are_not_unpacked(side: int) -> None:
    assert problem(picture(resize="stretch"), bomb(side)) == "has more than 16777216 points"


def test_large_dicom_is_refused_by_its_header() -> None:
    content = dicom(GREY, WindowCenter=1, WindowWidth=2)
    whole = pydicom.dcmread(io.BytesIO(content))
    whole.Rows = whole.Columns = 65535
    changed = io.BytesIO()
    whole.save_as(changed)
    assert problem(picture(), changed.getvalue()) == "has more than 16777216 points"


def test_large_files_are_not_looked_at() -> None:
    wanted = picture(max_bytes=3)
    for given in (b"1234", in_base64(b"1234"), "data:x;base64," + in_base64(b"1234")):
        assert problem(wanted, given) == "is larger than 3 bytes"
    assert problem(wanted, in_base64(b"123")) == "must be a PNG, JPEG or DICOM file"


def test_turned_images_are_told() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = SECRET
    content = saved(Image.fromarray(np.full((3, 4), 90, np.uint8)), "JPEG", exif=exif)
    read(picture(), content, "ct says that it is to be turned, and was read as it is stored")


def test_nothing_of_a_header_is_said(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    """Nor anything else: not by the libraries either, whose warnings would quote it."""
    text = PngImagePlugin.PngInfo()
    text.add_text("Description", SECRET)
    good = dicom(GREY)
    wrong = good.replace(b"\x28\x00\x10\x00US", b"\x28\x00\x10\x00DS").replace(SECRET[:8].encode(), b"\xff" * 8)
    with caplog.at_level(logging.DEBUG, "pydicom"), warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.filterwarnings("ignore", module=r"(pydicom|PIL|ml_server\.inputs)\b")
        read(picture(), saved(Image.fromarray(GREY), pnginfo=text))
        for content in (good, wrong, good[:200], good[:-5]):
            with contextlib.suppress(WrongValueError):
                picture().check(content)
    assert capfd.readouterr() == ("", "")
    assert [record.name for record in caplog.records if record.name.startswith("pydicom")] == []


@pytest.mark.parametrize(
    ("changes", "wrong", "said"),
    [
        ({"mean": [1, 2]}, "mean", "must have one number, or one for each of the 1 channels"),
        ({"channels": 3, "sd": [1, 2]}, "sd", "must have one number, or one for each of the 3 channels"),
        ({"channels": 3, "layout": "none"}, "layout", "is none, which leaves no room for colours"),
    ],
)
def test_card_contradicts_itself(changes: dict[str, Any], wrong: str, said: str) -> None:
    assert list(picture(**changes).contradictions()) == [(wrong, said)]
    assert list(picture().contradictions()) == []


def test_missing_image_is_required() -> None:
    with pytest.raises(
        WrongValueError, match=r"^is required \(Slice; a PNG, JPEG or DICOM file of 4 x 3, read as grey values\)$"
    ):
        picture().fill()
