"""Everything that is tried before a model may be served, and every finding of it.

It tries what serving does: the golden samples one by one, the same again, all together, and explained; then people who are
made up, who must get an answer wherever the card calls them ordinary. Whether the golden samples could tell a wrong card
from the right one is asked in `coverage`.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from ml_server.card import CARD_FILE, Card, GoldenSample
from ml_server.card_form import IS_EMPTY
from ml_server.errors import InvalidRequestError, MlServerError
from ml_server.model import UNEXPLAINED, Model, open_model
from ml_server.repository import Entry
from ml_server.schemas import Row
from ml_server.verification import asking, coverage, probe_rows
from ml_server.verification.asking import ModelFailure, Numbers, Questions
from ml_server.verification.findings import Finding, listed

OUT_OF_MEMORY = "MemoryError"
# How onnxruntime and numpy say that there is no more memory.
_MEMORY_SIGNS = ("bad_alloc", "bad allocation", "Failed to allocate", OUT_OF_MEMORY, "Unable to allocate", "start new thread")
_PEOPLE = 64
_COVERAGE_S = 20.0
_PEOPLE_S = 10.0


def verify(entry: Entry) -> list[Finding]:
    """Return everything that is wrong with a model, as far as it can be found in one go.

    In this process: see `apart` for limits of memory and time.
    """
    return [each for each in findings(entry) if isinstance(each, Finding)]


def findings(entry: Entry) -> Iterator[Finding | str]:
    """Yield everything that is wrong with a model, each as soon as it is found, and in between what is tried next."""
    if entry.card is None or entry.error:
        yield from _unread(entry)
        return
    yield "while it was loaded"
    try:
        model = open_model(entry)
    except MlServerError as error:
        yield broken("model", words_of(error))
        return
    fixed = [spec for spec in model.runtime.inputs if spec.shape and (spec.shape[0] or 1) > 1]
    if fixed:
        told = f"the model was exported for {fixed[0].shape[0]} rows at a time, no more and no fewer ({fixed[0].name})"
        yield Finding("batch", told, "a model for batches of any size", "export it with an open batch size (dynamic axes)")
        return
    yield "while its golden samples were tried"
    card = model.card
    good: list[GoldenSample] = []
    samples: list[Row] = []
    answers: list[Numbers] = []
    for number in range(len(card.golden_samples)):
        found = _try_sample(model, number)
        if isinstance(found, list):
            yield from found
        else:
            row, answer, wrong = found
            good.append(card.golden_samples[number])
            samples.append(row)
            answers.append(answer)
            yield from wrong
    if not samples:
        return
    yield from _one_row(model)
    yield from _again(model, samples, answers)
    takes_many, wrong = _together(model, samples, answers)
    yield from wrong
    if takes_many:
        yield from _explained(model, samples)
    yield "while it was asked about people in the card's ranges"
    yield from _people(model, good, takes_many=takes_many)
    if len(good) == len(card.golden_samples):
        questions = Questions(model, takes_many=takes_many, within_s=_COVERAGE_S)
        yield from coverage.findings(card, samples, answers, questions)


def _unread(entry: Entry) -> Iterator[Finding]:
    """Yield what is wrong with a card or a file that cannot even be read."""
    empty = [detail.field for detail in entry.details if detail.problem == IS_EMPTY]
    if len(empty) > 1:
        found = f"{len(empty)} fields are empty ({listed(empty)}): only a person can say it"
        remedy = f"fill in packed/{entry.name}/describe.toml and pack again; without this form, fill them in here"
        yield Finding(CARD_FILE, found, "a card that can be read", remedy)
    for detail in entry.details:
        if len(empty) < 2 or detail.problem != IS_EMPTY:
            yield Finding(detail.field, detail.problem, "a card that can be read", "correct it in model.json")
    if not entry.details:
        yield broken(CARD_FILE if entry.card is None else "model", entry.error or "it has no card")


def broken(field: str, message: str, remedy: str = "put that right, or pack the model anew") -> Finding:
    """Return what was found where a model could not even be loaded; the message says what is wrong."""
    return Finding(field, message, "a model that can be loaded", remedy)


def words_of(error: BaseException) -> str:
    """Return what an error says, and that memory ran out where its cause says so."""
    cause = str(error.__cause__) if error.__cause__ else ""
    return f"{error} ({OUT_OF_MEMORY})" if any(sign in cause for sign in _MEMORY_SIGNS) else str(error)


def is_about_memory(finding: Finding) -> bool:
    """Tell whether it is memory that the model has not got enough of."""
    return any(sign in finding.found for sign in _MEMORY_SIGNS)


def _try_sample(model: Model, number: int) -> tuple[Row, Numbers, list[Finding]] | list[Finding]:
    """Return a golden sample, its answer, and what is wrong with that; or why there is no answer."""
    card = model.card
    path = f"golden_samples[{number}]"
    try:
        row = asking.row_of(card.golden_samples[number].features, card)
    except InvalidRequestError as error:
        remedy = "a golden sample is a request that is accepted: correct it or the input"
        return [
            Finding(f"{path}.features.{each.field}", each.problem, "a value that is accepted", remedy) for each in error.details
        ]
    standing = model.weighing.stand(row)
    if isinstance(standing, InvalidRequestError):
        remedy = "a golden sample is a request that is answered: take one that is nearer to the training data, or more complete"
        return [Finding(path, f"would be refused: {standing.message}", "a request that is answered", remedy)]
    try:
        (answer,) = asking.ask(model, [row])
    except ModelFailure as failure:
        return [Finding(path, f"the model fails ({failure})", "an answer", "export the model anew and try it with onnxruntime")]
    expected = asking.expected_of(model, number)
    if answer is None:
        (got,) = model.numbers([row], asking.RUN_TIMEOUT_S)
        return [Finding(path, f"got {_told(card, got)}, which is no answer", _told(card, expected), _NO_ANSWER)]
    if asking.is_near(answer, expected, card.golden_tolerance):
        return row, answer, []
    wanted = f"{_told(card, expected)}, within {card.golden_tolerance:g}"
    remedy = (
        "ask the library that made the model: if the expected answer is right, the file is another model, or the card names its"
        " columns or classes in another order"
    )
    return row, answer, [Finding(f"{path}.expected", f"got {_told(card, answer)}", wanted, remedy)]


_NO_ANSWER = (
    "where these are logits, say softmax or sigmoid in output.activation; a model that gives NaN for ordinary values has to be"
    " mended where it was made, or minimum and maximum be drawn closer"
)


def _told(card: Card, numbers: Sequence[float]) -> str:
    names = card.answers
    pairs = (
        [f"{name} {value:.6g}" for name, value in zip(names, numbers, strict=True)] if names else [f"{n:.6g}" for n in numbers]
    )
    return listed(pairs, 8)


def _again(model: Model, samples: Sequence[Row], answers: Sequence[Numbers]) -> Iterator[Finding]:
    for number, (row, before) in enumerate(zip(samples, answers, strict=True), start=1):
        try:
            (answer,) = asking.ask(model, [row])
        except ModelFailure as failure:
            yield Finding("model", f"asked the same again it fails ({failure})", "the same answer", "export it for inference")
            return
        if not asking.is_same(answer, before):
            found = f"asked the same twice, it answers {_told(model.card, before)} and then {_told(model.card, answer or ())}"
            yield Finding(
                "model",
                f"golden sample {number}: {found}" if answer else f"golden sample {number}: asked again, it has no answer",
                "the same answer to the same question",
                "export it for inference (`model.eval()`, training=False): dropout and random numbers must be off",
            )
            return


def _one_row(model: Model) -> Iterator[Finding]:
    """Yield that the model was exported for batches of one, unless its card says so."""
    names = [spec.name for spec in model.runtime.inputs if spec.takes_one_row]
    if names and model.card.batch != "row_by_row":
        found = f"the model was exported for one row at a time ({listed(names)})"
        yield Finding("batch", found, "a model for batches of any size, or a card that says otherwise", _ROW_BY_ROW)


_ROW_BY_ROW = 'write "batch": "row_by_row" into the card, or export the model with an open batch size (dynamic axes)'


def _together(model: Model, samples: Sequence[Row], answers: Sequence[Numbers]) -> tuple[bool, list[Finding]]:
    """Return whether the model takes several rows in one run, and what is wrong with that."""
    rows, alone = list(samples), list(answers)
    if len(rows) == 1:
        rows, alone = rows * 2, alone * 2
    try:
        together = asking.ask(model, rows)
    except ModelFailure as failure:
        found = f"it takes one row at a time: {len(rows)} rows in one run fail ({failure})"
        return False, [Finding("batch", found, "batches, or a card that says otherwise", _ROW_BY_ROW)]
    for number, (one, other) in enumerate(zip(alone, together, strict=True), start=1):
        if not asking.is_same(one, other):
            told = "no answer" if other is None else _told(model.card, other)
            found = f"golden sample {number}: alone it answers {_told(model.card, one)}, in a batch {told}"
            remedy = "export it for inference: nothing may be computed over the batch, such as its mean (batch normalisation)"
            return True, [Finding("batch", found, "the same answer alone and in a batch", remedy)]
    return True, []


def _explained(model: Model, samples: Sequence[Row]) -> Iterator[Finding]:
    for number, row in enumerate(samples[:8], start=1):
        try:
            (answer,) = asking.run(model, [row], explain=True)
        except ModelFailure as failure:
            remedy = "an explanation asks about the same person with each input at its median: those must be answered too"
            yield Finding("model", f"golden sample {number}: explained it fails ({failure})", "an explained answer", remedy)
            return
        importance = getattr(answer, "importance", None) or {}
        is_unexplained = isinstance(answer, InvalidRequestError) or UNEXPLAINED in getattr(answer, "warnings", ())
        wrong = [name for name, value in importance.items() if not math.isfinite(value)]
        if is_unexplained or wrong:
            found = f"golden sample {number}: no explanation{f' of {listed(wrong)}' if wrong else ''}"
            yield Finding("model", found, "an answer for each input at its median", _NO_ANSWER)
            return


def _people(model: Model, samples: Sequence[GoldenSample], *, takes_many: bool) -> Iterator[Finding]:
    """Ask for people in the card's own ranges, the ends of each range among them."""
    card = model.card
    questions = Questions(model, takes_many=takes_many, within_s=_PEOPLE_S)
    try:
        base = asking.row_of(samples[0].features, card)
        tried = [(number, value) for number, values in probe_rows.values_read(card, samples[0]).items() for value in values]
        people = [(-1, row) for row in probe_rows.some_people(card, samples, _PEOPLE)]
        tried += [(number, item.fill().value) for number, item in enumerate(card.inputs) if not item.is_required]
        rows = [*((number, _with(base, number, value)) for number, value in tried), *people]
        answers = questions.ask([row for _, row in rows])
    except (ModelFailure, InvalidRequestError) as failure:
        found = f"values in the card's ranges make it fail ({_words(failure)})"
        yield Finding("model", found, "an answer for every ordinary value", _NO_ANSWER)
        return
    unanswered = [(number, row) for (number, row), answer in zip(rows, answers, strict=False) if answer is None]
    by_input = list(dict.fromkeys(number for number, _ in unanswered if number >= 0))
    for number in by_input[:5]:
        values = [f"{row.values[number]}" for each, row in unanswered if each == number]
        found = f"no answer (NaN) for {card.inputs[number].name} = {listed(values, 3)}, which is ordinary"
        yield Finding(f"inputs[{number}]", found, "an answer for every value from minimum to maximum", _NO_ANSWER)
    if unanswered and not by_input:
        found = f"no answer (NaN) for {len(unanswered)} of {len(rows)} people with every input in its range"
        yield Finding("model", found, "an answer for every ordinary person", _NO_ANSWER)


def _with(row: Row, number: int, value: Any) -> Row:
    return row._replace(values=(*row.values[:number], value, *row.values[number + 1 :]))


def _words(failure: ModelFailure | InvalidRequestError) -> str:
    if isinstance(failure, InvalidRequestError):
        return "; ".join(f"{each.field} {each.problem}" for each in failure.details)
    return str(failure)
