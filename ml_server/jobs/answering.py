"""The answer to a long job: that of `/predict`, to a batch as if its pieces had been sent one after the other.

A piece has as many items as `/predict` takes: so the numbers are the same to the last bit, and a job that was put down goes on
where it was.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from ml_server import decoding, prediction
from ml_server.inference import InferenceService
from ml_server.observing import Observed
from ml_server.prediction import Progress
from ml_server.storage.jobs import Job

# What one run of the model may take, in seconds.
PIECE_S = 3600.0
_Answer = dict[str, Any]


class Piece(NamedTuple):
    """What is done of a batch since the piece before: its entries of `results`, as JSON without the brackets around them.

    `observed` is for those who look on: its places are those in the whole batch; None where no row of it was valid.
    """

    number: int
    entries: bytes
    rows_done: int
    observed: Observed | None


class _Batch(NamedTuple):
    """The body of a batch, taken apart as it was sent: a number that is written otherwise could be another one."""

    rest: dict[str, bytes]
    items: list[bytes]

    @classmethod
    def of(cls, body: bytes) -> "_Batch | None":
        """Return it, or None where it is the body of one request; it has been seen to be right."""
        try:
            rest = {key: bytes(value) for key, value in msgspec.json.decode(body, type=dict[str, msgspec.Raw]).items()}
            raws = msgspec.json.decode(rest["items"], type=list[msgspec.Raw]) if "items" in rest else []
            items = [bytes(raw) for raw in raws]
        except msgspec.MsgspecError:  # it knows no half of a surrogate pair, which Python does
            data = decoding.decode(body)
            rest = {key: json.dumps(value).encode() for key, value in data.items() if not isinstance(value, msgspec.Raw)}
            items = [json.dumps(item).encode() for item in data.get("items", ())]
        return cls(rest, items) if "items" in rest else None

    def piece(self, begin: int, end: int) -> bytes:
        """Return the body of a batch with these items only."""
        parts = {**self.rest, "items": b"[" + b",".join(self.items[begin:end]) + b"]"}
        return b"{" + b",".join(json.dumps(key).encode() + b":" + value for key, value in parts.items()) + b"}"


class _Entry(msgspec.Struct):
    """What an entry of `results` says of itself."""

    ok: bool


_ENTRIES = msgspec.json.Decoder(list[_Entry])


class Answering:
    """The work on one job: `pieces` does it, and `answer` is what came of it.

    Attributes:
        answered: how many of its rows have an answer so far, those that were answered before it was put down among them.
        observed: what came of the last piece, as `Piece.observed`.
    """

    def __init__(self, job: Job, body: bytes, service: InferenceService, done: Sequence[bytes]) -> None:
        """`done` are the entries of the pieces that were answered before."""
        self._job = job
        self._body = body
        self._service = service
        self._done = list(done)
        self._last: _Answer = {}
        self.answered = 0
        self.observed: Observed | None = None

    def pieces(self) -> Iterator[Piece]:
        """Yield what is to be kept, one piece after the other; nothing where there is but one.

        Raises:
            MlServerError: see `prediction.predict`.
        """
        job = self._job
        batch = None if job.content_type.lower().startswith(decoding.FORM) else _Batch.of(self._body)
        if batch is None:
            self._last = {"": msgspec.Raw(self._predict(self._body, job.content_type, 0))}
            return
        starts = range(0, len(batch.items), job.piece_rows)
        # The last one is answered again in any case: what stands around the results is its.
        del self._done[len(starts) - 1 :]
        self.answered = sum(entry.ok for entries in self._done for entry in _ENTRIES.decode(b"[" + entries + b"]"))
        inference_ms = 0.0
        for number in range(len(self._done), len(starts)):
            start = starts[number]
            piece = batch.piece(start, start + job.piece_rows)
            self._last = msgspec.json.decode(self._predict(piece, decoding.JSON, start))
            inference_ms += self._last["inference_ms"]
            entries = [{**entry, "index": start + entry["index"]} for entry in self._last["results"]]
            self._done.append(msgspec.json.encode(entries)[1:-1])
            if number + 1 < len(starts):
                yield Piece(number, self._done[-1], start + len(entries), self.observed)
        self._last["inference_ms"] = round(inference_ms, 3)

    @property
    def answer(self) -> bytes:
        """Return what `/predict` would have answered."""
        if "" in self._last:
            return bytes(self._last[""])
        return msgspec.json.encode({**self._last, "results": msgspec.Raw(b"[" + b",".join(self._done) + b"]")})

    def _predict(self, body: bytes, content_type: str, start: int) -> bytes:
        """Answer what begins at that place of the batch."""
        job, progress = self._job, Progress()
        answer = prediction.predict(body, job.request_id, self._service, job.piece_rows, progress, content_type=content_type)
        self.answered += progress.answered
        seen = progress.observed
        self.observed = seen and seen._replace(places=[start + place for place in seen.places], asked=None)
        return answer
