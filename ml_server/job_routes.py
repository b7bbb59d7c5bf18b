"""The routes of long jobs: one is accepted, asked after, and forgotten."""

import time

from flask import Blueprint, Flask, Response, current_app, g, request

from ml_server import web
from ml_server.config import Settings
from ml_server.errors import ForbiddenError
from ml_server.head import Head
from ml_server.jobs.accepting import accept
from ml_server.jobs.desk import Desk
from ml_server.jobs.told import JobForgotten, told
from ml_server.storage.jobs import Job

jobs = Blueprint("jobs", __name__)


def register(app: Flask, settings: Settings) -> None:
    """Register the routes, at the root and under `/api`; without a directory of the server's they say what is missing."""
    database = app.extensions.get("ml_database")
    app.extensions["ml_jobs"] = None if database is None else Desk(settings, database)
    if database is not None:
        app.extensions.setdefault("ml_collectors", []).append(app.extensions["ml_jobs"])
    app.register_blueprint(jobs)
    app.register_blueprint(jobs, url_prefix="/api", name="jobs_twin")


@jobs.post("/predict/<model>/async")
def begin(model: str) -> Response:
    """Keep a request of `/predict` and answer it later."""
    head = Head(web.field, request.content_length or 0, g.request_id, request.remote_addr or "")
    objection = web.endpoint().objection(head)
    if objection is not None:
        raise objection
    desk = _desk()
    body = web.read_body()
    job = accept(
        body,
        head.content_type,
        model,
        service=web.service(),
        max_batch=web.settings().max_batch,
        request_id=g.request_id,
        now=time.time(),
    )
    desk.add(job, body)
    answer = web.encoded(told(job, _url(job), g.request_id), 202)
    answer.headers["Location"] = _url(job)
    return answer


@jobs.get("/task/<task_id>")
def look(task_id: str) -> Response:
    """Tell how far a job is, and what came of it."""
    web.endpoint().check_key(web.field("x-api-key"))
    job, answer, ahead = _desk().find(task_id)
    return web.encoded(told(job, _url(job), g.request_id, answer=answer, ahead=ahead))


@jobs.delete("/task/<task_id>")
def forget(task_id: str) -> Response:
    """Delete a job, be it done or not."""
    web.endpoint().check_key(web.field("x-api-key"))
    _desk().forget(task_id)
    return web.encoded(JobForgotten(task_id=task_id, request_id=g.request_id))


def _desk() -> Desk:
    desk: Desk | None = current_app.extensions["ml_jobs"]
    if desk is None:
        raise ForbiddenError("this server keeps no long jobs: have the operator set ML_STATE_DIR, or send /predict")
    return desk


def _url(job: Job) -> str:
    prefix = "/api" if request.path.startswith("/api/") else ""
    return f"{prefix}/task/{job.id}"
