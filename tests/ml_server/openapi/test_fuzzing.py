"""The document taken at its word by others: schemathesis asks a real gunicorn what it may ask, and what it may not."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ml_server.openapi.operations import OPERATIONS
from tests.ml_server.conftest import NAME, VERSION
from tests.ml_server.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# The document itself is where it was read.
ASKED = [operation for operation in OPERATIONS if operation.path != "/openapi.json"]
# What has no body and no parameters of its own cannot be asked wrongly.
REFUSABLE = [operation for operation in ASKED if operation.takes or any(each["in"] == "query" for each in operation.parameters)]
KNOWN = {"name": NAME, "model": NAME, "wanted": VERSION}
EXAMPLES = hypothesis_settings(
    max_examples=25, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = Server(tmp_path_factory.mktemp("server"), {"ML_STATE_DIR": str(tmp_path_factory.mktemp("state"))})
    server.report_with("READY")
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def schema(url: str) -> Any:
    return schemathesis.openapi.from_url(f"{url}/openapi.json")


def ids(operations: Any) -> list[str]:
    return [f"{operation.method} {operation.path}" for operation in operations]


def ask(schema: Any, operation: Any, mode: GenerationMode) -> None:
    """Ask many times; of a model that is there as often as of one that is not."""

    @EXAMPLES
    @given(case=schema[operation.path][operation.method.upper()].as_strategy(generation_mode=mode), is_known=st.booleans())
    def each(case: Any, is_known: bool) -> None:
        if is_known:
            case.path_parameters = {name: KNOWN.get(name, given) for name, given in case.path_parameters.items()}
        case.call_and_validate(checks=CHECKS)

    run: Callable[[], None] = each
    run()


@pytest.mark.parametrize("operation", ASKED, ids=ids(ASKED))
def test_what_may_be_asked_is_answered(schema: Any, operation: Any) -> None:
    ask(schema, operation, GenerationMode.POSITIVE)


@pytest.mark.parametrize("operation", REFUSABLE, ids=ids(REFUSABLE))
def test_what_may_not_is_refused(schema: Any, operation: Any) -> None:
    ask(schema, operation, GenerationMode.NEGATIVE)
