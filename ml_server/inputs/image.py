"""Images: PNG, JPEG and DICOM files."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from ml_server.inputs.base import Checked, Input, WrongValueError, kind_of

_Side = Annotated[int, msgspec.Meta(ge=1, le=8192)]
_Positive = Annotated[float, msgspec.Meta(gt=0)]
_DATA_URL = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
# Also the letters of the alphabet for addresses.
_BASE64 = str.maketrans("-_", "+/", " \t\r\n")
_PNG, _JPEG, _DICOM = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"DICM"
_DICOM_AT = 128
_BRIGHTEST = 255


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which values of a DICOM image are told apart: from `center` - `width` / 2 (black) to `center` + `width` / 2 (white)."""

    center: float
    width: _Positive


class Picture(Input, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag="image"):
    """An image, which the model reads as `height` times `width` points of one channel (grey) or three (red, green, blue).

    What is read are brightnesses from 0 to 255: of a file of 16 bits, and of a DICOM image within its window, also between
    whole numbers. The model gets (brightness * scale - mean) / sd as float32; brightnesses as whole numbers where none of the
    three is said. Files are looked at before they are decoded: what is too large is refused.

    Attributes:
        layout: `first`: of shape (channels, height, width); `last`: (height, width, channels); `none`: (height, width), grey.
        mean, sd: one number, or one for each channel; in units of brightness * scale.
        resize: what is done with an image of another size: nothing (it is refused), `stretch` it, `pad` it with black after
            making it fit, or `crop` what is too much on two sides after making it fill the place.
        interpolation: how; as Pillow does it, without aliasing.
        window: for DICOM images, in the units of the modality (for CT, Hounsfield units); the image's own where it is null.
        max_bytes, max_pixels: of a file.
    """

    width: _Side
    height: _Side
    channels: Literal[1, 3] = 1
    layout: Literal["first", "last", "none"] = "first"
    scale: _Positive = 1.0
    mean: tuple[float, ...] = ()
    sd: tuple[_Positive, ...] = ()
    resize: Literal["refuse", "stretch", "pad", "crop"] = "refuse"
    interpolation: Literal["nearest", "bilinear", "bicubic"] = "bilinear"
    window: Window | None = None
    max_bytes: Annotated[int, msgspec.Meta(ge=1, le=2**30)] = 2**24
    max_pixels: Annotated[int, msgspec.Meta(ge=1, le=2**28)] = 2**24

    @property
    def is_plain(self) -> bool:
        """Tell whether the model reads brightnesses as they are."""
        return self.scale == 1 and not self.mean and not self.sd

    @property
    def reference(self) -> npt.NDArray[Any]:
        """Return zeros: of images none is ordinary."""
        return np.zeros(self._shape, np.uint8 if self.is_plain else np.float32)

    @property
    def wanted(self) -> str:
        """Say what it is, and of which size."""
        kind = "grey values" if self.channels == 1 else "colours"
        size = f"{self.width} x {self.height}"
        return f"{self.description}; a PNG, JPEG or DICOM file{' of ' + size if self.resize == 'refuse' else ''}, read as {kind}"

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        return {"type": "string", "contentEncoding": "base64", "description": self.wanted}

    def check(self, given: Any) -> Checked:
        """Return the points of an image given as the bytes of a file, in base64, or as rows of brightnesses."""
        from ml_server.inputs import raster  # noqa: PLC0415 - Pillow is only there where a model reads images

        if isinstance(given, list):
            image, warning = raster.from_rows(given), ""
        else:
            image, warning = self._decoded(self._bytes(given))
        image, greyed = raster.in_channels(image, self.channels)
        if image.size != (self.width, self.height):
            if self.resize == "refuse":
                raise WrongValueError(f"must be {self.width} x {self.height} points, not {image.size[0]} x {image.size[1]}")
            image = raster.resized(image, (self.width, self.height), self.resize, self.interpolation)
        told = [each for each in (warning, greyed) if each]
        return Checked(self._points(np.asarray(image)), f"{self.name} {' and '.join(told)}" if told else "")

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yield what does not fit."""
        for key in ("mean", "sd"):
            if len(getattr(self, key)) not in (0, 1, self.channels):
                yield key, f"must have one number, or one for each of the {self.channels} channels"
        if self.layout == "none" and self.channels != 1:
            yield "layout", "is none, which leaves no room for colours"

    @property
    def _shape(self) -> tuple[int, ...]:
        size = (self.height, self.width)
        return {"first": (self.channels, *size), "last": (*size, self.channels), "none": size}[self.layout]

    def _bytes(self, given: Any) -> bytes:
        too_large = WrongValueError(f"is larger than {self.max_bytes} bytes")
        if isinstance(given, bytes):
            if len(given) > self.max_bytes:
                raise too_large
            return given
        if not isinstance(given, str):
            raise WrongValueError(f"must be a PNG, JPEG or DICOM file in base64, not {kind_of(given)}")
        text = _DATA_URL.sub("", given[:256], count=1) + given[256:]
        text = text.translate(_BASE64)
        if len(text) // 4 * 3 - text[-2:].count("=") > self.max_bytes:
            raise too_large
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise WrongValueError("must be a PNG, JPEG or DICOM file in base64") from None

    def _decoded(self, content: bytes) -> Any:
        from ml_server.inputs import raster  # noqa: PLC0415 - as above

        if content.startswith((_PNG, _JPEG)):
            return raster.decode(content, self.max_pixels)
        if content.startswith(_DICOM, _DICOM_AT):
            from ml_server.inputs import dicom  # noqa: PLC0415 - pydicom takes a second, and nobody may send it any

            window = None if self.window is None else (self.window.center, self.window.width)
            points, warning = dicom.decode(content, self.max_pixels, window)
            return raster.from_points(points), warning
        raise WrongValueError("must be a PNG, JPEG or DICOM file")

    def _points(self, points: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if points.ndim == 2 and self.layout != "none":
            points = points[:, :, np.newaxis]
        if self.is_plain:
            points = points if points.dtype == np.uint8 else np.rint(points).clip(0, _BRIGHTEST).astype(np.uint8)
        else:
            points = ((points * self.scale - (self.mean or 0.0)) / (self.sd or 1.0)).astype(np.float32)
        return np.ascontiguousarray(points.transpose(2, 0, 1)) if self.layout == "first" else points
