"""What Pillow does for images: PNG and JPEG, size and channels. Imported only where a model reads images."""

import io
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from ml_server.inputs.base import WrongValueError

# What a library says of a file could quote it.
warnings.filterwarnings("ignore", module=r"(PIL|ml_server\.inputs)\b")
# Every card says how large its images may be.
Image.MAX_IMAGE_PIXELS = None

_MODES = {"1": "L", "L": "L", "RGB": "RGB"}
_TRANSPARENT = ("LA", "PA", "RGBA", "RGBa", "La")
_DEEP = ("I;16", "I;16B", "I;16L", "I;16N", "I")
_PER_BRIGHTNESS = 257  # 65535 / 255
_INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}
_ORIENTATION = 0x0112
_BLACK = 0


def decode(content: bytes, max_pixels: int) -> tuple[Image.Image, str]:
    """Return a PNG or JPEG image of mode L, F (of 16 bits) or RGB, and what is odd about it.

    Raises:
        WrongValueError: it has more than `max_pixels` points, several pictures, transparent ones or other colours, or is broken.
    """
    try:
        image = Image.open(io.BytesIO(content), formats=["PNG", "JPEG"])
        _refuse_unread(image, max_pixels)
        image.load()
        return _in_known_mode(image), _turned(image)
    except UnidentifiedImageError:
        raise WrongValueError("is no PNG or JPEG file that could be read") from None
    except WrongValueError:
        raise
    except Exception:  # noqa: BLE001 - Pillow raises what it likes at broken files
        raise WrongValueError("is a broken PNG or JPEG file") from None


def _refuse_unread(image: Image.Image, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        raise WrongValueError(f"has more than {max_pixels} points")
    if getattr(image, "n_frames", 1) > 1:
        raise WrongValueError("has several pictures: send one")


def _in_known_mode(image: Image.Image) -> Image.Image:
    if image.mode in _DEEP:
        return Image.fromarray(np.asarray(image, dtype=np.float32) / _PER_BRIGHTNESS)
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode in _TRANSPARENT:
        lowest, _ = image.getchannel("A").getextrema()
        if lowest != 255:
            raise WrongValueError("has transparent parts: save it without them")
        image = image.convert("L" if image.mode in ("LA", "La") else "RGB")
    if image.mode not in _MODES:
        raise WrongValueError("must have grey values, or red, green and blue: save it as such")
    return image.convert(_MODES[image.mode])


def _turned(image: Image.Image) -> str:
    is_turned = image.getexif().get(_ORIENTATION, 1) != 1
    return "says that it is to be turned, and was read as it is stored" if is_turned else ""


def from_rows(rows: list[Any]) -> Image.Image:
    """Return an image out of rows of brightnesses, or of [red, green, blue].

    Raises:
        WrongValueError: they are no whole numbers from 0 to 255, or no rows of the same length.
    """
    wrong = WrongValueError("must be a PNG, JPEG or DICOM file in base64, or rows of whole numbers from 0 to 255")
    try:
        points = np.array(rows)
    except ValueError:
        raise wrong from None
    is_shaped = points.ndim == 2 or (points.ndim == 3 and points.shape[2] == 3)
    if not is_shaped or points.size == 0 or points.dtype.kind not in "iu" or points.min() < 0 or points.max() > 255:
        raise wrong
    return Image.fromarray(points.astype(np.uint8))


def from_points(points: npt.NDArray[Any]) -> Image.Image:
    """Return an image out of float32 of shape (height, width), or uint8 of shape (height, width, 3)."""
    return Image.fromarray(points)


def in_channels(image: Image.Image, channels: int) -> tuple[Image.Image, str]:
    """Return it as grey values or as colours, and what is odd about that."""
    is_coloured = image.mode == "RGB"
    if channels == 1 and is_coloured:
        grey = image.convert("L")
        is_grey = np.array_equal(np.asarray(image), np.asarray(grey.convert("RGB")))
        return grey, "" if is_grey else "has colours, of which the model reads the brightness"
    if channels == 3 and not is_coloured:
        points = np.asarray(image, dtype=np.float32)
        return Image.fromarray(np.repeat(points.round().clip(0, 255).astype(np.uint8)[:, :, np.newaxis], 3, axis=2)), ""
    return image, ""


def resized(image: Image.Image, size: tuple[int, int], policy: str, interpolation: str) -> Image.Image:
    """Return it in another size: stretched, padded with black or cropped, around the middle."""
    method = _INTERPOLATIONS[interpolation]
    if policy == "stretch":
        return image.resize(size, method)
    if policy == "crop":
        return ImageOps.fit(image, size, method)
    small = ImageOps.contain(image, size, method)
    whole = Image.new(image.mode, size, _BLACK)
    whole.paste(small, ((size[0] - small.width) // 2, (size[1] - small.height) // 2))
    return whole
