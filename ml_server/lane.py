"""The short way for a good request: one look in C at what the precise way (`schemas`) looks at piece by piece.

It takes `{"features": {...}}` of known names once each, numbers within the training range or among those allowed, and
nothing besides. Whatever else there is, it has no answer to: every refusal and every warning about a value is the precise way's.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Annotated, Any

import msgspec

from ml_server.card import Card
from ml_server.inputs import Number
from ml_server.inputs.number import MAX_FLOAT32
from ml_server.schemas import Row


class Lane:
    """The short way to the inputs of one model that reads plain numbers and nothing else."""

    def __init__(self, inputs: Sequence[Number]) -> None:
        # By names of our own: an input may be called `class`.
        names = {f"input_{number}": wanted.name for number, wanted in enumerate(inputs)}
        fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
        for name, wanted in zip(names, inputs, strict=True):
            lowest, highest = max(wanted.minimum, -MAX_FLOAT32), min(wanted.maximum, MAX_FLOAT32)
            kind: Any = Annotated[float, msgspec.Meta(ge=lowest, le=highest)]
            fields.append((name, kind) if wanted.is_required else (name, kind | msgspec.UnsetType, msgspec.UNSET))
        fields.sort(key=len)  # those with a default come last
        features = msgspec.defstruct("Features", fields, rename=names, forbid_unknown_fields=True, gc=False)
        body = msgspec.defstruct("Body", [("features", features)], forbid_unknown_fields=True, gc=False)
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(body).decode
        get = attrgetter(*names)
        self._values = get if len(names) > 1 else lambda features: (get(features),)
        self._allowed = [(number, frozenset(wanted.allowed)) for number, wanted in enumerate(inputs) if wanted.allowed]
        self._missing = [(0.0, "") if wanted.is_required else wanted.fill() for wanted in inputs]

    def row(self, body: bytes) -> Row | None:
        """Return what `schemas` makes of the body, or None where that is for `schemas` to say."""
        try:
            values: tuple[Any, ...] = self._values(self._decode(body).features)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        given = len(values)
        warnings: tuple[str, ...] = ()
        missing: tuple[int, ...] = ()
        if msgspec.UNSET in values:
            missing = tuple([number for number, value in enumerate(values) if value is msgspec.UNSET])
            given -= len(missing)
            warnings = tuple([self._missing[number][1] for number in missing])
        # Every string is a name here, in two quotes. With more of them, or with escapes, a name may stand twice.
        if body.count(b'"') != 2 * (given + 1) or b"\\" in body:
            return None
        for number, allowed in self._allowed:
            if values[number] not in allowed and values[number] is not msgspec.UNSET:
                return None
        if warnings:
            filled = zip(values, self._missing, strict=True)
            values = tuple([fill if value is msgspec.UNSET else value for value, (fill, _) in filled])
        return Row(values, warnings, missing=missing)


def lane_of(card: Card) -> Lane | None:
    """Return the short way to a model, if there is one: an answer that is explained takes the precise way."""
    if card.explain:
        return None
    numbers = [wanted for wanted in card.inputs if type(wanted) is Number]
    return Lane(numbers) if len(numbers) == len(card.inputs) else None
