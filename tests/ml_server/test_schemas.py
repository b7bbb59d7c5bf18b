import json
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_server import schemas
from ml_server.card import Card
from ml_server.errors import Detail, InvalidRequestError, NotJsonError
from ml_server.inputs import Number
from ml_server.schemas import (
    MAX_UNKNOWN_NAMED,
    Item,
    Request,
    check_features,
    parse,
    render_error,
)
from ml_server.suggestions import MAX_SUGGESTED_FOR, MAX_SUGGESTIONS

JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)


def problems(features: Any, card: Card) -> dict[str, str]:
    with pytest.raises(InvalidRequestError) as refused:
        check_features(features, card)
    return dict(refused.value.details)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"features",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b'{"features": {"tau": NaN}}',
        b'{"features": {"tau": -Infinity}}',
        b'{"features": {"tau": 1, "tau": 2}}',
        b'{"features": {}, "features": {}}',
        b'{"features": {"tau": ' + b"9" * 5000 + b"}}",
        b"[" * 100_000,
        b"\xff\xfe{}",
        b'{"features": {}} {}',
    ],
)
def test_no_json_object_is_refused(body: bytes) -> None:
    """What is not one JSON object is refused."""
    with pytest.raises(NotJsonError):
        parse(body, 10)


def test_nan_is_named() -> None:
    """A number that JSON does not have is named."""
    with pytest.raises(NotJsonError, match="NaN and Infinity are not JSON: send null, or leave the field out"):
        parse(b'{"features": {"tau": NaN}}', 10)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[]", "the body must be a JSON object, that is, start with {"),
        (b"\n {", "the body is not JSON (line 2, column 3)"),
        (b"\xff{}", "the body is not UTF-8"),
        (b'{"a": NaN}', "NaN and Infinity are not JSON: send null, or leave the field out"),
        (b'{"a": 1, "a": 2}', "the body is not valid: an object has the same key twice"),
        (b"[" * 100_000, "the body is nested too deeply"),
        (b"9" * 5000, "the body has a number of thousands of digits"),
    ],
)
def test_body_that_is_refused_says_why(body: bytes, said: str) -> None:
    with pytest.raises(NotJsonError) as refused:
        parse(body, 10)
    assert refused.value.message == said


@pytest.mark.parametrize("key", ["features", "clinical_features"])
def test_both_features_names_mean_the_same(key: str) -> None:
    assert parse(json.dumps({key: {"tau": 1}}).encode(), 10).items[0].features == {"tau": 1}


def test_other_top_level_keys_are_ignored() -> None:
    with_names = {"features": {}, "doctor_name": "x", "patient_name": ["y"], "anything": {"z": 1}}
    assert parse(json.dumps(with_names).encode(), 10) == parse(b'{"features": {}}', 10)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "features"),
        ({"feature": {}}, "features"),
        ({"features": {}, "clinical_features": {}}, "clinical_features"),
        ({"features": {}, "items": [{"features": {}}]}, "features"),
        ({"items": {}}, "items"),
        ({"items": []}, "items"),
        ({"items": [{}] * 11}, "items"),
        ({"features": {}, "explain": "yes"}, "explain"),
        ({"features": {}, "explain": 1}, "explain"),
        ({"features": {}, "model_name": 5}, "model_name"),
        ({"features": {}, "model_version": True}, "model_version"),
    ],
)
def test_wrong_frame_field_is_named(content: Any, field: str) -> None:
    """A wrong frame is refused by the name of its field."""
    with pytest.raises(InvalidRequestError) as refused:
        parse(json.dumps(content).encode(), 10)
    assert [detail.field for detail in refused.value.details] == [field]


REQUIRED = ("features", schemas.REQUIRED)
BESIDE_FEATURES = ("clinical_features", "must not stand beside features")


@pytest.mark.parametrize(
    ("content", "details"),
    [
        ({}, [REQUIRED]),
        ({"features": {}, "clinical_features": {}}, [BESIDE_FEATURES]),
        ({"items": {}}, [("items", "must be a list, not an object")]),
        ({"items": None}, [("items", "must be a list, not null")]),
        ({"items": [{}] * 11}, [("items", "must have 1 to 10 entries, not 11")]),
        (
            {"items": [], "features": {}, "clinical_features": {}},
            [
                ("features", "must not stand beside items"),
                ("clinical_features", "must not stand beside items"),
                ("items", "must have 1 to 10 entries, not 0"),
            ],
        ),
        (
            {"items": [{}], "features": {}, "explain": 1},
            [("explain", "must be true or false, not a number"), ("features", "must not stand beside items")],
        ),
        (
            {"features": {}, "explain": 1, "model_name": [], "model_version": True},
            [
                ("explain", "must be true or false, not a number"),
                ("model_name", "must be a string, not a list"),
                ("model_version", "must be a string, not true or false"),
            ],
        ),
    ],
)
def test_wrong_frame_says_what_is_wanted(content: Any, details: list[tuple[str, str]]) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parse(json.dumps(content).encode(), 10)
    assert refused.value.message == "the request is not valid"
    assert list(refused.value.details) == details


