"""Feedback, as clients send it."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml_server.app import create_app
from ml_server.config import Settings
from tests.ml_server.feedback.echoes import Served, request

KEY = "0123456789abcdef"
Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    return lambda task="classification", **changes: Served(tmp_path, task, **changes)


def _rows(served: Served, statement: str) -> list[Any]:
    connection = sqlite3.connect(served.state / "ml_server.db")
    found = connection.execute(statement).fetchall()
    connection.close()
    return found


def _problem(answer: tuple[int, Any]) -> str:
    status, body = answer
    assert status == 422, body
    ((field, problem),) = [(detail["field"], detail["problem"]) for detail in body["details"]]
    return f"{field} {problem}"


@pytest.mark.parametrize(
    ("said", "actual", "is_correct"),
    [
        ({"correct": True}, "b", True),
        ({"correct": False}, "a", False),
        ({"actual_class": "a"}, "a", False),
        ({"correct": True, "actual_class": "b"}, "b", True),
        ({"correct": False, "actual_class": "a"}, "a", False),
    ],
)
def test_truth_is_joined(serve: Serve, said: dict[str, Any], actual: str, *, is_correct: bool) -> None:
    served = serve()
    request_id = served.predict(0.2, 0.8)["request_id"]
    status, told = served.feedback(request_id=request_id, **said)
    assert (status, told["ok"], told["outcome"]) == (200, True, "recorded")
    assert (told["actual_class"], told["correct"]) == (actual, is_correct)
    assert told["prediction_of"] == {"request_id": request_id, "index": 0, "model_name": "echo", "model_version": "1.0.0"}
    assert told["request_id"] != request_id


def test_same_again_changes_nothing(serve: Serve) -> None:
    served = serve()
    request_id = served.predict(0.2, 0.8)["request_id"]
    outcomes = [served.feedback(request_id=request_id, actual_class=name)[1]["outcome"] for name in ("b", "b", "a", "a", "b")]
    assert outcomes == ["recorded", "unchanged", "corrected", "unchanged", "corrected"]
    assert _rows(served, "SELECT truth FROM feedback_answers") == [("1",)]
    assert _rows(served, "SELECT truth FROM feedback_corrections ORDER BY id") == [("1",), ("0",)]
    summary = served.summary()
    assert (summary["judged"], summary["corrected"]) == (1, 2)


def test_site_names_its_prediction_before(serve: Serve) -> None:
    served = serve()
    served.predict(0.2, 0.8, prediction_id=4711)
    served.predict(0.9, 0.1, prediction_id="0f8fad5b-d9cb-469f-a165-70867728950e")
    assert served.feedback(prediction_id=4711, correct=True)[1]["actual_class"] == "b"
    assert served.feedback(prediction_id="4711", correct=True)[1]["outcome"] == "unchanged"
    assert served.feedback(prediction_id="0f8fad5b-d9cb-469f-a165-70867728950e", correct=True)[1]["actual_class"] == "a"


def test_site_names_its_prediction_after(serve: Serve) -> None:
    served = serve()
    request_id = served.predict(0.2, 0.8)["request_id"]
    served.feedback(request_id=request_id, prediction_id=12, correct=True)
    assert served.feedback(prediction_id=12, actual_class="a")[1]["outcome"] == "corrected"


def test_what_is_no_id_is_ignored(serve: Serve) -> None:
    served = serve()
    for wrong in ("홍길동", "a b", [1], True, 1.5, 2**70):
        assert served.predict(0.2, 0.8, prediction_id=wrong)["ok"]
    assert _problem(served.feedback(prediction_id="a b", correct=True)).startswith("prediction_id must be a whole number")
    assert _rows(served, "SELECT DISTINCT site FROM feedback_answers") == [(None,)]


def test_no_id_of_a_client_is_kept(serve: Serve) -> None:
    """An item's or a prediction's id may be a number of the person: only a fingerprint with a secret key is kept."""
    served = serve()
    items = [{"id": "850302-1234567", **request(0.2, 0.8), "prediction_id": "KIM.MINSU-77"}]
    request_id = served.post({"items": items, "patient_name": "홍길동"})["request_id"]
    assert served.feedback(request_id=request_id, id="850302-1234567", correct=True)[0] == 200
    assert served.feedback(prediction_id="KIM.MINSU-77", correct=True)[1]["outcome"] == "unchanged"
    written = b"".join(path.read_bytes() for path in served.state.iterdir())
    for secret in (b"1234567", b"MINSU", "홍길동".encode()):
        assert secret not in written


def test_items_of_a_batch_are_told_apart(serve: Serve) -> None:
    served = serve()
    items = [{"id": 7, **request(0.2, 0.8)}, {"id": "x", "features": {}}, {"id": "y", **request(0.9, 0.1)}]
    request_id = served.post({"items": items})["request_id"]
    assert served.feedback(request_id=request_id, index=2, correct=True)[1]["actual_class"] == "a"
    assert served.feedback(request_id=request_id, id=7, correct=True)[1]["actual_class"] == "b"
    assert served.feedback(request_id=request_id, id="y", correct=True)[1]["outcome"] == "unchanged"
    assert served.feedback(request_id=request_id, correct=True)[0] == 409
    for unknown in ({"index": 1}, {"id": "x"}, {"index": 3}, {"id": "z"}):
        assert served.feedback(request_id=request_id, **unknown, correct=True)[0] == 404


def test_batch_answers_for_each(serve: Serve) -> None:
    served = serve()
    ids = [served.predict(0.2, 0.8)["request_id"] for _ in range(3)]
    said = [{"request_id": ids[0], "correct": True}, 3, {"request_id": ids[1]}, {"request_id": "no", "correct": True}]
    status, told = served.feedback(items=[*said, {"request_id": ids[2], "actual_class": "a"}])
    assert status == 200
    assert [each.get("outcome", each.get("code")) for each in told["results"]] == [
        "recorded",
        "invalid_request",
        "invalid_request",
        "unknown_prediction",
        "recorded",
    ]


@pytest.mark.parametrize("items", [[], [{}] * 257, {}, "x"])
def test_batch_has_a_size(serve: Serve, items: Any) -> None:
    assert _problem(serve().feedback(items=items)).startswith("items must be a list of 1 to 256 entries")


def test_unknown_prediction_is_404(serve: Serve) -> None:
    status, told = serve().feedback(request_id="no-such", correct=True)
    assert (status, told["code"]) == (404, "unknown_prediction")


def test_refused_prediction_is_unknown(serve: Serve) -> None:
    served = serve()
    request_id = served.predict(0.2)["request_id"]
    assert served.feedback(request_id=request_id, correct=True)[0] == 404


def test_probes_are_not_kept(serve: Serve) -> None:
    served = serve()
    answer = served.post(request(0.2, 0.8), **{"User-Agent": "neuronova-monitor"})
    assert served.feedback(request_id=answer["request_id"], correct=True)[0] == 404


def test_repeated_request_is_one_prediction(serve: Serve) -> None:
    served = serve()
    headers = {"X-Request-ID": "abc"}
    for _ in range(2):
        served.client.post("/predict", json=request(0.2, 0.8), headers=headers)
    assert served.feedback(request_id="abc", correct=True)[1]["outcome"] == "recorded"
    assert served.feedback(request_id="abc", correct=True)[1]["outcome"] == "unchanged"
    served.client.post("/predict", json=request(0.9, 0.1), headers=headers)
    status, told = served.feedback(request_id="abc", correct=True)
    assert (status, told["code"]) == (409, "ambiguous_prediction")


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({}, "correct or actual_class"),
        ({"actual_class": "c"}, "actual_class must be one of a, b"),
        ({"actual_class": 1}, "actual_class must be one of a, b"),
        ({"actual_class": ["a"]}, "actual_class must be one of a, b"),
        ({"actual_value": 1.5}, "actual_value has no meaning for this model: send actual_class"),
        ({"correct": "yes"}, "correct must be true or false, not a string"),
        ({"correct": True, "actual_class": "a"}, "correct contradicts actual_class"),
        ({"correct": False, "actual_class": "b"}, "correct contradicts actual_class"),
        ({"correct": True, "index": True}, "index must be the item's index"),
    ],
)
def test_wrong_truth_names_the_remedy(serve: Serve, said: dict[str, Any], problem: str) -> None:
    served = serve()
    request_id = served.predict(0.2, 0.8)["request_id"]
    assert _problem(served.feedback(request_id=request_id, **said)).startswith(problem)
    assert served.summary()["judged"] == 0


def test_wrong_of_three_needs_the_class(serve: Serve) -> None:
    served = serve(middle=(0.5, 0.25, 0.25))
    request_id = served.predict(0.2, 0.6, 0.2)["request_id"]
    assert _problem(served.feedback(request_id=request_id, correct=False)).endswith("one of a, b, c")
    assert served.feedback(request_id=request_id, correct=False, actual_class="c")[1]["correct"] is False


def test_labels_are_a_list(serve: Serve) -> None:
    served = serve("multi_label")
    request_id = served.predict(0.2, 0.8)["request_id"]
    assert served.feedback(request_id=request_id, correct=True)[1]["actual_class"] == ["b"]
    told = served.feedback(request_id=request_id, actual_class=["b", "a"])[1]
    assert (told["outcome"], told["actual_class"], told["correct"]) == ("corrected", ["a", "b"], False)
    assert served.feedback(request_id=request_id, actual_class=[])[1]["actual_class"] == []
    assert _problem(served.feedback(request_id=request_id, correct=False)).startswith("actual_class is required")
    assert _problem(served.feedback(request_id=request_id, actual_class=["c"])).startswith("actual_class must be one of")


def test_value_is_a_number(serve: Serve) -> None:
    served = serve("regression")
    request_id = served.predict(0.2)["request_id"]
    assert served.feedback(request_id=request_id, actual_value=0.25)[1]["actual_value"] == {"a": 0.25}
    assert served.feedback(request_id=request_id, actual_value={"a": 0.25})[1]["outcome"] == "unchanged"
    assert _problem(served.feedback(request_id=request_id, correct=True)).startswith("actual_value is required")
    for wrong in (True, "1", 10**400):
        assert _problem(served.feedback(request_id=request_id, actual_value=wrong)).startswith("actual_value must be a number")
    assert _problem(served.feedback(request_id=request_id, actual_class="a")).startswith("actual_class has no meaning")


def test_vector_has_no_truth(serve: Serve) -> None:
    served = serve("embedding")
    request_id = served.predict(0.2, 0.8)["request_id"]
    assert _problem(served.feedback(request_id=request_id, correct=True)).startswith("correct has no meaning for this model")
    assert served.get("/feedback/summary")["models"] == []


def test_key_is_demanded(serve: Serve) -> None:
    served = serve()
    client = create_app(Settings(state_dir=served.state, model_dir=served.models, model="echo", api_key=KEY)).test_client()
    for path in ("/feedback", "/api/feedback"):
        assert client.post(path, json={}).status_code == 401
        assert client.post(path, json={}, headers={"X-API-Key": KEY}).status_code == 422
        assert client.get(f"{path}/summary").status_code == 401
        assert client.get(f"{path}/summary", headers={"X-API-Key": KEY}).status_code == 200


def test_without_state_it_says_so(serve: Serve) -> None:
    client = create_app(Settings(model_dir=serve().models, model="echo")).test_client()
    for answer in (client.post("/feedback", json={}), client.get("/feedback/summary")):
        assert answer.status_code == 403
        assert "ML_STATE_DIR" in answer.text


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [("{", "application/json", 400), ('{"a":1,"a":2}', "application/json", 400), ("{}", "text/plain", 415)],
)
def test_what_is_no_json_is_refused(serve: Serve, body: str, kind: str, status: int) -> None:
    answer = serve().client.post("/feedback", data=body, content_type=kind)
    assert (answer.status_code, '"ok":false' in answer.text) == (status, True)


def test_broken_database_is_no_crash(serve: Serve) -> None:
    served = serve()
    served.predict(0.2, 0.8)
    served.feedback(request_id="x", correct=True)
    connection = sqlite3.connect(served.state / "ml_server.db", isolation_level=None)
    connection.execute("ALTER TABLE feedback_answers RENAME TO gone")
    status, told = served.feedback(request_id="x", correct=True)
    assert (status, told["code"]) == (503, "state_unavailable")
    request_id = served.predict(0.2, 0.8)["request_id"]
    assert served.client.get("/metrics").status_code == 200
    connection.execute("ALTER TABLE gone RENAME TO feedback_answers")
    connection.close()
    # What could not be written has waited.
    assert served.feedback(request_id=request_id, correct=True)[0] == 200


def test_misspelt_key_is_named(serve: Serve) -> None:
    """What else a client sends is its own, and is not repeated."""
    status, told = serve().feedback(request_id="some", corect=True, 홍길동=1, doctor_name="Kim")
    assert status == 422
    assert [(each["field"], each["problem"]) for each in told["details"][1:]] == [
        ("corect", "is not known; did you mean correct?")
    ]
