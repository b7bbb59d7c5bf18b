"""Whether the golden samples could tell a wrong card from the right one.

A card that names two columns, or two classes, in the wrong order must fail its golden samples: so each input and each class
has to matter in them, and no two may be exchanged unnoticed.
"""

import itertools
import random
from collections.abc import Iterator, Sequence

from ml_server import asking, probe_rows
from ml_server.asking import ModelFailure, Numbers, Questions
from ml_server.card import Card
from ml_server.findings import Finding, listed
from ml_server.schemas import Row

_PEOPLE = 24
_MOST_PAIRS = 2000
_SAMPLES = "golden_samples"
_Pair = tuple[int, int]


def findings(card: Card, samples: Sequence[Row], answers: Sequence[Numbers], questions: Questions) -> Iterator[Finding]:
    """Yield what the golden samples would not notice; `answers` are the model's own to them."""
    people = [asking.row_of(features, card) for features in probe_rows.some_features(card, _PEOPLE)]
    try:
        known = questions.ask(people)
        people = people[: len(known)]
        yield from _answers(card, answers, [each for each in known if each is not None])
        yield from _inputs(card, samples, answers, people, known, questions)
        yield from _exchanged(card, samples, answers, people, known, questions)
    except ModelFailure:
        return  # is told by what asks about people


def _inputs(
    card: Card,
    samples: Sequence[Row],
    answers: Sequence[Numbers],
    people: Sequence[Row],
    known: Sequence[Numbers | None],
    questions: Questions,
) -> Iterator[Finding]:
    """Yield the inputs that change no golden sample's answer."""
    tried = {number: _read(card, number) for number in range(len(card.inputs))}
    unseen = _without_effect(card, {number: values for number, values in tried.items() if values}, samples, answers, questions)
    if questions.is_over or not unseen:
        return
    ignored = _without_effect(card, {number: tried[number] for number in unseen}, people, known, questions)
    if questions.is_over:
        return
    blind = [card.inputs[number].name for number in unseen if number not in ignored]
    if blind:
        yield Finding(
            _SAMPLES,
            f"whatever the value of {listed(blind)}, no golden sample gets another answer",
            "for each input a golden sample in which it matters",
            "add golden samples of other people, such as some whose answer is not quite certain",
        )
    if ignored:
        names = listed([card.inputs[number].name for number in ignored])
        remedy = "have a look whether the card names the columns in the right order; if the model has no use for them, that is all right"
        yield Finding("inputs", f"the model never looks at {names}", "inputs that matter", remedy, is_warning=True)


def _read(card: Card, number: int) -> list[object]:
    """Return the values that are tried, as the model reads them."""
    item = card.inputs[number]
    sample = card.golden_samples[0].features
    return [asking.row_of({**sample, item.name: value}, card).values[number] for value in probe_rows.values_of(item)]


def _without_effect(
    card: Card,
    tried: dict[int, list[object]],
    rows: Sequence[Row],
    answers: Sequence[Numbers | None],
    questions: Questions,
) -> list[int]:
    """Return the inputs of which no value that is tried changes any of the answers."""
    left = dict(tried)
    for row, answer in zip(rows, answers, strict=True):
        changed = [(number, _with(row, {number: value})) for number, values in left.items() for value in values]
        others = questions.ask([each for _, each in changed])
        for (number, _), other in zip(changed, others, strict=False):
            if _differs(card, answer, other):
                left.pop(number, None)
        if not left or questions.is_over:
            break
    return list(left)


def _exchanged(
    card: Card,
    samples: Sequence[Row],
    answers: Sequence[Numbers],
    people: Sequence[Row],
    known: Sequence[Numbers | None],
    questions: Questions,
) -> Iterator[Finding]:
    """Yield the pairs of inputs whose columns could be exchanged without any golden sample telling."""
    unseen = _indistinct(card, _pairs(card), samples, answers, questions)
    if questions.is_over or not unseen:
        return
    alike = _indistinct(card, unseen, people, known, questions)
    blind = [f"{card.inputs[a].name} and {card.inputs[b].name}" for a, b in unseen if (a, b) not in alike]
    if blind and not questions.is_over:
        yield Finding(
            _SAMPLES,
            f"the columns {listed(blind)} could be exchanged, and every golden sample would still get its answer",
            "golden samples that tell any two inputs apart",
            "add golden samples of people for whom these differ, or export the card with `pack`, which chooses such",
        )


