"""Why a step could not be done, and what whoever reads it can do about it."""

from __future__ import annotations


class Failure(Exception):  # noqa: N818  # the word that is printed
    """A step that did not succeed.

    Attributes:
        remedy: what to do about it.
    """

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.remedy = remedy
