"""What may be said of an exception: which it is, and the system's words for its number. Its text can quote anything."""

from __future__ import annotations

import errno
import os
import ssl

from monitor_blueprint.domain.text import Private, Public, class_name, private, word

_SYSTEMS_WORDS = {number: os.strerror(number) for number in errno.errorcode}


def reason_of(error: BaseException) -> Public:
    """Return the system's own words for the error where it has a number of those, else the name of its class."""
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.errno is not None:
        return word(_SYSTEMS_WORDS.get(error.errno, ""), _SYSTEMS_WORDS.values()) or class_name(error)
    return class_name(error)


def detail_of(error: BaseException) -> Private:
    """Return all that the exception says, for this machine's administrators."""
    return private(str(error) or type(error).__name__)
