"""What a model's card says, by the items of TRIPOD+AI (Collins et al. 2024), and which items it leaves open."""

from collections.abc import Iterator, Sequence

import msgspec

from ml_server.card import Card
from ml_server.evidence import Score, Threshold
from ml_server.inputs import Number, Scalar

_DIGITS = 4


class Table(msgspec.Struct, frozen=True):
    """Rows of texts under names of columns."""

    columns: list[str]
    rows: list[list[str]]


class Item(msgspec.Struct, frozen=True):
    """One item of the checklist: its number, what it is about, and what is known of it; nothing is, if both are empty."""

    number: str
    about: str
    said: list[str] = []
    tables: list[Table] = []


class Section(msgspec.Struct, frozen=True):
    """Items under a heading."""

    heading: str
    items: list[Item]


# Number, and what the item is about, in our words.
_ITEMS = {
    "Title and abstract": {"1": "What was modelled, for whom", "2": "In short"},
    "Introduction": {
        "3a": "Why there is a model",
        "3b": "For whom it is, and who uses it",
        "3c": "Known inequalities between groups of people",
        "4": "What the work was to find out",
    },
    "Methods": {
        "5a": "Where the data come from",
        "5b": "When they were taken",
        "6a": "Where the people were found",
        "6b": "Who was taken in, and who was not",
        "6c": "Treatments",
        "7": "How the data were prepared",
        "8a": "What is predicted",
        "8b": "Who judged the outcome",
        "8c": "What those knew who judged it",
        "9a": "How the inputs were chosen",
        "9b": "The inputs",
        "9c": "Who judged the inputs",
        "10": "How many people",
        "11": "Missing values",
        "12a": "How the data were used",
        "12b": "How inputs were handled",
        "12c": "What kind of model, and how it was made",
        "12d": "Differences between places or groups",
        "12e": "How it was judged",
        "12f": "How it was changed after it was judged",
        "12g": "How a prediction is made",
        "13": "Unequal numbers in the classes",
        "14": "Fairness",
        "15": "What is answered, and by which threshold",
        "16": "What differs between training and judging",
        "17": "Ethics",
    },
    "Open science": {
        "18a": "Funding",
        "18b": "Conflicts of interest",
        "18c": "Protocol",
        "18d": "Registration",
        "18e": "Data",
        "18f": "Code",
    },
    "Patients and public": {"19": "How they were involved"},
    "Results": {
        "20a": "The people, and the way through the study",
        "20b": "What the people are like",
        "20c": "The people of the training against those of the judging",
        "21": "People and outcomes in each analysis",
        "22": "The model itself",
        "23a": "How good the answers are",
        "23b": "How good they are for some of the people",
        "24": "What came of changes",
    },
    "Discussion": {
        "25": "What it means",
        "26": "Limits",
        "27a": "Requests that are incomplete or odd",
        "27b": "What its user has to know and do",
        "27c": "What is to be done next",
    },
}


def report(card: Card, digest: str) -> list[Section]:
    """Return all items, with what the card says of each."""
    known = _Known(card, digest)
    return [Section(heading, [known.item(*pair) for pair in items.items()]) for heading, items in _ITEMS.items()]


class _Known:
    """What a card says without being asked."""

    def __init__(self, card: Card, digest: str) -> None:
        self._card = card
        training = card.training
        self._said: dict[str, Sequence[str]] = {
            "1": [f"{card.title} ({card.name} {card.version})"],
            "2": [card.intended_use],
            "3b": [card.intended_use, *(f"Not for: {each}" for each in card.not_for)],
            "5a": [training.data, training.citation],
            "8a": [f"{card.task}: {', '.join(card.answers) or 'a vector'}"],
            "10": [f"{training.rows} people in the training", *(f"{name}: {n}" for name, n in training.class_counts.items())],
            "11": list(_missing(card)),
            "12c": [training.method],
            "12e": list(dict.fromkeys(score.over for score in card.scores.values())),
            "15": list(_answers(card)),
            "22": list(_files(card, digest)),
            "26": [*(["For research only."] if card.research_only else []), *(f"Not for: {each}" for each in card.not_for)],
            "27a": list(_odd(card)),
        }
        self._tables: dict[str, list[Table]] = {
            "9b": [_inputs(card)],
            "21": [Table(["class", "people"], [[name, str(count)] for name, count in training.class_counts.items()])],
            "23a": [_scores("all", [("whole requests", card.scores, [])]), *_patterns(card)],
            "23b": [_scores("people", [(f"{each.name}: {each.value}", each.scores, each.thresholds) for each in card.subgroups])],
        }

    def item(self, number: str, about: str) -> Item:
        own = self._card.statements.get(number)
        said = [*([own] if own else []), *self._said.get(number, ())]
        return Item(number, about, said, [table for table in self._tables.get(number, ()) if table.rows])