def items_of(*entries: Any) -> tuple[Item, ...]:
    return parse(json.dumps({"items": entries}).encode(), 10).items


WRONG_ID = ("id", "must be a whole number or 1 to 64 characters of A-Z a-z 0-9 . _ : -")


@pytest.mark.parametrize(
    ("entry", "problems"),
    [
        (None, [("item", "must be an object, not null")]),
        (5, [("item", "must be an object, not a number")]),
        ({}, [REQUIRED]),
        ({"features": {}, "clinical_features": {}}, [BESIDE_FEATURES]),
        ({"features": {}, "id": "a b"}, [WRONG_ID]),
        ({"id": 1.5}, [REQUIRED, WRONG_ID]),
    ],
)
def test_wrong_item_says_what_is_wanted(entry: Any, problems: list[tuple[str, str]]) -> None:
    """And nothing of it is kept that could be looked at."""
    (item,) = items_of(entry)
    assert (item.id, item.features, list(item.problems)) == (None, None, problems)


def test_item_has_its_own_features() -> None:
    assert items_of({"id": 1, "features": {"tau": 1}}, {"clinical_features": {"tau": 2}}) == (
        Item(1, {"tau": 1}),
        Item(None, {"tau": 2}),
    )


def test_frame_keeps_what_was_asked_for() -> None:
    asked = {"explain": True, "model_name": "m", "model_version": "1"}
    assert parse(json.dumps({"features": {}, **asked}).encode(), 10) == Request((Item(None, {}),), False, True, "m", "1")
    plain = Request((Item(None, {}),), is_batch=True, explain=None, model_name=None, model_version=None)
    assert parse(b'{"items": [{"features": {}}]}', 10) == plain


@pytest.mark.parametrize(
    ("key", "hint"),
    [("model", "model_name"), ("version", "model_version"), ("modelName", "model_name"), ("explanation", "explain")],
)
def test_misspelt_option_is_warned_of(key: str, hint: str) -> None:
    warnings = parse(json.dumps({"features": {}, key: "x"}).encode(), 1).warnings
    assert warnings == (f"{key} is not known and was ignored; did you mean {hint}?",)


def test_clients_own_keys_are_no_warnings() -> None:
    """What Django sends besides the features, and keys that may be anything, a name for one."""
    own = ("doctor_name", "patient_name", "patient_id", "encounter_id", "image_data", "user", "model name", "x" * 65)
    assert parse(json.dumps({"features": {}, **dict.fromkeys(own, "x")}).encode(), 1).warnings == ()


def test_batch_of_greatest_size_is_taken() -> None:
    assert len(items_of(*[{"features": {}}] * 10)) == 10


@pytest.mark.parametrize("item_id", ["", "홍길동", "a b", "x" * 65, True, 1.5, [], 2**70, 2**63, -(2**63)])
def test_free_text_id_is_not_repeated(item_id: Any) -> None:
    """An ID that could be anything is refused, and not repeated."""
    (item,) = parse(json.dumps({"items": [{"id": item_id, "features": {}}]}).encode(), 10).items
    assert item.id is None
    assert [detail.field for detail in item.problems] == ["id"]


@pytest.mark.parametrize("item_id", ["a", "row-1", "x" * 64, 7, 2**63 - 1, 1 - 2**63, None])
def test_an_ordinary_id_is_kept(item_id: Any) -> None:
    (item,) = parse(json.dumps({"items": [{"id": item_id, "features": {}}]}).encode(), 10).items
    assert (item.id, item.problems) == (item_id, ())


def test_row_has_the_cards_order(card: Card, features: dict[str, Any]) -> None:
    """Whole features become a row in the order of the card."""
    row = check_features(dict(reversed(features.items())), card)
    assert row.values == tuple(features[wanted.name] for wanted in card.inputs)
    assert row.warnings == ()


