"""Types that the options of several probes share: a number that makes no sense is refused at start."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Percent = Annotated[float, Meta(ge=0, le=100)]
Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=1)]
Text = Annotated[str, Meta(min_length=1)]
Address = Annotated[str, Meta(pattern=r"^https?://[^\s]+$", description="an http:// or https:// address")]
Units = Annotated[tuple[Text, ...], Meta(min_length=1)]

STACK_UNITS = ("nginx", "gunicorn_django", "gunicorn_flask")
