"""The shape of a catalogue's lines."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one aspect; an empty one means: as `bad`, and `bad` empty means the general text.

    `more` is what only those are told who look closer: what to do where nothing is wrong but the configuration. `limit` is from
    where on it is judged so; {at} stands for the limit of a measured value.
    """

    ok: str = ""
    warning: str = ""
    bad: str = ""
    more: str = ""
    limit: str = ""

    def labelled(self, label: str) -> Texts:
        """Return the same texts after a label."""
        return replace(self, ok=f"{label}: {self.ok}", warning=f"{label}: {self.warning}", bad=f"{label}: {self.bad}")