def test_missing_input_gets_its_median(card: Card, required_features: dict[str, Any]) -> None:
    """What may be missing is filled with its median, and named."""
    row = check_features({**required_features, "VEGF": None}, card)
    optional = [wanted for wanted in card.inputs if not wanted.is_required]
    assert row.warnings == tuple(f"{wanted.name} is missing and was filled with the training median" for wanted in optional)
    assert {wanted.reference for wanted in optional} <= set(row.values)


def test_every_wrong_field_is_named(card: Card, features: dict[str, Any]) -> None:
    """Every wrong field is named, at once."""
    del features["age"]
    wrong = {**features, "tau": "6.1", "p_tau": True, "Ab_42": [1], "male": 2, "VEGF": {}, "tao": 1, "Genotype": "E3E4"}
    assert set(problems(wrong, card)) == {"age", "tau", "p_tau", "Ab_42", "male", "VEGF", "tao", "Genotype"}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("6.1", "must be a number, not a string"),
        (True, "must be a number, not true or false"),
        ([6.1], "must be a number, not a list"),
        ({}, "must be a number, not an object"),
        (float("inf"), "is too large for a number"),
        (1e39, "is too large for a number"),
        (-(10**400), "is too large for a number"),
    ],
)
def test_what_is_no_number_is_refused(card: Card, features: dict[str, Any], value: Any, problem: str) -> None:
    assert problems({**features, "tau": value}, card) == {"tau": problem}


def test_required_input_is_never_null(card: Card, features: dict[str, Any]) -> None:
    """A required input must not be null."""
    assert "is required" in problems({**features, "tau": None}, card)["tau"]


def test_category_has_only_its_codes(card: Card, features: dict[str, Any]) -> None:
    assert problems({**features, "apoe_e4_alleles": 1.5}, card) == {"apoe_e4_alleles": "must be one of 0, 1, 2 (alleles)"}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("ptau", "; did you mean p_tau?"),
        ("TAU", "; did you mean tau?"),
        ("tau_p", "; did you mean tau or p_tau?"),
        ("tao", "; did you mean tau?"),
        ("sex", ""),
        ("abeta", ""),
    ],
)
def test_unknown_input_gets_suggestions(card: Card, features: dict[str, Any], name: str, hint: str) -> None:
    """An unknown input is answered with every one that may be meant."""
    assert problems({**features, name: 1}, card) == {name: f"is not an input of this model{hint}"}


def test_strange_name_is_not_repeated(card: Card, features: dict[str, Any]) -> None:
    """A name that is no identifier is not repeated."""
    assert problems({**features, "Hong Gil-dong": 1}, card) == {"field 16": "is not an input of this model"}
    told = "is not an input of this model; did you mean Cystatin_C?"
    assert problems({**features, "Cystatin C (mg/l)": 1}, card) == {"field 16": told}


def test_unknown_inputs_are_summed_up(card: Card, features: dict[str, Any]) -> None:
    """A flood of unknown inputs is not answered one by one."""
    flood = {**features, **{f"x{number}": 1 for number in range(MAX_UNKNOWN_NAMED + 5)}}
    answered = problems(flood, card)
    assert len(answered) == MAX_UNKNOWN_NAMED + 1
    assert answered["features"] == "has 5 more unknown fields"
    at_limit = {**features, **{f"x{number}": 1 for number in range(MAX_UNKNOWN_NAMED)}}
    assert len(problems(at_limit, card)) == MAX_UNKNOWN_NAMED


def test_suggestions_have_a_limit(card: Card, features: dict[str, Any]) -> None:
    """Only the first misspelt names get a suggestion."""
    flood = {**features, **{f"tau{number}": 1 for number in range(MAX_SUGGESTIONS + 5)}}
    answered = list(problems(flood, card).values())
    assert ["did you mean" in problem for problem in answered] == [True] * MAX_SUGGESTIONS + [False] * 5
    assert answered[-1] == "is not an input of this model"


def test_a_long_name_gets_no_suggestion(card: Card, features: dict[str, Any]) -> None:
    at_limit = "Pancreatic_polypeptide".ljust(MAX_SUGGESTED_FOR, "x")
    beyond = at_limit + "x"
    answered = problems({**features, at_limit: 1, beyond: 1}, card)
    assert ("did you mean" in answered[at_limit], "did you mean" in answered[beyond]) == (True, False)


@pytest.mark.parametrize(("value", "side"), [(1.9, "below"), (9.8, "above")])
def test_outside_range_is_a_warning(card: Card, features: dict[str, Any], value: float, side: str) -> None:
    """A value outside the range of training is a warning, without the value."""
    (warning,) = check_features({**features, "tau": value}, card).warnings
    assert warning == f"tau is {side} the range seen in training, 4.53512 to 7.17242 (as published (transformed))"


