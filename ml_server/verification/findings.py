"""What keeps a model from being served, in words for whoever made it."""

from collections.abc import Iterable

import msgspec


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is not as it must be.

    Attributes:
        field: where: a path in the card such as `inputs[2].median`, or `model` for the model file.
        is_warning: it is worth a look, and the model may be served all the same.
    """

    field: str
    found: str
    wanted: str
    remedy: str
    is_warning: bool = False

    @property
    def text(self) -> str:
        """Return all of it in one line."""
        return f"{self.field}: {self.found}; wanted: {self.wanted}; {self.remedy}"


def refusals(findings: Iterable[Finding]) -> list[Finding]:
    """Return those for which a model is refused."""
    return [finding for finding in findings if not finding.is_warning]


def listed(names: Iterable[str], at_most: int = 5) -> str:
    """Return names with commas between them, and how many more there are."""
    known = list(names)
    rest = f" and {len(known) - at_most} more" if len(known) > at_most else ""
    return ", ".join(known[:at_most]) + rest
