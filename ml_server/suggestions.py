"""What a misspelt name may stand for: the "did you mean" of the settings and of the requests."""

import difflib
from collections.abc import Collection, Sequence

# Looking for the nearest input costs difflib about 0.2 ms for a name of 60 letters: 256 items with 50 of them were 3 s.
# Whoever has misspelt more than ten names has another list at hand; the longest input of the bundled model has 22 letters.
MAX_SUGGESTIONS = 10
MAX_SUGGESTED_FOR = 32


def did_you_mean(name: str, known: Collection[str], *, at_most: int | None = None, cutoff: float = 0.6) -> str:
    """Return the end of a complaint about a name, such as `; did you mean tau or p_tau?`: empty where none is near.

    It names the only known one that differs in case and in what is no letter and no digit, or else the nearest of those whose
    likeness (between 0 and 1) is at least the cutoff.
    """
    near = [candidate for candidate in known if _letters(candidate) == _letters(name)]
    if len(near) != 1:
        by_letters = {candidate.lower(): candidate for candidate in known}
        found = difflib.get_close_matches(name.lower(), by_letters, n=at_most or len(known), cutoff=cutoff)
        near = [by_letters[letters] for letters in found]
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


class Suggestions:
    """The inputs that misspelt names may stand for: for at most `MAX_SUGGESTIONS` names of one request."""

    def __init__(self) -> None:
        self._left = MAX_SUGGESTIONS

    def hint(self, name: str, known: Sequence[str]) -> str:
        """Return a "did you mean" with every input that is at all like the name, because a hint at the wrong one would
        put a value where it does not belong; empty for a long name, or where there were enough already.
        """
        if self._left == 0 or len(name) > MAX_SUGGESTED_FOR:
            return ""
        self._left -= 1
        return did_you_mean(name, known)
