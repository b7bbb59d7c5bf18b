"""Who looks on when a prediction is made: what is kept of answers, and what is counted, hooks in here and nowhere else."""

import logging
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ml_server.model import Model, Result
from ml_server.schemas import Row

_logger = logging.getLogger("ml_server")


class ClientIds(NamedTuple):
    """A client's own ids of an item and of the prediction for it; they may be a person's number."""

    item: str | None = None
    prediction: str | None = None


class Observed(NamedTuple):
    """The rows of one request that were valid, and what the model said to each.

    `places` are the rows' places among the items of the request, from 0 on; `ids` are what the client calls each of them,
    where it calls any by an id; `asked` are the request's body and content type, where `schemas.parse` reads them.
    """

    model: Model
    rows: Sequence[Row]
    results: Sequence[Result]
    places: Sequence[int]
    ids: Sequence[ClientIds] = ()
    asked: tuple[bytes, str] | None = None


class Observer(Protocol):
    """Looks on. It is called before the client has its answer, by whatever thread made it: it must not wait for anything."""

    def observe(self, request_id: str, observed: Observed, elapsed_s: float) -> None:
        """Take in one request that is being answered; the monitor's own probes are left out."""


def tell(observers: Sequence[Observer], request_id: str, observed: Observed, elapsed_s: float) -> None:
    """Tell all; one that fails costs the client nothing."""
    for observer in observers:
        try:
            observer.observe(request_id, observed, elapsed_s)
        except Exception as error:  # noqa: BLE001 - the answer is right all the same; the text may have values of it
            _logger.error("request_id=%s %s failed: %s", request_id, type(observer).__name__, type(error).__name__)
