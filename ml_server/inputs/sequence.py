"""Sequences of letters: proteins, DNA, RNA and any other text."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from ml_server.inputs import genetics
from ml_server.inputs.base import Checked, Input, Text, WrongValueError, kind_of

_MOST_LETTERS = 100_000
_Length = Annotated[int, msgspec.Meta(ge=1, le=_MOST_LETTERS)]
_Code = Annotated[int, msgspec.Meta(ge=-1, lt=2**31)]
NO_COLUMN = -1
_MOST_VALUES = 10_000_000
_MOST_TOLD = 40
_UNITS = {"protein": "amino acids", "dna": "bases", "rna": "bases", "text": "letters"}
_NAMES = {"protein": "a protein", "dna": "DNA", "rna": "RNA", "text": "a text"}


class LetterSequence(Input, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag="sequence"):
    """A sequence of letters, which the model reads as numbers in `length` places, padded.

    Where the alphabet has letters of one case only, the other case means the same. A protein, DNA or RNA may be given with
    blanks and line breaks, as a FASTA record, and a protein with a stop (`*`) at its end; a text is read as it is. Nothing is
    ever cut off.

    Attributes:
        alphabet: the letters that the model knows, in the order of its numbers.
        seq_type: what the letters are; DNA and RNA are translated for a model of proteins before.
        length: places that the model reads, with those of `start_id`, `end_id` and the padding.
        shortest, longest: how many letters may be given; as many as there are places, unless `longest` says less.
        encoding: `ids`: an int64 of shape (length,); `one_hot`: a float32 of shape (length, columns); `one_hot_first`: of
            shape (columns, length).
        codes: the model's number (or column) for each letter: from 1 on with `ids` and from 0 on else, unless given.
        pad_id: the number (or column) of the padding: 0 with `ids`, and -1, which is no column but zeros, else.
        pad_side: where the padding is.
        start_id, end_id: what is put before and after the letters, if anything.
        unknown_id: what stands for letters that the model does not know; they are refused where it is null.
    """

    alphabet: Text
    length: _Length
    seq_type: Literal["protein", "dna", "rna", "text"] = "text"
    shortest: _Length = 1
    longest: _Length | None = None
    encoding: Literal["ids", "one_hot", "one_hot_first"] = "ids"
    codes: list[_Code] | None = None
    pad_id: _Code | None = None
    pad_side: Literal["right", "left"] = "right"
    start_id: _Code | None = None
    end_id: _Code | None = None
    unknown_id: _Code | None = None

    @property
    def most(self) -> int:
        """Return how many letters may be given."""
        return self.longest or self._room

    @property
    def reference(self) -> npt.NDArray[Any]:
        """Return padding alone: of sequences none is ordinary."""
        return self._encoded(np.empty(0, np.int64))

    @property
    def unit(self) -> str:
        """Return what the letters stand for."""
        return _UNITS[self.seq_type]

    @property
    def wanted(self) -> str:
        """Say what it is, how long it may be and which letters it may have."""
        return f"{self.description}; {_NAMES[self.seq_type]} of {self.shortest} to {self.most} {self.unit} ({self._letters})"

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema: blanks and a FASTA line may come on top of `longest`."""
        return {"type": "string", "minLength": self.shortest, "description": self.wanted}

    def clean(self, given: Any) -> str:
        """Return the letters that were given as the model's alphabet has them.

        Raises:
            WrongValueError: it is no text, or has several records.
        """
        if not isinstance(given, str):
            raise WrongValueError(f"must be a string of letters, not {kind_of(given)}")
        text = given if self.seq_type == "text" else genetics.strip_fasta(given)
        if self.alphabet == self.alphabet.upper():
            text = text.upper()
        elif self.alphabet == self.alphabet.lower():
            text = text.lower()
        if self.seq_type == "protein" and genetics.STOP not in self.alphabet:
            text = text.removesuffix(genetics.STOP)
        return text

    def check(self, given: Any) -> Checked:
        """Return the numbers of one sequence, in the shape that the model has for one row."""
        text = self.clean(given)
        if not self.shortest <= len(text) <= self.most:
            raise WrongValueError(f"must have {self.shortest} to {self.most} {self.unit}, not {len(text)}")
        points = _code_points(text)
        known = _code_points(self.alphabet)
        order = np.argsort(known)
        places = np.minimum(np.searchsorted(known, points, sorter=order), len(known) - 1)
        columns = order[places]
        is_known = known[columns] == points
        numbers = np.array(self._codes, np.int64)[columns]
        if is_known.all():
            return Checked(self._encoded(numbers))
        told = f"letters that the model does not know, {len(text) - int(is_known.sum())} in all"
        if self.unknown_id is None:
            first = int(np.argmin(is_known)) + 1
            raise WrongValueError(f"has {told}, the first of them letter {first}; it knows {self._letters}")
        return Checked(self._encoded(np.where(is_known, numbers, self.unknown_id)), f"{self.name} has {told}")

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yield what does not fit."""
        if len(set(self.alphabet)) != len(self.alphabet):
            yield "alphabet", "has the same letter twice"
        if self.codes is not None and len(self.codes) != len(self.alphabet):
            yield "codes", f"must have one number for each of the {len(self.alphabet)} letters, not {len(self.codes)}"
        if self.longest is not None and self.longest > self._room:
            yield "longest", f"is more than the {self._room} letters that length has room for"
        if self.shortest > self.most:
            yield "shortest", f"is more than the longest, {self.most}"
        if self.encoding != "ids" and self.length * self._columns > _MOST_VALUES:
            yield "length", f"makes {self.length * self._columns} values with {self._columns} columns: more than {_MOST_VALUES}"

    @property
    def _room(self) -> int:
        return self.length - (self.start_id is not None) - (self.end_id is not None)

    @property
    def _letters(self) -> str:
        if len(self.alphabet) <= _MOST_TOLD:
            return self.alphabet
        return f"{self.alphabet[:_MOST_TOLD]} and {len(self.alphabet) - _MOST_TOLD} more"

    @property
    def _codes(self) -> list[int]:
        first = int(self.encoding == "ids")
        return self.codes or list(range(first, first + len(self.alphabet)))

    @property
    def _columns(self) -> int:
        special = [each for each in (self.pad_id, self.start_id, self.end_id, self.unknown_id) if each is not None]
        return max([*self._codes, *special]) + 1

    def _encoded(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        start = [] if self.start_id is None else [self.start_id]
        end = [] if self.end_id is None else [self.end_id]
        whole = np.concatenate([start, numbers, end]).astype(np.int64)
        pad = self.pad_id if self.pad_id is not None else (0 if self.encoding == "ids" else NO_COLUMN)
        padding = np.full(max(0, self.length - len(whole)), pad, np.int64)
        ids = np.concatenate([padding, whole] if self.pad_side == "left" else [whole, padding])
        if self.encoding == "ids":
            return ids
        places, across = ids[:, np.newaxis], np.arange(self._columns)[np.newaxis, :]
        if self.encoding == "one_hot_first":
            places, across = places.T, across.T
        marks: npt.NDArray[Any] = (places == across).astype(np.float32)
        return marks


def _code_points(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
