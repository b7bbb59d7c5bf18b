"""From answers to tensors, and what a model's are."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from ml_server.card import Card
from ml_server.errors import Detail, InvalidRequestError, MlServerError
from ml_server.model import Answer, Result
from ml_server.oip.messages import BYTES, OutputTensor, OutputWish, Parameter, TensorMetadata
from ml_server.oip.wire import ALL_WANTED, WANTED

Rendered = dict[str, Any]
# What a tensor has.
_TOLD = ("prediction", "confidence", "predictions", "embedding")
_FLOATS = {"classification": "probabilities", "multi_label": "probabilities", "regression": "values", "embedding": "embedding"}
_PREDICTION, _ANSWER = "prediction", "answer"
_MOST_ROWS = 10


def metadata(card: Card) -> list[TensorMetadata]:
    """Return the outputs of a model: its numbers, the prediction where that is words, and the whole answer as JSON."""
    numbers = _FLOATS[card.task]
    names: dict[str, Parameter] = {"names": _json(card.answers)} if card.answers else {}
    found = [TensorMetadata(numbers, "FP64", [-1, len(card.answers) or -1], names)]
    if numbers == "probabilities":
        what = "the likeliest class" if card.task == "classification" else "the labels that are likelier than not, as JSON"
        found.append(TensorMetadata(_PREDICTION, BYTES, [-1, 1], {"description": what}))
    told = "all that POST /predict answers of a row, as JSON"
    return [*found, TensorMetadata(_ANSWER, BYTES, [-1, 1], {"description": told})]


def wanted(card: Card, wishes: Sequence[OutputWish], parameters: dict[str, Any]) -> tuple[list[TensorMetadata], list[bool]]:
    """Return the outputs that are asked for, or all, and for each whether as bytes.

    Raises:
        InvalidRequestError: there is no such output, or one is asked for twice.
    """
    known = {each.name: each for each in metadata(card)}
    is_all = parameters.get(ALL_WANTED, False)
    problems = [] if isinstance(is_all, bool) else [Detail(f"parameters.{ALL_WANTED}", "must be true or false")]
    problems += [
        Detail(f"outputs[{number}]", f"is not an output of this model: {', '.join(known)}")
        for number, wish in enumerate(wishes)
        if wish.name not in known
    ]
    if len({wish.name for wish in wishes}) != len(wishes):
        problems.append(Detail("outputs", "have the same name twice"))
    if not all(isinstance(wish.parameters.get(WANTED, False), bool) for wish in wishes):
        problems.append(Detail("outputs", f"must have true or false as {WANTED}"))
    if problems:
        raise InvalidRequestError("the request is not valid", tuple(problems))
    if not wishes:
        return list(known.values()), [is_all] * len(known)
    return [known[wish.name] for wish in wishes], [wish.parameters.get(WANTED, is_all) for wish in wishes]


def answers_of(results: Iterable[Result]) -> list[Answer]:
    """Return the answers to all rows: the protocol knows no answer to some.

    Raises:
        InvalidRequestError: a row has wrong features; names every one and its rows.
        ModelFaultError: the model has no answer to a row.
    """
    answers: list[Answer] = []
    refused: list[tuple[int, InvalidRequestError]] = []
    failed: list[tuple[int, MlServerError]] = []
    for row, result in enumerate(results):
        if isinstance(result, Answer):
            answers.append(result)
        elif isinstance(result, InvalidRequestError):
            refused.append((row, result))
        else:
            failed.append((row, result))
    if refused:
        why = dict.fromkeys(error.message for _, error in refused if error.details) or ["the features are not valid"]
        raise InvalidRequestError(f"{'; '.join(why)} (rows are counted from 0)", tuple(_together(refused)))
    if failed:
        row, error = failed[0]
        raise type(error)(f"row {row}: {error.message}")
    return answers


def _together(refused: Iterable[tuple[int, InvalidRequestError]]) -> list[Detail]:
    """Return every problem once, with all the rows that have it."""
    rows: dict[Detail, list[int]] = {}
    for row, error in refused:
        for detail in error.details or (Detail("", error.message),):
            rows.setdefault(detail, []).append(row)
    return [Detail(f"{_rows(numbers)}: {detail.field}".rstrip(": "), detail.problem) for detail, numbers in rows.items()]


def _rows(numbers: Sequence[int]) -> str:
    told = ", ".join(map(str, numbers[:_MOST_ROWS]))
    rest = f" and {len(numbers) - _MOST_ROWS} more" if len(numbers) > _MOST_ROWS else ""
    return f"row{'s' * (len(numbers) > 1)} {told}{rest}"


def tensors(outputs: Iterable[TensorMetadata], answers: Sequence[Answer], rendered: Sequence[Rendered]) -> list[OutputTensor]:
    """Return the tensors that are asked for, out of the answers and what is told of them."""
    texts: dict[str, Callable[[Rendered], str]] = {_PREDICTION: _prediction, _ANSWER: _json}
    found = []
    for output in outputs:
        if output.name in texts:
            data: list[float | str] = [texts[output.name](each) for each in rendered]
            width = 1
        else:
            data = [number for answer in answers for number in answer.numbers]
            width = len(answers[0].numbers)
        names = {key: value for key, value in output.parameters.items() if key == "names"}
        found.append(OutputTensor(output.name, output.datatype, [len(answers), width], names, data))
    return found


def beside(rendered: Sequence[Rendered]) -> dict[str, str]:
    """Return what belongs to the answers without being one of their numbers, by key: each the JSON of a list of all rows."""
    keys = dict.fromkeys(key for each in rendered for key in each if key not in _TOLD)
    return {key: _json([each.get(key) for each in rendered]) for key in keys}


def _prediction(rendered: Rendered) -> str:
    prediction = rendered[_PREDICTION]
    return prediction if isinstance(prediction, str) else _json(prediction)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
