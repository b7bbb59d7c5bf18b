"""What a client is told of a long job."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from ml_server.storage.jobs import Job, State


class JobProgress(msgspec.Struct, frozen=True):
    """How many items of a long job are answered."""

    rows_done: int
    rows: int


class LongJob(msgspec.Struct, frozen=True, kw_only=True):
    """A long job: `result` is what `/predict` would have answered, with `http_status`, once it is done or failed.

    `ahead` are the jobs before one that is queued. Moments are in UTC; after `expires_at` the answer is deleted.
    """

    ok: bool = True
    task_id: str
    state: State
    status_url: str
    model_name: str
    model_version: str
    model_digest: str
    progress: JobProgress
    created_at: str
    started_at: str | None
    finished_at: str | None
    expires_at: str
    ahead: int | UnsetType = UNSET
    http_status: int | UnsetType = UNSET
    result: dict[str, Any] | msgspec.Raw | UnsetType = UNSET
    request_id: str


class JobForgotten(msgspec.Struct, frozen=True, kw_only=True):
    """That a long job is deleted."""

    ok: bool = True
    task_id: str
    request_id: str


def told(job: Job, url: str, request_id: str, *, answer: bytes | None = None, ahead: int = 0) -> LongJob:
    """Return what is told of a job that can be asked after at `url`."""
    return LongJob(
        task_id=job.id,
        state=job.state,
        status_url=url,
        model_name=job.model,
        model_version=job.version,
        model_digest=job.digest,
        progress=JobProgress(job.rows_done, job.rows),
        created_at=_moment(job.created),
        started_at=None if job.started is None else _moment(job.started),
        finished_at=None if job.finished is None else _moment(job.finished),
        expires_at=_moment(job.expires),
        ahead=ahead if job.state == "queued" else UNSET,
        http_status=UNSET if answer is None or job.status is None else job.status,
        result=UNSET if answer is None else msgspec.Raw(answer),
        request_id=request_id,
    )


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
