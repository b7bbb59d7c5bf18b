"""The shape of a catalogue's lines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one aspect; an empty one means: as `bad`, and `bad` empty means the general text."""

    ok: str = ""
    warning: str = ""
    bad: str = ""

    def labelled(self, label: str) -> Texts:
        """Return the same texts after a label."""
        return Texts(f"{label}: {self.ok}", f"{label}: {self.warning}", f"{label}: {self.bad}")
