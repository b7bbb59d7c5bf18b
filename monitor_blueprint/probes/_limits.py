"""Options of the checks that hold a percentage against two limits."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from monitor_blueprint.core.models import Thresholds


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Limits in percent; the user's guide has 80 and 90.

    Attributes:
        warning: from here on WARNING.
        critical: from here on CRITICAL.
        clear: how far below the limit the value must fall to be well again.
    """

    warning: Annotated[float, Meta(gt=0)] = 80.0
    critical: Annotated[float, Meta(gt=0)] = 90.0
    clear: Annotated[float, Meta(ge=0, le=50)] = 5.0

    def __post_init__(self) -> None:
        """Refuse limits in the wrong order."""
        if self.warning > self.critical:
            raise ValueError("`warning` must not be above `critical`")

    @property
    def thresholds(self) -> Thresholds:
        """Return the limits as the rules want them."""
        return Thresholds(self.warning, self.critical, self.clear)


class Share(Options, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Limits of a share that cannot be more than 100 %: one above that would never be reached."""

    warning: Annotated[float, Meta(gt=0, le=100)] = 80.0
    critical: Annotated[float, Meta(gt=0, le=100)] = 90.0
