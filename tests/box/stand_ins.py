"""Inside the box: a mail server on port 25 and a web server in the place of Slack; both write down what they get."""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

RECORDS = Path("/var/stand-ins")
_LOCK = threading.Lock()


def record(name: str, **what: object) -> None:
    """Append one record, whole, to the file of that name."""
    with _LOCK, (RECORDS / f"{name}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"at": time.time(), **what}) + "\n")


class Mailbox:
    """Accepts every mail."""

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Write the mail down."""
        record("mail", sender=envelope.mail_from, to=envelope.rcpt_tos, raw=envelope.content.decode("utf-8", "replace"))
        return "250 OK"


class Slack(BaseHTTPRequestHandler):
    """Accepts every message, as Slack's webhooks do."""

    def do_POST(self) -> None:
        """Write the message down."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        record("slack", path=self.path, **json.loads(body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


if __name__ == "__main__":
    mail = Controller(Mailbox(), hostname="127.0.0.1", port=25)
    mail.start()
    slack = ThreadingHTTPServer(("127.0.0.1", 8099), Slack)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    slack.serve_forever()
