"""What a misspelt name may stand for: the "did you mean" of the settings and of the requests."""

import difflib
from collections.abc import Collection


def did_you_mean(name: str, known: Collection[str], *, at_most: int | None = None, cutoff: float = 0.6) -> str:
    """Return the end of a complaint about a name, such as `; did you mean tau or p_tau?`: empty where none is near.

    It names the only known one that differs in case and underscores alone, or else the nearest of those whose likeness
    (between 0 and 1) is at least the cutoff.
    """
    near = [candidate for candidate in known if _letters(candidate) == _letters(name)]
    if len(near) != 1:
        by_letters = {candidate.lower(): candidate for candidate in known}
        found = difflib.get_close_matches(name.lower(), by_letters, n=at_most or len(known), cutoff=cutoff)
        near = [by_letters[letters] for letters in found]
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _letters(name: str) -> str:
    return name.lower().replace("_", "")
