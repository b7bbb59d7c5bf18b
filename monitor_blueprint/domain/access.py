"""Who asks, and what that one may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

RoleWord = Literal["stats", "read", "operate"]


class Role(IntEnum):
    """What a token opens; each role has what the one before it has.

    STATS opens the figures of this machine alone. READ opens all that everybody may know: no text that came from outside, none
    that a person typed. OPERATE opens everything, and changes it.
    """

    STATS = 1
    READ = 2
    OPERATE = 3

    @property
    def word(self) -> RoleWord:
        """Return what people and programs call it."""
        return _WORDS[self]


_WORDS: dict[Role, RoleWord] = {Role.STATS: "stats", Role.READ: "read", Role.OPERATE: "operate"}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: `name` is whom the record names for what is done, `token` the token that this came with."""

    name: str
    role: Role
    token: str = ""

    @property
    def is_trusted(self) -> bool:
        """Tell whether text from outside, and what people have typed, may be shown."""
        return self.role is Role.OPERATE
