"""Proteins, DNA and RNA as people paste them, and the standard genetic code."""

import itertools
from typing import Literal, NamedTuple

from ml_server.inputs.base import WrongValueError

Kind = Literal["protein", "dna", "rna"]
# The standard genetic code (NCBI table 1), the bases of a codon in the order T, C, A, G.
_AMINO_ACIDS = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
STOP, UNKNOWN = "*", "X"
_CODE = dict(zip(map("".join, itertools.product("TCAG", repeat=3)), _AMINO_ACIDS, strict=True))
# What IUPAC's letters for uncertain bases stand for.
_BASES = {
    **{base: base for base in "ACGT"},
    "R": "AG",
    "Y": "CT",
    "S": "CG",
    "W": "AT",
    "K": "GT",
    "M": "AC",
    "B": "CGT",
    "D": "AGT",
    "H": "ACT",
    "V": "ACG",
    "N": "ACGT",
}
# R, Y, S and the like are amino acids, too: who has them in DNA says that it is DNA.
_PLAIN_BASES = frozenset("ACGTUN")


class Translation(NamedTuple):
    """A protein, whether a stop codon was met, and how many bases at the end made no codon."""

    protein: str
    has_stop: bool
    left_over: int


def strip_fasta(text: str) -> str:
    """Return the letters of a sequence without blanks, line breaks and the description line of a FASTA record.

    Raises:
        WrongValueError: there are several records.
    """
    text = text.strip()
    if text.startswith(">"):
        _, _, text = text.replace("\r", "\n").partition("\n")
    if ">" in text:
        raise WrongValueError("has more than one FASTA record: send one sequence, or several as items of a batch")
    return "".join(text.split())


def guess(letters: str) -> Kind:
    """Return what a sequence is by its letters: DNA or RNA where it has no others than A, C, G, N and T or U."""
    found = frozenset(letters.upper())
    if not found or not found <= _PLAIN_BASES:
        return "protein"
    return "rna" if "U" in found else "dna"


def translate(letters: str, frame: int, *, stop_at_stop: bool) -> Translation:
    """Return the protein of DNA or RNA, read from base `frame` (0 to 2) on, up to the first stop codon or with `*` for each.

    An uncertain base (IUPAC's letters, such as N) makes no difference where every base that it may be codes for the same
    amino acid; else that amino acid is X.

    Raises:
        WrongValueError: there are letters that are no bases.
    """
    bases = letters.upper().replace("U", "T")
    wrong = [number for number, base in enumerate(bases, start=1) if base not in _BASES]
    if wrong:
        raise WrongValueError(f"has letters that are no bases, {len(wrong)} in all, the first of them letter {wrong[0]}")
    codons = [bases[start : start + 3] for start in range(frame, len(bases) - 2, 3)]
    protein = "".join(map(_amino_acid, codons))
    has_stop = STOP in protein
    if stop_at_stop:
        protein = protein.partition(STOP)[0]
    return Translation(protein, has_stop, max(0, len(bases) - frame) % 3)


def _amino_acid(codon: str) -> str:
    if codon in _CODE:
        return _CODE[codon]
    possible = {_CODE["".join(bases)] for bases in itertools.product(*(_BASES[base] for base in codon))}
    return possible.pop() if len(possible) == 1 else UNKNOWN
