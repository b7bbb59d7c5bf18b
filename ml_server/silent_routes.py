"""The route of the silent trial: what came of it so far; and its figures as metrics."""

from collections.abc import Iterator
from pathlib import Path

from flask import Blueprint, Flask, Response, current_app, g
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from ml_server import web
from ml_server.config import Settings
from ml_server.errors import BrokenModelError, ForbiddenError, StateUnavailableError
from ml_server.silent.feed import Feed
from ml_server.silent.report import Report, report
from ml_server.silent_trial import read_trial
from ml_server.storage.database import Database, StorageError
from ml_server.storage.silent import Silent

silent = Blueprint("silent", __name__)


def register(app: Flask, settings: Settings) -> None:
    """Register the route, at the root and under `/api`; with a directory of the server's, have a worker take part in trials."""
    database: Database | None = app.extensions.get("ml_database")
    app.extensions["ml_silent"] = None
    app.register_blueprint(silent)
    app.register_blueprint(silent, url_prefix="/api", name="silent_twin")
    if database is None:
        return
    figures = Figures(Silent(database), database.path.parent, settings.model_dir)
    feed = Feed(settings, database, app.extensions["ml_server"])
    app.extensions["ml_silent"] = figures
    app.extensions["ml_silent_feed"] = feed
    app.extensions["ml_endpoint"].observers.append(feed)
    app.extensions.setdefault("ml_collectors", []).append(figures)


class Figures(Collector):
    """What there is to be told of a trial."""

    def __init__(self, kept: Silent, directory: Path, model_dir: Path) -> None:
        self._silent = kept
        self._directory = directory
        self._model_dir = model_dir

    def report(self) -> Report | None:
        """Return what came of the trial that runs, or of the last one.

        Raises:
            StorageError: the database cannot be used.
        """
        try:
            trial = read_trial(self._model_dir)
        except BrokenModelError:
            trial = None
        return report(self._silent, self._directory, trial)

    def collect(self) -> Iterator[Metric]:
        """Yield the counts of the trial that runs."""
        try:
            found = self.report()
        except StorageError:
            return
        names = ["model", "version", "active_version"]
        rows = CounterMetricFamily("neuronova_ml_trial_rows", "Predictions in a silent trial", labels=[*names, "outcome"])
        decided = CounterMetricFamily("neuronova_ml_trial_decisions", "Answers that decide", labels=[*names, "is_same"])
        for each in found.against if found is not None and found.is_running else ():
            labels = [found.name, found.version, each.version] if found else []
            outcomes = {"compared": each.compared, "failed": sum(each.failed.values()), "skipped": sum(each.skipped.values())}
            for outcome, count in {**outcomes, "lost": each.lost}.items():
                rows.add_metric([*labels, outcome], count)
            if each.agreement is not None:
                decided.add_metric([*labels, "yes"], each.agreement.count)
                decided.add_metric([*labels, "no"], each.agreement.of - each.agreement.count)
        yield from (rows, decided)


@silent.get("/trial")
def trial() -> Response:
    """Return what came of the silent trial that runs, or of the last one."""
    web.endpoint().check_key(web.field("x-api-key"))
    figures: Figures | None = current_app.extensions["ml_silent"]
    if figures is None:
        raise ForbiddenError("this server has no silent trials: have the operator set ML_STATE_DIR")
    try:
        found = figures.report()
    except StorageError as error:
        raise StateUnavailableError(f"{error}: tell the operator") from error
    content = {"ok": True, "trial": found, "request_id": g.request_id}
    return web.encoded(content)
