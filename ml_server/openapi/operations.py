"""Every route, with what it takes and answers: a new one is documented by one more line here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from ml_server import answers
from ml_server.decoding import FORM, JSON
from ml_server.endpoint import BINARY
from ml_server.jobs.told import JobForgotten, LongJob
from ml_server.oip import messages, wire
from ml_server.openapi import reports

TEXT, HTML = "text/plain", "text/html"
Answer = type | tuple[type, ...] | Literal["text", "document"]
# What any request may come to before it is looked at: no HTTP, too slow, too long, too many.
_ANY = (400, 408, 413, 414, 431, 500, 503)
_PREDICT = (404, 415, 422, 504)
_NAME = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}, "description": "of an installed model"}
_VERSION = {"name": "wanted", "in": "path", "required": True, "schema": {"type": "string"}, "description": "such as 1.0.0"}
_MODEL = {**_NAME, "name": "model"}
_TASK = {"name": "task_id", "in": "path", "required": True, "schema": {"type": "string"}, "description": "of a long job"}
_OF_VERSION = {"name": "version", "in": "query", "schema": {"type": "string"}, "description": "another than the one that is due"}
_PEOPLE = [
    {"name": "num_people", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 4}},
    {"name": "samples_per_person", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 20, "default": 3}},
    {"name": "disease_ratio", "in": "query", "schema": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.9}},
]
_BRIEF = {
    "name": "brief",
    "in": "query",
    "schema": {"type": "string"},
    "description": "only of what is served, and only the days by which it is judged",
}
_JSON_LENGTH = {
    "name": wire.HEADER,
    "in": "header",
    "schema": {"type": "integer", "minimum": 0},
    "description": "how many bytes of the body are JSON, where tensors follow as bytes",
}


@dataclass(frozen=True)
class Operation:
    """What can be asked at one path, as it is written in OpenAPI.

    Attributes:
        answers: status -> what is answered; several types where it is one of them.
        errors: further statuses, with an error in the form of the path.
        key: whose key is demanded where it is set: nobody's, the one for predictions or the administrators'.
        takes: content type -> the schema of a body, or the name of one; `needs_body` says whether there must be one.
        is_twin: whether it is under `/api` too.
    """

    method: str
    path: str
    summary: str
    answers: Mapping[int, Answer]
    errors: tuple[int, ...] = ()
    key: Literal["", "ApiKey", "AdminKey"] = "ApiKey"
    takes: Mapping[str, Any] = field(default_factory=dict)
    needs_body: bool = True
    parameters: list[dict[str, Any]] = field(default_factory=list)
    is_twin: bool = True

    @property
    def is_oip(self) -> bool:
        """Tell whether it is the Open Inference Protocol's."""
        return self.path.startswith("/v2")

    @property
    def refusals(self) -> list[int]:
        """Return every status that is an error."""
        by_key = {"": (), "ApiKey": (401,), "AdminKey": (401, 403)}[self.key]
        return sorted({*_ANY, *by_key, *self.errors} - set(self.answers))


def _infer(path: str, *parameters: dict[str, Any]) -> Operation:
    takes = {JSON: "InferRequest", BINARY: {"type": "string", "contentMediaType": BINARY}}
    told = "Have a model answer rows of tensors; as bytes where the request says so"
    answered: Mapping[int, Answer] = {200: messages.InferAnswer}
    return Operation("post", path, told, answered, _PREDICT, takes=takes, parameters=[*parameters, _JSON_LENGTH])


