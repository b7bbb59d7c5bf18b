"""A model of ours behind another server of ours: the runtime `remote` speaks what `/v2` answers."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ml_server.card import Card
from tests.ml_server.conftest import NAME, VERSION, StartServer, edit_card

pytestmark = pytest.mark.slow


def test_server_asks_another_of_its_kind(start_server: StartServer, model_dir: Path, card: Card) -> None:
    """To the bit the same answers, single and in a batch."""
    behind = start_server()
    behind.report_with("READY")
    address = json.dumps({"url": behind.url, "model": NAME, "version": VERSION}).encode()
    directory = model_dir / NAME / VERSION
    (directory / "remote.json").write_bytes(address)
    edit_card(directory, runtime="remote", file="remote.json", sha256=hashlib.sha256(address).hexdigest())
    before = start_server(ML_MODEL_DIR=str(model_dir))
    before.report_with("READY")
    samples: list[dict[str, Any]] = [sample.features for sample in card.golden_samples]

    def answers(server: Any) -> list[Any]:
        batch = server.predict({"items": [{"features": features} for features in samples]}).json()["results"]
        single = [server.predict({"features": features}).json() for features in samples]
        return [(each["prediction"], each["predictions"], each["warnings"]) for each in (*batch, *single)]

    assert answers(before) == answers(behind)
    assert before.health().json() == {"ok": True, "status": "alive", "model_version": VERSION}
