"""What may become a long job: whatever `/predict` would refuse of it is refused before it is kept."""

import secrets

from ml_server import prediction, schemas
from ml_server.errors import BodyTooLargeError, Detail, InvalidRequestError
from ml_server.inference import InferenceService
from ml_server.storage.jobs import KEPT_S, MOST_BYTES, Job

# What one job may have, whatever one batch may have.
MOST_ITEMS = 100_000
_MOST_BODY_BYTES = MOST_BYTES // 4


def accept(
    body: bytes, content_type: str, name: str, *, service: InferenceService, max_batch: int, request_id: str, now: float
) -> Job:
    """Return the job that a request to the model of that name is; `now` is in seconds since 1970.

    Raises:
        NotJsonError, BodyTooLargeError, InvalidRequestError, UnknownModelError, ModelUnavailableError: as `prediction.predict`;
            of a batch, what is wrong with an item is told in its place of the answer.
    """
    if len(body) > _MOST_BODY_BYTES:
        raise BodyTooLargeError(f"the body of a long job must be at most {_MOST_BODY_BYTES} bytes: send it as several jobs")
    request = schemas.parse(body, MOST_ITEMS, content_type)
    if request.model_name and request.model_name != name:
        detail = Detail("model_name", "must be the model in the address, or be left out")
        raise InvalidRequestError("the request is not valid", (detail,))
    model = service.model(name, request.model_version)
    if not request.is_batch:
        (item,) = request.items
        schemas.check_features(item.features, model.card, beside=item.beside)
    return Job(
        id=secrets.token_hex(16),
        state="queued",
        request_id=request_id,
        model=model.card.name,
        version=model.card.version,
        digest=model.digest,
        content_type=content_type,
        bytes=len(body),
        rows=len(request.items),
        rows_done=0,
        piece_rows=min(max_batch, prediction.most_items(model)),
        attempts=0,
        created=now,
        started=None,
        finished=None,
        expires=now + KEPT_S,
        status=None,
    )
