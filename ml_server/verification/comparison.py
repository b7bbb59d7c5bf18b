"""What another version answers to the same people: on golden samples, and on a table of data."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_server.card import Card
from ml_server.errors import BrokenModelError, InvalidRequestError
from ml_server.repository import Entry
from ml_server.verification import apart, probe_rows
from ml_server.verification.apart import Limits
from ml_server.verification.trying import Reply

_SHOWN = 5
_MOST_ROWS = 100_000


@dataclass(frozen=True)
class Difference:
    """How two versions answered one question, `place` says which."""

    place: str
    old: Reply
    new: Reply

    @property
    def most(self) -> float | None:
        """Return how far the numbers are apart; None where one of them gave none, or others."""
        old, new = self.old.numbers, self.new.numbers
        if old is None or new is None or len(old) != len(new):
            return None
        return max((abs(a - b) for a, b in zip(old, new, strict=True)), default=0.0)


def read_table(path: Path, card: Card) -> list[dict[str, Any]]:
    """Return the rows of a CSV file as features of a card's inputs; an empty cell is a missing value.

    Raises:
        InvalidRequestError: the file cannot be read, or has no column of the card's.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))[:_MOST_ROWS]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidRequestError(f"{path} cannot be read as a CSV file in UTF-8 ({type(error).__name__})") from error
    inputs = {item.name: probe_rows.kind_of(item) for item in card.inputs}
    if not rows or not set(rows[0]) & set(inputs):
        raise InvalidRequestError(
            f"{path} has no row, or no column of {', '.join(list(inputs)[:10])}: its first line must name them"
        )
    return [{name: _value(row[name], kind) for name, kind in inputs.items() if row.get(name)} for row in rows]


def _value(text: str, kind: str) -> Any:
    try:
        if kind in ("number", "integer"):
            return float(text)
    except ValueError:
        return text
    if kind == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(text.strip().lower().removesuffix(".0"), text)
    return text


def golden_questions(old: Card, new: Card) -> list[tuple[str, Any]]:
    """Return the golden samples of both, each once, with what to call them."""
    named = [
        (f"golden sample {number} of {card.version}", sample.features)
        for card in (old, new)
        for number, sample in enumerate(card.golden_samples, start=1)
    ]
    return [each for number, each in enumerate(named) if each[1] not in [other for _, other in named[:number]]]


def compare(old: Entry, new: Entry, questions: Sequence[tuple[str, Any]], limits: Limits) -> list[Difference]:
    """Return what both answer.

    Raises:
        BrokenModelError: one of them cannot be loaded.
    """
    features = [each for _, each in questions]
    answers = zip(apart.answers(old, features, limits), apart.answers(new, features, limits), strict=True)
    return [Difference(place, *pair) for (place, _), pair in zip(questions, answers, strict=True)]


def report(old: Entry, new: Entry, differences: Sequence[Difference]) -> Iterator[str]:
    """Yield lines: how many answers differ and how far, and where most.

    Raises:
        BrokenModelError: one of them has no card.
    """
    if old.card is None or new.card is None:
        raise BrokenModelError("a version without a card cannot be compared")
    known = [(each, each.most) for each in differences]
    both = [(each, most) for each, most in known if most is not None]
    yield f"{len(differences)} people asked; both answered {len(both)} with as many numbers"
    only = [each for each, most in known if most is None and each.old != each.new]
    for each in only[:_SHOWN]:
        yield f"  {each.place}: {_told(old.card, each.old)} -> {_told(new.card, each.new)}"
    if not both:
        return
    farthest = sorted(both, key=lambda pair: pair[1], reverse=True)
    yield f"farthest apart: {farthest[0][1]:.6g}; on average: {sum(most for _, most in both) / len(both):.6g}"
    if old.card.task == new.card.task == "classification":
        other = sum(_class(old.card, each.old) != _class(new.card, each.new) for each, _ in both)
        yield f"another class: {other} of {len(both)}"
    for each, most in farthest[:_SHOWN]:
        if most:
            yield f"  {each.place}: {_told(old.card, each.old)} -> {_told(new.card, each.new)}"


def _class(card: Card, reply: Reply) -> str:
    numbers = reply.numbers or [0.0]
    return card.answers[max(range(len(numbers)), key=numbers.__getitem__)]


def _told(card: Card, reply: Reply) -> str:
    if reply.numbers is None:
        return f"no answer ({reply.problem})"
    names = card.answers or [""] * len(reply.numbers)
    shown = [f"{name} {value:.6g}".strip() for name, value in zip(names, reply.numbers, strict=False)][:8]
    return ", ".join(shown)
