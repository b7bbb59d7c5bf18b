"""Did you mean ...? What was probably meant by a word that is not known."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence

from monitor_blueprint.domain.sanitize import MASK, clean, redact

_LONGEST_LIST = 40
_LONGEST_VALUE = 60
# Of an address with a password, or of a request's field.
_SECRET_SIGNS = re.compile(r"://|@.*[:/]|[:/].*@|^bearer\b", re.IGNORECASE)


def shown(value: str) -> str:
    """Return a value of the file as an error may repeat it: everybody reads the journal, and it may be a secret gone astray."""
    is_plain = len(value) <= _LONGEST_VALUE and not _SECRET_SIGNS.search(value) and redact(value) == value
    return clean(value) if is_plain else MASK


def unknown(key: str, value: str, allowed: Sequence[str]) -> str:
    """Return that a key's value is not known, what was probably meant, and what is allowed."""
    near = difflib.get_close_matches(value, allowed, 1)
    hint = f' (did you mean "{near[0]}"?)' if near else ""
    return f'{key} "{shown(value)}" is not known{hint}; allowed: {listed(allowed)}'


def misspelt(word: str, known: Collection[str]) -> str:
    """Return the known word that this one is but for a letter or two, or ""; a word of its own is none of ours misspelt."""
    # Transposed letters (SMPT_HOST) are less alike than SFTP_HOST and LLM_API_KEY are, which are others'.
    transposed = [each for each in known if sorted(each) == sorted(word)]
    near = transposed or difflib.get_close_matches(word, known, 1, cutoff=0.9)
    return near[0] if near else ""


def listed(allowed: Sequence[str]) -> str:
    """Return what is allowed, of a long list the beginning."""
    return ", ".join(allowed[:_LONGEST_LIST]) + (", ..." if len(allowed) > _LONGEST_LIST else "") if allowed else "none"
