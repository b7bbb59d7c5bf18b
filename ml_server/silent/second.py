"""What the version on trial says to requests that were made to another one: its own card checks what the client sent."""

import contextlib
import time
from collections.abc import Sequence
from typing import NamedTuple

from ml_server import schemas
from ml_server.errors import InvalidRequestError, MlServerError
from ml_server.inference import InferenceService
from ml_server.lane import lane_of
from ml_server.model import Answer, Result
from ml_server.schemas import Item, Row
from ml_server.silent import comparing
from ml_server.silent.comparing import Difference, NotComparableError
from ml_server.silent.ledger import About
from ml_server.silent.wire import Asked
from ml_server.suggestions import Suggestions

# More items than any batch has.
_MOST = 1_000_000
# What is answered together: so many rows, so many values, and no longer than this, in seconds.
_GROUP_ROWS, _GROUP_VALUES, _GROUP_S = 64, 1_000_000, 0.005
# The place of a difference that is none but for the last bits, among `comparing.EDGES`.
_TRIFLE = 1


class Compared(NamedTuple):
    """What came of one request: of each row the difference, or why there is none; `busy_us` is its share of the time."""

    rows: list[Difference | str]
    busy_us: float


class Second:
    """The version on trial."""

    def __init__(self, service: InferenceService) -> None:
        self._service = service
        self._model = service.model()
        self._inputs = {wanted.name: wanted for wanted in self._model.card.inputs}
        self._lane = lane_of(self._model.card)
        by_time = int(_GROUP_S / self._model.pace.seconds) if self._model.pace.seconds else _GROUP_ROWS
        # How many rows it is best asked for at once.
        self.group_rows = max(1, min(_GROUP_ROWS, by_time, _GROUP_VALUES // self._model.row_size))

    def compare(self, group: Sequence[tuple[Asked, About]]) -> list[Compared]:
        """Answer requests of other versions', all at once, and hold the answers against each other."""
        begun = time.thread_time()
        read = [self._read(asked, about) for asked, about in group]
        try:
            answered = self._answer(read)
        except MlServerError as error:
            if len(group) > 1:
                return [compared for each in group for compared in self.compare([each])]
            answered = [[error.code if isinstance(row, Row) else row for row in rows] for rows in read]
        each_us = (time.thread_time() - begun) * 1e6 / sum(map(len, read))
        compared = []
        for (asked, about), rows, results in zip(group, read, answered, strict=True):
            found = self._differences(about, asked, results)
            # In company some models put out other last bits: whether there is a difference is seen as the other one was asked.
            if len(group) > 1 and any(not isinstance(each, str) and each.size == _TRIFLE for each in found):
                with contextlib.suppress(MlServerError):
                    found = self._differences(about, asked, *self._answer([rows]))
            compared.append(Compared(found, each_us * len(rows)))
        return compared

    def _read(self, asked: Asked, about: About) -> list[Row | str]:
        """Return the rows of the version on trial, or why there is none."""
        row = self._lane.row(asked.body) if self._lane is not None else None
        if row is not None:
            return [row]
        others = {wanted.name for wanted in about.card.inputs} - self._inputs.keys()
        try:
            items = schemas.parse(asked.body, _MOST, asked.content_type).items
        except MlServerError as error:
            return [error.code] * len(asked.places)
        return [self._check(items[place], others) for place in asked.places]

    def _answer(self, read: Sequence[Sequence[Row | str]]) -> list[list[Result | str]]:
        rows = [row for each in read for row in each if isinstance(row, Row)]
        found = iter(self._service.predict(self._model, rows, explain=False) if rows else [])
        return [[next(found) if isinstance(row, Row) else row for row in each] for each in read]

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

    def _differences(self, about: About, asked: Asked, results: Sequence[Result | str]) -> list[Difference | str]:
        return [
            self._difference(about, numbers, result) if isinstance(result, Answer) else _reason(result)
            for numbers, result in zip(asked.numbers, results, strict=True)
        ]

    def _difference(self, about: About, numbers: list[float], answer: Answer) -> Difference | str:
        try:
            return comparing.compare(about.card, numbers, self._model.card, answer.numbers)
        except NotComparableError:
            return "not_comparable"


def _reason(result: str | MlServerError) -> str:
    return result if isinstance(result, str) else result.code
