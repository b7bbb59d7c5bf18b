"""What a channel's answer says to everybody: numbers of the protocols, and words of a list of ours.

The rest of it is the other side's own text, and for this machine's administrators only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.domain.text import NOTHING, Public, fill, joined, word
from monitor_blueprint.domain.vocabulary import ANSWER_WORDS, EXCEPTIONS

# A status of HTTP or SMTP, an enhanced one (RFC 3463), and so many seconds: no number that anybody has.
_NUMBER = re.compile(r"[1-5][0-9]{2}|[245]\.[0-9]\.[0-9]{1,2}|[0-9]{1,2}")
_GAP = fill("…")
_MOST = 160
_MOST_NUMBERS = 3
_STATUS_DIGITS = 3


def public_words(answer: str) -> Public:
    """Return the answer with a gap for whatever is no word of ours."""
    said: list[Public] = []
    length = 0
    numbers = _Numbers()
    for piece in clean(answer, 1000).split():
        known = _known(piece, numbers)
        if known is None and said[-1:] == [_GAP]:
            continue
        said.append(_GAP if known is None else known)
        length += len(said[-1]) + 1
        if length > _MOST:
            break
    return joined(" ", said) if said else NOTHING


@dataclass(slots=True)
class _Numbers:
    """The numbers of an answer so far: a row of short ones is a long one, somebody's telephone number."""

    count: int = 0
    last: str = ""

    def may_stand(self, core: str) -> bool:
        """Tell whether it may stand: three at most, none beside another, but for an enhanced status after a status."""
        is_enhanced = "." in core
        is_row = bool(self.last) and not (is_enhanced and len(self.last) == _STATUS_DIGITS)
        self.count += not is_enhanced
        self.last = core
        return not is_row and self.count <= _MOST_NUMBERS


def _known(piece: str, numbers: _Numbers) -> Public | None:
    core = piece.strip("()[],;:.'\"")
    if _NUMBER.fullmatch(core):
        # Its brackets and commas make it readable.
        return word(piece, (piece,)) if numbers.may_stand(core) else None
    if core.lower() in ANSWER_WORDS or core in EXCEPTIONS:
        numbers.last = ""
        return word(piece, (piece,))
    return None
