"""Did you mean ...? What was probably meant by a word that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence

_LONGEST_LIST = 40


def unknown(key: str, value: str, allowed: Sequence[str]) -> str:
    """Return that a key's value is not known, what was probably meant, and what is allowed."""
    near = difflib.get_close_matches(value, allowed, 1)
    hint = f' (did you mean "{near[0]}"?)' if near else ""
    return f'{key} "{value}" is not known{hint}; allowed: {listed(allowed)}'


def misspelt(word: str, known: Collection[str]) -> str:
    """Return the known word that this one is but for a letter or two, or ""; a word of its own is none of ours misspelt."""
    # Transposed letters (SMPT_HOST) are less alike than SFTP_HOST and LLM_API_KEY are, which are others'.
    transposed = [each for each in known if sorted(each) == sorted(word)]
    near = transposed or difflib.get_close_matches(word, known, 1, cutoff=0.9)
    return near[0] if near else ""


def listed(allowed: Sequence[str]) -> str:
    """Return what is allowed, of a long list the beginning."""
    return ", ".join(allowed[:_LONGEST_LIST]) + (", ..." if len(allowed) > _LONGEST_LIST else "") if allowed else "none"