@pytest.mark.parametrize("end", ["minimum", "maximum"])
def test_ends_of_range_are_inside_it(card: Card, features: dict[str, Any], end: str) -> None:
    at_end = {wanted.name: getattr(wanted, end) for wanted in card.inputs}
    assert check_features({**features, **at_end}, card).warnings == ()


def test_raw_values_are_refused(card: Card) -> None:
    """Raw laboratory values are refused, with the range that the model knows."""
    answered = problems({"tau": 500, "p_tau": 60, "Ab_42": 300, "age": 71, "male": 0}, card)
    assert set(answered) == {"tau", "p_tau", "Ab_42", "age"}
    assert answered["tau"] == (
        "is farther outside the range seen in training than that range is wide; "
        "the model knows 4.53512 to 7.17242 (as published (transformed)); "
        "is it the plain value where the model reads its natural logarithm, or 100 times what the model reads?"
    )


def test_far_outside_range_is_refused(card: Card, numbers: list[Number], features: dict[str, Any]) -> None:
    """A value is refused from one width of the range of training outside it."""
    for wanted in numbers:
        if wanted.allowed is not None:
            continue
        width = wanted.maximum - wanted.minimum
        for near, far in (
            (wanted.minimum - 0.99 * width, wanted.minimum - 1.01 * width),
            (wanted.maximum + 0.99 * width, wanted.maximum + 1.01 * width),
        ):
            assert len(check_features({**features, wanted.name: near}, card).warnings) == 1
            assert set(problems({**features, wanted.name: far}, card)) == {wanted.name}


def test_exactly_one_width_outside_is_warning(card: Card) -> None:
    wanted = msgspec.structs.replace(card.inputs[0], name="x", minimum=0, maximum=1, median=0.5)
    small = msgspec.structs.replace(card, inputs=[wanted])
    assert [len(check_features({"x": value}, small).warnings) for value in (-1, 2)] == [1, 1]


@pytest.mark.parametrize("not_object", [None, [], "text", 5])
def test_features_must_be_an_object(card: Card, not_object: Any) -> None:
    assert set(problems(not_object, card)) == {"features"}


@pytest.mark.parametrize(("features", "kind"), [(None, "null"), ([], "a list"), (1.5, "a number")])
def test_refused_features_say_why(card: Card, features: Any, kind: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        check_features(features, card)
    assert refused.value.message == "the features are not valid"
    assert refused.value.details == (Detail("features", f"must be an object, not {kind}"),)


def test_refused_values_say_why(card: Card, features: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        check_features({**features, "tau": "x"}, card)
    assert refused.value.message == "the features are not valid"


@pytest.mark.parametrize("sign", [1, -1])
def test_greatest_float_is_a_number(card: Card, features: dict[str, Any], sign: int) -> None:
    """It is far outside all the same."""
    assert problems({**features, "tau": sign * 3.4028234663852886e38}, card)["tau"].startswith("is farther outside")


def test_envelope_of_an_error() -> None:
    assert render_error("invalid_request", "no", (Detail("tau", "is required"),)) == {
        "ok": False,
        "code": "invalid_request",
        "error": "no",
        "details": [{"field": "tau", "problem": "is required"}],
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(content=JSON_VALUES)
def test_no_json_makes_the_server_fail(client: FlaskClient, content: Any) -> None:
    answer = client.post("/predict", data=json.dumps(content), content_type="application/json")
    assert answer.status_code in (400, 422)
    assert answer.json is not None
    assert answer.json["ok"] is False


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(data=st.data())
def test_no_features_make_the_server_fail(client: FlaskClient, card: Card, data: st.DataObject) -> None:
    number = st.floats() | st.floats(width=32) | st.integers()
    names = st.sampled_from([wanted.name for wanted in card.inputs])
    odd = data.draw(st.dictionaries(names | st.text(max_size=5), number | JSON_VALUES, max_size=6))
    content = {"features": {**card.golden_samples[1].features, **odd}, "explain": data.draw(st.booleans())}
    answer = client.post("/predict", data=json.dumps(content), content_type="application/json")
    assert answer.status_code in (200, 400, 422)
    msgspec.json.decode(answer.data)  # which knows no NaN


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(body=st.binary())
def test_no_bytes_make_the_server_fail(client: FlaskClient, body: bytes) -> None:
    assert client.post("/predict", data=body, content_type="application/json").status_code in (400, 422)