def _pairs(card: Card) -> list[_Pair]:
    """Return pairs of inputs that could be taken for each other: all, or neighbours and some others where there are too many."""
    numbers = [number for number, item in enumerate(card.inputs) if _is_number(item)]
    if len(numbers) * (len(numbers) - 1) // 2 <= _MOST_PAIRS:
        return list(itertools.combinations(numbers, 2))
    chance = random.Random(0)  # noqa: S311 - the same pairs at every verification
    some = [tuple(sorted(chance.sample(numbers, 2))) for _ in range(_MOST_PAIRS - len(numbers))]
    return list(dict.fromkeys([*itertools.pairwise(numbers), *((pair[0], pair[1]) for pair in some)]))


def _is_number(item: object) -> bool:
    return probe_rows.kind_of(item) in ("number", "integer", "boolean", "date")  # type: ignore[arg-type]


def _indistinct(
    card: Card, pairs: Sequence[_Pair], rows: Sequence[Row], answers: Sequence[Numbers | None], questions: Questions
) -> list[_Pair]:
    """Return the pairs whose exchange changes none of the answers."""
    left = list(pairs)
    for row, answer in zip(rows, answers, strict=True):
        changed = [_with(row, {a: row.values[b], b: row.values[a]}) for a, b in left]
        others = questions.ask(changed)
        told = {pair for pair, other in zip(left, others, strict=False) if _differs(card, answer, other)}
        left = [pair for pair in left if pair not in told]
        if not left or questions.is_over:
            break
    return left


def _with(row: Row, changes: dict[int, object]) -> Row:
    values = list(row.values)
    for number, value in changes.items():
        values[number] = value  # type: ignore[call-overload]
    return row._replace(values=tuple(values))


def _differs(card: Card, one: Numbers | None, other: Numbers | None) -> bool:
    """Tell whether a golden sample would notice: twice its tolerance lies between one that it accepts and another."""
    return not asking.is_near(one, other, 2 * card.golden_tolerance)


def _answers(card: Card, answers: Sequence[Numbers], known: Sequence[Numbers]) -> Iterator[Finding]:
    """Yield the classes or targets that could be exchanged, and the classes that are no golden sample's."""
    names = card.answers
    pairs = [
        f"{names[a]} and {names[b]}"
        for a, b in itertools.combinations(range(len(names)), 2)
        if all(abs(answer[a] - answer[b]) <= 2 * card.golden_tolerance for answer in answers)
    ]
    if pairs:
        yield Finding(
            _SAMPLES,
            f"{listed(pairs)} could be exchanged, and every golden sample would still get its answer",
            "golden samples whose expected answers tell them apart",
            "add a golden sample with another answer for each",
        )
    if card.task != "classification":
        return
    seen = {_likeliest(answer) for answer in answers}
    reached = {_likeliest(answer) for answer in known}
    missing = [name for number, name in enumerate(names) if number not in seen]
    possible = [name for number, name in enumerate(names) if number in reached - seen]
    if possible:
        yield Finding(
            _SAMPLES,
            f"no golden sample is answered with {listed(possible)}",
            "one for each class",
            "add a golden sample of somebody who has that class",
        )
    elif missing:
        remedy = "have a look whether the card names the classes rightly; if the model is that reluctant, that is all right"
        found = f"the model has answered nobody with {listed(missing)}, {len(known)} made-up people included"
        yield Finding("classes", found, "classes that are answered", remedy, is_warning=True)


def _likeliest(answer: Numbers) -> int:
    return max(range(len(answer)), key=answer.__getitem__)
