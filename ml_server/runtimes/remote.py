"""Models behind another server that speaks the Open Inference Protocol (V2) over HTTP, such as Triton, KServe or MLServer.

The model's file is a JSON object: `url` (as `http://127.0.0.1:8080`), `model`, and `version` unless the server chooses.
https://github.com/kserve/open-inference-protocol
"""

import http.client
import socket
import threading
import urllib.parse
import weakref
from typing import Annotated, Any

import msgspec
import numpy as np

from ml_server.card import Card
from ml_server.deadlines import DeadlineWatch
from ml_server.errors import BrokenModelError, ModelFaultError, ModelUnavailableError, PredictionTimeoutError
from ml_server.runtimes import Runtime
from ml_server.tensors import TEXT, Array, Tensors, TensorSpec

_LOAD_TIMEOUT_S = 10.0
_MAX_ANSWER_BYTES = 64 * 1024 * 1024
_DTYPES = {"BOOL": "bool", "BYTES": TEXT, "FP16": "float16", "FP32": "float32", "FP64": "float64"} | {
    f"{sign}INT{bits}": f"{sign.lower()}int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)
}
_DATATYPES = {dtype: datatype for datatype, dtype in _DTYPES.items()}


class Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the model is."""

    url: Annotated[str, msgspec.Meta(pattern=r"^https?://[^/?#@\s]+/?$")]
    model: Annotated[str, msgspec.Meta(min_length=1)]
    version: str | None = None


_ADDRESS = msgspec.json.Decoder(Address)


class _Tensor(msgspec.Struct):
    name: str
    datatype: str
    shape: list[int]
    data: list[Any] = []


class _Metadata(msgspec.Struct):
    inputs: Annotated[list[_Tensor], msgspec.Meta(min_length=1)]
    outputs: Annotated[list[_Tensor], msgspec.Meta(min_length=1)]


_METADATA = msgspec.json.Decoder(_Metadata)


class _Inferred(msgspec.Struct):
    outputs: list[_Tensor]


_INFERRED = msgspec.json.Decoder(_Inferred)


class _Kept:
    """A thread's connection, which is closed with the thread or the runtime, whichever ends first."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self.connection = connection
        weakref.finalize(self, connection.close)


class RemoteRuntime:
    """A model that is run elsewhere; each thread keeps a connection of its own."""

    notes: tuple[str, ...] = ()

    def __init__(self, address: Address) -> None:
        """Ask the server what its model reads and puts out.

        Raises:
            ModelUnavailableError: it does not answer.
            BrokenModelError: it has no such model, or does not speak the protocol.
        """
        self._url = urllib.parse.urlsplit(address.url)
        version = f"/versions/{urllib.parse.quote(address.version, safe='')}" if address.version else ""
        self._path = f"/v2/models/{urllib.parse.quote(address.model, safe='')}{version}"
        self._own = threading.local()
        self._deadlines = DeadlineWatch()
        try:
            described = _METADATA.decode(self._ask("GET", self._path, None, _LOAD_TIMEOUT_S))
            self.inputs = tuple(map(_spec, described.inputs))
            self.outputs = tuple(map(_spec, described.outputs))
        except (msgspec.DecodeError, ModelFaultError) as error:
            raise BrokenModelError(f"the server at {address.url} does not know or tell the model {address.model}") from error
        except PredictionTimeoutError as error:
            raise ModelUnavailableError(f"the server at {address.url} does not answer") from error

    def run(self, tensors: Tensors, output: str, timeout_s: float) -> Array:
        """Return one output, as the other server has computed it.

        Raises:
            PredictionTimeoutError: it took longer than `timeout_s` seconds.
            ModelUnavailableError: it cannot be reached, or is itself at fault.
            ModelFaultError: it refuses the tensors, or answers something else than the output.
        """
        inputs = [
            {"name": name, "datatype": self._datatype(name), "shape": array.shape, "data": array.ravel().tolist()}
            for name, array in tensors.items()
        ]
        body = msgspec.json.encode({"inputs": inputs, "outputs": [{"name": output}]})
        answered = self._ask("POST", f"{self._path}/infer", body, timeout_s)
        try:
            found = next(each for each in _INFERRED.decode(answered).outputs if each.name == output)
            return np.array(found.data, dtype=_DTYPES[found.datatype]).reshape(found.shape)
        except (msgspec.DecodeError, StopIteration, KeyError, ValueError, TypeError) as error:
            raise ModelFaultError("the remote server has answered something else than the model's output") from error

    def _datatype(self, name: str) -> str:
        return next(_DATATYPES[spec.dtype] for spec in self.inputs if spec.name == name)

    def _ask(self, method: str, path: str, body: bytes | None, timeout_s: float) -> bytes:
        has_timed_out = False
        connection = self._connection()

        def give_up() -> None:
            nonlocal has_timed_out
            has_timed_out = True
            if connection.sock is not None:
                connection.sock.shutdown(socket.SHUT_RDWR)

        connection.timeout = timeout_s
        try:
            with self._deadlines.limit(timeout_s, give_up):
                content = self._exchange(connection, method, path, body, timeout_s)
            if has_timed_out:  # what was read is a part
                raise TimeoutError
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            if has_timed_out or isinstance(error, TimeoutError):
                raise PredictionTimeoutError(f"the model took longer than {timeout_s:g} s") from None
            raise ModelUnavailableError("the remote server of the model does not answer") from error
        return content

    def _exchange(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None, timeout_s: float
    ) -> bytes:
        """Return the body of a good answer; a kept connection that was closed meanwhile is opened anew, once."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        is_kept = connection.sock is not None
        if connection.sock is not None:
            connection.sock.settimeout(timeout_s)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
        except (ConnectionError, http.client.RemoteDisconnected):
            connection.close()
            if not is_kept:
                raise
            connection.request(method, path, body, headers)
            response = connection.getresponse()
        content = response.read(_MAX_ANSWER_BYTES + 1)
        if response.status >= 500:
            raise ModelUnavailableError(f"the remote server of the model has answered {response.status}")
        if response.status != 200 or len(content) > _MAX_ANSWER_BYTES:
            connection.close()
            raise ModelFaultError(f"the remote server of the model has answered {response.status}, {len(content)} bytes")
        return content

    def _connection(self) -> http.client.HTTPConnection:
        kept: _Kept | None = getattr(self._own, "kept", None)
        if kept is None:
            kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
            kept = self._own.kept = _Kept(kind(self._url.netloc, timeout=_LOAD_TIMEOUT_S))
        return kept.connection


def _spec(tensor: _Tensor) -> TensorSpec:
    shape = tuple(None if size < 0 else size for size in tensor.shape)
    return TensorSpec(tensor.name, _DTYPES.get(tensor.datatype, tensor.datatype), shape)


def load(model: bytes, card: Card) -> Runtime:
    """Return a runtime for the address in the bytes of a model's file.

    Raises:
        BrokenModelError: the file is no address, or the server has no such model.
        ModelUnavailableError: the server does not answer now.
    """
    try:
        address = _ADDRESS.decode(model)
    except msgspec.DecodeError as error:
        raise BrokenModelError(f"{card.file}: {error}") from error
    return RemoteRuntime(address)
