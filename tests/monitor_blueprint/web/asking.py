"""The API as a client has it: each answer is held against the description."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import jsonschema
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from monitor_blueprint.web import openapi
from monitor_blueprint.web.routes import ROUTES
from tests.monitor_blueprint.running import TOKEN

PREFIX = "/api/v1"
_DOCUMENT: dict[str, Any] = json.loads(bytes(openapi.describe(PREFIX)))
_UNPRINTABLE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


def description() -> dict[str, Any]:
    return _DOCUMENT


class Api:
    """A client with a token, whose every answer must conform."""

    def __init__(self, app: Flask, token: str = TOKEN, prefix: str = "") -> None:
        self.app = app
        self.client: FlaskClient = app.test_client()
        self.prefix = f"{prefix}{PREFIX}"
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Any:
        return self.ask("GET", path, status, headers=headers)

    def post(self, path: str, body: object = None, status: int = 200, headers: Mapping[str, str] | None = None) -> Any:
        return self.ask("POST", path, status, json={} if body is None else body, headers=headers)

    def delete(self, path: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Any:
        return self.ask("DELETE", path, status, headers=headers)

    def ask(self, method: str, path: str, status: int, headers: Any = None, **options: Any) -> Any:
        answer = self.send(method, path, headers=headers, **options)
        assert answer.status_code == status, answer.text
        return answer.json

    def send(self, method: str, path: str, headers: Any = None, **options: Any) -> TestResponse:
        answer = self.client.open(f"{self.prefix}{path}", method=method, headers={**self.headers, **(headers or {})}, **options)
        if method != "HEAD":
            conforms(method, path, answer)
        return answer


def conforms(method: str, path: str, answer: TestResponse) -> None:
    """An answer is what the description says that it can be, and has nothing in it that a terminal obeys."""
    assert answer.mimetype == "application/json", answer.text
    assert not _UNPRINTABLE.search(answer.text)
    assert answer.text.isprintable() or answer.text.endswith("}\n")
    operation = _operation(method, path.partition("?")[0])
    if operation is None:
        schema = {"$ref": "#/components/schemas/Refusal"}
        assert answer.status_code >= 400
    else:
        schema = operation["responses"][str(answer.status_code)]["content"]["application/json"]["schema"]
    root = {**schema, "components": _DOCUMENT["components"]}
    validator = jsonschema.Draft202012Validator(root, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    validator.validate(answer.json)


def _operation(method: str, path: str) -> dict[str, Any] | None:
    for route in sorted(ROUTES, key=lambda route: -len(route.path)):
        pattern = re.sub(r"\\{name\\}", ".+", re.sub(r"\\{(number|id)\\}", r"\\d+", re.escape(route.path)))
        if route.method == method and re.fullmatch(pattern, path):
            found: dict[str, Any] = _DOCUMENT["paths"][route.path][method.lower()]
            return found
    return None
