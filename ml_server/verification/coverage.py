"""Whether the golden samples could tell a wrong card from the right one.

A card that names two columns, or two classes, in the wrong order must fail its golden samples: so each input and each class
has to matter in them, and no two may be exchanged unnoticed.
"""

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ml_server.card import Card
from ml_server.schemas import Row
from ml_server.verification import asking, probe_rows
from ml_server.verification.asking import ModelFailure, Numbers, Questions
from ml_server.verification.findings import Finding, listed

_PEOPLE = 24
_MOST_PAIRS = 2000
# How far the answer to somebody must move for a change to matter, in parts of how far apart the answers to people lie.
_MATERIAL = 0.01
# Of more classes nobody has a golden sample each.
_MANY_CLASSES = 20
_SAMPLES = "golden_samples"
_Key = tuple[int, ...]
_Pair = tuple[int, int]


class _Other(NamedTuple):
    """The value of the input of that number, instead of an input's own."""

    number: int


_Change = Mapping[int, Any]


@dataclass(frozen=True)
class _Asked:
    """Rows, and the model's answers to them."""

    rows: Sequence[Row]
    answers: Sequence[Numbers | None]


def findings(card: Card, samples: Sequence[Row], answers: Sequence[Numbers], questions: Questions) -> Iterator[Finding]:
    """Yield what the golden samples would not notice; `answers` are the model's own to them."""
    rows = probe_rows.some_people(card, card.golden_samples, _PEOPLE)
    try:
        people = _Asked(rows, questions.ask(rows))
        if len(people.answers) < len(rows):
            return
        golden = _Asked(samples, answers)
        sought = _Sought(card, questions, golden, people)
        yield from _answers(card, answers, [each for each in people.answers if each is not None])
        yield from _inputs(sought)
        yield from _exchanged(sought)
    except ModelFailure:
        return  # is told by what asks about people


class _Sought:
    """Changes to the rows that the golden samples do not notice, and what they make of the answers to others."""

    def __init__(self, card: Card, questions: Questions, golden: _Asked, people: _Asked) -> None:
        self.card = card
        self._questions = questions
        self._golden = golden
        self._people = people
        spans = zip(*(answer for answer in people.answers if answer is not None), strict=True)
        widest = max((max(span) - min(span) for span in spans), default=0.0)
        self._tolerance = 2 * card.golden_tolerance
        self._material = max(self._tolerance, _MATERIAL * widest)

    def unnoticed(self, changes: Mapping[_Key, Sequence[_Change]]) -> tuple[list[_Key], list[_Key]] | None:
        """Return what no golden sample notices although it changes somebody's answer, and what hardly changes anybody's.

        None where the time was over before that was known.
        """
        unseen = self._without_effect(changes, self._golden, self._tolerance)
        idle = self._without_effect({key: changes[key] for key in unseen}, self._people, self._material)
        return None if self._questions.is_over else ([key for key in unseen if key not in idle], idle)

    def _without_effect(self, changes: Mapping[_Key, Sequence[_Change]], asked: _Asked, tolerance: float) -> list[_Key]:
        left = dict(changes)
        for row, answer in zip(asked.rows, asked.answers, strict=True):
            if not left or self._questions.is_over:
                break
            changed = [(key, _changed(row, change)) for key, several in left.items() for change in several]
            others = self._questions.ask([each for _, each in changed])
            for (key, _), other in zip(changed, others, strict=False):
                if not asking.is_near(answer, other, tolerance):
                    left.pop(key, None)
        return list(left)


def _changed(row: Row, change: _Change) -> Row:
    values: list[Any] = list(row.values)
    for number, new in change.items():
        values[number] = row.values[new.number] if isinstance(new, _Other) else new
    return row._replace(values=tuple(values))


def _inputs(sought: _Sought) -> Iterator[Finding]:
    """Yield the inputs that change no golden sample's answer."""
    inputs = sought.card.inputs
    read = probe_rows.values_read(sought.card, sought.card.golden_samples[0])
    tried: dict[_Key, list[_Change]] = {(number,): [{number: value} for value in values] for number, values in read.items()}
    found = sought.unnoticed(tried)
    if found is None:
        return
    blind, ignored = ([inputs[number].name for (number,) in keys] for keys in found)
    if blind:
        yield Finding(
            _SAMPLES,
            f"whatever the value of {listed(blind)}, no golden sample gets another answer",
            "for each input a golden sample in which it matters",
            "add golden samples of other people, such as some whose answer is not quite certain",
        )
    if ignored:
        remedy = "look whether the card names the columns in the right order; if the model has no use for them, that is all right"
        yield Finding("inputs", f"the model hardly looks at {listed(ignored)}", "inputs that matter", remedy, is_warning=True)


def _exchanged(sought: _Sought) -> Iterator[Finding]:
    """Yield the pairs of inputs whose columns could be exchanged without any golden sample telling."""
    inputs = sought.card.inputs
    found = sought.unnoticed({(a, b): [{a: _Other(b), b: _Other(a)}] for a, b in _pairs(sought.card)})
    blind = [f"{inputs[a].name} and {inputs[b].name}" for a, b in found[0]] if found else []
    if blind:
        yield Finding(
            _SAMPLES,
            f"the columns {listed(blind)} could be exchanged, and every golden sample would still get its answer",
            "golden samples that tell any two inputs apart",
            "add golden samples of people for whom these differ",
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
    if possible and len(names) <= _MANY_CLASSES:
        yield Finding(
            _SAMPLES,
            f"no golden sample is answered with {listed(possible)}",
            "one for each class",
            "add a golden sample of somebody who has that class",
        )
    elif missing and len(names) <= _MANY_CLASSES:
        remedy = "have a look whether the card names the classes rightly; if the model is that reluctant, that is all right"
        found = f"the model has answered nobody with {listed(missing)}, {len(known)} made-up people included"
        yield Finding("classes", found, "classes that are answered", remedy, is_warning=True)


def _likeliest(answer: Numbers) -> int:
    return max(range(len(answer)), key=answer.__getitem__)
