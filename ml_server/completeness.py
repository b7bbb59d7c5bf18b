"""How complete a request is, who answers it, and how good such answers are: all that follows from what is missing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from ml_server.card import Card
from ml_server.card_consistency import fits
from ml_server.errors import Detail
from ml_server.evidence import Pattern, Score, Spread, Threshold

# Patterns of missing inputs that are remembered: few are met, and nobody may fill the memory with others.
_REMEMBERED = 256
# Of more missing inputs the warnings are one.
_NAMED = 20
Missing = tuple[int, ...]


class Refusal(NamedTuple):
    """What an error is made of, each time anew: one that was raised holds what it was raised in."""

    message: str
    details: tuple[Detail, ...]


@dataclass(frozen=True)
class Outcome:
    """What follows from what is missing.

    Attributes:
        submodel: who answers; the model itself if None.
        refusal: why there is no answer: a message and its details.
        fills: what is said of the missing inputs where each is filled; `told` takes its place.
        completeness: what the answer says of it, in JSON.
        thresholds: by which is decided, rising; `decisions[n]` is what the answer says, in JSON, where n of them are reached.
    """

    submodel: str | None
    refusal: Refusal | None
    fills: frozenset[str]
    told: tuple[str, ...]
    completeness: msgspec.Raw
    thresholds: tuple[float, ...]
    decisions: tuple[msgspec.Raw, ...]
    spread: Spread | None


class Completeness:
    """What a card says of requests that lack something."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self._outcomes: dict[Missing, Outcome] = {}
        self.whole = self.outcome(())

    def outcome(self, missing: Missing) -> Outcome:
        """Return what follows where the inputs of these numbers are missing."""
        found = self._outcomes.get(missing)
        if found is None:
            if len(self._outcomes) >= _REMEMBERED:
                self._outcomes.clear()
            found = self._outcomes[missing] = self._made(missing)
        return found

    def _made(self, missing: Missing) -> Outcome:
        card = self._card
        names = [card.inputs[number].name for number in missing]
        pattern = next((each for each in card.patterns if fits(each, names)), None)
        submodel = pattern.submodel if pattern is not None else None
        fills = tuple(card.inputs[number].fill().warning for number in missing if not card.inputs[number].is_required)
        thresholds = sorted(pattern.thresholds, key=lambda each: each.at) if pattern is not None else []
        told = _told(card, names, fills, submodel)
        return Outcome(
            submodel=submodel,
            refusal=_refusal(card, names, pattern),
            fills=frozenset(fills if told != fills else ()),
            told=told if told != fills else (),
            completeness=_json(_completeness(card, names, pattern, submodel)),
            thresholds=tuple(each.at for each in thresholds),
            decisions=tuple(
                _json([_decision(card, each, is_positive=place < reached) for place, each in enumerate(thresholds)])
                for reached in range(len(thresholds) + 1)
            ),
            spread=pattern.spread if pattern is not None else None,
        )


def _json(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _told(card: Card, names: Sequence[str], fills: tuple[str, ...], submodel: str | None) -> tuple[str, ...]:
    """Return what the answer warns of."""
    many = f"{len(names)} of {len(card.inputs)} inputs are missing (completeness.missing names them)"
    if submodel is not None:
        each = [f"{name} is missing: answered by the submodel {submodel}, which was fitted for that" for name in names]
        return (
            tuple(each) if len(each) <= _NAMED else (f"{many}: answered by the submodel {submodel}, which was fitted for that",)
        )
    return fills if len(fills) <= _NAMED else (f"{many} and were filled as the card says",)


def _completeness(card: Card, names: Sequence[str], pattern: Pattern | None, submodel: str | None) -> dict[str, Any]:
    # First-generation cards have scores of whole requests only.
    scores = pattern.scores if pattern is not None else card.scores if not names and not card.patterns else {}
    return {
        "given": len(card.inputs) - len(names),
        "of": len(card.inputs),
        "missing": names,
        "submodel": submodel,
        "scores": {name: _figures(score) for name, score in scores.items()} or None,
        "over": "; ".join(dict.fromkeys(score.over for score in scores.values())) or None,
    }


def _figures(score: Score) -> dict[str, Any]:
    """Return a score without what it was taken over, which is said once."""
    return {"mean": score.mean, "sd": score.sd} if score.interval is None else {"mean": score.mean, "interval": score.interval}


def _decision(card: Card, threshold: Threshold, *, is_positive: bool) -> dict[str, Any]:
    return {
        "positive": card.positive,
        "threshold": threshold.at,
        "is_positive": is_positive,
        "sensitivity": _figures(threshold.sensitivity),
        "specificity": _figures(threshold.specificity),
    }


def _refusal(card: Card, names: Sequence[str], pattern: Pattern | None) -> Refusal | None:
    """Return why there is no answer with these missing, naming what is to be added; None where there is one."""
    limit = card.limit
    if limit is None or (pattern is not None and _is_enough(pattern, limit.score, limit.at_least)):
        return None
    reached = pattern.scores[limit.score] if pattern is not None else None
    why = f"with these inputs {limit.score} is {_figure(reached)}, and there is no answer below {limit.at_least:g}"
    if pattern is None:
        why = "nobody knows how good an answer with these inputs would be"
    good = [each for each in card.patterns if _is_enough(each, limit.score, limit.at_least)]
    nearest = min(good, key=lambda each: len(list(_to_add(each, names))), default=None)
    if nearest is None:
        return Refusal(f"too little was given: {why}", ())
    return Refusal(f"too little was given: {why}", tuple(_to_add(nearest, names)))


def _is_enough(pattern: Pattern, score: str, at_least: float) -> bool:
    return score in pattern.scores and pattern.scores[score].mean >= at_least


def _to_add(pattern: Pattern, missing: Sequence[str]) -> Iterator[Detail]:
    """Yield what is to be given for a pattern to fit."""
    may_miss = [name for name in missing if name in pattern.missing]
    for name in missing:
        if name not in pattern.missing:
            yield Detail(name, "is to be added for an answer")
    most = len(pattern.missing) if pattern.at_most is None else pattern.at_most
    if len(may_miss) > most:
        surplus = len(may_miss) - most
        names = ", ".join(may_miss[:_NAMED]) + (", ..." if len(may_miss) > _NAMED else "")
        yield Detail("features", f"{surplus} more of {names} {'is' if surplus == 1 else 'are'} to be added for an answer")


def _figure(score: Score | None) -> str:
    return "not known" if score is None else f"{score.mean:.3g}"
