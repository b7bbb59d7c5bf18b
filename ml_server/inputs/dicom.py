"""DICOM images, by pydicom, which is imported with the first of them. Of a file's header only numbers are read."""

import io
import logging
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom import config
from pydicom.filereader import read_dataset
from pydicom.pixels.processing import apply_modality_lut, convert_color_space
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ml_server.inputs.base import WrongValueError

# What pydicom says of a header could quote it, and that is a patient's.
config.settings.reading_validation_mode = config.IGNORE
logging.getLogger("pydicom").disabled = True
warnings.filterwarnings("ignore", module=r"(pydicom|ml_server\.inputs)\b")

_PREAMBLE = 132
_META_GROUP = 2
_PLAIN = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)
_GREY = ("MONOCHROME1", "MONOCHROME2")
_COLOURS = ("RGB", "YBR_FULL")
_WHITE = 255.0


def decode(content: bytes, max_pixels: int, window: tuple[float, float] | None) -> tuple[npt.NDArray[Any], str]:
    """Return brightnesses, float32 of shape (height, width), or colours, uint8 of (height, width, 3); and what is odd.

    `window` is its center and width; the file's own where it is None, and the whole range where the file has none.

    Raises:
        WrongValueError: it is compressed, of several pictures or too large, has no image, or is broken.
    """
    try:
        _refuse_compressed(content)
        header = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True)
        kind = _kind(header, max_pixels)
        image = pydicom.dcmread(io.BytesIO(content))
        if kind in _COLOURS:
            return _colours(image, kind), ""
        with np.errstate(all="ignore"):
            values = np.asarray(apply_modality_lut(image.pixel_array, image), np.float32)
    except WrongValueError:
        raise
    except Exception:  # noqa: BLE001 - pydicom raises what it likes at broken files
        raise WrongValueError("is a broken DICOM file, or one without an image") from None
    if not np.isfinite(values).all():
        raise WrongValueError("has values that are no numbers")
    (center, width), warning = (window, "") if window else _own_window(header, values)
    brightnesses = ((values - (center - width / 2)) / width * _WHITE).clip(0, _WHITE)
    return (_WHITE - brightnesses if kind == _GREY[0] else brightnesses).astype(np.float32), warning


def _refuse_compressed(content: bytes) -> None:
    """Look at how the file is stored before anything of it is unpacked.

    Raises:
        WrongValueError: it is compressed.
    """
    meta = io.BytesIO(content)
    meta.seek(_PREAMBLE)
    found = read_dataset(meta, False, True, stop_when=lambda tag, _vr, _length: tag.group != _META_GROUP)
    if found.get("TransferSyntaxUID") not in _PLAIN:
        raise WrongValueError("is a compressed DICOM file: save it as Explicit VR Little Endian")


def _kind(header: pydicom.Dataset, max_pixels: int) -> str:
    """Return how its values are to be read.

    Raises:
        WrongValueError: that is not known here, or there are too many.
    """
    frames = int(header.get("NumberOfFrames") or 1)
    if frames != 1:
        raise WrongValueError(f"has {frames} pictures: send one")
    if int(header.Rows) * int(header.Columns) > max_pixels:
        raise WrongValueError(f"has more than {max_pixels} points")
    kind = str(header.get("PhotometricInterpretation", ""))
    if kind not in (*_GREY, *_COLOURS):
        raise WrongValueError("must have grey values (MONOCHROME1 or MONOCHROME2), or red, green and blue (RGB)")
    return kind


def _colours(image: pydicom.Dataset, kind: str) -> npt.NDArray[Any]:
    points = image.pixel_array
    if points.dtype != np.uint8:
        raise WrongValueError("must have colours of 8 bits")
    return points if kind == "RGB" else convert_color_space(points, kind, "RGB")


def _own_window(header: pydicom.Dataset, values: npt.NDArray[Any]) -> tuple[tuple[float, float], str]:
    center, width = (_first(header.get(key)) for key in ("WindowCenter", "WindowWidth"))
    if center is not None and width is not None and np.isfinite(center) and 0 < width < np.inf:
        return (center, width), ""
    low, high = float(values.min()), float(values.max())
    return ((low + high) / 2, (high - low) or 1.0), "says no window, so its whole range was read"


def _first(value: Any) -> float | None:
    """Return a number of the header, of several the first: they are windows to choose from."""
    try:
        return float(value[0] if isinstance(value, pydicom.multival.MultiValue) else value)
    except (TypeError, ValueError, IndexError):
        return None
