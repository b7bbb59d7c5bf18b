"""What is known of a request for a prediction before its body: who asks what, under which id."""

import os
import re
import time
from collections.abc import Callable

from ml_server.decoding import JSON
from ml_server.oip.address import Target
from ml_server.prediction import Progress

# It is logged: one with six digits in a row, whatever parts them, may be the number of a person (of a resident, a telephone, a
# chart), unless it is a UUID or a long hexadecimal number, as proxies make them.
_REQUEST_ID = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[0-9]*[a-f])[0-9a-f]{16,64}|(?!.*[0-9](?:[._-]*[0-9]){5})[a-z0-9._-]{1,64}",
    re.IGNORECASE | re.ASCII,
)
# As what the monitor of this machine introduces itself.
MONITOR = "neuronova-monitor"
_FORWARDED = ("x-forwarded-for", "x-real-ip", "forwarded", "via")


class Head:
    """What `/predict` needs to know of a request besides its body; `field` returns a header by its lower-case name.

    `client` is the address that it came from; empty for a unix socket. `target` is what is asked in the Open Inference Protocol.
    """

    __slots__ = ("content_type", "field", "is_probe", "json_length", "length", "progress", "request_id", "started", "target")

    def __init__(
        self, field: Callable[[str], str], length: int, request_id: str, client: str, target: Target | None = None
    ) -> None:
        self.target = target
        self.field = field
        self.content_type = JSON
        self.is_probe = is_probe(field, client)
        self.json_length = ""
        self.length = length
        self.request_id = request_id
        self.started = time.perf_counter()
        self.progress = Progress()


def request_id_of(given: str) -> str:
    """Return the id that a client gave its request, if it is one and no number of a person, or else a new one."""
    return given if _REQUEST_ID.fullmatch(given) else _made_id()


def _made_id() -> str:
    """Return 32 hexadecimal digits: milliseconds since 1970 and 80 random bits, in that order as in a UUID of version 7.

    What is kept by such ids is written one beside the other (RFC 9562, 2.1), and not all over the disk.
    """
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"


def is_probe(field: Callable[[str], str], client: str) -> bool:
    """Tell whether it is the monitor of this machine that asks, on its own behalf.

    Nobody becomes one unawares: a proxy passes its visitors' User-Agent on, but says so in another header.
    """
    return (
        field("user-agent") == MONITOR
        and (not client or client == "::1" or client.startswith("127."))
        and not any(map(field, _FORWARDED))
    )
