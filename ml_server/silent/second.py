"""What the version on trial says to a request that was made to another one: its own card checks what the client sent."""

import time
from typing import NamedTuple

from ml_server import schemas
from ml_server.errors import InvalidRequestError, MlServerError
from ml_server.inference import InferenceService
from ml_server.model import Answer
from ml_server.schemas import Item, Row
from ml_server.silent import comparing
from ml_server.silent.comparing import Difference, NotComparableError
from ml_server.silent.ledger import About
from ml_server.silent.wire import Asked
from ml_server.suggestions import Suggestions

# More items than any batch has.
_MOST = 1_000_000


class Compared(NamedTuple):
    """What came of one request: of each row the difference, or why there is none; `busy_us` is the time that it took."""

    rows: list[Difference | str]
    busy_us: float


class Second:
    """The version on trial."""

    def __init__(self, service: InferenceService) -> None:
        self._service = service
        self._model = service.model()
        self._inputs = {wanted.name: wanted for wanted in self._model.card.inputs}

    def compare(self, asked: Asked, about: About) -> Compared:
        """Answer a request of that other version's, and hold the answers against each other."""
        begun = time.thread_time()
        others = {wanted.name for wanted in about.card.inputs} - self._inputs.keys()
        try:
            items = schemas.parse(asked.body, _MOST, asked.content_type).items
            checked = [self._check(items[place], others) for place in asked.places]
            rows = [row for row in checked if isinstance(row, Row)]
            found = iter(self._service.predict(self._model, rows, explain=False) if rows else [])
        except MlServerError as error:
            return Compared([error.code] * len(asked.places), (time.thread_time() - begun) * 1e6)
        results = [next(found) if isinstance(row, Row) else row for row in checked]
        busy_us = (time.thread_time() - begun) * 1e6
        return Compared(
            [
                self._difference(about, numbers, result) if isinstance(result, Answer) else _reason(result)
                for numbers, result in zip(asked.numbers, results, strict=True)
            ],
            busy_us,
        )

    def _check(self, item: Item, others: set[str]) -> Row | str:
        """Return the row of the version on trial, without the inputs that only the other one has; or why there is none."""
        features = item.features
        if isinstance(features, dict):
            features = {name: value for name, value in features.items() if name not in others}
        try:
            return schemas.check_features(features, self._model.card, Suggestions(), item.beside)
        except InvalidRequestError as error:
            is_missing = isinstance(features, dict) and any(
                wanted.is_required and features.get(name) is None for name, wanted in self._inputs.items()
            )
            return "not_given" if is_missing else error.code

    def _difference(self, about: About, numbers: list[float], answer: Answer) -> Difference | str:
        try:
            return comparing.compare(about.card, numbers, self._model.card, answer.numbers)
        except NotComparableError:
            return "not_comparable"


def _reason(result: str | MlServerError) -> str:
    return result if isinstance(result, str) else result.code
