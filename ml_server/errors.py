"""One family of exceptions, without HTTP in it: `routes` has the table from these to status codes.

Messages and details go to clients and logs, so they must never contain a value that a client sent.
"""

from typing import ClassVar, NamedTuple


class Detail(NamedTuple):
    """One thing wrong with one field of a request."""

    field: str
    problem: str


class MlServerError(Exception):
    """The base of everything that this server refuses on purpose."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, details: tuple[Detail, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidSettingsError(MlServerError):
    """An environment variable is misspelt or has a value that is not allowed."""

    code = "invalid_settings"


class BrokenModelError(MlServerError):
    """A model's files are missing, altered or contradict themselves, or its self-test failed."""

    code = "broken_model"


class NotJsonError(MlServerError):
    """The body is not one well-formed JSON object in UTF-8."""

    code = "not_json"


class BodyTooLargeError(MlServerError):
    """The body has more bytes than this server takes."""

    code = "request_entity_too_large"


class InvalidRequestError(MlServerError):
    """The JSON is well-formed, and its content is wrong; `details` names every wrong field."""

    code = "invalid_request"


class UnauthorizedError(MlServerError):
    """The API key is missing or wrong."""

    code = "unauthorized"


class ForbiddenError(MlServerError):
    """This is not done for whoever asks, or for nobody."""

    code = "forbidden"


class UnsupportedTypeError(MlServerError):
    """The body is not declared as JSON or a form, or as a compressed one."""

    code = "unsupported_media_type"


class UnknownModelError(MlServerError):
    """No model of that name and version is installed."""

    code = "unknown_model"


class UnknownPredictionError(MlServerError):
    """No prediction is kept that is called so."""

    code = "unknown_prediction"


class AmbiguousPredictionError(MlServerError):
    """Several predictions are called so, and they differ."""

    code = "ambiguous_prediction"


class StateUnavailableError(MlServerError):
    """What the server keeps cannot be read or written now."""

    code = "state_unavailable"


class ModelUnavailableError(MlServerError):
    """The model is still loading, or failed and is not served."""

    code = "model_unavailable"


class OverloadedError(MlServerError):
    """Too many predictions are running."""

    code = "overloaded"


class UnknownTaskError(MlServerError):
    """No long job of that id is known."""

    code = "unknown_task"


class PredictionTimeoutError(MlServerError):
    """The model took longer than a prediction may take."""

    code = "prediction_timeout"


class CrashError(MlServerError):
    """Something that nobody has foreseen has happened."""

    code = "internal_error"


class ModelFaultError(MlServerError):
    """The model has no answer where it should have one: that is no mistake of the client."""

    code = "model_fault"
