"""What may stand beside the features of a request, or instead of them: a sequence or an image, and how it is meant."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ml_server import decoding
from ml_server.errors import Detail
from ml_server.inputs import Input, LetterSequence, Picture, WrongValueError, genetics
from ml_server.inputs.base import kind_of

SEQUENCE, IMAGE = "sequence", "image_data"
DATA = frozenset((SEQUENCE, IMAGE))
# How a sequence is meant: in a batch, those outside of the items are for every item that does not say otherwise.
_UNUSED = ("task3_threshold", "organism_hint")
DEFAULTS = ("seq_type", "frame", "stop_at_stop", *_UNUSED)
KEYS = (SEQUENCE, IMAGE, *DEFAULTS)
SEQ_TYPES = ("auto", "dna", "rna", "protein")
_NAMES = {"dna": "DNA", "rna": "RNA"}
_READ = {SEQUENCE: "sequence", IMAGE: "image"}
# What stands beside the features goes to the only input of its kind.
KINDS: dict[str, type[Input]] = {SEQUENCE: LetterSequence, IMAGE: Picture}
NOTHING: Mapping[str, Any] = {}


@dataclass
class Placed:
    """A client's values by the names of a card's inputs.

    Attributes:
        features: unchecked JSON, but for sequences that have been translated.
        fields: what a client calls an input that it does not give among its features.
        problems: what is wrong, and with which inputs that is all there is to be said.
        notes: what is to be known where an input's value is wrong nevertheless.
        translations: what a sequence was made of, as it is answered.
    """

    features: dict[str, Any]
    fields: dict[str, str] = field(default_factory=dict)
    problems: list[Detail] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    translations: dict[str, Any] = field(default_factory=dict)

    @property
    def translation(self) -> Any:
        """Return the only translation, or all by the names of their inputs; None where nothing was translated."""
        return next(iter(self.translations.values())) if len(self.translations) == 1 else self.translations or None


@dataclass(frozen=True)
class _Meant:
    """How a sequence is to be read; `seq_type` is "auto", "dna", "rna" or "protein"."""

    seq_type: str
    frame: int
    stop_at_stop: bool


def place(features: Mapping[str, Any] | None, beside: Mapping[str, Any], inputs: Sequence[Input]) -> Placed:
    """Return what is given among the features, if there are any, and beside them for each of a card's inputs."""
    placed = Placed(dict(features or {}))
    by_key = {key: [item for item in inputs if isinstance(item, kind)] for key, kind in KINDS.items()}
    is_nothing_read = features is None and not any(items and key in beside for key, items in by_key.items())
    for key, items in by_key.items():
        _place(placed, key, beside, items, is_nothing_read=is_nothing_read)
    sequences = [item for item in inputs if isinstance(item, LetterSequence)]
    if sequences:
        _read_sequences(placed, beside, sequences)
    return placed


def _place(placed: Placed, key: str, beside: Mapping[str, Any], inputs: Sequence[Input], *, is_nothing_read: bool) -> None:
    """Have what stands beside the features, or alone, go to the only input of its kind."""
    names = [item.name for item in inputs]
    if len(names) == 1 and placed.features.get(names[0]) is None:
        placed.fields[names[0]] = key
    if key not in beside:
        return
    if not names and not is_nothing_read:
        told = f"{key} was ignored: this model reads no {_READ[key]}"
        placed.warnings += [told] if beside[key] else []
    elif not names:
        placed.problems.append(Detail(key, "is not read by this model: send its features"))
    elif len(names) > 1:
        told = ", ".join(names)
        placed.problems.append(Detail(key, f"could be any of {told}: give them by these names in features"))
        placed.refused.update(names)
    elif names[0] not in placed.fields:
        placed.problems.append(Detail(key, f"must not stand beside features that have {names[0]}"))
    else:
        given = beside[key]
        placed.features[names[0]] = decoding.decode_large(given) if isinstance(given, msgspec.Raw) else given


def _read_sequences(placed: Placed, beside: Mapping[str, Any], inputs: Sequence[LetterSequence]) -> None:
    """Have the model read what it was made for: proteins where DNA or RNA is given, and DNA for RNA."""
    given = [item for item in inputs if placed.features.get(item.name) is not None]
    problems = list(_wrong_options(beside))
    if not given:
        return
    placed.problems += problems
    unused = [key for key in _UNUSED if key in beside]
    if unused:
        were = "were" if len(unused) > 1 else "was"
        placed.warnings.append(f"{' and '.join(unused)} {were} ignored: this model reads no such thing")
    if problems:
        return
    meant = _Meant(str(beside.get("seq_type", "auto")).lower(), int(beside.get("frame", 0)), beside.get("stop_at_stop", True))
    for item in given:
        try:
            _read(placed, item, meant)
        except WrongValueError as wrong:
            placed.problems.append(Detail(placed.fields.get(item.name, item.name), str(wrong)))
            placed.refused.add(item.name)


def _wrong_options(beside: Mapping[str, Any]) -> Iterator[Detail]:
    seq_type, frame, stop = (beside.get(key) for key in ("seq_type", "frame", "stop_at_stop"))
    if seq_type is not None and (not isinstance(seq_type, str) or seq_type.lower() not in SEQ_TYPES):
        yield Detail("seq_type", f"must be one of {', '.join(SEQ_TYPES)}")
    if frame is not None and (isinstance(frame, bool) or frame not in (0, 1, 2)):
        yield Detail("frame", "must be 0, 1 or 2: how many bases come before the first codon")
    if stop is not None and not isinstance(stop, bool):
        yield Detail("stop_at_stop", f"must be true or false, not {kind_of(stop)}")


def _read(placed: Placed, wanted: LetterSequence, meant: _Meant) -> None:
    if wanted.seq_type == "text":
        return
    letters, name = wanted.clean(placed.features[wanted.name]), placed.fields.get(wanted.name, wanted.name)
    if wanted.seq_type != "protein":
        if meant.seq_type == "protein":
            raise WrongValueError(
                f"must be {_NAMES[wanted.seq_type]}: nobody can tell it from a protein, which seq_type says it is"
            )
        old, new = ("U", "T") if wanted.seq_type == "dna" else ("T", "U")
        placed.features[wanted.name] = letters.replace(old, new).replace(old.lower(), new.lower())
        return
    found = genetics.guess(letters) if meant.seq_type == "auto" else meant.seq_type
    if found == "protein":
        return
    said = f"read as {_NAMES[found]} in frame {meant.frame}{' up to the first stop codon' if meant.stop_at_stop else ''}"
    placed.notes[wanted.name] = f" (it was {said} and translated)"
    if meant.seq_type == "auto":
        placed.warnings.append(f"{name} was {said}: say protein in seq_type, if it is one")
    protein, has_stop, left_over = genetics.translate(letters, meant.frame, stop_at_stop=meant.stop_at_stop)
    placed.features[wanted.name] = protein
    info = {"seq_type": found, "frame": meant.frame, "stop_at_stop": meant.stop_at_stop, "has_stop": has_stop}
    placed.translations[wanted.name] = {"protein_sequence": protein, "info": {**info, "bases_left_over": left_over}}
