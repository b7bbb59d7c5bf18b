"""The words of the public page and of its badges: each language has an object of this type, so that none can lack one."""

from __future__ import annotations

import msgspec


class PublicWords(msgspec.Struct, frozen=True, kw_only=True):
    """What stands there besides the names of the checks.

    Attributes:
        title: what the page is called.
        states: what each state is called, by the word for it ("OK", ..., and "LEFT_OUT").
        whole: what the whole is said to be, by the same words.
        stale: why nothing is known, by "stopped", "first" and "stalled".
        stale_badge: the same on a badge, where there is little room.
        checked_at: when it was last looked, with the place {at}.
        never_checked: that it never was.
        check, state: what the columns are called.
    """

    title: str
    states: dict[str, str]
    whole: dict[str, str]
    stale: dict[str, str]
    stale_badge: str
    checked_at: str
    never_checked: str
    check: str
    state: str
