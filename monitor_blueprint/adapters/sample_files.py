"""Files with golden samples: cases with a known answer, of one model; the bundled model's comes with the monitor."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from monitor_blueprint.domain.golden import Case
from monitor_blueprint.domain.models import ProbeError
from monitor_blueprint.domain.text import configured, fill
from monitor_blueprint.faults import detail_of, reason_of

BUNDLED = Path(__file__).parents[1] / "golden" / "alzheimer_biomarkers-1.0.0.json"
_Expected = Annotated[dict[str, float], Meta(min_length=2)]


class Sample(msgspec.Struct, frozen=True):
    """One case of a sample file, with the probabilities that the model must answer."""

    features: dict[str, float]
    expected: _Expected


class Samples(msgspec.Struct, frozen=True):
    """A sample file: what is asked for, and of which model."""

    model_name: str
    model_version: str
    samples: Annotated[tuple[Sample, ...], Meta(min_length=1, max_length=20)]


_SAMPLES = msgspec.json.Decoder(Samples)


def read(path: str) -> Samples:
    """Return what the file has; raises ProbeError where it cannot be read, or is none."""
    try:
        return _SAMPLES.decode(Path(path).read_bytes())
    except OSError as error:
        raise ProbeError(fill("{path}: {reason}", path=configured(path), reason=reason_of(error))) from error
    except msgspec.MsgspecError as error:
        told = fill("{path}: no sample file ({reason})", path=configured(path), reason=reason_of(error))
        raise ProbeError(told, detail_of(error)) from error


@functools.cache
def bundled() -> Samples:
    """Return the bundled model's samples."""
    return read(str(BUNDLED))


def cases(samples: Samples) -> list[Case]:
    """Return the samples as they are sent, with the right answers."""
    return [Case(msgspec.json.encode({"features": each.features}), each.expected) for each in samples.samples]
