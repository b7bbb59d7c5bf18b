"""Types that the options of several checks share: a number that makes no sense is refused at start."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from monitor_blueprint.domain.models import Thresholds

Percent = Annotated[float, Meta(ge=0, le=100)]
Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=1)]
Text = Annotated[str, Meta(min_length=1)]
_LABEL = r"[^\s\x00-\x1f\x7f/?#@:.%\[\]\\<>\"^`{|}]{1,63}"
# The numbers of an IPv6 address, with at most one "::", and the zone of a link-local one.
_IPV6 = r"\[(?!:[^:])(?!\S*::\S*::)(?!\S*:::)(?=\S*:)[0-9A-Fa-f:.]{2,45}(?:%25[A-Za-z0-9._~-]+)?\]"
_PORT = r"(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_TCP = rf"https?://(?:{_LABEL}(?:\.{_LABEL})*\.?|{_IPV6})(?::{_PORT})?(?:[/?#][^\s\x00-\x1f\x7f]*)?"
# The system takes at most 107 bytes.
_SOCKET = r"http\+unix://%2[Ff](?:%[0-9A-Fa-f]{2}|[^\s\x00-\x1f\x7f/?#%]){1,106}(?:/[^\s\x00-\x1f\x7f]*)?"
_ADDRESS = rf"{_TCP}|{_SOCKET}"
_ADDRESSES = (
    "an http://, https:// or http+unix://%2Frun%2Fsite.sock/ address (%2F for each / of the socket's path): "
    "a host, a port from 1 to 65535 or none, no user or password, no blank"
)
Address = Annotated[str, Meta(pattern=rf"^(?:{_ADDRESS})\Z", description=_ADDRESSES)]
AddressOrNone = Annotated[str, Meta(pattern=rf"^(?:{_ADDRESS})?\Z", description=f"{_ADDRESSES}, or empty")]
_NAME = rf"{_LABEL}(?:\.{_LABEL})*\.?"
_HOST = rf"{_NAME}|(?=[^\s]*:)[0-9A-Fa-f:.]{{2,45}}(?:%[A-Za-z0-9._~-]+)?|/[^\x00-\x1f\x7f]{{1,106}}"
_HOSTS = "the name or address of a host (no scheme, no port), or the path of a unix socket"
Host = Annotated[str, Meta(pattern=rf"^(?:{_HOST})\Z", description=_HOSTS)]
HostName = Annotated[str, Meta(pattern=rf"^(?:{_NAME})?\Z", description="the name of a site, or empty")]
Units = Annotated[tuple[Text, ...], Meta(min_length=1)]

STACK_UNITS = ("nginx", "gunicorn_django", "gunicorn_flask")


class LimitOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Limits of a value in percent; the user's guide has 80 and 90.

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


class ShareOptions(LimitOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Limits of a share that cannot be more than 100 %: one above that would never be reached."""

    warning: Annotated[float, Meta(gt=0, le=100)] = 80.0
    critical: Annotated[float, Meta(gt=0, le=100)] = 90.0
