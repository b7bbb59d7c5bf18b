"""The routes of what is known afterwards: feedback, how good the models are by that, and whom they are asked of."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from flask import Blueprint, Flask, Response, current_app, g, request

from ml_server import errors, web
from ml_server.config import Settings
from ml_server.drift.counting import Counter
from ml_server.drift.metrics import DriftMetrics
from ml_server.drift.report import drifts
from ml_server.feedback.keeping import Keeper
from ml_server.feedback.metrics import FeedbackMetrics
from ml_server.feedback.summary import Summaries
from ml_server.feedback.truths import Truths
from ml_server.storage.database import Database, StorageError
from ml_server.storage.drift import DriftStore
from ml_server.storage.feedback import JUDGED_DAYS, OPEN_DAYS, FeedbackStore

quality = Blueprint("quality", __name__)
_NOTHING_KEPT = "this server keeps nothing of its predictions: set ML_STATE_DIR"


def register(app: Flask, settings: Settings) -> None:
    """Register the routes, at the root and under `/api`, and keep what they are about where there is a database."""
    app.register_blueprint(quality)
    app.register_blueprint(quality, url_prefix="/api", name="quality_twin")
    database: Database | None = app.extensions.get("ml_database")
    if database is None:
        return
    store = FeedbackStore(database)
    keeper, summaries = Keeper(store), Summaries(store)
    app.extensions["ml_truths"] = Truths(store, keeper.flush, settings.max_batch)
    app.extensions["ml_summaries"] = summaries
    counts = DriftStore(database)
    counter, service = Counter(counts), app.extensions["ml_server"]
    app.extensions["ml_endpoint"].observers += [keeper, counter]
    app.extensions["ml_drift"] = counts
    app.extensions["ml_drift_flush"] = counter.flush
    collectors = app.extensions.setdefault("ml_collectors", [])
    collectors += [FeedbackMetrics(summaries, service), DriftMetrics(counts, service)]


@quality.post("/feedback")
def feedback() -> Response:
    """Take what turned out to be true of a prediction, or of several (`items`)."""
    _check_key()
    if request.mimetype != "application/json":
        raise errors.UnsupportedTypeError("the Content-Type must be application/json")
    truths: Truths = _kept("ml_truths")
    return _answer(truths.take(web.read_body()))


@quality.get("/feedback/summary")
def summary() -> Response:
    """Return how good each version's answers were, against its card.

    With `brief` only of the versions that are served, and only the days by which each is judged.
    """
    _check_key()
    summaries: Summaries = _kept("ml_summaries")
    with _readable():
        versions = summaries.versions()
    if "brief" in request.args:
        versions = [version.brief() for version in versions if web.service().serves(*version.key)]
    content = {"kept_days": {"open": OPEN_DAYS, "judged": JUDGED_DAYS}, "models": msgspec.to_builtins(versions)}
    return _answer({"ok": True, **content})


@quality.get("/drift")
def drift() -> Response:
    """Return how far the inputs of each version are from those in training, by the last people of whom it was asked.

    With `brief` only of the versions that are served, and only the inputs that have drifted.
    """
    _check_key()
    counts: DriftStore = _kept("ml_drift")
    with _readable():
        current_app.extensions["ml_drift_flush"]()
        found = drifts(counts)
    if "brief" in request.args:
        found = [each.brief() for each in found if web.service().serves(*each.key)]
    return _answer({"ok": True, "models": msgspec.to_builtins(found)})


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except StorageError as error:
        raise errors.StateUnavailableError(str(error)) from error


def _check_key() -> None:
    web.endpoint().check_key(web.field("x-api-key"))


def _kept(name: str) -> Any:
    if name not in current_app.extensions:
        raise errors.ForbiddenError(_NOTHING_KEPT)
    return current_app.extensions[name]


def _answer(content: dict[str, Any]) -> Response:
    return web.encoded({**content, "request_id": g.request_id})