_FORM = {
    "type": "object",
    "properties": {
        "image_data": {"type": "string", "contentMediaType": BINARY, "description": "a PNG, JPEG or DICOM file"},
        "features": {"type": "string", "contentMediaType": JSON, "description": "as in JSON"},
    },
}
OPERATIONS = (
    Operation("get", "/health", "Whether the default model is served", {200: answers.Health, 503: answers.Unhealthy}, key=""),
    Operation(
        "post",
        "/predict",
        "Predict for one person, or for a batch",
        {200: (answers.PredictAnswer, answers.BatchAnswer)},
        _PREDICT,
        takes={JSON: "PredictRequest", FORM: _FORM},
    ),
    Operation("get", "/models", "Every installed version, and why one is not served", {200: answers.Models}),
    Operation(
        "get",
        "/models/{name}",
        "What is known of a model, by the items of TRIPOD+AI; as a page for whoever would rather have HTML",
        {200: reports.ModelReport},
        (404,),
        parameters=[_NAME, _OF_VERSION],
    ),
    Operation("get", "/schema", "What the default model is, and what is to be sent to it", {200: answers.SchemaAnswer}),
    Operation(
        "get",
        "/example_data",
        "Requests whose answers are known, and made-up people",
        {200: answers.ExampleData},
        (422,),
        parameters=_PEOPLE,
    ),
    Operation(
        "post",
        "/reload_model",
        "Verify the version that is due, and serve it",
        {200: reports.ReloadAnswer},
        key="AdminKey",
        takes={JSON: {"type": "object"}},
        needs_body=False,
    ),
    Operation(
        "post",
        "/feedback",
        "Say what turned out to be true of a prediction, or of several",
        {200: (answers.FeedbackAnswer, answers.FeedbackBatch)},
        (403, 404, 409, 415, 422),
        takes={JSON: {"anyOf": [{"$ref": "#/components/schemas/Truth"}, {"$ref": "#/components/schemas/Truths"}]}},
    ),
    Operation(
        "get",
        "/feedback/summary",
        "How good each version's answers were, against its card",
        {200: reports.FeedbackSummary},
        (403,),
        parameters=[_BRIEF],
    ),
    Operation(
        "get",
        "/drift",
        "Of whom each version was asked, against those in training",
        {200: reports.Drifts},
        (403,),
        parameters=[{**_BRIEF, "description": "only of what is served, and only the inputs that have drifted"}],
    ),
    Operation(
        "post",
        "/predict/{model}/async",
        "Predict later, for one person or for a batch of any length: a long job",
        {202: LongJob},
        (403, *_PREDICT),
        takes={JSON: "PredictRequest", FORM: _FORM},
        parameters=[_MODEL],
    ),
    Operation("get", "/task/{task_id}", "How far a long job is", {200: LongJob}, (403, 404), parameters=[_TASK]),
    Operation("delete", "/task/{task_id}", "Forget a long job", {200: JobForgotten}, (403, 404), parameters=[_TASK]),
    Operation("get", "/trial", "What came of the silent trial so far", {200: reports.TrialAnswer}, (403,)),
    Operation("get", "/openapi.json", "This document", {200: "document"}),
    Operation("get", "/metrics", "Metrics for Prometheus", {200: "text"}, key="", is_twin=False),
    Operation("get", "/v2", "What this server is", {200: messages.ServerMetadata}),
    Operation("get", "/v2/health/live", "That the server answers", {200: messages.ServerLive}, key=""),
    Operation(
        "get",
        "/v2/health/ready",
        "Whether the default model is served",
        {200: messages.ServerReady, 503: messages.ServerReady},
        key="",
    ),
    *(
        operation
        for path, parameters in (("/v2/models/{name}", [_NAME]), ("/v2/models/{name}/versions/{wanted}", [_NAME, _VERSION]))
        for operation in (
            Operation(
                "get", path, "What a model reads and answers", {200: messages.ModelMetadata}, (404,), parameters=parameters
            ),
            Operation(
                "get",
                f"{path}/ready",
                "Whether a model is served",
                {200: messages.ModelReady, 503: messages.ModelReady},
                (404,),
                parameters=parameters,
            ),
            _infer(f"{path}/infer", *parameters),
        )
    ),
)
# Those that no operation answers by themselves.
TYPES: tuple[type[msgspec.Struct], ...] = (
    answers.Error,
    answers.ItemAnswer,
    answers.ItemError,
    answers.FeedbackItem,
    answers.FeedbackItemError,
    answers.Truth,
    answers.Truths,
    messages.OipError,
    messages.InferRequest,
)
