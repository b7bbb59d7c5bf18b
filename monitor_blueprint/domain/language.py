"""The language of what is said: Korean, unless whoever is spoken to has asked for another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Catalogue(Protocol):
    """The sentences of another language, which are found by the Korean ones."""

    def said(self, sentence: str) -> str:
        """Return a sentence of the Korean catalogue in the other language: with the same places, not yet filled."""

    def retold(self, text: str, *, is_ours: bool = False) -> str:
        """Return in the other language what was filled in Korean before; of text from outside, what is clearly ours."""


_catalogue: ContextVar[Catalogue | None] = ContextVar("catalogue", default=None)


@contextmanager
def speaking(catalogue: Catalogue | None) -> Iterator[None]:
    """Say everything in the catalogue's language meanwhile: to this one listener, not in other threads."""
    before = _catalogue.set(catalogue)
    try:
        yield
    finally:
        _catalogue.reset(before)


def said(sentence: str) -> str:
    """Return a sentence of the Korean catalogue in the language that is spoken."""
    catalogue = _catalogue.get()
    return sentence if catalogue is None else catalogue.said(sentence)


def retold(text: str, *, is_ours: bool = False) -> str:
    """Return what was filled in Korean before, and kept, in the language that is spoken.

    What others have written stays as it is: in a text that is not ours throughout, only what is clearly ours is said anew.
    """
    catalogue = _catalogue.get()
    return text if catalogue is None else catalogue.retold(text, is_ours=is_ours)
