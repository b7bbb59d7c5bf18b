"""What the running server serves, as it says itself: it may not have taken over yet what is due."""

import http.client
import socket
from typing import Any

import msgspec

from ml_server.config import Settings

COMMANDS = ()
_TIMEOUT_S = 5.0


class _Local(http.client.HTTPConnection):
    """A connection to the address where the server listens, be it a socket file."""

    def __init__(self, bind: str) -> None:
        host, _, port = bind.rpartition(":")
        self._path = bind.removeprefix("unix:") if bind.startswith("unix:") else ""
        super().__init__("localhost" if self._path else host.strip("[]"), 80 if self._path else int(port), timeout=_TIMEOUT_S)

    def connect(self) -> None:
        """Connect to the socket file, or to the port."""
        if not self._path:
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT_S)
        self.sock.connect(self._path)


class _Version(msgspec.Struct, frozen=True):
    name: str
    version: str
    digest: str
    is_served: bool
    is_default: bool
    error: str | None = None
    warning: str | None = None


class _Models(msgspec.Struct, frozen=True):
    models: list[_Version]


_MODELS = msgspec.json.Decoder(_Models)


def ask(settings: Settings, path: str) -> tuple[int, bytes] | str:
    """Return status and body of what the running server answers at a path, or why it cannot be asked."""
    connection = _Local(settings.bind)
    headers: dict[str, Any] = {"X-API-Key": settings.api_key} if settings.api_key else {}
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        return f"it does not answer at {settings.bind} ({type(error).__name__})"
    finally:
        connection.close()


def served(settings: Settings) -> list[_Version] | str:
    """Return the versions that the server has, or why it cannot be asked."""
    answer = ask(settings, "/models")
    if isinstance(answer, str):
        return answer
    status, body = answer
    if status != http.HTTPStatus.OK:
        return f"it answers {status} at {settings.bind}"
    try:
        return _MODELS.decode(body).models
    except msgspec.MsgspecError:
        return f"another program answers at {settings.bind}"
