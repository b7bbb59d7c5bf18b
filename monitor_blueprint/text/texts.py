"""The shape of a catalogue's lines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one aspect; an empty one means: as `bad`, and `bad` empty means the general text.

    `more` is what only those are told who look closer: what to do where nothing is wrong but the configuration.
    """

    ok: str = ""
    warning: str = ""
    bad: str = ""
    more: str = ""

    def labelled(self, label: str) -> Texts:
        """Return the same texts after a label."""
        return Texts(f"{label}: {self.ok}", f"{label}: {self.warning}", f"{label}: {self.bad}")
