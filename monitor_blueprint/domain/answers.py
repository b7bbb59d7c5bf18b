"""What a channel's answer says to everybody: numbers of the protocols, and words of a list of ours.

The rest of it is the other side's own text, and for this machine's administrators only.
"""

from __future__ import annotations

import re

from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.domain.text import NOTHING, Public, fill, joined, word
from monitor_blueprint.domain.vocabulary import ANSWER_WORDS, EXCEPTIONS

# A status of HTTP or SMTP, an enhanced one (RFC 3463), and so many seconds: no number that anybody has.
_NUMBER = re.compile(r"[1-5][0-9]{2}|[245]\.[0-9]\.[0-9]{1,2}|[0-9]{1,2}")
_GAP = fill("…")
_MOST = 160


def public_words(answer: str) -> Public:
    """Return the answer with a gap for whatever is no word of ours."""
    said: list[Public] = []
    length = 0
    for piece in clean(answer, 1000).split():
        known = _known(piece)
        if known is None and said[-1:] == [_GAP]:
            continue
        said.append(_GAP if known is None else known)
        length += len(said[-1]) + 1
        if length > _MOST:
            break
    return joined(" ", said) if said else NOTHING


def _known(piece: str) -> Public | None:
    core = piece.strip("()[],;:.'\"")
    if not (_NUMBER.fullmatch(core) or core.lower() in ANSWER_WORDS or core in EXCEPTIONS):
        return None
    # Its brackets and commas make it readable.
    return word(piece, (piece,))
