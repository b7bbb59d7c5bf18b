"""The short way against the precise one: it has the same answer, or none."""

import json
import os
import random
import re
from typing import Any

import msgspec
import pytest

from ml_server import prediction, schemas
from ml_server.card import Card
from ml_server.config import Settings
from ml_server.errors import MlServerError
from ml_server.inference import InferenceService
from ml_server.inputs import Boolean
from ml_server.lane import Lane, lane_of
from ml_server.prediction import Progress
from ml_server.schemas import Row

# A million by hand: LANE_BODIES=1000000, about ten minutes.
BODIES = int(os.environ.get("LANE_BODIES") or 20_000)
NUMBERS = ("0", "-0", "1", "1.0", "1e0", "0.5", "-1", "1e400", "-1e400", "1e-400", "01", "1.", ".5", "+1", "NaN", "Infinity")
OTHERS = ("null", "true", "false", '"1"', '"x"', "[1]", "{}", "[]", '""', "1" * 400, "9" * 5000, "3.4028235e38", "1e39", "é", "")
KEYS = ("tau", "male", "TAU", "taus", "t\\u0061u", "features", "age ", "", "나이", "class")


def number_near(wanted: Any, chance: random.Random) -> str:
    width = wanted.maximum - wanted.minimum
    value = chance.uniform(wanted.minimum - 0.005 * width, wanted.maximum + 0.005 * width)
    if wanted.allowed and chance.random() < 0.9:
        value = chance.choice(wanted.allowed)
    exact = (wanted.minimum, wanted.maximum, wanted.median, value, value, value)
    return chance.choice(("{:r}", "{:.4f}", "{:.17g}", "{:.2e}")).replace("{:r}", "{!r}").format(chance.choice(exact))


def space(chance: random.Random) -> str:
    return chance.choice(("", "", "", "", " ", "\n", "\t ", "\r\n"))


def body(card: Card, chance: random.Random) -> bytes:
    """A request that is good, or nearly."""
    odd = chance.random() < 0.5
    pairs = []
    for wanted in card.inputs:
        if not wanted.is_required and chance.random() < 0.3:
            continue
        value = number_near(wanted, chance)
        if odd and chance.random() < 0.1:
            value = chance.choice(NUMBERS + OTHERS)
        pairs.append((wanted.name, value))
    if odd:
        pairs += [(chance.choice(KEYS), chance.choice(NUMBERS)) for _ in range(chance.choice((0, 0, 1, 2)))]
        if pairs and chance.random() < 0.2:
            pairs.pop(chance.randrange(len(pairs)))
        if pairs and chance.random() < 0.1:
            pairs.append(chance.choice(pairs))
    chance.shuffle(pairs)
    inside = ",".join(f'{space(chance)}"{key}"{space(chance)}:{space(chance)}{value}{space(chance)}' for key, value in pairs)
    around = [f'"features"{space(chance)}:{space(chance)}{{{inside}}}']
    if odd and chance.random() < 0.3:
        around.append(chance.choice(('"explain":true', '"patient_name":"x"', '"features":{}', '"model_name":null', '"items":[]')))
        chance.shuffle(around)
    text = space(chance) + "{" + ",".join(around) + "}" + space(chance)
    content = text.encode()
    if odd and chance.random() < 0.1:
        at = chance.randrange(len(content))
        content = content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]
    return content


def lane(card: Card) -> Lane:
    found = lane_of(card)
    assert found is not None
    return found


def test_both_ways_say_the_same(card: Card) -> None:
    """Where the short way has a row, it is the precise way's, to the bit; where that refuses, the short way has none."""
    short, chance = lane(card), random.Random(20261128)
    taken = 0
    for _ in range(BODIES):
        content = body(card, chance)
        row = short.row(content)
        try:
            request = schemas.parse(content, 3)
            (item,) = request.items
            precise = None if request.is_batch or request.explain else schemas.check_features(item.features, card)
        except MlServerError:
            precise = None
        if row is not None:
            taken += 1
            assert precise is not None, content
            assert (row.values, row.warnings) == (precise.values, precise.warnings), content
            assert [type(value) for value in row.values] == [float] * len(row.values), content
    # Neither way is a dead one.
    assert BODIES * 0.1 < taken < BODIES * 0.9


def test_same_bytes(card: Card, features: dict[str, Any]) -> None:
    """The whole answer is the same, but for the time that it took."""
    service = InferenceService(Settings())
    service.load()
    way, model = lane(card), service.model()
    some = {
        name: value for name, value in features.items() if name in {wanted.name for wanted in card.inputs if wanted.is_required}
    }
    for given in (features, some):
        content = json.dumps({"features": given}).encode()
        row = way.row(content)
        assert row is not None
        progress = [Progress(), Progress()]
        short = prediction.predict_row(row, "id-1", service, model, progress[0])
        precise = prediction.predict(content, "id-1", service, 3, progress[1])
        assert short is not None
        times = re.compile(rb'"inference_ms":[0-9.e-]+')
        assert times.sub(b"", short) == times.sub(b"", precise)
        assert progress[0] == progress[1]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"features":null}',
        b'{"features":{},"features":{}}',
        b'{"items":[]}',
        b'{"features":[]}',
    ],
)
def test_what_is_odd_is_left(card: Card, content: bytes) -> None:
    assert lane(card).row(content) is None


def test_names_may_be_keywords(card: Card) -> None:
    """An input may be called as Python calls its own things, and be the only one."""
    wanted = {**msgspec.to_builtins(card.inputs[0]), "name": "class", "missing": "refuse"}
    named = msgspec.convert({**msgspec.to_builtins(card), "inputs": [wanted], "golden_samples": [
        {"features": {"class": card.inputs[0].reference}, "expected": dict.fromkeys(card.classes, 0.5)}
    ]}, Card)  # fmt: skip
    value = card.inputs[0].reference
    assert lane(named).row(json.dumps({"features": {"class": value}}).encode()) == Row((value,), ())


def test_other_kinds_have_no_lane(card: Card) -> None:
    other = Boolean(name="smoker", description="Smokes", mode=False)
    assert lane_of(msgspec.structs.replace(card, inputs=[*card.inputs, other])) is None
