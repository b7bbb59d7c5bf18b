"""Whatever is sent to the API: it is answered, as the description says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor_blueprint import create_monitor
from monitor_blueprint.web.route import Route
from monitor_blueprint.web.routes import ROUTES
from tests.monitor_blueprint.running import TOKEN, configure
from tests.monitor_blueprint.web.asking import Api

DISK = '[[check]]\nname = "Disk"\nkind = "disk"\nwarning = 100\ncritical = 100\n'
# Near what is meant, and far from it.
MOMENTS = ("2026-01-01T00:00:00Z", "0001-01-01T00:00:00%2B14:00")
WORDS = ("Disk", "*", "open", "acked", "true", "0", "1", "60", "null", "[]", *MOMENTS)
TEXTS = st.sampled_from(WORDS) | st.text(max_size=20).map(lambda text: quote(text.encode("utf-8", "surrogatepass")))
PLACES = st.sampled_from(("1", "0", "9223372036854775807", "Disk", "Monitor")) | st.text(min_size=1, max_size=10).map(
    lambda text: quote(text.encode("utf-8", "surrogatepass"), safe="")
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
# These look at the machine, or send: once is enough of them, elsewhere.
TOUCHING = ("run", "run_check", "try_channels")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    folder: Path = tmp_path_factory.mktemp("monitor")
    app = create_monitor({"NEURONOVA_CONFIG": str(configure(folder, DISK)), "MONITOR_ADMIN_TOKEN": TOKEN})
    Api(app).post("/run")
    yield app
    own = app.extensions["neuronova_monitor"]
    own.store.close()
    own.log.close()


def fields(of: type[msgspec.Struct] | None) -> list[str]:
    return [] if of is None else [field.encode_name for field in msgspec.structs.fields(of)]


@given(data=st.data(), route=st.sampled_from([route for route in ROUTES if route.name not in TOUCHING]))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_everything_is_answered_as_described(app: Flask, data: Any, route: Route) -> None:
    path = re.sub(r"\{\w+\}", lambda _: data.draw(PLACES), route.path)
    keys = st.sampled_from([*fields(route.query), "unknown"])
    query = data.draw(st.lists(st.tuples(keys, TEXTS), max_size=3))
    options: dict[str, Any] = {}
    if route.body is not None:
        names = st.sampled_from([*fields(route.body), "unknown"])
        options["data"] = msgspec.json.encode(data.draw(st.dictionaries(names, VALUES, max_size=6) | VALUES))
        options["content_type"] = "application/json"
    answer = Api(app).send(route.method, f"{path}?{'&'.join('='.join(pair) for pair in query)}", **options)
    assert answer.status_code < 500
