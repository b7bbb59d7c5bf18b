"""What stands beside the numbers of an answer, so that who reads it can weigh it: all that a card knows of such answers."""

import bisect
from typing import Any, NamedTuple

from ml_server.applicability import Neighbourhood, Place, Suspicion, neighbourhood_of
from ml_server.card import Card
from ml_server.completeness import Completeness, Outcome
from ml_server.errors import Detail, InvalidRequestError
from ml_server.evidence import Spread
from ml_server.schemas import Row

_DIGITS = 4


class Standing(NamedTuple):
    """What is known of an answer before it is made: how complete the request was, and how far from the training data it is.

    `place` is None where the card does not know, or nothing measured was given.
    """

    outcome: Outcome
    place: Place | None = None
    suspicions: tuple[Suspicion, ...] = ()
    warnings: tuple[str, ...] = ()

    def warned(self, warnings: tuple[str, ...]) -> tuple[str, ...]:
        """Return an answer's warnings with those that belong to its standing, the gravest first."""
        outcome = self.outcome
        if not outcome.fills and not self.warnings:
            return warnings
        rest = [each for each in warnings if each not in outcome.fills]
        return (*self.warnings, *outcome.told, *rest)


class Weighing:
    """Weighs the answers of one model."""

    def __init__(self, card: Card) -> None:
        self.completeness = Completeness(card)
        self._neighbourhood = neighbourhood_of(card)
        self._positive = card.positive
        self._column = card.classes.index(card.positive) if card.positive is not None else 0
        self._is_research_only = card.research_only

    def stand(self, row: Row) -> Standing | InvalidRequestError:
        """Return the standing of a row, or why it gets no answer."""
        outcome = self.completeness.outcome(row.missing) if row.missing else self.completeness.whole
        if outcome.refusal is not None:
            return InvalidRequestError(*outcome.refusal)
        near = self._neighbourhood
        place = near.place(row.values, row.missing) if near is not None else None
        if near is None or place is None or place.verdict == "typical":
            return Standing(outcome, place)
        suspicions = near.suspicions(row.values, row.missing)
        if place.verdict == "far":
            return _too_far(near, row, suspicions)
        share = f"farther from the training data than {place.farther_than:.1%} of its people"
        warning = f"UNUSUAL: taken together, these values are {share}: the scores need not hold"
        return Standing(outcome, place, suspicions, (warning, *(f"{each.text}: look at it" for each in suspicions)))

    def render(self, standing: Standing, numbers: list[float]) -> dict[str, Any]:
        """Return what stands beside an answer of these numbers."""
        outcome, place = standing.outcome, standing.place
        rendered: dict[str, Any] = {"research_only": self._is_research_only, "completeness": outcome.completeness}
        if place is not None:
            rendered["applicability"] = {
                "verdict": place.verdict,
                "distance": round(place.distance, _DIGITS),
                "farther_than": round(place.farther_than, _DIGITS),
                "suspicions": [each.text for each in standing.suspicions],
            }
        if self._positive is not None:
            p = numbers[self._column]
            if outcome.decisions and outcome.thresholds:
                rendered["decisions"] = outcome.decisions[bisect.bisect_right(outcome.thresholds, p)]
            if outcome.spread is not None:
                is_known = place is None or place.verdict == "typical"
                rendered["probability_interval"] = self._interval(outcome.spread, p) if is_known else None
        return rendered

    def _interval(self, spread: Spread, p: float) -> dict[str, Any]:
        above = min(max(bisect.bisect_right(spread.at, p), 1), len(spread.at) - 1)
        low, high = spread.at[above - 1], spread.at[above]
        share = (p - low) / (high - low)
        ends = [values[above - 1] + share * (values[above] - values[above - 1]) for values in (spread.low, spread.high)]
        return {
            "class": self._positive,
            "low": round(min(ends[0], p), _DIGITS),
            "high": round(max(ends[1], p), _DIGITS),
            "coverage": spread.coverage,
        }


def _too_far(near: Neighbourhood, row: Row, suspicions: tuple[Suspicion, ...]) -> InvalidRequestError:
    """Return the refusal of a row that is nobody's: it names the inputs, and never a value."""
    message = "taken together, these values are farther from the training data than any of its people: there is no answer"
    if suspicions:
        names = dict.fromkeys(name for each in suspicions for name in each.names)
        told = {name: ", or ".join(each.text for each in suspicions if name in each.names) for name in names}
        return InvalidRequestError(
            message, tuple(Detail(name, f"does not go with the others: {text}") for name, text in told.items())
        )
    farthest = near.farthest(row.values, row.missing)
    return InvalidRequestError(
        message, tuple(Detail(name, "does not go with the others: look at value and unit") for name in farthest)
    )