def _missing(card: Card) -> Iterator[str]:
    done: dict[str, list[str]] = {}
    for item in card.inputs:
        done.setdefault(item.policy if isinstance(item, Scalar) else "refuse", []).append(item.name)
    words = {
        "refuse": "has to be given",
        "nan": "the model itself knows what to do where it is missing",
        "median": "filled with the training's median, unless a submodel answers",
        "mode": "filled with the training's commonest value, unless a submodel answers",
    }
    for policy, names in done.items():
        yield f"{words[policy]}: {', '.join(names)}"
    for each in card.submodels:
        yield f"submodel {each.name}: reads {', '.join(each.inputs)}"


def _answers(card: Card) -> Iterator[str]:
    if card.positive is not None:
        yield f"Sensitivity and specificity are about {card.positive}; the likelier of two classes is that by 0.5."
    if any(pattern.spread for pattern in card.patterns):
        yield "A probability comes with an interval: between what it lies when the training is repeated on people drawn again."
    for target in card.targets:
        told = target.interval
        within = f"; -{told.below:.4g} to +{told.above:.4g} in {told.coverage:.0%} of the cases" if told else ""
        yield f"{target.name}: {target.description} ({target.unit}), {target.minimum:.6g} to {target.maximum:.6g}{within}"


def _files(card: Card, digest: str) -> Iterator[str]:
    yield f"digest {digest} (of the card, which has those of the files)"
    yield f"{card.file}: {card.runtime}, SHA-256 {card.sha256}"
    for each in card.submodels:
        yield f"{each.file}: {each.runtime}, SHA-256 {each.sha256}"
    yield f"{len(card.golden_samples)} requests with known answers are tried before it is served"


def _odd(card: Card) -> Iterator[str]:
    yield "A value outside the range of the training is a warning; one farther outside than that range is wide is refused."
    if card.limit is not None:
        yield f"A request is refused where {card.limit.score} of such requests is below {card.limit.at_least:g}."
    near = card.applicability
    if near is None:
        yield "How far a request is from the training data, its values taken together, is not known."
    else:
        yield f"Distance over {', '.join(near.inputs)}, held against {near.over}: "
        yield f"marked as unusual beyond {near.unusual:.4g}, refused beyond {near.refused:.4g}."


def _inputs(card: Card) -> Table:
    rows = []
    for item in card.inputs:
        span = f"{item.minimum:.6g} to {item.maximum:.6g}, median {item.median:.6g}" if isinstance(item, Number) else ""
        share = f"{item.missing_share:.1%}" if isinstance(item, Scalar) and item.missing_share is not None else ""
        rows.append([item.name, item.wanted, span, "yes" if item.is_required else "no", share])
    return Table(["input", "what", "in the training", "has to be given", "missing in the training"], rows)


def _patterns(card: Card) -> Iterator[Table]:
    rows = []
    for each in card.patterns:
        count = len(each.missing) if each.at_most is None else each.at_most
        told = f"at most {count} of {', '.join(each.missing)}" if each.missing else "nothing"
        rows.append((f"{told}{f' (submodel {each.submodel})' if each.submodel else ''}", each.scores, each.thresholds))
    yield _scores("missing", rows)


def _scores(first: str, rows: Sequence[tuple[str, dict[str, Score], list[Threshold]]]) -> Table:
    names = list(dict.fromkeys(name for _, scores, _ in rows for name in scores))
    limits = list(dict.fromkeys(each.at for _, _, thresholds in rows for each in thresholds))
    columns = [first, *names, *(f"sensitivity / specificity at {limit:g}" for limit in limits), "over"]
    told = []
    for label, scores, thresholds in rows:
        by_limit = {each.at: each for each in thresholds}
        cells = [figure(scores[name]) if name in scores else "" for name in names]
        pairs = [
            f"{figure(by_limit[limit].sensitivity)} / {figure(by_limit[limit].specificity)}" if limit in by_limit else ""
            for limit in limits
        ]
        told.append([label, *cells, *pairs, "; ".join(dict.fromkeys(score.over for score in scores.values()))])
    return Table(columns, told)


def figure(score: Score) -> str:
    """Return a score as people read it, with its interval or standard deviation."""
    if score.interval is not None:
        low, high = score.interval
        return f"{score.mean:.3g} ({low:.3g} to {high:.3g})"
    return f"{score.mean:.3g}" + (f" (sd {score.sd:.2g})" if score.sd is not None else "")
