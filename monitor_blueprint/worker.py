"""The monitor's gunicorn worker, which never shows or logs what a client sent that it could not read."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from serving.messages import Reply
from serving.worker import Worker as ServingWorker


class Worker(ServingWorker):
    """The worker, whose complaint about a broken request does not quote it: a token may be in it."""

    def refusal(self, status: int, why: str) -> Reply:
        """Answer with JSON, and log the kind of mistake only."""
        what = f"request could not be {'read' if status < HTTPStatus.INTERNAL_SERVER_ERROR else 'answered'}"
        self.log.warning("a %s: %s", what, why)
        body = msgspec.json.encode({"ok": False, "error": f"the {what}"})
        return Reply(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))], body)
